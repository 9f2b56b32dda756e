import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesToHex, hexToBytes } from "../../core/hash.js";
import { type ResumeTokenOptions, resumeTokens } from "./resume-token.js";

const ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const tokensOf = (more: Partial<ResumeTokenOptions> = {}): ReturnType<typeof resumeTokens> =>
  resumeTokens({
    network: "local",
    netuid: 1,
    recordSigner: ALICE,
    keys: [key(7)],
    trustsOtherIssuers: false,
    ...more,
  });

const revisions = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe("resume tokens", () => {
  it("are as published", () => {
    const published = "02228882399971047a000000000003ccd0a2d07655ec449afd34c28f268abe5890cf2c54be";
    assert.equal(bytesToHex(tokensOf().encode(249_040)), published);
    assert.deepEqual(tokensOf().decode(hexToBytes(published)), { status: "ok", revision: 249_040 });
  });

  it("carry any revision", () => {
    fc.assert(
      fc.property(revisions, (revision) => {
        assert.deepEqual(tokensOf().decode(tokensOf().encode(revision)), { status: "ok", revision });
      }),
    );
  });

  it("are never taken when a bit of them is wrong", () => {
    fc.assert(
      fc.property(revisions, fc.nat({ max: 37 * 8 - 1 }), (revision, bit) => {
        const token = tokensOf().encode(revision);
        const index = Math.floor(bit / 8);
        token[index] = (token[index] ?? 0) ^ (1 << (bit % 8));
        assert.notEqual(tokensOf().decode(token).status, "ok");
      }),
    );
  });

  it("are never taken when they are made up", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (token) => {
        assert.notEqual(tokensOf().decode(token).status, "ok");
      }),
    );
  });

  it("are of one deployment", () => {
    const token = tokensOf().encode(1);
    for (const other of [{ network: "finney" }, { netuid: 2 }, { recordSigner: BOB }]) {
      assert.equal(tokensOf(other).decode(token).status, "foreign", JSON.stringify(other));
    }
  });

  it("are good while their key is held, first or second", () => {
    const [before, between, after] = [[key(7)], [key(8), key(7)], [key(8)]] as const;
    const [old, young] = [tokensOf({ keys: before }).encode(5), tokensOf({ keys: between }).encode(5)];
    assert.equal(tokensOf({ keys: between }).decode(old).status, "ok");
    assert.equal(tokensOf({ keys: between }).decode(young).status, "ok");
    assert.equal(tokensOf({ keys: after }).decode(young).status, "ok");
    assert.equal(tokensOf({ keys: after }).decode(old).status, "other_issuer");
    assert.equal(tokensOf({ keys: after, trustsOtherIssuers: true }).decode(old).status, "ok");
  });
});
