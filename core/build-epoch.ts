/**
 * An epoch from what anybody can read: the seed block, the catalogue, the rules and the epochs before it.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Catalogue, type Epoch, EpochSchema, type Rules } from "../gen/zipnet/v1/epoch_pb.js";
import { assertValid } from "./constraints.js";
import { SELECTION_VERSION, drawZipCodes } from "./draw/draw.js";
import { type LastDrawn, drawPool } from "./draw/pool.js";
import { epochIdOf, epochStartMs } from "./epoch-time.js";
import { bytesToHex, sha256Of } from "./hash.js";
import type { Block } from "./ports.js";

/** What an epoch is made of. */
export interface EpochInput {
  readonly number: number;
  readonly epochLengthSeconds: number;
  readonly network: string;
  readonly netuid: number;
  readonly catalogue: Catalogue;
  /** Name of the catalogue, 64 lower-case hexadecimal digits. */
  readonly catalogueSha256: string;
  readonly rules: Rules;
  /** The first finalized block at or after the epoch's start. */
  readonly seedBlock: Block;
  /** At least the epochs of the cooldown that exist; others do no harm. */
  readonly recentEpochs: readonly Epoch[];
}

/** What an epoch's secrets-until-the-start are derived from. */
export interface SeedScope {
  readonly network: string;
  readonly netuid: number;
  readonly epochId: string;
  /** Hash of the seed block, 64 lower-case hexadecimal digits. */
  readonly blockHash: string;
}

/**
 * Seed of the draw, 32 bytes: SHA-256 of the ASCII text "zipnet-draw-v1", network, netuid in decimal, epoch id and the
 * seed block's hash in hexadecimal, with a line feed between each two.
 */
export function drawSeed(scope: SeedScope): Uint8Array {
  return seedFor(SELECTION_VERSION, scope);
}

/** The epoch's nonce: the first 16 bytes in hexadecimal of what drawSeed would be with "zipnet-nonce-v1" in front. */
export function epochNonce(scope: SeedScope): string {
  return bytesToHex(seedFor("zipnet-nonce-v1", scope).subarray(0, 16));
}

function seedFor(purpose: string, { network, netuid, epochId, blockHash }: SeedScope): Uint8Array {
  return sha256Of([purpose, network, String(netuid), epochId, blockHash].join("\n"));
}

/** When each zip code of the epochs before epoch `number` was drawn last. */
export function lastDrawnBefore(number: number, recentEpochs: readonly Epoch[]): LastDrawn {
  const lastDrawn = new Map<string, number>();
  for (const epoch of recentEpochs) {
    if (epoch.number >= number) continue;
    for (const { zipCode } of epoch.zipCodes) {
      lastDrawn.set(zipCode, Math.max(epoch.number, lastDrawn.get(zipCode) ?? 0));
    }
  }
  return lastDrawn;
}

/**
 * The epoch, or the problem that keeps it from being drawn: which rule to change, and by how much. The same input makes
 * the same epoch, whatever the order of the catalogue's entries and of the recent epochs. Throws InvalidFieldsError
 * when the input makes no valid epoch otherwise, for example for a seed block before the start.
 */
export function buildEpoch(input: EpochInput): { ok: true; epoch: Epoch } | { ok: false; problem: string } {
  const { number, network, netuid, rules, seedBlock } = input;
  const startMs = epochStartMs(number, input.epochLengthSeconds);
  const scope = { network, netuid, epochId: epochIdOf(startMs), blockHash: seedBlock.hash };
  const drawn = drawZipCodes({
    pool: drawPool(input.catalogue, rules),
    number,
    lastDrawn: lastDrawnBefore(number, input.recentEpochs),
    seed: drawSeed(scope),
  });
  if (!drawn.ok) return { ok: false, problem: drawn.explain() };
  const epoch = create(EpochSchema, {
    number,
    id: scope.epochId,
    network,
    netuid,
    startTime: timestampFromMs(startMs),
    closeTime: timestampFromMs(epochStartMs(number + 1, input.epochLengthSeconds)),
    zipCodes: drawn.zipCodes.map(({ zipCode, expectedListings, state, place }) => ({
      zipCode,
      expectedListings,
      state,
      place,
    })),
    expectedListings: drawn.expectedListings,
    nonce: epochNonce(scope),
    seedBlock: { number: seedBlock.number, hash: seedBlock.hash, time: timestampFromMs(seedBlock.timeMs) },
    catalogueSha256: input.catalogueSha256,
    selectionVersion: SELECTION_VERSION,
    rules,
  });
  assertValid(EpochSchema, epoch);
  return { ok: true, epoch };
}
