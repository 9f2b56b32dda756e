/**
 * Whether an epoch's record is what the chain, the catalogue, the rules and the epochs before it make of it. Pure: whoever
 * holds these can repeat it, and need not trust whoever handed the records out.
 *
 * The rules are taken from the record: they are the owner's to choose. That they were chosen before the seed block was
 * known is more than a recomputation can show; core/epoch-history.ts tells where they changed.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Epoch, EpochSchema, RulesSchema } from "../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../gen/zipnet/v1/record_pb.js";
import { buildEpoch } from "./build-epoch.js";
import { decodeCatalogue } from "./catalogue.js";
import { violationsOf } from "./constraints.js";
import { type Difference, differencesBetween } from "./differences.js";
import { ZipnetError } from "./errors.js";
import { bytesToHex, sha256Hex } from "./hash.js";
import type { Block, VerifySignature } from "./ports.js";
import { recordSigningBytes } from "./signed-record.js";
import { millisOf } from "./timestamps.js";

/** What a record is checked with. */
export interface EpochEvidence {
  /** The hotkey that must have signed it. */
  readonly signer: string;
  readonly verify: VerifySignature;
  readonly network: string;
  readonly netuid: number;
  /** The first finalized block at or after the epoch's start, as the chain itself has it. */
  readonly seedBlock: Block;
  /** What was found under the catalogue's name; undefined when nothing was. */
  readonly catalogue: Uint8Array | undefined;
  /** The epochs before it, at least those of the cooldown that exist, their signatures checked. */
  readonly recentEpochs: readonly Epoch[];
}

/** The content of an epoch's record, its signature not looked at; undefined when there is none. */
export function epochIn(record: SignedRecord): Epoch | undefined {
  if (record.type !== EpochSchema.typeName) return undefined;
  try {
    return fromBinary(EpochSchema, record.payload);
  } catch {
    return undefined;
  }
}

/** Everything that is not as it must be; empty when the epoch is verified. */
export function epochDifferences(record: SignedRecord, evidence: EpochEvidence): Difference[] {
  const differences = signatureDifferences(record, evidence);
  const epoch = epochIn(record);
  if (epoch === undefined) {
    return [...differences, { field: "payload", expected: "an epoch", found: `${record.payload.length} other bytes` }];
  }
  differences.push(...catalogueDifferences(epoch, evidence.catalogue));
  const rebuilt = rebuild(epoch, evidence);
  if (!rebuilt.ok) return withViolations(epoch, [...differences, ...rebuilt.differences]);
  differences.push(...differencesBetween(EpochSchema, rebuilt.epoch, epoch));
  const bytes = toBinary(EpochSchema, rebuilt.epoch);
  if (differences.length === 0 && bytesToHex(bytes) !== bytesToHex(record.payload)) {
    const found = `${record.payload.length} bytes that say the same and more, or say it in another form`;
    differences.push({ field: "payload", expected: `${bytes.length} bytes`, found });
  }
  return withViolations(epoch, differences);
}

function signatureDifferences({ type, payload, signer, signature }: SignedRecord, evidence: EpochEvidence) {
  const differences: Difference[] = [];
  if (signer !== evidence.signer) {
    differences.push({ field: "signer", expected: evidence.signer, found: signer || "nobody" });
  }
  if (!evidence.verify(recordSigningBytes(type, payload), signature, signer)) {
    const found = "one that is not over these bytes: they were altered, or somebody else signed them";
    differences.push({ field: "signature", expected: `a signature of ${signer || "the server"}`, found });
  }
  return differences;
}

function catalogueDifferences(epoch: Epoch, catalogue: Uint8Array | undefined): Difference[] {
  const field = "catalogue_sha256";
  if (catalogue === undefined) {
    return [{ field, expected: `the catalogue ${epoch.catalogueSha256}, to draw from it`, found: "no such catalogue" }];
  }
  const sha256 = sha256Hex(catalogue);
  if (sha256 === epoch.catalogueSha256) return [];
  return [{ field, expected: epoch.catalogueSha256, found: `a catalogue with the SHA-256 ${sha256}` }];
}

type Rebuilt =
  { readonly ok: true; readonly epoch: Epoch } | { readonly ok: false; readonly differences: Difference[] };

/** The epoch as it must be. */
function rebuild(epoch: Epoch, { network, netuid, seedBlock, catalogue, recentEpochs }: EpochEvidence): Rebuilt {
  const startMs = millisOf(epoch.startTime);
  const lengthMs = lengthMsOf(recentEpochs[0] ?? epoch);
  const { rules, catalogueSha256 } = epoch;
  const isCatalogueRight = catalogue !== undefined && sha256Hex(catalogue) === catalogueSha256;
  // Without its catalogue or its rules an epoch cannot be drawn again; that they are missing is told by others.
  if (!isCatalogueRight || rules === undefined || violationsOf(RulesSchema, rules).length > 0) {
    return { ok: false, differences: seedDifferences(epoch, seedBlock) };
  }
  const isInGrid = lengthMs > 0 && lengthMs % 1000 === 0 && startMs % lengthMs === 0;
  if (!isInGrid) return { ok: false, differences: seedDifferences(epoch, seedBlock) };
  try {
    const built = buildEpoch({
      number: startMs / lengthMs,
      epochLengthSeconds: lengthMs / 1000,
      network,
      netuid,
      catalogue: decodeCatalogue(catalogue),
      catalogueSha256,
      rules,
      seedBlock,
      recentEpochs,
    });
    if (built.ok) return built;
    const found = `${epoch.zipCodes.length} zip codes`;
    return { ok: false, differences: [{ field: "zip_codes", expected: `none, because ${built.problem}`, found }] };
  } catch (error) {
    if (!(error instanceof ZipnetError)) throw error;
    const expected = "an epoch that can be computed again";
    return { ok: false, differences: [{ field: "epoch", expected, found: error.message }] };
  }
}

/** A deployment never changes the length of its epochs. */
function lengthMsOf({ startTime, closeTime }: Epoch): number {
  return millisOf(closeTime) - millisOf(startTime);
}

function seedDifferences({ seedBlock: found }: Epoch, { number, hash }: Block): Difference[] {
  if (found?.hash === hash) return [];
  return [{ field: "seed_block.hash", expected: `${hash} (block ${number})`, found: found?.hash ?? "nothing" }];
}

/** Adds the constraints that the epoch breaks, for fields that nothing is told of yet. */
function withViolations(epoch: Epoch, differences: readonly Difference[]): Difference[] {
  const told = new Set(differences.map(({ field }) => field));
  const violations = violationsOf(EpochSchema, epoch).filter(({ field }) => !told.has(field));
  return [
    ...differences,
    ...violations.map(({ field, description }) => {
      const [found = "", must = ""] = description.split(", but must ");
      return { field, expected: `to ${must}`, found };
    }),
  ];
}
