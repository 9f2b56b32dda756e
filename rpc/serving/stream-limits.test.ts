import assert from "node:assert/strict";
import { ZipnetError } from "../../core/errors.js";
import { trustedProxies } from "./caller-address.js";
import { StreamLimits } from "./stream-limits.js";

function assertTooMany(open: () => unknown, metadata: Record<string, string>): void {
  assert.throws(open, (error) => {
    assert.ok(error instanceof ZipnetError && error.reason === "QUOTA_EXCEEDED");
    assert.deepEqual(error.metadata, metadata);
    return true;
  });
}

describe("stream limits", () => {
  it("hold per hotkey, whatever the addresses", () => {
    const limits = new StreamLimits({ maxStreamsPerHotkey: 2, maxStreamsPerAddress: 100 });
    const end = limits.open("a", "192.0.2.1");
    limits.open("a", "192.0.2.2");
    assertTooMany(() => limits.open("a", "192.0.2.3"), { limit: "2", held: "2", scope: "hotkey" });
    limits.open("b", "192.0.2.3");
    end();
    end();
    assert.equal(limits.ofHotkey("a"), 1);
    limits.open("a", "192.0.2.3");
    assertTooMany(() => limits.open("a", "192.0.2.3"), { limit: "2", held: "2", scope: "hotkey" });
  });

  it("hold per address, and per network for IPv6", () => {
    const limits = new StreamLimits({ maxStreamsPerHotkey: 100, maxStreamsPerAddress: 1 });
    const end = limits.open("a", "2001:db8::1");
    assertTooMany(() => limits.open("b", "2001:db8::2"), { limit: "1", held: "1", scope: "address" });
    assert.equal(limits.ofHotkey("b"), 0, "what was refused does not count");
    limits.open("b", "2001:db8:0:1::2");
    end();
    limits.open("b", "2001:db8::2");
    assert.equal(limits.ofAddress("2001:db8::3"), 1);
  });

  it("do not hold for the addresses of trusted proxies", () => {
    const trusted = trustedProxies(["10.0.0.0/8"]);
    const limits = new StreamLimits({ maxStreamsPerHotkey: 2, maxStreamsPerAddress: 1, trusted });
    const ends = ["a", "a", "b"].map((hotkey) => limits.open(hotkey, "10.0.0.1"));
    assertTooMany(() => limits.open("a", "10.0.0.1"), { limit: "2", held: "2", scope: "hotkey" });
    for (const end of ends) end();
    assert.equal(limits.ofHotkey("a"), 0);
  });
});
