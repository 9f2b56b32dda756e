/**
 * Which faults a seed brings, and when: a pure function, so that a seed can be run again alone.
 */
import { sha256Of } from "../../core/hash.js";
import { type RandomSequence, randomSequence } from "../../core/random.js";

/** Faults of a server process: killed and started again, drained and started again, or held still. */
export const PROCESS_FAULTS = ["kill", "drain", "suspend"] as const;
/** Faults of the connections to a server: cut in mid-frame, held without a word, or slowed. */
export const NETWORK_FAULTS = ["cut", "black-hole", "slow"] as const;
/** Faults of Redis: emptied, killed and started again without its data, or held still. */
export const REDIS_FAULTS = ["redis-flush", "redis-kill", "redis-suspend"] as const;
/**
 * What followers do: die between dealing with an event and keeping its token, stop reading, or stay away until their
 * token is older than what is kept.
 */
export const FOLLOWER_FAULTS = ["crash", "stall", "away"] as const;

type ProcessFault = (typeof PROCESS_FAULTS)[number];
type NetworkFault = (typeof NETWORK_FAULTS)[number];
type RedisFault = (typeof REDIS_FAULTS)[number];
type FollowerFault = (typeof FOLLOWER_FAULTS)[number];

/** What goes wrong. */
export type FaultKind = ProcessFault | NetworkFault | RedisFault | FollowerFault;

/** A fault of a schedule. */
export type Fault = {
  /** Milliseconds after the start of the seed. */
  readonly atMs: number;
  /** Milliseconds until it is over; of a fault without length, until the process is started again. */
  readonly forMs: number;
} & (
  | { readonly kind: ProcessFault; readonly replica: number }
  /** Strikes this percentage of the connections, chosen by `salt`. */
  | { readonly kind: NetworkFault; readonly replica: number; readonly percent: number; readonly salt: number }
  | { readonly kind: RedisFault }
  /** Strikes this percentage of the followers, chosen by `salt`. */
  | { readonly kind: FollowerFault; readonly percent: number; readonly salt: number }
);

/** What schedules are made for. */
export interface SchedulePlan {
  readonly replicas: number;
  /** Length of a seed; every fault but those of LASTING is over before its end. */
  readonly windowMs: number;
  /** How long a follower must read nothing for its connection to be full. */
  readonly stallMs: number;
  /** How long a follower must stay away for its token to get too old. */
  readonly awayMs: number;
}

/** Faults that go on while the next seeds run. */
export const LASTING: ReadonlySet<FaultKind> = new Set<FaultKind>(["stall", "away"]);

/** Most faults of one seed, and fewest. */
const FAULTS = { least: 4, most: 8 };
/** Time before the end of a window in which no fault lasts. */
const REST_MS = 500;

const KINDS: readonly FaultKind[] = [...PROCESS_FAULTS, ...NETWORK_FAULTS, ...REDIS_FAULTS, ...FOLLOWER_FAULTS];

/** A sequence of its own for a purpose of a seed. */
export function seeded(seed: number, purpose: string): RandomSequence {
  return randomSequence(sha256Of(`zipnet-robustness\n${seed}\n${purpose}`));
}

/** The faults of a seed, by time. */
export function scheduleOf(seed: number, plan: SchedulePlan): Fault[] {
  const random = seeded(seed, "schedule");
  const count = FAULTS.least + random.below(FAULTS.most - FAULTS.least + 1);
  const faults = Array.from({ length: count }, () => faultOf(random, plan));
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

function faultOf(random: RandomSequence, { replicas, windowMs, stallMs, awayMs }: SchedulePlan): Fault {
  const kind = KINDS[random.below(KINDS.length)] ?? "cut";
  const atMs = random.below(windowMs / 2);
  const forMs = 100 + random.below(windowMs / 2 - REST_MS - 100);
  const when = { atMs, forMs };
  const some = { percent: 10 + random.below(91), salt: random.below(0x1_0000_0000) };
  switch (kind) {
    case "kill":
    case "drain":
    case "suspend":
      return { ...when, kind, replica: random.below(replicas) };
    case "cut":
    case "black-hole":
    case "slow":
      return { ...when, ...some, kind, replica: random.below(replicas) };
    case "redis-flush":
    case "redis-kill":
    case "redis-suspend":
      return { ...when, kind };
    case "crash":
      return { ...when, ...some, kind, percent: Math.ceil(some.percent / 3) };
    case "stall":
      return { ...some, atMs, forMs: stallMs, kind, percent: Math.ceil(some.percent / 5) };
    case "away":
      // Few, since whoever was away is excused from what it missed.
      return { ...some, atMs, forMs: awayMs, kind, percent: 5 };
  }
}

/** Whether the `index`-th of many is struck by a fault. */
export function isStruck(
  { percent, salt }: { readonly percent: number; readonly salt: number },
  index: number,
): boolean {
  return seeded(salt, `struck ${index}`).below(100) < percent;
}

/** A fault for people. */
export function faultName(fault: Fault): string {
  const where = "replica" in fault ? ` replica ${fault.replica}` : "";
  const whom = "percent" in fault ? `, ${fault.percent} percent` : "";
  return `${fault.kind}${where}${whom}, ${fault.forMs} ms`;
}
