/**
 * The keeper: draws every epoch at its start and closes it after its end. Every replica runs one; there is no leader.
 */
import { ZipnetError } from "../../core/errors.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import type { StoredEpoch } from "../../rpc/epoch-log/epoch-log.js";
import { millisOf } from "../../core/timestamps.js";
import { extendedUntilMs } from "../extensions.js";
import type { ServerParts } from "../parts.js";
import { closeEpoch } from "./close-epoch.js";
import { drawEpoch } from "./draw-epoch.js";
import { type KeptEpoch, type Step, nextStep } from "./plan.js";
import { waitForSeedBlock } from "./seed.js";

/** What the keeper works with. */
export type KeeperParts = Pick<
  ServerParts,
  "catalogue" | "catalogues" | "chain" | "clock" | "deployment" | "epochs" | "log" | "objects" | "signer" | "verify"
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
  let done: Step | undefined;
  while (!signal.aborted) {
    try {
      const plan = await planStep(parts, undrawable);
      if (isSameStep(plan.step, done)) {
        throw new ZipnetError("UNAVAILABLE", "the record that was just written cannot be seen yet");
      }
      const isUndrawable = await takeStep(parts, plan, signal);
      if (isUndrawable) undrawable = plan.step.number;
      done = plan.step;
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      done = undefined;
      failures += 1;
      const waitMs = retryWaitMs(failures);
      const passing = error instanceof ZipnetError && error.reason === "UNAVAILABLE" && failures < 5;
      const facts = { event: "keeper_failed", err: error, failures, wait_ms: waitMs };
      const message = `keeping the epochs failed and is tried again in ${waitMs} ms: ${String(error)}`;
      log[passing ? "warn" : "error"](facts, message);
      await clock.sleepUntil(clock.now() + waitMs, signal).catch(() => {}); // Only the signal ends the sleep early.
    }
  }
}

/** A step, and the newest epochs that it was planned from. */
interface Plan {
  readonly step: Step;
  readonly newest: readonly StoredEpoch[];
}

function isSameStep(step: Step, other: Step | undefined): boolean {
  return step.kind === other?.kind && step.number === other.number;
}

async function planStep(parts: KeeperParts, undrawable: number): Promise<Plan> {
  const { clock, deployment, epochs } = parts;
  const { epochLengthSeconds, firstEpoch, rules, settleMs } = deployment;
  const newest = await epochs.list(2);
  const kept = await Promise.all(newest.map((stored) => keptEpoch(parts, stored)));
  // The cooldown needs its epochs; what is older than that, nobody misses.
  const planRules = { epochLengthSeconds, settleMs, firstEpoch, maxMissedEpochs: rules.cooldownEpochs + 2 };
  return { newest, step: nextStep({ newest: kept, undrawable }, clock.now(), planRules) };
}

/** Takes a step once its moment has come; whether it showed that the epoch has no draw. */
async function takeStep(parts: KeeperParts, { step, newest }: Plan, signal: AbortSignal): Promise<boolean> {
  const { chain, clock, deployment, log } = parts;
  const momentMs =
    step.kind === "draw" ? epochStartMs(step.number, deployment.epochLengthSeconds) : step.acceptedUntilMs;
  if (step.kind === "draw" && step.skipped > 0) {
    log.warn(
      { event: "epochs_skipped", count: step.skipped, next_number: step.number },
      `${step.skipped} epochs passed while no server ran and are left out; the record goes on with ${epochIdOf(momentMs)}`,
    );
  }
  await clock.sleepUntil(step.notBeforeMs, signal);
  const seedBlock = await waitForSeedBlock(chain, momentMs, signal);
  if (step.kind === "draw") return !(await drawEpoch(parts, step.number, seedBlock));
  const closing = newest.find(({ epoch }) => epoch.number === step.number);
  if (closing === undefined) throw new Error(`the plan closes epoch ${step.number}, which is not among the newest`);
  await closeEpoch(parts, closing, step.acceptedUntilMs, seedBlock);
  return false;
}

async function keptEpoch(parts: KeeperParts, { epoch }: StoredEpoch): Promise<KeptEpoch> {
  const hasSnapshot = (await parts.epochs.snapshot(epoch.id)) !== undefined;
  const extendedMs = hasSnapshot ? undefined : await extendedUntilMs(parts, parts.signer.hotkey, epoch.id);
  return { number: epoch.number, hasSnapshot, acceptedUntilMs: extendedMs ?? millisOf(epoch.closeTime) };
}
