import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Interface, createInterface } from "node:readline";
import { isFieldSet, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../adapters/clock/system-clock.js";
import { openFolderObjects } from "../adapters/objects/folder/folder-objects.js";
import { fetchTransfer } from "../adapters/transfer/fetch-transfer.js";
import { readyCrypto, signerFromUri } from "../adapters/wallet/wallet.js";
import { epochKey, snapshotKey } from "../core/object-keys.js";
import { CatalogueSchema } from "../gen/zipnet/v1/epoch_pb.js";
import { LimitsSchema } from "../gen/zipnet/v1/server_info_service_pb.js";
import { downloadCatalogue } from "../rpc/catalogues/download.js";
import { createClients } from "../rpc/client/client.js";
import { freePort } from "../test/parts/programs.js";
import { evenCatalogue } from "./keeper/world.test-support.js";
import { main } from "./main.js";

/** Runs a program's main() in a process of its own; aborts it on SIGTERM. */
const PROGRAM = `
  import(process.argv[1]).then(({ main }) => {
    const controller = new AbortController();
    process.once("SIGTERM", () => controller.abort());
    return main(JSON.parse(process.argv[2]), controller.signal);
  }).catch((error) => { console.error(error); process.exitCode = 1; });
`;

interface LogLine {
  readonly event?: string;
  readonly url?: string;
  readonly epoch_id?: string;
  readonly number?: number;
}

/** A running program and its log. */
class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(mainPath: string, settings: Record<string, string>) {
    const args = ["--import", "tsx", "-e", PROGRAM, new URL(mainPath, import.meta.url).href, JSON.stringify(settings)];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(this.#child.stdout !== null);
    const lines: Interface = createInterface(this.#child.stdout);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next line of its log with this event. */
  async event(name: string): Promise<LogLine> {
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) throw new Error(`the program ended before the event ${name}`);
      const line = JSON.parse(value) as LogLine;
      if (line.event === name) return line;
    }
  }

  async end(how: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, "exit");
    this.#child.kill(how);
    return ((await exited) as [number | null])[0];
  }
}

describe("the server's program", function () {
  this.timeout(60_000);
  const programs: Program[] = [];
  let dir: string;

  before(async () => {
    await readyCrypto();
    dir = await mkdtemp(path.join(tmpdir(), "zipnet-main-"));
    await writeFile(path.join(dir, "catalogue.bin"), toBinary(CatalogueSchema, evenCatalogue(60).catalogue));
  });
  after(async () => {
    for (const program of programs) await program.end("SIGKILL");
    await rm(dir, { recursive: true });
  });

  function start(mainPath: string, settings: Record<string, string>): Program {
    const program = new Program(mainPath, settings);
    programs.push(program);
    return program;
  }

  it("draws and closes epochs on the embedded chain, loses nothing when it is killed, and needs no Redis to go on", async () => {
    const chain = start("../adapters/chain/local/main.ts", {
      ZIPNET_LISTEN_PORT: "0",
      ZIPNET_DATA_DIR: path.join(dir, "chain"),
      ZIPNET_BLOCK_TIME_MS: "100",
      ZIPNET_FINALITY_LAG: "0",
    });
    const { url: chainUrl } = await chain.event("listening");
    const settings = {
      ZIPNET_LISTEN_PORT: "0",
      ZIPNET_DATA_DIR: path.join(dir, "server"),
      ZIPNET_WALLET: "//Owner",
      ZIPNET_CHAIN: `local:${chainUrl}`,
      ZIPNET_CATALOGUE: path.join(dir, "catalogue.bin"),
      ZIPNET_EPOCH_LENGTH_SECONDS: "2",
      ZIPNET_SETTLE_MS: "100",
      ZIPNET_TARGET_LISTINGS: "1000",
      ZIPNET_COOLDOWN_EPOCHS: "2",
    };
    const first = start("./main.ts", settings);
    await first.event("listening");
    const opened = await first.event("epoch_recorded");
    const objects = await openFolderObjects({
      dir: path.join(dir, "server", "objects"),
      publicUrl: "http://127.0.0.1",
      clock: systemClock,
    });
    const recordBefore = await objects.get(epochKey(opened.epoch_id ?? ""));
    assert.ok(recordBefore !== undefined);
    await first.end("SIGKILL");

    const missingRedis = `redis://127.0.0.1:${await freePort()}`;
    const second = start("./main.ts", { ...settings, ZIPNET_CACHE: missingRedis });
    const { url } = await second.event("listening");
    const closed = await second.event("epoch_closed");
    assert.equal(closed.epoch_id, opened.epoch_id, "what was open when it was killed is closed first");
    assert.deepEqual(await objects.get(epochKey(opened.epoch_id ?? "")), recordBefore);
    assert.ok((await objects.get(snapshotKey(opened.epoch_id ?? ""))) !== undefined);
    const next = await second.event("epoch_closed");
    assert.equal(next.number, (closed.number ?? 0) + 1, "the epochs that passed meanwhile are made up for");

    const [owner, stranger] = [signerFromUri("//Owner"), signerFromUri("//Stranger")];
    const scope = { network: "local", netuid: 1, clock: systemClock };
    const clients = createClients({ url: url ?? "", hotkey: owner.hotkey }, { signer: stranger, ...scope });
    const info = await clients.info.getServerInfo({});
    assert.equal(info.receiver, owner.hotkey);
    assert.ok(info.newestEpochId > (opened.epoch_id ?? ""));
    for (const field of LimitsSchema.fields) {
      assert.ok(info.limits !== undefined && isFieldSet(info.limits, field), `the limit ${field.name} is not told`);
    }
    assert.equal(info.usage?.address, "127.0.0.1");
    await assert.rejects(clients.epochs.getEpoch({}), /not registered/i);
    clients.close();
    assert.match(await (await fetch(`${url}/`)).text(), /zipnet/);
    const ended = new AbortController().signal;
    const { catalogue } = await downloadCatalogue(fetchTransfer(), [url ?? ""], info.catalogueSha256, ended);
    assert.equal(catalogue.entries.length, 60);
    assert.equal(await second.end("SIGTERM"), 0);
    assert.equal(await chain.end("SIGTERM"), 0);
  });

  it("refuses a configuration with three mistakes, all named at once", async () => {
    const mistakes = { ZIPNET_NETUID: "x", ZIPNET_LISTEN_PORT: "70000" };
    await assert.rejects(main(mistakes, new AbortController().signal), (error: Error) => {
      for (const name of ["ZIPNET_NETUID", "ZIPNET_LISTEN_PORT", "ZIPNET_WALLET", "ZIPNET_CATALOGUE"]) {
        assert.ok(error.message.includes(name), error.message);
      }
      return true;
    });
  });

  it("has the version of the package", async () => {
    const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    const { SOFTWARE_VERSION } = await import("../core/version.js");
    assert.equal(SOFTWARE_VERSION, version);
  });
});
