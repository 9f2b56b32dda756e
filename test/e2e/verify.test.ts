/**
 * Checking an epoch and computing it without the server, with the command as people use it.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { walletOf } from "../../cli/demo/network.js";
import { startServerWithEpoch } from "./stock-client.js";
import { type Testbed, missingPart } from "./testbed.js";

const ZIPNET = fileURLToPath(new URL("../../dist/cli/zipnet.js", import.meta.url));
const missing = missingPart();

/** What a command ended with. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function epoch(...args: string[]): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [ZIPNET, "epoch", ...args])) };
  } catch (error) {
    return error as Ended;
  }
}

(missing === undefined ? describe : describe.skip)(
  `zipnet epoch verify and derive${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(60_000);
    let testbed: Testbed;
    let known: string[];
    let asking: string[];
    let showing: string[];
    let store: string;
    before(async () => {
      testbed = await startServerWithEpoch();
      const { plan, serverUrl } = testbed;
      known = ["--chain", `local:http://127.0.0.1:${plan.ports.chain}`, "--server-hotkey", plan.ownerHotkey];
      const server = ["--server-url", serverUrl, "--wallet", walletOf("swift")];
      asking = [...server, ...known];
      showing = [...server, "--server-hotkey", plan.ownerHotkey];
      store = plan.objects.slice("folder:".length);
    });
    after(() => testbed[Symbol.asyncDispose]());

    it("says VERIFIED of what the server hands out and of what its store holds, and exits with 0", async () => {
      for (const place of [asking, ["--objects", `folder:${store}`, ...known], ["--records", store, ...known]]) {
        const { code, stdout, stderr } = await epoch("verify", ...place);
        assert.equal(code, 0, stdout + stderr);
        assert.match(stdout, /^epoch \d{8}T\d{6}Z: VERIFIED\n {2}block \d+ of the chain is the first/);
      }
      const { stdout } = await epoch("verify", "--deep", "--json", ...asking);
      assert.deepEqual((JSON.parse(stdout) as { verified: boolean; differences: unknown[] }).differences, []);
    });

    it("names the digit that was altered in a copy, and exits with 1", async () => {
      const copy = join(testbed.plan.dir, "altered");
      await cp(store, copy, { recursive: true });
      const folder = join(copy, "objects", "records", "epoch");
      const path = join(folder, (await readdir(folder))[0] ?? assert.fail());
      const bytes = await readFile(path);
      const nonce = /nonce ([0-9a-f]{32})/.exec((await epoch("show", ...showing)).stdout)?.[1] ?? assert.fail();
      const at = bytes.indexOf(nonce);
      bytes[at] = bytes[at] === 48 ? 49 : 48;
      await writeFile(path, bytes);
      const { code, stdout } = await epoch("verify", "--records", copy, ...known);
      assert.equal(code, 1);
      assert.match(stdout, /DIFFERS, 2 things are not as they must be\n {2}signature\n/);
      assert.match(
        stdout,
        new RegExp(`\\n {2}nonce\\n {4}expected {2}${nonce}\\n {4}found {5}[01]${nonce.slice(1)}\\n`),
      );
    });

    it("derives the epoch that the server shows, after the records of it or from the first epoch on", async () => {
      const { plan } = testbed;
      const shown = (await epoch("show", ...showing)).stdout.trimEnd();
      const catalogue = ["--catalogue", plan.catalogue];
      const derived = await epoch("derive", ...catalogue, ...asking);
      assert.equal(derived.stdout, `${shown}\nderived from the chain and the catalogue; nobody has signed it\n`);
      const id = /^epoch (\w+)/.exec(shown)?.[1] ?? assert.fail();
      const length = String(plan.epochLengthSeconds);
      const rules = ["--target-listings", String(plan.targetListings), "--cooldown-epochs", "3"];
      const first = ["--first-epoch", id, "--epoch-length-seconds", length];
      const alone = await epoch("derive", ...first, ...rules, ...catalogue, ...known);
      assert.equal(alone.stdout, derived.stdout, alone.stderr);
    });

    it("says what is missing", async () => {
      assert.match((await epoch("verify", ...known)).stderr, /give --records .* --objects .* or --server-url/);
      assert.match((await epoch("verify", "today", ...asking)).stderr, /must be an epoch id such as/);
      assert.match((await epoch("derive", ...asking)).stderr, /--catalogue .* is missing/);
      assert.match((await epoch("derive", "--catalogue", testbed.plan.catalogue, ...known)).stderr, /--first-epoch/);
    });
  },
);
