import assert from "node:assert/strict";
import { NO_PROXIES, addressGroup, callerAddress, trustedProxies } from "./caller-address.js";

describe("the caller's address", () => {
  const trusted = trustedProxies(["10.0.0.0/8", "2001:db8::7", "127.0.0.1/32"]);
  const of = (remoteAddress: string | undefined, forwarded?: string | string[], proxies = trusted): string =>
    callerAddress(
      { socket: { remoteAddress }, headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded } },
      proxies,
    );

  it("is the socket's where nobody is trusted, whatever the headers say", () => {
    assert.equal(of("198.51.100.1", "203.0.113.9", NO_PROXIES), "198.51.100.1");
    assert.equal(of("198.51.100.1", "203.0.113.9"), "198.51.100.1");
    assert.equal(of("::ffff:198.51.100.1"), "198.51.100.1");
    assert.equal(of("fe80::1%eth0"), "fe80::1");
    assert.equal(of(undefined), "");
  });

  it("is the nearest that is no trusted proxy", () => {
    assert.equal(of("10.1.2.3", "203.0.113.9"), "203.0.113.9");
    assert.equal(of("::ffff:10.1.2.3", "203.0.113.9, 10.9.9.9"), "203.0.113.9");
    assert.equal(of("2001:db8::7", "2001:db8::8"), "2001:db8::8");
    assert.equal(of("10.1.2.3", ["192.0.2.1", "203.0.113.9"]), "203.0.113.9");
  });

  it("is not what a caller put before it, nor what makes no sense", () => {
    assert.equal(of("10.1.2.3", "1.1.1.1, 203.0.113.9"), "203.0.113.9");
    assert.equal(of("10.1.2.3", "1.1.1.1, 203.0.113.9, 10.0.0.1"), "203.0.113.9");
    assert.equal(of("10.1.2.3", "1.1.1.1, nonsense"), "10.1.2.3");
    assert.equal(of("10.1.2.3", ""), "10.1.2.3");
  });

  it("is the farthest where all are trusted", () => {
    assert.equal(of("10.1.2.3", "10.4.4.4, 10.5.5.5"), "10.4.4.4");
    assert.equal(of("127.0.0.1"), "127.0.0.1");
  });

  it("comes without port and brackets", () => {
    assert.equal(of("10.1.2.3", "203.0.113.9:4711"), "203.0.113.9");
    assert.equal(of("10.1.2.3", "[2001:db8::9]:4711"), "2001:db8::9");
    assert.equal(of("10.1.2.3", "[2001:db8::9]"), "2001:db8::9");
  });

  it("refuses ranges that are none", () => {
    for (const range of ["10.0.0.0/33", "::/129", "10.0.0.0/x", "localhost", "", "10.0.0.0/-1"]) {
      assert.throws(() => trustedProxies([range]), RangeError, range);
    }
  });

  it("counts an IPv6 host by its network, however it writes its address", () => {
    assert.equal(addressGroup("203.0.113.9"), "203.0.113.9");
    for (const address of ["2001:db8:0:1::5", "2001:0db8:0:1:ffff::", "2001:db8::1:2:3:4:5"]) {
      assert.equal(addressGroup(address), "2001:db8:0:1::/64");
    }
    assert.equal(addressGroup("::1"), "0:0:0:0::/64");
    assert.equal(addressGroup("1:2:3:4:5:6:7:8"), "1:2:3:4::/64");
  });
});
