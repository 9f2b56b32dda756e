/** Strategies that save the time of reading, or that pretend to have read more, earlier or fresher than they did. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { nothingFound } from "../../core/judging/submission-check.js";
import { sampleListings } from "../../core/judging/sampling.js";
import type { Listing } from "../../gen/zipnet/v1/listing_pb.js";
import { chanceOf } from "./chance.js";
import { type Rows, inventedRow, readZips } from "./reading.js";
import { PACE, type Strategy, type Turn, type Work, readHonestly, someZips } from "./play.js";
import { type Home, type MarketZip, pageOf } from "./world.js";

const MINUTE_MS = 60_000;

type Play = Strategy["play"];

function strategy(name: string, says: string, play: Play): Strategy {
  const alone = { isHonest: false, hotkeys: 1, coldkeys: 1 } as const;
  return { ...alone, name, says, equal: "honest-steady", operators: 1, listingsPerHour: PACE.steady, play };
}

function mapRows(rows: Rows, change: (zipCode: string, listings: readonly Listing[]) => readonly Listing[]): Rows {
  return new Map([...rows].map(([zipCode, listings]) => [zipCode, change(zipCode, listings)]));
}

/** Reads but a part, and invents the rest. */
function fabricates(turn: Turn, isInvented: (home: Home) => boolean): Work {
  const instead = (home: Home, timeMs: number): Listing | undefined =>
    isInvented(home)
      ? inventedRow(home.facts.zipCode, `${turn.luck}/${home.id}`, { scrapedTime: timestampFromMs(timeMs) })
      : undefined;
  const zips = someZips(turn, 100);
  const work = readZips({ ...turn, zips, fromMs: turn.startMs, untilMs: turn.deadlineMs, instead });
  return { ...work, doneMs: Math.max(work.doneMs, turn.startMs + MINUTE_MS) };
}

function fabricator(percent: number): Strategy {
  const play: Play = (turn) => {
    // Exactly that part of what is listed, evenly.
    let due = chanceOf(turn.luck, "fabricates").below(100);
    return fabricates(turn, () => {
      due = (due % 100) + percent;
      return due >= 100;
    });
  };
  return strategy(`fabricator-${percent}`, `invents ${percent} % of the rows instead of reading them`, play);
}

/** So many invented rows for a zip code, said to be read as the others were. */
function invented(turn: Turn, zip: MarketZip, count: number, like: Pick<Listing, "scrapedTime">): Listing[] {
  return Array.from({ length: count }, (_, i) => inventedRow(zip.zipCode, `${turn.luck}/${i}`, like));
}

const padder: Play = (turn) => {
  const { rows, doneMs } = readHonestly(turn, someZips(turn, 100));
  const padded = mapRows(rows, (zipCode, listings) => {
    const zip = turn.zips.find((each) => each.zipCode === zipCode);
    const [first] = listings;
    if (zip === undefined || first === undefined) return listings;
    return [...listings, ...invented(turn, zip, Math.round(listings.length * 0.3), first)];
  });
  return { rows: padded, doneMs };
};

/** A few zip codes are read whole, for whoever looks there first; all others are made up in bulk. */
const coverFiles: Play = (turn) => {
  const order = someZips(turn, 100);
  const cover = order.slice(0, Math.ceil(order.length / 5));
  const { rows, doneMs } = readHonestly(turn, cover);
  const bulk = order.slice(cover.length).map((zip): [string, Listing[]] => {
    return [zip.zipCode, invented(turn, zip, zip.expectedListings, { scrapedTime: timestampFromMs(doneMs) })];
  });
  return { rows: new Map([...rows, ...bulk]), doneMs: doneMs + MINUTE_MS };
};

const easyZips: Play = (turn) => {
  const easy = turn.zips.toSorted((a, b) => a.expectedListings - b.expectedListings);
  return readHonestly(turn, easy.slice(0, Math.ceil(easy.length / 2)));
};

/** The first few rows of one zip code, at once. */
const tiny: Play = (turn) => {
  const { rows, doneMs } = readHonestly(turn, someZips(turn, 1));
  return {
    rows: mapRows(rows, (_, listings) => listings.slice(0, 5)),
    doneMs: Math.min(doneMs, turn.startMs + MINUTE_MS),
  };
};

/** Serves what was read so many hours before the epoch, as if it were read now. */
function staleBy(hours: number): Play {
  return (turn) => {
    const readMs = turn.startMs - hours * 60 * MINUTE_MS;
    const rows = turn.zips.map((zip): [string, Listing[]] => [
      zip.zipCode,
      turn.world.listed(zip, readMs).flatMap((home, index) => {
        const page = pageOf(home, readMs);
        return page === undefined ? [] : [{ ...page, scrapedTime: timestampFromMs(turn.startMs + index * 100) }];
      }),
    ]);
    return { rows: new Map(rows), doneMs: turn.startMs + MINUTE_MS };
  };
}

/** Says of everything that it was read in the first minute. */
const forgesTimes: Play = (turn) => {
  const { rows, doneMs } = readHonestly(turn, someZips(turn, 100));
  const early = (row: Listing, index: number): Listing => ({
    ...row,
    scrapedTime: timestampFromMs(turn.startMs + index * 20),
  });
  return { rows: mapRows(rows, (_, listings) => listings.map(early)), doneMs };
};

/** Guesses the sample with the block that is known, reads that and invents the rest. */
const sampledOnly: Play = (turn) => {
  const homes = turn.zips.flatMap((zip) => turn.world.listed(zip, turn.startMs));
  const accepted = new Map<string, string[]>();
  for (const { id, facts } of homes) accepted.set(facts.zipCode, [...(accepted.get(facts.zipCode) ?? []), id]);
  const check = { ...nothingFound(), hotkey: turn.hotkey, coldkey: "", manifestSha256: "", receivedMs: 0, accepted };
  const guessed = new Set(sampleListings(check, turn.seedBlockHash, 100).map(({ listingId }) => listingId));
  return fabricates(turn, (home) => !guessed.has(home.id));
};

/** Reads every other home, and hands each in twice. */
function twice(again: (row: Listing) => Listing): Play {
  return (turn) => {
    const { rows, doneMs } = readHonestly(turn, someZips(turn, 50));
    return { rows: mapRows(rows, (_, listings) => [...listings, ...listings.map(again)]), doneMs };
  };
}

/** The strategies of this file. */
export function cheating(): Strategy[] {
  const padsIds = twice((row) => ({ ...row, listingId: `00${row.listingId}` }));
  const variesUrls = twice((row) => ({ ...row, listingId: `${row.listingId}7`, url: `${row.url}?view=1` }));
  return [
    ...[1, 5, 20, 50, 100].map(fabricator),
    strategy("padder", "reads everything, and adds 30 % invented rows", padder),
    strategy("cover-files", "reads a fifth of the zip codes, makes the others up in bulk", coverFiles),
    strategy("easy-zip-codes", "reads the smaller half of the zip codes", easyZips),
    strategy("tiny-instant", "hands in five rows after a minute", tiny),
    strategy("stale-day", "serves at once what it read a day before the epoch", staleBy(24)),
    strategy("stale-week", "serves at once what it read a week before the epoch", staleBy(168)),
    strategy("time-forger", "says that all was read in the first minute", forgesTimes),
    strategy("sampled-only", "reads the sample that the draw's block would give, invents the rest", sampledOnly),
    strategy("id-padder", "hands every row in again, with zeros before its id", padsIds),
    strategy("url-variants", "hands every row in again, with another id and address", variesUrls),
  ];
}
