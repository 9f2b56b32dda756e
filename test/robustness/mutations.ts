/**
 * Ways to break a replica on purpose: each changes what its log of epochs answers, and breaks one promise. They show
 * that the checkers find what they are there for.
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { Clock, Signer } from "../../core/ports.js";
import { sealRecord } from "../../core/signed-record.js";
import { EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { EpochLogEvent, PlacedEvent, Ticket } from "../../rpc/epoch-log/epoch-log.js";
import type { RecordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import type { Promised } from "./violations.js";

/** What a mutation may use. */
export interface MutationParts {
  readonly epochs: RecordedEpochs;
  readonly clock: Clock;
  /** Signs records, as the server does. */
  readonly signer: Signer;
  /** Differs from process to process. */
  readonly instance: number;
}

/** A mutation. */
interface Mutation {
  /** The promise that it breaks. */
  readonly breaks: Promised;
  /** What is wrong, for the name of a test. */
  readonly what: string;
  change(parts: MutationParts): Partial<RecordedEpochs>;
}

/** Every second epoch is hit. */
const isHit = ({ revision }: PlacedEvent): boolean => revision % 4 === 0;

export const MUTATIONS = {
  "stale-read": {
    breaks: "ordered",
    what: "an epoch is read from a place that still has the one before",
    change: (parts) => eventsChanged(parts, (placed) => epochBefore(parts, placed.revision)),
  },
  repeat: {
    breaks: "unique",
    what: "an event is written twice",
    change: (parts) => ({
      async next(after) {
        const placed = await parts.epochs.next(after);
        if (placed === undefined || placed.revision % 2 === 0) return placed;
        const before = await parts.epochs.next(placed.revision - 2);
        return before?.revision === placed.revision - 1 ? { ...placed, event: before.event } : placed;
      },
    }),
  },
  torn: {
    breaks: "atomic",
    what: "an epoch comes without the last of its zip codes",
    change: (parts) => eventsChanged(parts, async ({ event }) => torn(event, parts.signer)),
  },
  "early-bookmark": {
    breaks: "bookmarkable",
    what: "tokens are one ahead of what is delivered",
    change: ({ epochs }) => ({
      async newestRevision(wanted = 0) {
        const newest = await epochs.newestRevision(wanted);
        return newest === undefined ? undefined : newest + 1;
      },
    }),
  },
  "memory-revisions": {
    breaks: "resumable",
    what: "revisions are counted by the process",
    change: ({ epochs, instance }) => renumbered(epochs, 2 + 2 * (instance % 16)),
  },
  skip: {
    breaks: "reliable",
    what: "an event is dropped",
    change: ({ epochs }) => ({
      async next(after) {
        const placed = await epochs.next(after);
        return placed !== undefined && isHit(placed) ? await epochs.next(placed.revision) : placed;
      },
    }),
  },
  forgetful: {
    breaks: "honest",
    what: "good tokens are refused as too old",
    change: ({ epochs }) => ({
      oldestRevision: async () => ((await epochs.newestRevision()) ?? 0) + 1,
    }),
  },
  "late-ticket": {
    breaks: "caught up",
    what: "the ticket is taken after reading",
    change: (parts) => ({ ticket: () => lateTicket(parts) }),
  },
} satisfies Record<string, Mutation>;

/** Name of a mutation. */
export type MutationName = keyof typeof MUTATIONS;

/** The log, changed. */
export function mutated(name: MutationName, parts: MutationParts): RecordedEpochs {
  const mutation: Mutation = MUTATIONS[name];
  const changed: Partial<Record<PropertyKey, unknown>> = mutation.change(parts);
  return new Proxy(parts.epochs, {
    get(target, property) {
      const value: unknown = changed[property] ?? Reflect.get(target, property);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Changes the content of the events that are hit; their places stay. */
function eventsChanged(
  { epochs }: MutationParts,
  change: (placed: PlacedEvent) => Promise<EpochLogEvent | undefined>,
): Partial<RecordedEpochs> {
  return {
    async next(after) {
      const placed = await epochs.next(after);
      if (placed === undefined || !isHit(placed)) return placed;
      return { ...placed, event: (await change(placed)) ?? placed.event };
    },
  };
}

async function epochBefore({ epochs }: MutationParts, revision: number): Promise<EpochLogEvent | undefined> {
  const before = await epochs.next(revision - 3);
  return before?.revision === revision - 2 ? before.event : undefined;
}

async function torn(event: EpochLogEvent, signer: Signer): Promise<EpochLogEvent> {
  if (event.kind !== "epoch") return event;
  const epoch = fromBinary(EpochSchema, event.record.payload);
  // The sum stays, so that nothing but the record itself can tell.
  const lost = epoch.zipCodes.pop();
  const last = epoch.zipCodes.at(-1);
  if (lost !== undefined && last !== undefined) last.expectedListings += lost.expectedListings;
  return { kind: "epoch", record: sealRecord(EpochSchema, epoch, signer) };
}

function renumbered(epochs: RecordedEpochs, offset: number): Partial<RecordedEpochs> {
  return {
    async newestRevision(wanted = 0) {
      const newest = await epochs.newestRevision(wanted - offset);
      return newest === undefined ? undefined : newest + offset;
    },
    oldestRevision: async () => (await epochs.oldestRevision()) + offset,
    async next(after) {
      const placed = await epochs.next(after - offset);
      return placed === undefined ? undefined : { ...placed, revision: placed.revision + offset };
    },
  };
}

/**
 * A careless reader loses the rings that come so soon after it has read. Longer than a run: whether it loses the very last
 * one would otherwise depend on when the run ends.
 */
const LATE_MS = 60_000;

function lateTicket({ epochs, clock }: MutationParts): Ticket {
  return {
    onRing(listener) {
      const stopped = new AbortController();
      const late = clock.sleepUntil(clock.now() + LATE_MS, stopped.signal).then(
        () => {
          const stop = epochs.ticket().onRing(listener);
          stopped.signal.addEventListener("abort", stop, { once: true });
        },
        () => {}, // Stopped before.
      );
      void late;
      return () => stopped.abort();
    },
  };
}
