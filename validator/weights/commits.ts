/**
 * Weights that were sent sealed, until the chain has opened them. A commit that the chain takes and never opens looks like
 * success from every side but one: the row does not change.
 */
import { z } from "zod";
import type { LocalState, Metagraph, UidWeight } from "../../core/ports.js";

const commitShape = z.object({
  epochId: z.string(),
  /** Block that holds it; undefined as long as nothing is known of its fate. */
  blockNumber: z.number().optional(),
  weights: z.array(z.object({ uid: z.number(), weightU16: z.number() })),
});

/** A commit of weights. */
export type SentCommit = z.infer<typeof commitShape>;

const KEY = "weights/commits";
/** Commits that are kept beyond those that wait for their epoch. */
const MORE_KEPT = 8;
/** Blocks behind the opening one until a commit counts as not opened. */
const PATIENCE_BLOCKS = 20;

/** Our commits as local state keeps them, oldest first. */
export async function readCommits(state: LocalState): Promise<readonly SentCommit[]> {
  const bytes = await state.read(KEY);
  return bytes === undefined ? [] : z.array(commitShape).parse(JSON.parse(new TextDecoder().decode(bytes)));
}

/** Adds a commit, or what is known by now of the last one. */
export async function noteCommit(
  state: LocalState,
  commit: SentCommit,
  { revealPeriodEpochs }: Pick<Metagraph, "revealPeriodEpochs">,
): Promise<void> {
  const before = (await readCommits(state)).slice(-(revealPeriodEpochs + MORE_KEPT));
  const last = before.at(-1);
  const isKnown = last?.blockNumber === undefined && last?.epochId === commit.epochId;
  const commits = [...(isKnown ? before.slice(0, -1) : before), commit];
  await state.write(KEY, new TextEncoder().encode(JSON.stringify(commits)));
}

/**
 * The newest commit that the chain should have opened by now, where its row shows neither that one nor a newer one;
 * undefined when all is well, and on a subnet without commit-reveal.
 */
export function unopenedCommit(
  commits: readonly SentCommit[],
  metagraph: Metagraph,
  hotkey: string,
): SentCommit | undefined {
  if (metagraph.revealPeriodEpochs === 0) return undefined;
  const due = commits.findLastIndex(
    (commit) => dueBlockOf(commit, metagraph) + PATIENCE_BLOCKS <= metagraph.block.number,
  );
  const shown = metagraph.neurons.find((neuron) => neuron.hotkey === hotkey)?.weights ?? [];
  return commits.slice(Math.max(due, 0)).some(({ weights }) => isSameRow(weights, shown)) ? undefined : commits[due];
}

/** When the chain opens a commit, as long as the tempo is the same: counted back from the epoch that comes next. */
function dueBlockOf({ blockNumber }: SentCommit, { nextEpochBlock, tempo, revealPeriodEpochs }: Metagraph): number {
  if (blockNumber === undefined) return Infinity;
  const epochsSince = Math.ceil((nextEpochBlock - blockNumber) / tempo);
  return nextEpochBlock - (epochsSince - revealPeriodEpochs) * tempo;
}

/** Zeros count for nothing, whether they stand there or not. */
function isSameRow(a: readonly UidWeight[], b: readonly UidWeight[]): boolean {
  const text = (row: readonly UidWeight[]): string =>
    row
      .filter(({ weightU16 }) => weightU16 > 0)
      .map(({ uid, weightU16 }) => `${uid}:${weightU16}`)
      .toSorted()
      .join();
  return text(a) === text(b);
}
