/** A world whose epochs are judged: validators report on each of them, for tests of calibrating. */
import { type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { epochIdOf } from "../../core/epoch-time.js";
import { choiceKey, epochKey, reportKey, settlementKey, snapshotKey } from "../../core/object-keys.js";
import type { Signer } from "../../core/ports.js";
import { decodeRecord, encodeRecord, openRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { CatalogueChoiceSchema, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import { type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { FIRST_EPOCH, type KeeperWorld, LENGTH_SECONDS } from "../keeper/world.test-support.js";
import { validatorNeuron } from "../scripted-chain.test-support.js";

/** Settled epochs per catalogue. */
export const EVERY = 3;
/** The first epoch that can be drawn from a calibrated catalogue: the third after the last of those it learned from. */
export const CALIBRATED_EPOCH = FIRST_EPOCH + EVERY + 3;
/** Id of an epoch. */
export const idOf = (number: number): string => epochIdOf(number * LENGTH_SECONDS * 1000);

function opened<Desc extends DescMessage>(world: KeeperWorld, schema: Desc, key: string): MessageShape<Desc> {
  const bytes = world.store.content.get(key);
  if (bytes === undefined) throw new Error(`${key} is not stored`);
  return openRecord(schema, decodeRecord(bytes), verifySr25519, signerFromUri("//Server").hotkey);
}

/** The record of an epoch. */
export const epochOf = (world: KeeperWorld, number: number) => opened(world, EpochSchema, epochKey(idOf(number)));
/** The choice for an epoch. */
export const choiceOf = (world: KeeperWorld, number: number) =>
  opened(world, CatalogueChoiceSchema, choiceKey(idOf(number)));
/** The settlement of an epoch. */
export const settlementOf = (world: KeeperWorld, number: number) =>
  opened(world, SettlementSchema, settlementKey(idOf(number)));
/** Whether an object is there. */
export const has = (world: KeeperWorld, key: string): boolean => world.store.content.has(key);

/** A validator's report on an epoch, in which every zip code holds so many listings. */
export function reportOn(epoch: Epoch, signer: Signer, listings: number, snapshotSha256: string): SignedRecord {
  const { id: epochId, network, netuid } = epoch;
  const zipCodes = epoch.zipCodes.map(({ zipCode }) => ({
    zipCode,
    lowerMedianListings: listings,
    upperMedianListings: listings,
    miners: 3,
  }));
  const table = { epochId, snapshotSha256, scoringVersion: "zipnet-score-v1", scores: [], weights: [], zipCodes };
  const judged = { validator: signer.hotkey, judgedTime: timestampFromMs(0), softwareVersion: "0.1.0", table };
  return sealRecord(ReportSchema, { epochId, network, netuid, ...judged }, signer);
}

/** Lets validators report on every epoch as soon as it is closed, and runs until the condition holds. */
export async function runJudged(
  world: KeeperWorld,
  listingsOf: Readonly<Record<string, number>>,
  condition: () => boolean,
): Promise<void> {
  world.chain.neurons = Object.keys(listingsOf).map((uri, uid) => validatorNeuron(uid, signerFromUri(uri).hotkey));
  let next = FIRST_EPOCH;
  await world.runUntil(() => {
    for (; has(world, snapshotKey(idOf(next))); next += 1) {
      const snapshot = decodeRecord(world.store.content.get(snapshotKey(idOf(next))) ?? new Uint8Array());
      for (const [uri, listings] of Object.entries(listingsOf)) {
        const validator = signerFromUri(uri);
        const report = reportOn(epochOf(world, next), validator, listings, payloadSha256(snapshot));
        world.store.content.set(reportKey(idOf(next), validator.hotkey), encodeRecord(report));
      }
    }
    return condition();
  });
}
