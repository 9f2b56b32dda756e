/**
 * The rules of judging as settings.
 */
import { type SettingsOf, parse, setting } from "../adapters/settings/settings.js";
import { defaultRules } from "../core/rules.js";
import type { Rules } from "../gen/zipnet/v1/epoch_pb.js";

/** None of these depends on the epoch's length. */
const DEFAULTS = defaultRules(14_400);

function readCount(text: string): number | "auto" | undefined {
  if (text === "auto") return "auto";
  return /^\d{1,7}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_000_000 ? Number(text) : undefined;
}

/** Settings of what is read, what is checked and what that proves. */
export const JUDGING_SETTINGS = {
  spotCheckListings: setting(
    "Listings that are scraped again per checked miner. Default 50.",
    parse.integer({ min: 1, max: 10_000 }, DEFAULTS.spotCheckListings),
    { alias: "SPOT_CHECK_LISTINGS" },
  ),
  spotCheckMiners: setting(
    "Miners that are spot checked at first. Default 6.",
    parse.integer({ min: 1, max: 256 }, DEFAULTS.spotCheckMiners),
  ),
  spotCheckBudgetMiners: setting(
    "Miners that one validator may spot check in all. Default 48.",
    parse.integer({ min: 1, max: 256 }, DEFAULTS.spotCheckBudgetMiners),
  ),
  spotCheckMaxListings: setting(
    'Listings of one miner that are scraped again at most when failures leave a doubt, or "auto" for ten checks. Default auto.',
    parse.custom<number | "auto">('"auto" or a whole number from 1 to 1000000', readCount, "auto"),
  ),
  spotCheckBudgetListings: setting(
    'Listings sampled in all after which no further miner is spot checked, or "auto" for thirty checks. Default auto.',
    parse.custom<number | "auto">('"auto" or a whole number from 1 to 1000000', readCount, "auto"),
  ),
  spotCheckRandomMiners: setting(
    "Miners that are spot checked besides the best, drawn from all others. Default 2.",
    parse.integer({ min: 0, max: 256 }, DEFAULTS.spotCheckRandomMiners),
  ),
  readMiners: setting(
    "Submissions that validators read, the best by their receipts; 0 for all. Default 0.",
    parse.integer({ min: 0, max: 65_536 }, DEFAULTS.readMiners),
  ),
  readSampleMiners: setting(
    "Submissions that validators read beside those, drawn from the others. Default 0.",
    parse.integer({ min: 0, max: 65_536 }, DEFAULTS.readSampleMiners),
  ),
  toleratedFailBps: setting(
    "Rate of failed listings that honest scraping may show, in basis points. Default 50.",
    parse.integer({ min: 1, max: 5_000 }, DEFAULTS.toleratedFailBps),
  ),
  fabricatedFailBps: setting(
    "Rate of fabricated listings that a spot check is to tell from the tolerated one, in basis points. Default 500.",
    parse.integer({ min: 2, max: 10_000 }, DEFAULTS.fabricatedFailBps),
  ),
  missedFabricationPpm: setting(
    "Probability, in parts per million, up to which doubt about such a miner may be dropped. Default 10000.",
    parse.integer({ min: 1, max: 500_000 }, DEFAULTS.missedFabricationPpm),
  ),
  failPenalty: setting(
    "How many times its rate above the tolerated one a failed listing costs. Default 10.",
    parse.integer({ min: 1, max: 100 }, DEFAULTS.failPenalty),
  ),
  maxEarnersPerColdkey: setting(
    "Hotkeys of one coldkey that may earn; 0 for no limit. Default 1.",
    parse.integer({ min: 0, max: 256 }, DEFAULTS.maxEarnersPerColdkey),
  ),
  maxListingsPerSecond: setting(
    "Listings that one miner can have read per second. Default 1000.",
    parse.integer({ min: 1, max: 1_000_000 }, DEFAULTS.maxListingsPerSecond),
  ),
  accusationChancePpm: setting(
    "Probability, in parts per million, up to which an honest miner may be called a liar. Default 10.",
    parse.integer({ min: 1, max: 100_000 }, DEFAULTS.accusationChancePpm),
  ),
  maxUnknownPercent: setting(
    "Part of UNKNOWN listings above which a check decides nothing. Default 50.",
    parse.integer({ min: 0, max: 100 }, DEFAULTS.maxUnknownBps / 100),
  ),
};

type JudgingSettings = SettingsOf<typeof JUDGING_SETTINGS>;

/** The fields of Rules that the settings make. Not checked yet. */
export function judgingRules(settings: JudgingSettings): Omit<Partial<Rules>, "$typeName" | "$unknown"> {
  return {
    spotCheckListings: settings.spotCheckListings,
    spotCheckMiners: settings.spotCheckMiners,
    spotCheckBudgetMiners: settings.spotCheckBudgetMiners,
    spotCheckMaxListings: timesChecks(settings.spotCheckMaxListings, 10, settings),
    spotCheckBudgetListings: timesChecks(settings.spotCheckBudgetListings, 30, settings),
    spotCheckRandomMiners: settings.spotCheckRandomMiners,
    fabricatedFailBps: settings.fabricatedFailBps,
    missedFabricationPpm: settings.missedFabricationPpm,
    failPenalty: settings.failPenalty,
    maxEarnersPerColdkey: settings.maxEarnersPerColdkey,
    maxListingsPerSecond: settings.maxListingsPerSecond,
    readMiners: settings.readMiners,
    readSampleMiners: settings.readSampleMiners,
    toleratedFailBps: settings.toleratedFailBps,
    accusationChancePpm: settings.accusationChancePpm,
    maxUnknownBps: settings.maxUnknownPercent * 100,
  };
}

/** What follows from the size of one check, where the settings leave it open. */
function timesChecks(value: number | "auto", checks: number, { spotCheckListings }: JudgingSettings): number {
  return value === "auto" ? checks * spotCheckListings : value;
}
