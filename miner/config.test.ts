import assert from "node:assert/strict";
import { SettingsError } from "../adapters/settings/settings.js";
import { readMinerSettings } from "./config.js";

const SERVER = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const RELAY = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
const GOOD = {
  ZIPNET_SERVER_URL: "http://127.0.0.1:8450",
  ZIPNET_SERVER_HOTKEY: SERVER,
  ZIPNET_WALLET: "//Bob",
  ZIPNET_STATE_DIR: "state",
  ZIPNET_SOURCE_URL: "http://127.0.0.1:8090",
};

function problemsOf(raw: Record<string, string>): readonly string[] {
  try {
    readMinerSettings({ ...GOOD, ...raw });
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("the miner's settings", () => {
  it("have defaults for all but the deployment, the wallet, the state and the source", () => {
    const settings = readMinerSettings({ ...GOOD, ZIPNET_RELAYS: `http://10.0.0.1:8451#${RELAY}` });
    assert.equal(settings.coverPercent, 100);
    assert.equal(settings.requestIntervalMs, 1000);
    assert.deepEqual(settings.endpoints, [
      { url: "http://127.0.0.1:8450", hotkey: SERVER },
      { url: "http://10.0.0.1:8451", hotkey: RELAY },
    ]);
  });

  it("take several addresses of the server, and a chain to find relays on", () => {
    const settings = readMinerSettings({
      ...GOOD,
      ZIPNET_SERVER_URL: "http://10.0.0.1:8450, http://10.0.0.2:8450/",
      ZIPNET_CHAIN: "local:http://127.0.0.1:9944",
      ZIPNET_MIN_RELAY_STAKE_TAO: "7",
    });
    const hotkey = SERVER;
    assert.deepEqual(settings.endpoints, [
      { url: "http://10.0.0.1:8450", hotkey },
      { url: "http://10.0.0.2:8450", hotkey },
    ]);
    assert.deepEqual(settings.chain, { kind: "local", url: "http://127.0.0.1:9944" });
    assert.equal(settings.minRelayStakeRao, 7_000_000_000n);
    assert.equal(readMinerSettings(GOOD).chain, undefined);
    assert.match(problemsOf({ ZIPNET_SERVER_URL: "http://10.0.0.1 nowhere" })[0] ?? "", /_SERVER_URL .*addresses/);
    assert.match(problemsOf({ ZIPNET_CHAIN: "finney" })[0] ?? "", /_CHAIN .*local:http/);
  });

  it("name every mistake at once", () => {
    const problems = problemsOf({
      ZIPNET_RELAYS: `http://10.0.0.1:8451#${RELAY},http://10.0.0.1`,
      ZIPNET_COVER_PERCENT: "0",
      ZIPNET_SOURCE: "zilow",
      ZIPNET_PROXIES: "http://10.0.0.1:3128 ftp://x",
      ZIPNET_STATE_DIR: "",
      ZIPNET_CONTACT: "me (here)",
    });
    const expected = [
      /_RELAYS .*address#hotkey/,
      /_STATE_DIR .*missing/,
      /_SOURCE .*one of zillow-shape, csv-export, invented/,
    ];
    expected.push(/_PROXIES .*addresses/, /_CONTACT .*parentheses/, /_COVER_PERCENT .*1 to 100/);
    assert.equal(problems.length, expected.length, problems.join("\n"));
    expected.forEach((pattern, index) => assert.match(problems[index] ?? "", pattern));
  });

  it("must fit together", () => {
    assert.deepEqual(problemsOf({ ZIPNET_SOURCE_URL: "https://homes.example" }).length, 1);
    assert.match(problemsOf({ ZIPNET_SOURCE_URL: "https://homes.example" })[0] ?? "", /ZIPNET_CONTACT.*is missing/);
    assert.deepEqual(
      problemsOf({ ZIPNET_SOURCE_URL: "https://homes.example", ZIPNET_CONTACT: "me@miner.example" }),
      [],
    );
    const unused = { ZIPNET_SOURCE: "invented", ZIPNET_CHROMIUM: "/usr/bin/x", ZIPNET_PROXIES: "http://10.0.0.1:3128" };
    assert.equal(problemsOf(unused).length, 2);
    const exports = { ZIPNET_SOURCE: "csv-export" };
    assert.deepEqual(problemsOf({ ...exports, ZIPNET_READER: "http" }), []);
    assert.match(problemsOf({ ...exports, ZIPNET_READER: "auto" })[0] ?? "", /ZIPNET_READER .*a browser does not show/);
    const proxied = { ZIPNET_READER: "http", ZIPNET_PROXIES: "http://10.0.0.1:3128" };
    assert.deepEqual(problemsOf(proxied), []);
    const socks = { ZIPNET_READER: "auto", ZIPNET_PROXIES: "socks5://10.0.0.1:1080" };
    assert.match(problemsOf(socks)[0] ?? "", /ZIPNET_PROXIES .*must begin with http:.*reader "auto"/);
    assert.deepEqual(problemsOf({ ...socks, ZIPNET_READER: "browser" }), []);
    assert.match(problemsOf({ ZIPNET_RELAYS: `http://127.0.0.1:8451#${SERVER}` })[0] ?? "", /more than once/);
  });

  it("never print a proxy's password", () => {
    const [problem] = problemsOf({ ZIPNET_PROXIES: "user:hush@host" });
    assert.match(problem ?? "", /ZIPNET_PROXIES/);
    assert.doesNotMatch(problem ?? "", /hush/);
  });
});
