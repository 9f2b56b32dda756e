import assert from "node:assert/strict";
import { SettingsError, environmentName, flagName, parse, readSettings, setting } from "./settings.js";

const SHAPE = {
  listenPort: setting("Port.", parse.integer({ min: 0, max: 65_535 }, 8450)),
  serverUrl: setting("Server.", parse.url()),
  serverHotkey: setting("Server's hotkey.", parse.hotkey()),
  network: setting("Network.", parse.oneOf(["finney", "local"], "local")),
  wallet: setting("Wallet.", parse.text(), { secret: true }),
  relays: setting("Relays.", parse.list()),
  spotCheckListings: setting("Sample.", parse.integer({ min: 1, max: 10_000 }, 50), { alias: "SPOT_CHECK_LISTINGS" }),
  proxy: setting("Proxy.", parse.optionalUrl()),
  quiet: setting("Quiet.", parse.flag(false)),
};

const GOOD = {
  ZIPNET_SERVER_URL: "http://127.0.0.1:8450/",
  ZIPNET_SERVER_HOTKEY: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
  ZIPNET_WALLET: "//Alice",
};

describe("settings", () => {
  it("fill in defaults, parse what is given and read aliases", () => {
    const values = readSettings(SHAPE, {
      ...GOOD,
      SPOT_CHECK_LISTINGS: "12",
      ZIPNET_RELAYS: "a, b",
      ZIPNET_QUIET: "true",
    });
    assert.deepEqual(values, {
      listenPort: 8450,
      serverUrl: "http://127.0.0.1:8450",
      serverHotkey: GOOD.ZIPNET_SERVER_HOTKEY,
      network: "local",
      wallet: "//Alice",
      relays: ["a", "b"],
      spotCheckListings: 12,
      proxy: undefined,
      quiet: true,
    });
  });

  it("take empty text for nothing", () => {
    assert.equal(readSettings(SHAPE, { ...GOOD, ZIPNET_LISTEN_PORT: "" }).listenPort, 8450);
  });

  it("name every mistake at once, with variable, flag, value and rule", () => {
    const raw = { ...GOOD, ZIPNET_LISTEN_PORT: "80a", ZIPNET_NETWORK: "main", ZIPNET_SERVER_URL: undefined };
    assert.throws(
      () => readSettings(SHAPE, raw),
      (error) => {
        assert.ok(error instanceof SettingsError);
        assert.deepEqual(error.problems, [
          'ZIPNET_LISTEN_PORT (--listen-port) is "80a", but must be a whole number from 0 to 65535',
          "ZIPNET_SERVER_URL (--server-url) is missing, but must be an http:// or https:// address",
          'ZIPNET_NETWORK (--network) is "main", but must be one of finney, local',
        ]);
        assert.match(error.message, /has 3 mistakes/);
        return true;
      },
    );
  });

  it("never print a secret", () => {
    const shape = {
      wallet: setting(
        "Wallet.",
        parse.custom("a seed", () => undefined),
        { secret: true },
      ),
    };
    assert.throws(() => readSettings(shape, { ZIPNET_WALLET: "hush" }), /^(?!.*hush).*is set, but must be a seed/s);
  });

  it("check values together only when each fits by itself", () => {
    const check = (): readonly string[] => ["the two do not fit"];
    assert.throws(() => readSettings(SHAPE, GOOD, check), /the two do not fit/);
    assert.throws(() => readSettings(SHAPE, {}, check), /^(?!.*do not fit)/s);
  });

  it("refuse numbers that are no plain whole numbers in range", () => {
    for (const text of ["1e3", "0x10", " 1", "65536", "-1", "1.5", "NaN"]) {
      assert.throws(() => readSettings(SHAPE, { ...GOOD, ZIPNET_LISTEN_PORT: text }), SettingsError, text);
    }
  });

  it("have one name per place", () => {
    assert.equal(environmentName("listenPort"), "ZIPNET_LISTEN_PORT");
    assert.equal(flagName("listenPort"), "--listen-port");
  });
});
