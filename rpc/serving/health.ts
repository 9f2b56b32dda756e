/**
 * grpc.health.v1: serving until the process drains.
 */
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/health/v1/health_pb.js";
import { doorbellOf } from "../epoch-log/doorbell.js";

/** The health service of a process that serves the named services until `drain` is aborted. */
export function healthService(serviceNames: readonly string[], drain: AbortSignal): ServiceImpl<typeof Health> {
  const drained = doorbellOf(drain);
  // The empty name is the process as a whole.
  const known = new Set(["", ...serviceNames]);
  const statusNow = (): Status => (drain.aborted ? Status.NOT_SERVING : Status.SERVING);

  return {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError(`the service "${service}" is not known here`, Code.NotFound);
      return { status: statusNow() };
    },
    async *watch({ service }, context) {
      const told = known.has(service) ? statusNow() : Status.SERVICE_UNKNOWN;
      yield { status: told };
      await new Promise<void>((resolve) => {
        const stop = drained.ticket().onRing(resolve);
        const end = (): void => {
          stop();
          resolve();
        };
        if (context.signal.aborted) end();
        else context.signal.addEventListener("abort", end, { once: true });
      });
      // Ending the stream is what lets the process end; the client sees why in its last message.
      if (told === Status.SERVING && drain.aborted) yield { status: statusNow() };
    },
    list() {
      return { statuses: Object.fromEntries([...known].map((name) => [name, { status: statusNow() }])) };
    },
  };
}
