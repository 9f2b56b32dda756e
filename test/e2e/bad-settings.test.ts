/**
 * Commands that are given wrong: each ends at once with a sentence per mistake, and leaves nothing behind.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ZIPNET = fileURLToPath(new URL("../../dist/cli/zipnet.js", import.meta.url));
const HOTKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const isBuilt = existsSync(ZIPNET);

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program with enough right settings that only the wrong ones are left to complain about. */
interface Wrong {
  readonly program: string;
  readonly right: Readonly<Record<string, string>>;
  /** Setting, its wrong value, and what the message says that it must be. */
  readonly mistakes: readonly (readonly [name: string, value: string, must: string])[];
}

const participant = {
  ZIPNET_SERVER_URL: "http://127.0.0.1:1",
  ZIPNET_SERVER_HOTKEY: HOTKEY,
  ZIPNET_WALLET: "//Alice",
  ZIPNET_STATE_DIR: "state",
  ZIPNET_SOURCE_URL: "http://127.0.0.1:1",
};

const WRONG: readonly Wrong[] = [
  {
    program: "server",
    right: { ZIPNET_WALLET: "//Alice", ZIPNET_CATALOGUE: "catalogue.bin" },
    mistakes: [
      ["LISTEN_PORT", "80a", "0 to 65535"],
      ["CHAIN", "https://somewhere", "ws:// or wss://"],
      ["TARGET_LISTINGS", "0", "1 to 10000000"],
    ],
  },
  {
    program: "miner",
    right: participant,
    mistakes: [
      ["SERVER_HOTKEY", "5Fx", "SS58"],
      ["SOURCE", "guesses", "zillow-shape, csv-export, invented"],
      ["CONCURRENCY", "65", "1 to 64"],
    ],
  },
  {
    program: "validator",
    right: participant,
    mistakes: [
      ["NETUID", "-1", "0 to 65535"],
      ["SERVER_URL", "127.0.0.1", "http://"],
      ["LISTEN_PORT", "65536", "0 to 65535"],
    ],
  },
  {
    program: "chain",
    right: {},
    mistakes: [
      ["OWNER_HOTKEY", "me", "SS58"],
      ["BLOCK_TIME_MS", "1s", "10 to 3600000"],
      ["TEMPO", "0", "1 to"],
    ],
  },
  {
    program: "site",
    right: {},
    mistakes: [
      ["LATENCY_MS", "slow", "0 to 60000"],
      ["ERROR_RATE_BPS", "10001", "0 to 10000"],
      ["LOG_FORMAT", "xml", "json, pretty"],
    ],
  },
];

