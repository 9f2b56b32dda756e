/**
 * The rules of the competition as settings: people write percent, records hold basis points.
 */
import { create } from "@bufbuild/protobuf";
import { type SettingsOf, environmentName, flagName, parse, setting } from "../adapters/settings/settings.js";
import { violationsOf } from "../core/constraints.js";
import { defaultRules } from "../core/rules.js";
import { type Rules, RulesSchema, UnearnedShareRule } from "../gen/zipnet/v1/epoch_pb.js";
import { JUDGING_SETTINGS, judgingRules } from "./config-judging.js";

/** Any length shows the same defaults but for the grace window, which has its own word. */
const DEFAULTS = defaultRules(14_400);
const MILLION = 1_000_000;
const percentOf = (bps: number): number => bps / 100;

const percent = (min: number, max: number, defaultBps: number) => parse.integer({ min, max }, percentOf(defaultBps));

function readPercents(text: string): readonly number[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  return parts.length > 0 && parts.every((part) => /^\d{1,3}$/.test(part)) ? parts.map(Number) : undefined;
}

function readGrace(text: string): number | "auto" | undefined {
  if (text === "auto") return "auto";
  return /^\d{1,8}$/.test(text) && Number(text) <= 86_400_000 ? Number(text) : undefined;
}

function readStateWeights(text: string): readonly { state: string; weightPercent: number }[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  const weights = parts.map((part) => /^([A-Z]{2}):(\d{1,5})$/.exec(part));
  if (parts.length === 0 || !weights.every((weight) => weight !== null)) return undefined;
  return weights.map(([, state = "", percent]) => ({ state, weightPercent: Number(percent) }));
}

/** Settings of the rules. */
export const RULE_SETTINGS = {
  targetListings: setting(
    "Listings that an epoch's zip codes are expected to hold together. Default 10000.",
    parse.integer({ min: 1, max: 10_000_000 }, DEFAULTS.targetListings),
  ),
  tolerancePercent: setting(
    "How far the sum may be from the target. Default 10.",
    percent(1, 50, DEFAULTS.toleranceBps),
  ),
  minExpectedListings: setting(
    "Fewest expected listings of a zip code that may be drawn. Default 5.",
    parse.integer({ min: 1, max: MILLION }, DEFAULTS.minExpectedListings),
  ),
  maxExpectedListings: setting(
    "Most expected listings of a zip code that may be drawn. Default 800.",
    parse.integer({ min: 1, max: MILLION }, DEFAULTS.maxExpectedListings),
  ),
  cooldownEpochs: setting(
    "Epochs for which a drawn zip code is not drawn again. Default 42.",
    parse.integer({ min: 0, max: 10_000 }, DEFAULTS.cooldownEpochs),
  ),
  includeStates: setting("States to draw from, separated by commas. Default all.", parse.list()),
  excludeStates: setting("States not to draw from, separated by commas. Default none.", parse.list()),
  stateWeights: setting(
    "States whose zip codes have another chance to be drawn, in percent of the others': PA:200,NJ:50. Default none.",
    parse.custom<readonly { state: string; weightPercent: number }[]>(
      "states with percents, separated by commas, such as PA:200,NJ:50",
      readStateWeights,
      [],
    ),
  ),
  speedPercent: setting("Part of speed in the score. Default 40.", percent(0, 100, DEFAULTS.speedWeightBps)),
  qualityPercent: setting("Part of quality in the score. Default 40.", percent(0, 100, DEFAULTS.qualityWeightBps)),
  volumePercent: setting("Part of volume in the score. Default 20.", percent(0, 100, DEFAULTS.volumeWeightBps)),
  speedGraceMs: setting(
    'Milliseconds from the start in which a receipt has full speed, or "auto" for a sixteenth of the epoch. Default auto.',
    parse.custom<number | "auto">('"auto" or a whole number from 0 to 86400000', readGrace, "auto"),
  ),
  speedBuckets: setting(
    "Equal steps of speed in the rest of the epoch. Default 15.",
    parse.integer({ min: 1, max: 1_000 }, DEFAULTS.speedBuckets),
  ),
  winnerPercents: setting(
    "Shares of the best, first rank first, separated by commas. Default 50,30,15.",
    parse.custom("whole numbers separated by commas", readPercents, DEFAULTS.winnerShareBps.map(percentOf)),
  ),
  participationPercent: setting(
    "Share that the other honest miners divide. Default 5.",
    percent(0, 100, DEFAULTS.participationShareBps),
  ),
  unearnedShare: setting(
    'What happens with a share that nobody earned: "redistribute" or "burn". Default redistribute.',
    parse.oneOf(["redistribute", "burn"], "redistribute"),
  ),
  ...JUDGING_SETTINGS,
};

