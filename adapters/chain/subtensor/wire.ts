/**
 * One connection to one endpoint. It is never mended: what breaks is closed, and the next one is opened elsewhere.
 */
import { WsProvider } from "@polkadot/api";
import { messageOf } from "../../../core/errors.js";
import type { Clock } from "../../../core/ports.js";
import type { RequestLimiter } from "./request-limiter.js";

/** The endpoint answered that it will not. */
export class RpcRefusal extends Error {
  override readonly name = "RpcRefusal";

  constructor(
    readonly method: string,
    /** JSON-RPC code, for example 1010 for a transaction that the pool does not take. */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** A connection. */
export interface Wire {
  readonly url: string;
  /** Aborted, with the reason, once the connection is over. */
  readonly ended: AbortSignal;
  /** Calls a method. Rejects with RpcRefusal where the endpoint refuses, with an Error where no answer comes in time. */
  call(method: string, params: readonly unknown[], signal: AbortSignal): Promise<unknown>;
  /** Hands over every finalized header that comes. */
  subscribeFinalized(listener: (header: unknown) => void, signal: AbortSignal): Promise<void>;
  close(reason: Error): void;
}

/** How calls are made. */
export interface WireOptions {
  readonly clock: Clock;
  readonly limiter: RequestLimiter;
  /** Longest time for a connection to be made, and for one call. */
  readonly callTimeoutMs: number;
}

/** Connects. Rejects with an Error where that does not work in time. */
export async function openWire(url: string, options: WireOptions, signal: AbortSignal): Promise<Wire> {
  const { clock, limiter, callTimeoutMs } = options;
  const provider = new WsProvider(url, false, {}, callTimeoutMs + 1_000, 0);
  const over = new AbortController();
  const close = (reason: Error): void => {
    over.abort(reason);
    provider.disconnect().catch(() => {});
  };
  provider.on("disconnected", () => over.abort(new Error(`the connection to ${url} is broken`)));
  // What is wrong shows in "disconnected", which follows.
  provider.on("error", () => {});
  const inTime = <T>(what: string, answer: Promise<T>, ended: AbortSignal): Promise<T> =>
    raceDeadline(answer, { what: `${what} at ${url}`, clock, timeoutMs: callTimeoutMs, signals: [ended, over.signal] });
  const connected = new Promise<void>((resolve) => {
    provider.on("connected", () => resolve());
  });
  try {
    await provider.connect();
    await inTime("the connection", connected, signal);
  } catch (error) {
    close(new Error("it was never open"));
    throw error;
  }

  async function ask<T>(method: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    await limiter.take(signal);
    over.signal.throwIfAborted();
    try {
      return await inTime(method, send(), signal);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code === "number") throw new RpcRefusal(method, code, messageOf(error));
      throw error;
    }
  }
  return {
    url,
    ended: over.signal,
    close,
    call: (method, params, signal) => ask(method, signal, () => provider.send<unknown>(method, [...params])),
    async subscribeFinalized(listener, signal) {
      await ask("chain_subscribeFinalizedHeads", signal, () =>
        provider.subscribe("chain_finalizedHead", "chain_subscribeFinalizedHeads", [], (error, header) => {
          if (error === null) listener(header);
        }),
      );
    },
  };
}

/** An answer, unless a deadline passes or a signal is aborted before it. */
async function raceDeadline<T>(
  answer: Promise<T>,
  limits: {
    readonly what: string;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signals: readonly AbortSignal[];
  },
): Promise<T> {
  const { what, clock, timeoutMs, signals } = limits;
  const done = new AbortController();
  const late = clock.sleepUntil(clock.now() + timeoutMs, done.signal).then(() => {
    throw new Error(`${what} did not come within ${timeoutMs} ms`);
  });
  const stopped = signals.map((signal) => rejection(signal, done.signal));
  try {
    return await Promise.race([answer, late, ...stopped]);
  } finally {
    done.abort();
  }
}

/** Rejects once a signal is aborted; forgotten once it is not needed any more. */
function rejection(signal: AbortSignal, forget: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    forget.addEventListener("abort", () => signal.removeEventListener("abort", abort), { once: true });
  });
}
