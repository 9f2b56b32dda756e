import assert from "node:assert/strict";
import { retryAfterMsOf } from "./retry-after.js";

function read(headers: Record<string, string>): number | undefined {
  return retryAfterMsOf((name) => headers[name]);
}

describe("retryAfterMsOf", () => {
  it("reads seconds, and dates against the answer's own date", () => {
    assert.equal(read({ "retry-after": "120" }), 120_000);
    assert.equal(read({ "retry-after": " 0 " }), 0);
    const date = "Sun, 22 Nov 2026 12:00:00 GMT";
    assert.equal(read({ "retry-after": "Sun, 22 Nov 2026 12:01:30 GMT", date }), 90_000);
    assert.equal(read({ "retry-after": "Sun, 22 Nov 2026 11:00:00 GMT", date }), 0);
  });

  it("says nothing where the header is missing or no time, and no more than a day", () => {
    assert.equal(read({}), undefined);
    assert.equal(read({ "retry-after": "" }), undefined);
    assert.equal(read({ "retry-after": "soon" }), undefined);
    assert.equal(read({ "retry-after": "Sun, 22 Nov 2026 12:01:30 GMT" }), undefined);
    assert.equal(read({ "retry-after": "999999999" }), 24 * 3_600_000);
  });
});
