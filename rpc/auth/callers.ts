/**
 * Who calls: the roles of a hotkey by the metagraph, and the caller of the call at hand.
 */
import { type HandlerContext, createContextKey } from "@connectrpc/connect";
import type { Chain, Clock, Metagraph } from "../../core/ports.js";
import type { Role } from "./roles.js";

/** Knows the roles of hotkeys. */
export interface CallerDirectory {
  /** Roles of a hotkey; empty when it is not registered. Rejects with UNAVAILABLE when nothing recent is known. */
  rolesOf(hotkey: string): Promise<readonly Role[]>;
  /** The same where the answer is at hand, without a promise for each of thousands of calls a second. */
  knownRolesOf?(hotkey: string): readonly Role[] | undefined;
  /** The coldkey that owns a hotkey whose roles were asked for; undefined for one that is not registered. */
  coldkeyOf?(hotkey: string): string | undefined;
  /** Why a hotkey whose roles were asked for is no validator, in one clause for people. */
  whyNoValidator?(hotkey: string): string;
}

/** Whoever made the call at hand. */
export interface Caller {
  /** SS58 address, prefix 42. */
  readonly hotkey: string;
  /** At least one, but where anyone may call. */
  readonly roles: readonly Role[];
  /** The coldkey that owns the hotkey. Empty where none is known, as for the owner's hotkey while it is not registered. */
  readonly coldkey: string;
  /** Signed calls of the hotkey in this minute of the clock, this one included. 0 without roles. */
  readonly callsThisMinute: number;
  /** Those that it may make. 0 without roles. */
  readonly maxCallsPerMinute: number;
}

/** Where the auth interceptor leaves the caller for handlers. */
export const callerKey = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/** The caller, inside the handler of a procedure that asks for a signature. Throws in any other. */
export function callerOf(context: Pick<HandlerContext, "values" | "method">): Caller {
  const caller = context.values.get(callerKey);
  if (caller === undefined) throw new Error(`${context.method.name} was called without a checked signature`);
  return caller;
}

/** How old a metagraph may get while the chain is out of reach. After that, calls are refused with UNAVAILABLE. */
export const MAX_STALE_MS = 3_600_000;

/** A metagraph that was read. */
interface Held {
  readonly metagraph: Metagraph;
  readonly roles: ReadonlyMap<string, readonly Role[]>;
  readonly coldkeys: ReadonlyMap<string, string>;
  readonly readMs: number;
}

/**
 * A directory by the metagraph at a finalized block. A validator has a permit and at least the stake; a miner is any
 * registered hotkey; the owner is the subnet owner's hotkey.
 *
 * The metagraph is read at most once per maxAgeMs, by one request at a time. While it is read again, and while the
 * chain is out of reach, whoever is known by the old one is served by it, up to MAX_STALE_MS; whoever is not known by
 * it waits for the new one, because a registration is what people try out right after making it.
 */
export function metagraphDirectory(options: {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly minValidatorStakeRao: bigint;
  readonly signal: AbortSignal;
}): CallerDirectory {
  const { chain, clock, signal } = options;
  let held: Held | undefined;
  let reading: Promise<Held> | undefined;

  function readAgain(): Promise<Held> {
    reading ??= chain
      .metagraph(signal)
      .then((metagraph) => {
        const coldkeys = new Map(metagraph.neurons.map(({ hotkey, coldkey }) => [hotkey, coldkey]));
        held = { metagraph, roles: rolesIn(metagraph, options), coldkeys, readMs: clock.now() };
        return held;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  return {
    async rolesOf(hotkey) {
      const ageMs = held === undefined ? Infinity : clock.now() - held.readMs;
      if (held === undefined || ageMs > MAX_STALE_MS) return rolesOfIn(await readAgain(), hotkey);
      const roles = rolesOfIn(held, hotkey);
      if (ageMs <= options.maxAgeMs) return roles;
      const fresh = readAgain();
      if (roles.length === 0) return rolesOfIn(await fresh, hotkey);
      fresh.catch(() => {}); // The next call tries again, and the age limit ends this.
      return roles;
    },
    knownRolesOf(hotkey) {
      return held === undefined || clock.now() - held.readMs > options.maxAgeMs ? undefined : held.roles.get(hotkey);
    },
    coldkeyOf: (hotkey) => held?.coldkeys.get(hotkey),
    whyNoValidator(hotkey) {
      const neuron = held?.metagraph.neurons.find((candidate) => candidate.hotkey === hotkey);
      const permit = neuron?.validatorPermit === true ? "a validator permit" : "no validator permit";
      const least = taoText(options.minValidatorStakeRao);
      return `it has ${taoText(neuron?.stakeRao ?? 0n)} of stake and ${permit}, but needs ${least} and a permit`;
    },
  };
}

const RAO_PER_TAO = 1_000_000_000n;

/** Stake as people count it, rounded down to whole TAO. */
function taoText(stakeRao: bigint): string {
  return `${stakeRao / RAO_PER_TAO} TAO`;
}

/** Everybody's roles, worked out once per metagraph: they are asked for with every call. */
function rolesIn(metagraph: Metagraph, rule: { readonly minValidatorStakeRao: bigint }): ReadonlyMap<string, Role[]> {
  const roles = new Map<string, Role[]>();
  for (const { hotkey, validatorPermit, stakeRao } of metagraph.neurons) {
    roles.set(hotkey, validatorPermit && stakeRao >= rule.minValidatorStakeRao ? ["miner", "validator"] : ["miner"]);
  }
  roles.set(metagraph.ownerHotkey, [...(roles.get(metagraph.ownerHotkey) ?? []), "owner"]);
  return roles;
}

function rolesOfIn({ roles }: Held, hotkey: string): readonly Role[] {
  return roles.get(hotkey) ?? NO_ROLES;
}

const NO_ROLES: readonly Role[] = [];
