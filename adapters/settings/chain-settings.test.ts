import assert from "node:assert/strict";
import { DEPLOYMENT_SETTINGS, networkByAddress } from "./chain-settings.js";
import { SettingsError, readSettings } from "./settings.js";

const read = (raw: Record<string, string>) => readSettings(DEPLOYMENT_SETTINGS, networkByAddress(raw));

describe("settings of the chain", () => {
  it("take the embedded chain, and endpoints of the real one in their order", () => {
    assert.deepEqual(read({ ZIPNET_CHAIN: "local:http://127.0.0.1:9944/" }).chain, {
      kind: "local",
      url: "http://127.0.0.1:9944",
    });
    assert.deepEqual(read({ ZIPNET_CHAIN: "wss://a.example:443, ws://127.0.0.1:1" }).chain, {
      kind: "subtensor",
      endpoints: ["wss://a.example:443", "ws://127.0.0.1:1"],
    });
    assert.equal(read({}).chain, undefined);
  });

  it("take the endpoint that a harness sets, unless one is given otherwise", () => {
    const harness = { ZIPNET_CHAIN_ENDPOINT: "ws://127.0.0.1:1" };
    assert.deepEqual(read(harness).chain, { kind: "subtensor", endpoints: ["ws://127.0.0.1:1"] });
    const both = read({ ...harness, ZIPNET_CHAIN: "ws://127.0.0.1:2" });
    assert.deepEqual(both.chain, { kind: "subtensor", endpoints: ["ws://127.0.0.1:2"] });
  });

  it("take an address for a network, which is then called local", () => {
    const { network, chain } = read({ ZIPNET_NETWORK: "ws://127.0.0.1:9944" });
    assert.equal(network, "local");
    assert.deepEqual(chain, { kind: "subtensor", endpoints: ["ws://127.0.0.1:9944"] });
    assert.throws(
      () => read({ ZIPNET_NETWORK: "ws://127.0.0.1:1", ZIPNET_CHAIN: "ws://127.0.0.1:2" }),
      /ZIPNET_NETWORK \(--network\) is ws:\/\/127.0.0.1:1, but ZIPNET_CHAIN \(--chain\) is ws:\/\/127.0.0.1:2; give one/,
    );
  });

  it("refuse what is no address", () => {
    for (const chain of ["http://127.0.0.1:9944", "local:ws://127.0.0.1", "ws://", "ws://a,b"]) {
      assert.throws(() => read({ ZIPNET_CHAIN: chain }), SettingsError, chain);
    }
  });
});
