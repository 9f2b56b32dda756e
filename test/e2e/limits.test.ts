/**
 * The limits of a server as the command prints them.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { walletOf } from "../../cli/demo/network.js";
import { startServerWithEpoch } from "./stock-client.js";
import { type Testbed, missingPart } from "./testbed.js";

const ZIPNET = fileURLToPath(new URL("../../dist/cli/zipnet.js", import.meta.url));
const missing = missingPart();

(missing === undefined ? describe : describe.skip)(
  `zipnet limits${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(60_000);
    let testbed: Testbed;
    before(async () => {
      testbed = await startServerWithEpoch();
    });
    after(() => testbed[Symbol.asyncDispose]());

    async function printed(...more: string[]): Promise<string> {
      const args = [ZIPNET, "limits", "--server-url", testbed.serverUrl, ...more];
      return (await promisify(execFile)(process.execPath, args)).stdout;
    }

    it("prints every limit to anyone, and the use of the address", async () => {
      const text = await printed();
      assert.match(text, /asked from 127\.0\.0\.1/);
      assert.match(text, /max_streams_per_hotkey\W+16/);
      assert.match(text, /connections per address\W+2000\W+[1-9]/);
      assert.doesNotMatch(text, /signed calls per minute/);
    });

    it("prints the use of a hotkey that signs", async () => {
      const text = await printed("--wallet", walletOf("swift"));
      assert.match(text, /\(miner\) from 127\.0\.0\.1/);
      assert.match(text, /signed calls per minute\W+2000\W+1\b/);
      assert.match(await printed("--wallet", "//Nobody"), /\(not registered\)/);
    });
  },
);