const { targetListings, tolerancePercent, minExpectedListings, maxExpectedListings } = RULE_SETTINGS;
const { cooldownEpochs, includeStates, excludeStates, stateWeights } = RULE_SETTINGS;

/** Settings of the rules that the draw goes by. */
export const DRAW_SETTINGS = {
  targetListings,
  tolerancePercent,
  minExpectedListings,
  maxExpectedListings,
  cooldownEpochs,
  includeStates,
  excludeStates,
  stateWeights,
};

type RuleSettings = SettingsOf<typeof RULE_SETTINGS>;

const UNEARNED = {
  redistribute: UnearnedShareRule.REDISTRIBUTE,
  burn: UnearnedShareRule.BURN,
} as const;

/** The rules that the settings make. Not checked yet. */
export function rulesOf(settings: RuleSettings, epochLengthSeconds: number): Rules {
  return create(RulesSchema, {
    targetListings: settings.targetListings,
    toleranceBps: settings.tolerancePercent * 100,
    minExpectedListings: settings.minExpectedListings,
    maxExpectedListings: settings.maxExpectedListings,
    cooldownEpochs: settings.cooldownEpochs,
    includeStates: [...new Set(settings.includeStates)].toSorted(),
    excludeStates: [...new Set(settings.excludeStates)].toSorted(),
    stateWeights: settings.stateWeights.toSorted((a, b) => (a.state < b.state ? -1 : a.state > b.state ? 1 : 0)),
    speedWeightBps: settings.speedPercent * 100,
    qualityWeightBps: settings.qualityPercent * 100,
    volumeWeightBps: settings.volumePercent * 100,
    speedGraceMs:
      settings.speedGraceMs === "auto" ? defaultRules(epochLengthSeconds).speedGraceMs : settings.speedGraceMs,
    speedBuckets: settings.speedBuckets,
    winnerShareBps: settings.winnerPercents.map((share) => share * 100),
    participationShareBps: settings.participationPercent * 100,
    unearnedShare: UNEARNED[settings.unearnedShare],
    ...judgingRules(settings),
  });
}

/** Fields of Rules whose setting has another name. */
const NAMES: Readonly<Record<string, keyof RuleSettings>> = {
  tolerance_bps: "tolerancePercent",
  speed_weight_bps: "speedPercent",
  quality_weight_bps: "qualityPercent",
  volume_weight_bps: "volumePercent",
  winner_share_bps: "winnerPercents",
  participation_share_bps: "participationPercent",
  max_unknown_bps: "maxUnknownPercent",
};

/** What is wrong with rules as a whole, one sentence per problem that begins with the setting. */
export function ruleProblems(settings: RuleSettings, epochLengthSeconds: number): string[] {
  const rules = rulesOf(settings, epochLengthSeconds);
  const problems = violationsOf(RulesSchema, rules).map(({ field, description }) => {
    const fieldName = field.replace(/\[.*$/, "");
    const name = NAMES[fieldName] ?? fieldName.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const unit = fieldName.endsWith("_bps") ? " (in basis points, 100 to the percent)" : "";
    return `${environmentName(name)} (${flagName(name)}) ${description}${unit}`;
  });
  const lengthMs = epochLengthSeconds * 1000;
  if (rules.speedGraceMs > lengthMs) {
    problems.push(
      `${environmentName("speedGraceMs")} (${flagName("speedGraceMs")}) is ${rules.speedGraceMs}, but must be at most the epoch's length, ${lengthMs}`,
    );
  }
  return problems;
}
