/** A real HAProxy on loopback, with the configuration that deployments use. */
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { freePort, missingReason, programGroup, waitUntil } from "./programs.js";

/** The configuration file. */
export const HAPROXY_CONFIG = fileURLToPath(new URL("../../deploy/haproxy/haproxy.cfg", import.meta.url));

/** What the balancer knows of one replica. */
export interface BalancedReplica {
  /** "replica-1" and so on, in the order given. */
  readonly name: string;
  /** Whether it gets new streams, by its own word. */
  readonly up: boolean;
  /** Calls and streams that are open through the balancer. */
  readonly open: number;
}

/** A running part. */
export interface StartedHaproxy {
  /** http://127.0.0.1:port, cleartext, HTTP/1.1 and HTTP/2. */
  readonly url: string;
  /** Where it tells of itself: /stats, /metrics, /alive. */
  readonly statusUrl: string;
  /** The replicas as it sees them now. */
  replicas(): Promise<readonly BalancedReplica[]>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
}

/** Why no HAProxy can be started here; undefined when one can. */
export function haproxyMissing(): string | undefined {
  return missingReason(["haproxy"], "haproxy");
}

/** Where a balancer on this machine listens, and what it takes. */
export interface HaproxyPlace {
  readonly listen: number;
  readonly status: number;
  /** Default 2000. Each is two file descriptors, of which a machine for tests may allow few. */
  readonly maxConnections?: number;
}

/** The environment that the configuration takes on one machine, with three replicas by their ports of 127.0.0.1. */
export function haproxyVariables(
  replicaPorts: readonly [number, number, number],
  { listen, status, maxConnections = 2_000 }: HaproxyPlace,
): Record<string, string> {
  const at = (port: number): string => `127.0.0.1:${port}`;
  const [first, second, third] = replicaPorts;
  return {
    LB_BIND: at(listen),
    LB_STATUS_BIND: at(status),
    LB_MAX_CONNECTIONS: String(maxConnections),
    REPLICA_1: at(first),
    REPLICA_2: at(second),
    REPLICA_3: at(third),
  };
}

/** Starts a balancer on the port, 0 for any free one; `missing` says why it cannot. The replicas need not run yet. */
export async function startHaproxy(
  replicaPorts: readonly [number, number, number],
  { port = 0, maxConnections }: { readonly port?: number; readonly maxConnections?: number } = {},
): Promise<StartedHaproxy | { readonly missing: string }> {
  const missing = haproxyMissing();
  if (missing !== undefined) return { missing };
  const group = programGroup("haproxy");
  try {
    const ports = { listen: port === 0 ? await freePort() : port, status: await freePort() };
    const place = { ...ports, ...(maxConnections === undefined ? {} : { maxConnections }) };
    group.start("haproxy", ["-db", "-f", HAPROXY_CONFIG], haproxyVariables(replicaPorts, place));
    const statusUrl = `http://127.0.0.1:${ports.status}`;
    await waitUntil(`HAProxy on port ${ports.listen}`, 10_000, async () => {
      const ended = group.ended();
      if (ended.length > 0) throw new Error(ended.join("; "));
      return (await fetch(`${statusUrl}/alive`)).ok;
    });
    return {
      url: `http://127.0.0.1:${ports.listen}`,
      statusUrl,
      replicas: () => readReplicas(statusUrl),
      stop: () => group.stop(),
    };
  } catch (error) {
    await group.stop();
    throw error;
  }
}

async function readReplicas(statusUrl: string): Promise<readonly BalancedReplica[]> {
  const text = await (await fetch(`${statusUrl}/stats;csv`)).text();
  const rows: Record<string, string>[] = parse(text.replace(/^# /, ""), { columns: true, relax_column_count: true });
  return rows
    .filter(({ pxname, svname }) => pxname === "replicas" && svname !== "BACKEND")
    .map(({ svname = "", status = "", scur = "" }) => ({
      name: svname,
      up: status.startsWith("UP"),
      open: Number(scur),
    }));
}
