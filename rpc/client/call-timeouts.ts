/**
 * Timeouts of calls, so that a long one does not turn into none or into one that is over at once.
 */
import type { Interceptor, Transport } from "@connectrpc/connect";

/** Node's timers count in 31 bits: anything longer would fire at once. Servers refuse longer ones, too. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Units of the grpc-timeout header, which has room for eight digits. */
const UNITS = [
  ["m", 1],
  ["S", 1_000],
  ["M", 60_000],
  ["H", 3_600_000],
] as const;

/** A timeout as grpc-timeout says it, rounded down. timeoutMs: 0 to MAX_TIMEOUT_MS. */
function headerOf(timeoutMs: number): string {
  const [unit, factor] = UNITS.find(([, ms]) => timeoutMs / ms < 1e8) ?? UNITS[3];
  return `${Math.floor(timeoutMs / factor)}${unit}`;
}

/** Corrects the header, which transports write in milliseconds whatever their number. */
export const timeoutHeader: Interceptor = (next) => (request) => {
  const timeoutMs = /^(\d+)m$/.exec(request.header.get("grpc-timeout") ?? "")?.[1];
  if (timeoutMs !== undefined) request.header.set("grpc-timeout", headerOf(Number(timeoutMs)));
  return next(request);
};

/**
 * A transport whose calls with one answer have a timeout when they are given none, and whose streams have none then. A
 * timeout that is longer than a timer can be is none.
 */
export function withTimeouts(transport: Transport, unaryTimeoutMs: number): Transport {
  const possible = (timeoutMs: number | undefined): number | undefined =>
    timeoutMs !== undefined && timeoutMs > MAX_TIMEOUT_MS ? undefined : timeoutMs;
  return {
    unary: (method, signal, timeoutMs, header, input, contextValues) =>
      transport.unary(method, signal, possible(timeoutMs ?? unaryTimeoutMs), header, input, contextValues),
    stream: (method, signal, timeoutMs, header, input, contextValues) =>
      transport.stream(method, signal, possible(timeoutMs), header, input, contextValues),
  };
}
