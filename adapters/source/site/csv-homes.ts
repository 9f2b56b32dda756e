/**
 * Homes of a CSV file in the columns of "House Sales in King County, USA": id, date, price, bedrooms, bathrooms,
 * sqft_living, sqft_lot, floors, zipcode, lat, long; other columns are ignored. They stay as they are over time. The
 * file has no addresses; those are derived from zip code and position.
 */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { parse } from "csv-parse";
import { ZipnetError, messageOf } from "../../../core/errors.js";
import { sha256Of } from "../../../core/hash.js";
import { randomSequence } from "../../../core/random.js";
import { HomeType, ListingSchema, ListingStatus } from "../../../gen/zipnet/v1/listing_pb.js";
import { DAY_MS, detailPath } from "./home.js";
import type { Home, Homes } from "./home.js";
import { nearestPlace, stateOf } from "./place-of.js";
import { streetAddress } from "./street-names.js";

/** Living area up to which a home of two floors on a tiny lot counts as a row house, in square feet of lot. */
const TOWNHOUSE_LOT_SQFT = 2_500;

/** Reads the homes of a file. Rejects with FILE_UNREADABLE, naming line and column, when it is not in the format. */
export async function csvHomes(file: string): Promise<Homes> {
  return readCsvHomes(createReadStream(file), file);
}

/** As csvHomes, from a stream; the name is for error messages. Of a home that stands more than once, the latest date counts. */
export async function readCsvHomes(stream: Readable, name: string): Promise<Homes> {
  const newest = new Map<string, CsvHome>();
  const rows = stream.pipe(parse({ columns: true, bom: true, trim: true, skip_empty_lines: true, info: true }));
  stream.on("error", (error) => rows.destroy(error));
  try {
    for await (const { record, info } of rows as AsyncIterable<CsvRow>) {
      const home = readRow(record, `${name} line ${info.lines}`);
      const known = newest.get(home.listingId);
      if (known === undefined || known.soldTimeMs <= home.soldTimeMs) newest.set(home.listingId, home);
    }
  } catch (error) {
    if (error instanceof ZipnetError) throw error;
    const problem = messageOf(error);
    throw new ZipnetError("FILE_UNREADABLE", `Cannot read the homes file ${name}: ${problem}`, {}, { cause: error });
  }
  if (newest.size === 0) throw new ZipnetError("FILE_UNREADABLE", `The homes file ${name} has no homes.`);
  return homesOf([...newest.values()]);
}

interface CsvRow {
  readonly record: Readonly<Record<string, string | undefined>>;
  readonly info: { readonly lines: number };
}

interface CsvHome {
  readonly listingId: string;
  readonly soldTimeMs: number;
  readonly priceUsd: number;
  readonly bedrooms: number;
  readonly bathrooms: number;
  readonly livingAreaSqft: number;
  readonly lotAreaSqft: number;
  readonly floors: number;
  readonly zipCode: string;
  readonly latitude: number;
  readonly longitude: number;
}

function readRow(record: CsvRow["record"], where: string): CsvHome {
  function text(column: string, shape: RegExp, rule: string): string {
    const value = record[column];
    if (value !== undefined && shape.test(value)) return value;
    const found = value === undefined ? "is missing" : `is "${value.slice(0, 40)}"`;
    throw new ZipnetError("FILE_UNREADABLE", `${where}: column ${column} ${found}, but must be ${rule}.`);
  }
  const number = (column: string) =>
    Number(text(column, /^-?\d{1,12}(\.\d{1,12})?(e[+-]?\d{1,2})?$/i, "a decimal number"));
  const whole = (column: string) => Math.round(number(column));
  const date = text("date", /^\d{8}/, "a date that begins with YYYYMMDD");
  return {
    listingId: text("id", /^\d{1,20}$/, "1 to 20 digits").replace(/^0+(?=\d)/, ""),
    soldTimeMs: Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8))),
    priceUsd: whole("price"),
    bedrooms: whole("bedrooms"),
    bathrooms: number("bathrooms"),
    livingAreaSqft: whole("sqft_living"),
    lotAreaSqft: whole("sqft_lot"),
    floors: number("floors"),
    zipCode: text("zipcode", /^\d{5}$/, "five digits"),
    latitude: number("lat"),
    longitude: number("long"),
  };
}

function homesOf(all: readonly CsvHome[]): Homes {
  const byId = new Map(all.map((home) => [home.listingId, home]));
  const byZipCode = new Map<string, CsvHome[]>();
  for (const home of all) {
    const others = byZipCode.get(home.zipCode);
    if (others === undefined) byZipCode.set(home.zipCode, [home]);
    else others.push(home);
  }
  const zipCodes = [...byZipCode.keys()].sort();
  return {
    zipCodes: () => zipCodes,
    onMarket: (zipCode, timeMs, start, end) =>
      (byZipCode.get(zipCode) ?? []).slice(start, end).map((home) => toHome(home, timeMs)),
    countOnMarket: (zipCode) => byZipCode.get(zipCode)?.length ?? 0,
    home(listingId, timeMs) {
      const home = byId.get(listingId);
      return home && toHome(home, timeMs);
    },
    neighbour: (zipCode) => zipCodes[(zipCodes.indexOf(zipCode) + 1) % zipCodes.length] ?? zipCode,
  };
}

function toHome(home: CsvHome, timeMs: number): Home {
  const { listingId, soldTimeMs, floors, latitude, longitude, ...same } = home;
  const townhouse = floors >= 2 && home.lotAreaSqft < TOWNHOUSE_LOT_SQFT;
  const random = randomSequence(
    sha256Of(`zipnet-site-csv-v1\n${home.zipCode}\n${latitude}\n${longitude}\n${listingId}`),
  );
  const listing = create(ListingSchema, {
    ...same,
    listingId,
    url: detailPath(listingId),
    streetAddress: streetAddress(random, false),
    city: nearestPlace(latitude, longitude).city,
    state: stateOf(home.zipCode),
    status: ListingStatus.FOR_SALE,
    homeType: townhouse ? HomeType.TOWNHOUSE : HomeType.SINGLE_FAMILY,
    latitude,
    longitude,
    daysOnMarket: Math.max(0, Math.floor((timeMs - soldTimeMs) / DAY_MS)),
  });
  return { listing, priceHistory: [{ timeMs: soldTimeMs, priceUsd: home.priceUsd }] };
}
