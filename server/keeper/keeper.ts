/**
 * The keeper: draws every epoch at its start and closes it after its end. Every replica runs one; there is no leader.
 */
import { ZipnetError } from "../../core/errors.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import type { StoredEpoch } from "../../rpc/epoch-log.js";
import type { ServerParts } from "../parts.js";
import { closeEpoch } from "./close-epoch.js";
import { drawEpoch } from "./draw-epoch.js";
import { type PlanRules, type Step, nextStep } from "./plan.js";
import { waitForSeedBlock } from "./seed.js";

/** What the keeper works with. */
export type KeeperParts = Pick<
  ServerParts,
  "catalogue" | "chain" | "clock" | "deployment" | "epochs" | "log" | "objects" | "signer" | "verify"
>;

/** Waits between attempts: from the first, doubled each time, up to the last. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** How long to wait after so many failures in a row. */
export function retryWaitMs(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
}

/**
 * Keeps the epochs; resolves once the signal is aborted. After any failure it waits, looks at the records again and goes
 * on.
 */
export async function runKeeper(parts: KeeperParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts;
  let undrawable = -1;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const drawn = await takeStep(parts, undrawable, signal);
      undrawable = Math.max(undrawable, drawn.undrawable);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const waitMs = retryWaitMs(failures);
      const passing = error instanceof ZipnetError && error.reason === "UNAVAILABLE" && failures < 5;
      const facts = { event: "keeper_failed", err: error, failures, waitMs };
      log[passing ? "warn" : "error"](
        facts,
        `keeping the epochs failed and is tried again in ${waitMs} ms: ${String(error)}`,
      );
      await clock.sleepUntil(clock.now() + waitMs, signal).catch(() => {}); // Only the signal ends the sleep early.
    }
  }
}

/** Takes the next step; tells which epoch turned out to have no draw, -1 for none. */
async function takeStep(parts: KeeperParts, undrawable: number, signal: AbortSignal): Promise<{ undrawable: number }> {
  const { chain, clock, deployment, epochs, log } = parts;
  const newest = await epochs.list(2);
  const step = nextStep(
    { newest: await Promise.all(newest.map((stored) => keptEpoch(parts, stored))), undrawable },
    clock.now(),
    planRules(parts),
  );
  const momentMs = epochStartMs(step.kind === "draw" ? step.number : step.number + 1, deployment.epochLengthSeconds);
  if (step.kind === "draw" && step.skipped > 0) {
    log.warn(
      { event: "epochs_skipped", count: step.skipped, nextNumber: step.number },
      `${step.skipped} epochs passed while no server ran and are left out; the record goes on with ${epochIdOf(momentMs)}`,
    );
  }
  await clock.sleepUntil(step.notBeforeMs, signal);
  const seedBlock = await waitForSeedBlock(chain, momentMs, signal);
  return doStep(parts, step, newest, seedBlock);
}

async function doStep(
  parts: KeeperParts,
  step: Step,
  newest: readonly StoredEpoch[],
  seedBlock: Awaited<ReturnType<typeof waitForSeedBlock>>,
): Promise<{ undrawable: number }> {
  if (step.kind === "draw") {
    return { undrawable: (await drawEpoch(parts, step.number, seedBlock)) ? -1 : step.number };
  }
  const closing = newest.find(({ epoch }) => epoch.number === step.number);
  if (closing === undefined) throw new Error(`the plan closes epoch ${step.number}, which is not among the newest`);
  await closeEpoch(parts, closing, seedBlock);
  return { undrawable: -1 };
}

async function keptEpoch(
  { epochs }: KeeperParts,
  { epoch }: StoredEpoch,
): Promise<{ number: number; hasSnapshot: boolean }> {
  return { number: epoch.number, hasSnapshot: (await epochs.snapshot(epoch.id)) !== undefined };
}

function planRules({ deployment }: KeeperParts): PlanRules {
  const { epochLengthSeconds, rules, settleMs } = deployment;
  return { epochLengthSeconds, settleMs, maxMissedEpochs: rules.cooldownEpochs + 2 };
}
