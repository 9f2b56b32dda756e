/**
 * The demo's end: what everybody got, and whether it is what they should get.
 */
import { systemClock } from "../../adapters/clock/system-clock.js";
import type { Neuron, Signer } from "../../core/ports.js";
import { createClients } from "../../rpc/client/client.js";
import { type Cast, type EpochResult, epochProblems } from "./checks.js";
import { compareUploads, readJudgement } from "./gather.js";
import { MINERS, type NetworkPlan, VALIDATORS } from "./network.js";
import type { Screen } from "./screen.js";
import { keyOf } from "./setup.js";
import { epochTable } from "./tables.js";
import { verdictProblems, verifiedEpoch } from "./verified.js";

/** Where the results are read from. */
export interface Sources {
  readonly serverUrl: string;
  readonly serverHotkey: string;
  readonly plan: Pick<NetworkPlan, "chain" | "ports">;
  readonly siteUrl: string;
  readonly keys: ReadonlyMap<string, Signer>;
}

function castOf(keys: ReadonlyMap<string, Signer>): Cast {
  const hotkeysOf = (names: readonly string[]): string[] => names.map((name) => keyOf(keys, name).hotkey);
  return {
    honest: hotkeysOf(MINERS.filter(({ honest }) => honest).map(({ name }) => name)),
    liars: hotkeysOf(MINERS.filter(({ honest }) => !honest).map(({ name }) => name)),
    validators: hotkeysOf(VALIDATORS),
  };
}

/**
 * Reads, checks and prints the results.
 *
 * @param neurons the chain's neurons after each epoch's consensus.
 * Resolves with every problem that it found, each printed.
 */
export async function showOutcome(
  epochIds: readonly string[],
  neurons: readonly (readonly Neuron[])[],
  sources: Sources,
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { keys, serverHotkey, serverUrl, siteUrl } = sources;
  const cast = castOf(keys);
  const nameOf = (hotkey: string): string => [...keys].find(([, key]) => key.hotkey === hotkey)?.[0] ?? hotkey;
  // A validator may read what was uploaded.
  const clients = createClients(
    { url: serverUrl, hotkey: serverHotkey },
    { signer: keyOf(keys, "validator-1"), network: "local", netuid: 1, clock: systemClock },
  );
  const problems: string[] = [];
  try {
    for (const [index, epochId] of epochIds.entries()) {
      const judgement = await readJudgement(clients, epochId, serverHotkey);
      const result: EpochResult = { ...judgement, neurons: neurons[index] ?? [] };
      screen.print(["", epochTable(result, nameOf, `epoch ${index + 1} of ${epochIds.length}  ${epochId}`)]);
      const found = epochProblems(result, cast);
      let rows = 0;
      for (const hotkey of cast.honest) {
        const uploads = await compareUploads(clients, epochId, hotkey, siteUrl, signal);
        rows += uploads.rows;
        if (uploads.different.length > 0) {
          const examples = uploads.different.slice(0, 3).join(", ");
          found.push(`${uploads.different.length} rows of ${nameOf(hotkey)} differ from the site: ${examples}`);
        }
      }
      const verdict = await verifiedEpoch(epochId, clients, sources, signal);
      found.push(...verdictProblems(verdict));
      const { seedBlock } = judgement.epoch;
      const isVerified = verdict.differences.length === 0;
      screen.print([
        `the honest miners uploaded ${rows} listings; each was compared with the site, field for field`,
        isVerified
          ? `VERIFIED: block ${seedBlock?.number} of the chain, the catalogue and the rules give the same draw once more`
          : "NOT verified: the chain, catalogue and rules give another epoch",
      ]);
      problems.push(...found.map((problem) => `${epochId}: ${problem}`));
    }
  } finally {
    clients.close();
  }
  screen.print(["", ...verdictLines(problems)]);
  return problems;
}

function verdictLines(problems: readonly string[]): string[] {
  if (problems.length === 0) {
    return [
      "All is as it should be: every draw met its target, every epoch is VERIFIED from the chain, the validators' score",
      "tables are equal byte for byte, their weights are equal, the listings equal the site's, and whoever made listings",
      "up has nothing.",
    ];
  }
  return ["NOT as it should be:", ...problems.map((problem) => `  - ${problem}`)];
}
