import assert from "node:assert/strict";
import fc from "fast-check";
import { addressOf, chainAddress } from "./addresses.js";

describe("addresses of the chain", () => {
  it("are numbers, and come back as the same addresses", () => {
    assert.deepEqual(chainAddress("203.0.113.7"), { ip: 3_405_803_783n, ipType: 4 });
    assert.deepEqual(chainAddress("2001:db8::7"), { ip: 0x2001_0db8_0000_0000_0000_0000_0000_0007n, ipType: 6 });
    assert.equal(addressOf(0x2001_0db8_0000_0000_0000_0000_0000_0007n, 6), "2001:db8::7");
    fc.assert(
      fc.property(fc.constantFrom(4, 6), fc.bigInt({ min: 1n, max: 2n ** 128n - 1n }), (ipType, bits) => {
        const ip = ipType === 4 ? (bits % (2n ** 32n - 1n)) + 1n : bits;
        assert.deepEqual(chainAddress(addressOf(ip, ipType) ?? ""), { ip, ipType });
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (text) =>
        assert.equal(chainAddress(text)?.ipType, /[1-9a-f]/i.test(text) ? 6 : undefined),
      ),
    );
  });

  it("are none for text that is none, for the address of no machine and for numbers beyond", () => {
    for (const text of ["", "relay.example.org", "0.0.0.0", "::", "0:0::0", "256.1.1.1", "fe80::1%eth0", "1.2.3"]) {
      assert.equal(chainAddress(text), undefined, text);
    }
    for (const [ip, type] of [
      [0n, 4],
      [2n ** 32n, 4],
      [2n ** 128n, 6],
      [1n, 0],
    ] as const) {
      assert.equal(addressOf(ip, type), undefined);
    }
  });
});