(isBuilt ? describe : describe.skip)(
  `commands that are given wrong${isBuilt ? "" : " (skipped: the programs are not built, npm run build)"}`,
  function () {
    this.timeout(60_000);
    let dir: string;
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), "zipnet-wrong-"));
    });
    afterEach(() => rm(dir, { recursive: true }));

    /** Runs a command in an empty folder. */
    async function run(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<Outcome> {
      const env = { PATH: process.env.PATH, ...settings };
      return await new Promise((resolve) => {
        const child = execFile(
          process.execPath,
          [ZIPNET, ...args],
          { cwd: dir, env, timeout: 50_000 },
          (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
        );
      });
    }

    /** Asserts that a command fails with these words, and that nothing else comes of it. */
    async function fails(command: Promise<Outcome>, ...says: readonly (string | RegExp)[]): Promise<void> {
      const { code, stdout, stderr } = await command;
      assert.ok(code !== null && code > 0, `exit code ${code}: ${stderr}`);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /\n\s+at |node:internal|\bundefined\b|\[object /);
      for (const text of says) {
        assert.ok(
          typeof text === "string" ? stderr.includes(text) : text.test(stderr),
          `${String(text)} in:\n${stderr}`,
        );
      }
      assert.deepEqual(await readdir(dir), [], "nothing is made");
    }

    for (const { program, right, mistakes } of WRONG) {
      it(`${program}: three mistakes in its settings, all named at once, by variable and by flag`, async () => {
        const told = mistakes.map(([name, value, must]) => {
          const flag = `--${name.toLowerCase().replaceAll("_", "-")}`;
          return new RegExp(`\\n {2}- ZIPNET_${name} \\(${flag}\\) is "${value}", but must be .*${must}`);
        });
        const variables = Object.fromEntries(mistakes.map(([name, value]) => [`ZIPNET_${name}`, value]));
        const flags = mistakes.map(([name, value]) => `--${name.toLowerCase().replaceAll("_", "-")}=${value}`);
        await Promise.all([
          fails(run([program], { ...right, ...variables }), "the configuration has 3 mistakes:", ...told),
          fails(run([program, ...flags], right), "the configuration has 3 mistakes:", ...told),
        ]);
      });
    }

    it("settings that are right one by one, but do not fit together", async () => {
      const server = { ZIPNET_WALLET: "//Alice", ZIPNET_CATALOGUE: "catalogue.bin" };
      const wrong = { ZIPNET_SPEED_PERCENT: "50", ZIPNET_TLS_CERT: "cert.pem", ZIPNET_FIRST_EPOCH: "tomorrow" };
      await Promise.all([
        fails(
          run(["server"], { ...server, ...wrong }),
          "3 mistakes",
          "ZIPNET_VOLUME_PERCENT (--volume-percent)",
          "ZIPNET_TLS_KEY (--tls-key)",
          /ZIPNET_FIRST_EPOCH \(--first-epoch\) is "tomorrow", but must be/,
        ),
        fails(run(["chain", "--listen-host", "0.0.0.0"]), "ZIPNET_LISTEN_HOST", "127.0.0.1"),
        fails(
          run(["miner"], { ...participant, ZIPNET_SOURCE_URL: "https://example.com" }),
          "ZIPNET_CONTACT (--contact) is missing",
        ),
      ]);
    });

    it("files that are not there", async () => {
      const server = ["server", "--catalogue", "no.bin"];
      const noWallet = "the wallet file no-wallet cannot be read: ENOENT";
      await Promise.all([
        fails(run([...server, "--wallet", "no-wallet"]), noWallet),
        fails(run([...server, "--wallet", "//Alice"]), "the catalogue file no.bin cannot be read: ENOENT"),
        fails(run(["miner", "--wallet", "no-wallet"], participant), noWallet),
        fails(run(["validator", "--wallet", "no-wallet"], participant), noWallet),
        fails(run(["wallet", "show", "no/one", "--wallets-path", "."]), "there is no wallet no with hotkeys"),
        fails(run(["site", "--homes", "no.csv"]), "no.csv", "ENOENT"),
        fails(run(["catalogue", "import", "no.csv", "--out", "catalogue.bin"]), "no.csv cannot be read: ENOENT"),
      ]);
    });

    it("a port that is taken", async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const { port } = taken.address() as AddressInfo;
      await fails(run(["site", "--listen-port", String(port)]), "EADDRINUSE", `127.0.0.1:${port}`);
      taken.close();
    });

    it("a command, a flag or an argument that there is not", async () => {
      await Promise.all([
        fails(run(["serve"]), "unknown command 'serve'", "server", "--help"),
        fails(run(["server", "--port", "1"]), "unknown option '--port'", "--help"),
        fails(run(["server", "now"]), "too many arguments", "server", "--help"),
        fails(run(["server", "--wallet"]), "--wallet", "argument missing", "--help"),
        fails(run(["epoch", "shows"]), "unknown command 'shows'", "--help"),
        fails(run(["catalogue", "import", "a.csv"]), "required option '--out <file>' not specified", "--help"),
        fails(run(["catalogue", "import", "--out", "b.bin"]), "missing required argument 'files'", "--help"),
        fails(run(["wallet", "new", "one"]), 'must be "name/hotkey"', "--help"),
      ]);
    });

    it("requests and addresses that are none", async () => {
      const header = (method: string, data: string): Promise<Outcome> =>
        run(["auth", "header", method, "--data", data, "--wallet", "//Alice", "--receiver", HOTKEY]);
      const settings = { ZIPNET_SERVER_HOTKEY: HOTKEY, ZIPNET_WALLET: "//Alice" };
      const nowhere = { ...settings, ZIPNET_SERVER_URL: "http://127.0.0.1:1" };
      await Promise.all([
        fails(header("zipnet.v1.EpochService/Get", "{}"), "no such method", "EpochService/GetEpoch"),
        fails(header("zipnet.v1.EpochService/GetEpoch", '{"id":1}'), "GetEpochRequest", '"id" is unknown'),
        fails(header("zipnet.v1.EpochService/GetEpoch", "{"), "GetEpochRequest", "JSON"),
        fails(run(["epoch", "list", "--netuid", "x"], settings), "2 mistakes", "ZIPNET_SERVER_URL", "ZIPNET_NETUID"),
        fails(run(["epoch", "list"], nowhere), "127.0.0.1:1", "UNAVAILABLE"),
      ]);
    });
  },
);
