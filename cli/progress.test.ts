import assert from "node:assert/strict";
import { FileProgress } from "./progress.js";

describe("the progress of a file", () => {
  function show(isTTY: boolean): string[] {
    const written: string[] = [];
    let nowMs = 0;
    const progress = new FileProgress({ isTTY, write: (text) => written.push(text) }, "/data/redfin.tsv", () => nowMs);
    for (nowMs = 50; nowMs <= 20_000; nowMs += 50) {
      progress.update({ bytesRead: nowMs * 100, totalBytes: 2_000_000, rows: nowMs });
    }
    progress.end();
    return written;
  }

  it("is a bar in a terminal, which goes away at the end", () => {
    const written = show(true);
    assert.equal(written[0], "\rredfin.tsv ░░░░░░░░░░░░░░░░░░░░   0 %  100 rows, 20 s left\u001b[K");
    assert.equal(written[99], "\rredfin.tsv ██████████░░░░░░░░░░  50 %  10,000 rows, 10 s left\u001b[K");
    assert.ok(written.every((text) => text.length < 85));
    assert.equal(written.at(-1), "\r\u001b[K");
  });

  it("is a line every ten seconds elsewhere", () => {
    assert.deepEqual(show(false), [
      "redfin.tsv: 50 % of 2.0 MB, 10,000 rows, 10 s left\n",
      "redfin.tsv: 100 % of 2.0 MB, 20,000 rows, 0 s left\n",
    ]);
  });
});
