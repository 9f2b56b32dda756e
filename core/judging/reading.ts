/**
 * Which submissions of a closed epoch validators read, where the rules do not have them read all: a limit to what a
 * validator downloads, and the store gives out.
 */
import type { Epoch, Rules } from "../../gen/zipnet/v1/epoch_pb.js";
import type { Receipt } from "../../gen/zipnet/v1/submission_pb.js";
import { sha256Of } from "../hash.js";
import { randomSequence, shuffled } from "../random.js";
import { millisOf } from "../timestamps.js";
import { byText } from "./apportion.js";
import { byScore, weighedBps } from "./candidates.js";
import { speedBps } from "./speed.js";

/** Name of the choice's algorithm; part of its seed. */
const READING_VERSION = "zipnet-reading-v1";

/**
 * Hotkeys whose submissions are read: the best rules.read_miners by what their receipts claim, and
 * rules.read_sample_miners more, drawn from the others. It follows from the snapshot alone, so it is the same for every
 * validator and for the server, and the seed did not exist while submissions were taken.
 *
 * A receipt claims its speed and the part of the zip codes that it has an object for, by the rules' weights for speed and
 * volume. Ties go by the hash that also breaks the ties of scores.
 *
 * @param seedBlockHash hash of the snapshot's seed block, hexadecimal.
 */
export function submissionsToRead(
  epoch: Epoch,
  rules: Rules,
  receipts: readonly Receipt[],
  seedBlockHash: string,
): ReadonlySet<string> {
  const hotkeys = receipts.map(({ hotkey }) => hotkey);
  const { readMiners, readSampleMiners } = rules;
  if (readMiners === 0 || hotkeys.length <= readMiners + readSampleMiners) return new Set(hotkeys);
  const claimed = receipts
    .map((receipt) => {
      const { hotkey, coldkey } = receipt;
      return { hotkey, coldkey: coldkey === "" ? hotkey : coldkey, scoreBps: claimOf(receipt, epoch, rules) };
    })
    .sort(byScore(seedBlockHash))
    .map(({ hotkey }) => hotkey);
  const others = claimed.slice(readMiners).sort(byText);
  const random = randomSequence(sha256Of(`${READING_VERSION}\n${seedBlockHash}\n${epoch.id}`));
  return new Set([...claimed.slice(0, readMiners), ...shuffled(others, random).slice(0, readSampleMiners)]);
}

function claimOf(receipt: Receipt, epoch: Epoch, rules: Rules): number {
  const [startMs, closeMs] = [millisOf(epoch.startTime), millisOf(epoch.closeTime)];
  const zipCodes = Math.max(1, epoch.zipCodes.length);
  const volumeBps = Math.floor((10_000 * Math.min(receipt.objectCount, zipCodes)) / zipCodes);
  const speed = speedBps(millisOf(receipt.receivedTime), startMs, closeMs, rules);
  return weighedBps({ speedBps: speed, qualityBps: 0, volumeBps }, rules);
}
