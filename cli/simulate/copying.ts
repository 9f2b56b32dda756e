/** Strategies that hand in what others, or other hotkeys of the same operator, have read. */
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { type Chance, chanceOf } from "./chance.js";
import { PACE, type Strategy, type Turn, type Work, readHonestly, someZips } from "./play.js";

const MINUTE_MS = 60_000;

const cheat = { isHonest: false, equal: "honest-steady", listingsPerHour: PACE.steady } as const;

/** Another's rows: as they are, or with other times, another order, and one of 100 left out. */
function copyOf(turn: Turn, original: Work | undefined, isNoisy: boolean): Work | undefined {
  if (original === undefined) return undefined;
  const doneMs = Math.min(original.doneMs + MINUTE_MS, turn.deadlineMs);
  if (!isNoisy) return { rows: original.rows, doneMs };
  const chance = chanceOf(turn.luck, "noise");
  const rows = [...original.rows].map(([zipCode, listings]): [string, Listing[]] => [zipCode, noisy(listings, chance)]);
  return { rows: new Map(rows), doneMs };
}

function noisy(listings: readonly Listing[], chance: Chance): Listing[] {
  return listings
    .filter(() => !chance.happens(100))
    .map((row) => ({ row: { ...row, ...later(row, chance.between(-45_000, 45_000)) }, at: chance.below(1_000_000) }))
    .sort((a, b) => a.at - b.at)
    .map(({ row }) => row);
}

function later({ scrapedTime }: Listing, byMs: number): Pick<Listing, "scrapedTime"> {
  return scrapedTime === undefined ? {} : { scrapedTime: timestampFromMs(timestampMs(scrapedTime) + byMs) };
}

function copier(name: string, says: string, isNoisy: boolean): Strategy {
  // The earliest honest submission that covers much: what a leak would be worth most.
  const play = (turn: Turn): Work | undefined =>
    copyOf(
      turn,
      turn.leaked.find(({ strategy }) => strategy === "honest-quick" || strategy === "honest-steady"),
      isNoisy,
    );
  // Its equal is whose work it hands in: it has none of its own.
  return { ...cheat, equal: "honest-quick", name, says, operators: 1, hotkeys: 1, coldkeys: 1, isSecond: true, play };
}

function sybils(name: string, says: string, shape: { hotkeys: number; coldkeys: number }, isNoisy: boolean): Strategy {
  const play = (turn: Turn): Work | undefined => {
    const own = turn.leaked.find(({ operator }) => operator === turn.operator);
    return own === undefined ? readHonestly(turn, someZips(turn, 100)) : copyOf(turn, own, isNoisy);
  };
  return { ...cheat, name, says, operators: 1, ...shape, isSecond: true, play };
}

/** The strategies of this file. */
export function copying(): Strategy[] {
  return [
    copier("copier", "hands in another's rows a minute later", false),
    copier("copier-noisy", "the same with other times and order, 1 % left out", true),
    sybils("sybils-coldkey", "one reading, three hotkeys, one coldkey", { hotkeys: 3, coldkeys: 1 }, true),
    sybils("sybils-coldkeys", "one reading, two hotkeys, two coldkeys", { hotkeys: 2, coldkeys: 2 }, false),
    sybils("sybils-noisy", "the same with other times and order, 1 % left out", { hotkeys: 2, coldkeys: 2 }, true),
  ];
}
