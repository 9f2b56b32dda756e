/**
 * docs/debugging.md: every block of commands on it, run as it is printed, against a real server.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { walletOf } from "../../cli/demo/network.js";
import { ProgressPhase } from "../../gen/zipnet/v1/submission_pb.js";
import { startServerWithEpoch } from "../e2e/stock-client.js";
import { type Testbed, missingPart } from "../e2e/testbed.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ZIPNET = join(ROOT, "dist/cli/zipnet.js");

const absent = ["grpcurl", "curl"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);
const missing = absent.length > 0 ? `skipped: not on the path: ${absent.join(", ")}` : missingPart();

/** A block of commands, with what the page says of it. */
interface Block {
  /** Heading, with a number where it has several blocks. */
  readonly title: string;
  readonly commands: string;
  /** What is printed, by its language: "json" or "text". */
  readonly shown: { readonly language: string; readonly text: string } | undefined;
  /** Exit code by the text that follows; 0 where it names none. */
  readonly exitCode: number;
}

const FENCE = /^```(\w+)\n([\s\S]*?)^```$/gm;

/** The page's blocks of commands: the one that sets the variables, then the others. */
function readPage(): { readonly variables: readonly string[]; readonly blocks: readonly Block[] } {
  const page = readFileSync(join(ROOT, "docs/debugging.md"), "utf8");
  const [introduction = "", ...sections] = page.split(/^## /m);
  const variables = [...introduction.matchAll(/^export (\w+)=/gm)].map(([, name = ""]) => name);
  return { variables, blocks: sections.flatMap(blocksOf) };
}

function blocksOf(section: string): Block[] {
  const heading = section.split("\n", 1)[0] ?? "";
  const parts = section.split(/^(?=```sh\n)/m).slice(1);
  return parts.map((part, index) => {
    const [commands, shown] = [...part.matchAll(FENCE)].map(([, language = "", text = ""]) => ({ language, text }));
    const exitCode = Number(/exit code (\d+)/.exec(part.replace(FENCE, ""))?.[1] ?? 0);
    const title = parts.length === 1 ? heading : `${heading} (${index + 1})`;
    return { title, commands: commands?.text ?? "", shown, exitCode };
  });
}

interface Ran {
  readonly code: number | null;
  /** Standard output and standard error, as a person sees them. */
  readonly output: string;
}

function bash(commands: string, variables: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-e", "-c", commands], { env: { ...process.env, ...variables } });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** Field names of a printed message. */
const fieldsOf = (json: string): string[] => [...json.matchAll(/"([@\w]+)":/g)].map(([, name = ""]) => name);

/** Lines without what differs from network to network. */
const linesOf = (text: string): string[] =>
  text
    .replace(/\b5[1-9A-HJ-NP-Za-km-z]{47}\b/g, "<hotkey>")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

(missing === undefined ? describe : describe.skip)(
  `docs/debugging.md${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    const { variables, blocks } = readPage();
    let testbed: Testbed;
    let folder = "";
    const values: Record<string, string> = {};

    before(async () => {
      testbed = await startServerWithEpoch();
      // The page says what "zipnet" stands for.
      folder = mkdtempSync(join(tmpdir(), "zipnet-page-"));
      const command = join(folder, "zipnet");
      writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${ZIPNET}' "$@"\n`);
      chmodSync(command, 0o755);
      Object.assign(values, {
        HOST: new URL(testbed.serverUrl).host,
        ZIPNET_RECEIVER: testbed.plan.ownerHotkey,
        ZIPNET_WALLET: walletOf("owner"),
        MINER_WALLET: walletOf("swift"),
        EPOCH: testbed.plan.firstEpochId,
        TOKEN: "",
      });
      await reportProgress(testbed);
    });
    after(async () => {
      await testbed[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });

    it("has ten numbered commands, and asks for no variable that is not explained", () => {
      const numbers = blocks.flatMap(({ title }) => /^\d+/.exec(title)?.[0] ?? []);
      assert.deepEqual(
        numbers,
        Array.from({ length: 10 }, (_, index) => String(index + 1)),
      );
      assert.deepEqual([...variables].sort(), Object.keys(values).sort());
    });

    for (const { title, commands, shown, exitCode } of blocks) {
      it(title, async () => {
        const path = `${folder}${delimiter}${process.env.PATH ?? ""}`;
        const { code, output } = await bash(commands, { ...values, PATH: path });
        assert.equal(code, exitCode, output);
        if (shown?.language === "json") {
          const fields = new Set(fieldsOf(output));
          const absentFields = fieldsOf(shown.text).filter((name) => !fields.has(name));
          assert.deepEqual(absentFields, [], output);
        } else {
          const lines = new Set(linesOf(output));
          const absentLines = linesOf(shown?.text ?? "").filter((line) => !lines.has(line));
          assert.deepEqual(absentLines, [], output);
        }
        // What the page says to take from one command for another.
        values.TOKEN = /.*"resumeToken": "([^"]+)"/s.exec(output)?.[1] ?? values.TOKEN ?? "";
      });
    }
  },
);

/** So that there is something to see of the miner. */
async function reportProgress(testbed: Testbed): Promise<void> {
  const clients = testbed.clientsOf("swift");
  try {
    const progress = {
      epochId: testbed.plan.firstEpochId,
      phase: ProgressPhase.UPLOADING,
      zipCodesDone: 3,
      zipCodesTotal: 9,
      listings: 132,
      uploadedObjects: 2,
      uploadedBytes: 40_312n,
    };
    await clients.submissions.reportProgress({ progress });
  } finally {
    clients.close();
  }
}
