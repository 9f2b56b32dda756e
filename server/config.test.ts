import assert from "node:assert/strict";
import { SettingsError } from "../adapters/settings/settings.js";
import { defaultRules } from "../core/rules.js";
import { UnearnedShareRule } from "../gen/zipnet/v1/epoch_pb.js";
import { deploymentOf, objectsPlace, readServerSettings } from "./config.js";

const GOOD = { ZIPNET_WALLET: "//Owner", ZIPNET_CATALOGUE: "catalogue.bin" };

/** The problems that settings are refused for. */
function problemsOf(raw: Record<string, string>): readonly string[] {
  try {
    readServerSettings({ ...GOOD, ...raw });
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return assert.fail("the settings were accepted");
}

describe("the server's settings", () => {
  it("make the default rules by default, for any length of epoch", () => {
    for (const length of [14_400, 60]) {
      const settings = readServerSettings({
        ...GOOD,
        ZIPNET_EPOCH_LENGTH_SECONDS: String(length),
        ZIPNET_SETTLE_MS: "100",
      });
      assert.deepEqual(deploymentOf(settings).rules, defaultRules(length));
    }
  });

  it("change the rules in the units of people", () => {
    const { rules } = deploymentOf(
      readServerSettings({
        ...GOOD,
        ZIPNET_TOLERANCE_PERCENT: "5",
        ZIPNET_WINNER_PERCENTS: "60, 30",
        ZIPNET_PARTICIPATION_PERCENT: "10",
        ZIPNET_UNEARNED_SHARE: "burn",
        ZIPNET_SPEED_GRACE_MS: "1000",
        ZIPNET_INCLUDE_STATES: "WA,CA",
        ZIPNET_STATE_WEIGHTS: "PA:200,NJ:50",
        SPOT_CHECK_LISTINGS: "20",
      }),
    );
    assert.equal(rules.toleranceBps, 500);
    assert.deepEqual(rules.winnerShareBps, [6_000, 3_000]);
    assert.equal(rules.participationShareBps, 1_000);
    assert.equal(rules.unearnedShare, UnearnedShareRule.BURN);
    assert.equal(rules.speedGraceMs, 1_000);
    assert.deepEqual(rules.includeStates, ["CA", "WA"]);
    assert.deepEqual(
      rules.stateWeights.map(({ state, weightPercent }) => [state, weightPercent]),
      [
        ["NJ", 50],
        ["PA", 200],
      ],
    );
    assert.equal(rules.spotCheckListings, 20);
  });

  it("take the epoch to begin with by its id, when an epoch of this length has it", () => {
    const begin = (id: string) => deploymentOf(readServerSettings({ ...GOOD, ZIPNET_FIRST_EPOCH: id })).firstEpoch;
    assert.equal(begin("20261122T120000Z"), Date.UTC(2026, 10, 22, 12) / 14_400_000);
    assert.equal(begin(""), 0);
    for (const id of ["20261122T120001Z", "tomorrow"]) {
      const problems = problemsOf({ ZIPNET_FIRST_EPOCH: id });
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", new RegExp(`ZIPNET_FIRST_EPOCH.*${id}.*14400 seconds`));
    }
  });

  it("keep objects in the data folder unless told otherwise", () => {
    assert.deepEqual(objectsPlace(readServerSettings({ ...GOOD, ZIPNET_DATA_DIR: "here" })), {
      kind: "folder",
      dir: "here/objects",
    });
    const s3 = "s3://key:secret@host/bucket";
    assert.deepEqual(objectsPlace(readServerSettings({ ...GOOD, ZIPNET_OBJECTS: s3 })), { kind: "s3", url: s3 });
  });

  it("name three mistakes at once", () => {
    const problems = problemsOf({
      ZIPNET_LISTEN_PORT: "80a",
      ZIPNET_CHAIN: "http://somewhere",
      ZIPNET_TARGET_LISTINGS: "0",
    });
    assert.equal(problems.length, 3);
    assert.match(problems[0] ?? "", /ZIPNET_LISTEN_PORT.*"80a"/);
    assert.match(problems[1] ?? "", /ZIPNET_CHAIN.*"http:\/\/somewhere".*local:http/);
    assert.match(problems[2] ?? "", /ZIPNET_TARGET_LISTINGS.*"0".*1 to 10000000/);
  });

  it("name everything that does not fit together, by the setting's own name", () => {
    const problems = problemsOf({
      ZIPNET_TLS_CERT: "cert.pem",
      ZIPNET_SPEED_PERCENT: "50",
      ZIPNET_MIN_EXPECTED_LISTINGS: "900",
      ZIPNET_SETTLE_MS: "60000",
      ZIPNET_EPOCH_LENGTH_SECONDS: "60",
      ZIPNET_LISTEN_HOST: "0.0.0.0",
      ZIPNET_INCLUDE_STATES: "Washington",
      ZIPNET_STATE_WEIGHTS: "PA:200,PA:100",
      ZIPNET_SPEED_GRACE_MS: "60001",
    });
    const about = [
      "MAX_EXPECTED_LISTINGS",
      "INCLUDE_STATES",
      "STATE_WEIGHTS",
      "VOLUME_PERCENT",
      "SPEED_GRACE_MS",
      "TLS_KEY",
      "PUBLIC_URL",
      "SETTLE_MS",
    ];
    for (const name of about) {
      assert.ok(
        problems.some((problem) => problem.startsWith(`ZIPNET_${name} `)),
        `${name} in ${problems.join("\n")}`,
      );
    }
    assert.equal(problems.length, about.length);
  });

  it("never print a secret", () => {
    const problems = problemsOf({ ZIPNET_OBJECTS: "ftp://hush", ZIPNET_CACHE: "memcached://hush" });
    assert.equal(problems.length, 2);
    assert.ok(problems.every((problem) => !problem.includes("hush")));
  });
});
