/**
 * Announcing the relay on the chain, where miners look for it.
 */
import { ZipnetError } from "../../core/errors.js";
import type { Axon, Chain, Clock, Log, Signer } from "../../core/ports.js";
import { backoffMs } from "../../rpc/follower/backoff.js";

/** What announcing needs. */
export interface AnnounceOptions {
  readonly chain: Pick<Chain, "metagraph" | "serveAxon">;
  readonly signer: Signer;
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly log: Log;
}

/** Time to the next try after the chain has said no: it limits how often an address may change, by some ten minutes. */
export const REFUSED_PAUSE_MS = 600_000;

/**
 * Announces where the relay can be reached, unless the chain says so already; tries until that has worked or the signal
 * is aborted, and never rejects.
 */
export async function announceRelay(axon: Axon, options: AnnounceOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = options;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await announce(axon, options, signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, "the relay could not be announced on the chain; it is tried again");
      const isRefused = error instanceof ZipnetError && error.reason === "CHAIN_REJECTED";
      const pauseMs = isRefused ? REFUSED_PAUSE_MS : backoffMs(failures, random());
      await clock.sleepUntil(clock.now() + pauseMs, signal).catch(() => {});
    }
  }
}

async function announce(axon: Axon, { chain, signer, log }: AnnounceOptions, signal: AbortSignal): Promise<void> {
  const { ip, port } = axon;
  const { neurons } = await chain.metagraph(signal);
  const said = neurons.find(({ hotkey }) => hotkey === signer.hotkey)?.axon;
  if (said?.ip === ip && said.port === port) {
    log.info({ event: "relay_announced", ip, port }, `the chain announces the relay at ${ip}, port ${port}`);
    return;
  }
  const { blockNumber } = await chain.serveAxon(signer, axon, signal);
  const facts = { event: "relay_announced", ip, port, block: blockNumber };
  log.info(facts, `the chain announces the relay at ${ip}, port ${port}, from block ${blockNumber} on`);
}
