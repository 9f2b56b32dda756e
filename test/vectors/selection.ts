/** The test vectors of the draw: its cases with what core makes of them. */
import { create } from "@bufbuild/protobuf";
import { drawSeed, epochNonce } from "../../core/build-epoch.js";
import { drawZipCodes } from "../../core/draw/draw.js";
import { drawPool } from "../../core/draw/pool.js";
import { epochIdOf, epochStartMs } from "../../core/epoch-time.js";
import { bytesToHex, sha256Hex, utf8ToBytes } from "../../core/hash.js";
import { randomSequence } from "../../core/random.js";
import { defaultRules } from "../../core/rules.js";
import { type Catalogue, CatalogueSchema, type Rules, StateWeightSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { EPOCH_NUMBER, SELECTION_CASES, type SelectionCase, type SelectionRules } from "./selection-cases.js";

/** The file of the vectors, beside this one. */
export const VECTORS = new URL("selection.json", import.meta.url);

const LENGTH_SECONDS = 14_400;

function catalogueOf({ catalogue }: SelectionCase): Catalogue {
  if (!("count" in catalogue)) {
    const entries = catalogue.map(([zipCode, state, expectedListings]) => ({ zipCode, state, expectedListings }));
    return create(CatalogueSchema, { entries });
  }
  const { count, first, multiplier, modulus, offset, states } = catalogue;
  const entries = Array.from({ length: count }, (_, i) => ({
    zipCode: String(first + i).padStart(5, "0"),
    state: states[i % states.length] ?? "",
    expectedListings: ((i * multiplier) % modulus) + offset,
  }));
  return create(CatalogueSchema, { entries });
}

function rulesOf(rules: SelectionRules): Rules {
  return {
    ...defaultRules(LENGTH_SECONDS),
    targetListings: rules.target_listings,
    toleranceBps: rules.tolerance_bps,
    minExpectedListings: rules.min_expected_listings,
    maxExpectedListings: rules.max_expected_listings,
    cooldownEpochs: rules.cooldown_epochs,
    includeStates: [...rules.include_states],
    excludeStates: [...rules.exclude_states],
    stateWeights: Object.entries(rules.state_weights).map(([state, weightPercent]) =>
      create(StateWeightSchema, { state, weightPercent }),
    ),
  };
}

/** What is drawn from a case with the seed of a block. */
export function vectorOf(selection: SelectionCase) {
  const scope = {
    network: "finney",
    netuid: 46,
    epochId: epochIdOf(epochStartMs(EPOCH_NUMBER, LENGTH_SECONDS)),
    blockHash: sha256Hex(utf8ToBytes(selection.name)),
  };
  const seed = drawSeed(scope);
  const result = drawZipCodes({
    pool: drawPool(catalogueOf(selection), rulesOf(selection.rules)),
    number: EPOCH_NUMBER,
    lastDrawn: new Map(Object.entries(selection.last_drawn ?? {})),
    seed,
  });
  return {
    name: selection.name,
    epoch: {
      number: EPOCH_NUMBER,
      id: scope.epochId,
      network: scope.network,
      netuid: scope.netuid,
      block_hash: scope.blockHash,
    },
    rules: selection.rules,
    catalogue: selection.catalogue,
    last_drawn: selection.last_drawn ?? {},
    seed: bytesToHex(seed),
    nonce: epochNonce(scope),
    drawn: result.ok
      ? {
          zip_codes: result.zipCodes.map(({ zipCode }) => zipCode),
          expected_listings: result.expectedListings,
          attempts: result.attempts,
        }
      : null,
  };
}

/** The first numbers of the random sequence for a seed and a bound. */
function sequenceOf(seed: string, bound: number) {
  const random = randomSequence(utf8ToBytes(seed));
  return { seed, bound, numbers: Array.from({ length: 10 }, () => random.below(bound)) };
}

/** The content of the file, computed anew. */
export function selectionVectors() {
  return {
    random_sequence: [
      sequenceOf("zipnet", 4_294_967_296),
      sequenceOf("zipnet", 3_000_000_000),
      sequenceOf("", 6),
      sequenceOf("zipnet", 1),
    ],
    draws: SELECTION_CASES.map(vectorOf),
  };
}

/** The text of the file: a line for each vector. */
export function vectorsText({ random_sequence: sequences, draws }: ReturnType<typeof selectionVectors>): string {
  const lines = (items: readonly unknown[]): string => items.map((item) => `    ${JSON.stringify(item)}`).join(",\n");
  return `{\n  "random_sequence": [\n${lines(sequences)}\n  ],\n  "draws": [\n${lines(draws)}\n  ]\n}\n`;
}
