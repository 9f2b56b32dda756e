/** Constraints of Epoch in zipnet/v1/epoch.proto. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { AssignedZipCodeSchema, type Epoch, EpochSchema } from "../../gen/zipnet/v1/epoch_pb.js";
import { epochIdOf } from "../epoch-time.js";
import { ascending, every, hex, integer, list, moment, required, text } from "./combinators.js";
import { epochId, netuid, network, sha256, state, version, zipCode } from "./common.js";
import { constraintsOn, type CrossCheck } from "./message.js";
import { seedBlock } from "./record.js";
import { rules } from "./rules.js";
import { show, showTime } from "./show.js";

/** AssignedZipCode. */
export const assignedZipCode = constraintsOn(AssignedZipCodeSchema, {
  zipCode,
  expectedListings: integer(1, 1_000_000),
  state,
  place: text(0, 100),
});

const checkTimes: CrossCheck<Epoch> = (epoch, at, tell) => {
  if (epoch.startTime === undefined || epoch.closeTime === undefined) return;
  const startMs = timestampMs(epoch.startTime);
  const lengthMs = timestampMs(epoch.closeTime) - startMs;
  const start = showTime(epoch.startTime);
  if (lengthMs <= 0 || lengthMs > 86_400_000) {
    const must = `be 1 to 86,400 seconds after start_time, ${start}`;
    tell(at("close_time"), `is ${showTime(epoch.closeTime)}`, must);
  } else if (epoch.number * lengthMs !== startMs) {
    const must = `be start_time divided by the length, ${startMs / 1000} by ${lengthMs / 1000} seconds`;
    tell(at("number"), `is ${epoch.number}`, must);
  }
  if (Math.abs(startMs) <= 8.64e15 && epoch.id !== epochIdOf(startMs)) {
    tell(at("id"), `is ${show(epoch.id)}`, `be the start_time, "${epochIdOf(startMs)}"`);
  }
  if (lengthMs > 0 && epoch.rules !== undefined && epoch.rules.speedGraceMs > lengthMs) {
    tell(at("rules.speed_grace_ms"), `is ${epoch.rules.speedGraceMs}`, `be at most the epoch's length, ${lengthMs}`);
  }
  const blockTime = epoch.seedBlock?.time;
  if (blockTime !== undefined && timestampMs(blockTime) < startMs) {
    tell(at("seed_block.time"), `is ${showTime(blockTime)}`, `be at or after start_time, ${start}`);
  }
};

const checkSum: CrossCheck<Epoch> = (epoch, at, tell) => {
  const sum = epoch.zipCodes.reduce((total, entry) => total + entry.expectedListings, 0);
  if (epoch.expectedListings !== sum) {
    tell(
      at("expected_listings"),
      `is ${epoch.expectedListings}`,
      `be the sum of the zip codes' expected listings, ${sum}`,
    );
  }
  if (epoch.rules === undefined) return;
  const { targetListings: target, toleranceBps } = epoch.rules;
  if (Math.abs(epoch.expectedListings - target) * 10_000 > toleranceBps * target) {
    const must = `be within ${toleranceBps} basis points of the target, ${target}`;
    tell(at("expected_listings"), `is ${epoch.expectedListings}`, must);
  }
};

/** Epoch. */
export const epoch = constraintsOn(
  EpochSchema,
  {
    number: integer(0),
    id: epochId,
    network,
    netuid,
    startTime: required(moment("seconds")),
    closeTime: required(moment("seconds")),
    zipCodes: every(
      list(1, 100_000, assignedZipCode.check),
      ascending((entry) => entry.zipCode, "zip_code"),
    ),
    expectedListings: integer(1),
    nonce: hex(32),
    seedBlock: required(seedBlock.check),
    catalogueSha256: sha256,
    selectionVersion: version,
    rules: required(rules.check),
  },
  (message, at, tell) => {
    checkTimes(message, at, tell);
    checkSum(message, at, tell);
  },
);
