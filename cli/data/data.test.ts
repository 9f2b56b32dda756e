/** The dataset of a scripted epoch: judged by real validators, exported by the command, read back. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { create } from "@bufbuild/protobuf";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { openDatasetFile } from "../../adapters/parquet/dataset-files.js";
import { listingFiles } from "../../adapters/parquet/listing-files.js";
import { readyCrypto, signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import {
  DATA_CONTENT_TYPE,
  RECORD_CONTENT_TYPE,
  dataKey,
  epochKey,
  manifestKey,
  reportKey,
  settlementKey,
  snapshotKey,
} from "../../core/object-keys.js";
import type { ObjectStore } from "../../core/ports.js";
import { encodeRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import type { DatasetRow } from "../../gen/zipnet/v1/dataset_pb.js";
import { type Listing, ListingSchema } from "../../gen/zipnet/v1/listing_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import {
  EPOCH_ID,
  type ScriptedEpoch,
  honestListings,
  inventedListings,
  judgeOptions,
  scriptEpoch,
} from "../../validator/scripted-epoch.test-support.js";
import { judgeEpoch } from "../../validator/judge/judge-epoch.js";
import { storeSource } from "../epochs/store-source.js";
import { type EpochRows, readEpochRows } from "./epoch-rows.js";

const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const COMMAND = new URL("../zipnet.ts", import.meta.url).pathname;
const never = new AbortController().signal;
const hotkeyOf = (uri: string): string => signerFromUri(uri).hotkey;

/** Honest, but for another broker's name on the first listing, which sellers change at any time. */
function withOtherBroker(zipCode: string): Listing[] {
  return honestListings(zipCode).map((listing, index) =>
    index === 0 ? create(ListingSchema, { ...listing, brokerName: "Another Broker" }) : listing,
  );
}
/** Honest, but for a listing twice and one that no zip code of the file has. */
function withJunk(zipCode: string): Listing[] {
  const listings = honestListings(zipCode);
  const [first = assert.fail()] = listings;
  const foreign = create(ListingSchema, { ...first, listingId: "999999", zipCode: "10001" });
  return [...listings, first, foreign];
}

const CAST = [
  { uri: "//swift", minute: 20, listings: honestListings },
  { uri: "//other-broker", minute: 60, listings: withOtherBroker },
  { uri: "//junk", minute: 90, listings: withJunk },
  { uri: "//inventor", minute: 1, listings: inventedListings },
  { uri: "//partial", minute: 10, listings: honestListings, zipCodes: ["98101"] },
];

/** Stores an epoch as a server does, its reports and their settlement included. */
async function storeEpoch(
  objects: ObjectStore,
  scripted: ScriptedEpoch,
  reports: readonly SignedRecord[],
): Promise<void> {
  const put = (key: string, record: SignedRecord) =>
    objects.putIfAbsent(key, encodeRecord(record), RECORD_CONTENT_TYPE);
  await put(epochKey(EPOCH_ID), scripted.epochRecord);
  await put(snapshotKey(EPOCH_ID), scripted.snapshotRecord);
  for (const [hotkey, manifest] of scripted.manifests) {
    await put(manifestKey(EPOCH_ID, hotkey, payloadSha256(manifest)), manifest);
  }
  for (const [key, content] of scripted.files) await objects.putIfAbsent(key, content, DATA_CONTENT_TYPE);
  for (const report of reports) await put(reportKey(EPOCH_ID, report.signer), report);
}

function settlementOf(
  scripted: ScriptedEpoch,
  reports: readonly SignedRecord[],
  validatorStakeRao: bigint,
): SignedRecord {
  const settled = reports
    .map((report) => ({ validator: report.signer, stakeRao: 100n, reportSha256: payloadSha256(report), agrees: true }))
    .sort((a, b) => (a.validator < b.validator ? -1 : 1));
  const place = { epochNumber: 1, epochId: EPOCH_ID, network: "local", netuid: 1, blockNumber: 5 };
  return sealRecord(SettlementSchema, { ...place, validatorStakeRao, reports: settled }, scripted.server);
}

describe("the dataset of an epoch", function () {
  this.timeout(60_000);
  let dir = "";
  let objects: ObjectStore;
  let scripted: ScriptedEpoch;
  let reports: SignedRecord[];
  before(async () => {
    await readyCrypto();
    dir = await mkdtemp(join(tmpdir(), "zipnet-data-"));
    objects = await openFolderObjects({ dir: join(dir, "store"), publicUrl: "", clock: systemClock });
    scripted = scriptEpoch(CAST);
    reports = [];
    for (const uri of ["//ValidatorA", "//ValidatorB"]) {
      reports.push(await judgeEpoch(await judgeOptions(scripted, { signer: signerFromUri(uri) }), never));
    }
    await storeEpoch(objects, scripted, reports);
  });
  after(() => rm(dir, { recursive: true }));

  const settle = (record: SignedRecord): Promise<boolean> =>
    objects.putIfAbsent(settlementKey(EPOCH_ID), encodeRecord(record), RECORD_CONTENT_TYPE);

  function read(
    over: { validator?: string; onlyVerified?: boolean; without?: string; instead?: Uint8Array } = {},
  ): Promise<EpochRows> {
    const { validator, onlyVerified = false, without, instead } = over;
    const get = (key: string) => (key === without ? Promise.resolve(instead) : objects.get(key));
    const store = { get, list: objects.list.bind(objects) };
    const source = storeSource("the store", store);
    const options = { source, objects: store, files: listingFiles(), verify: verifySr25519, validator, onlyVerified };
    return readEpochRows(EPOCH_ID, { ...options, serverHotkey: scripted.server.hotkey }, never);
  }

  function zipnet(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const options = { cwd: dir, env: { PATH: process.env["PATH"] } };
      execFile(process.execPath, ["--import", TSX, COMMAND, ...args], options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      });
    });
  }

  it("needs the settlement, or one validator to go by", async () => {
    await assert.rejects(read(), { reason: "OBJECT_MISSING", message: /is not settled/ });
    assert.equal((await read({ validator: hotkeyOf("//ValidatorA") })).rows.length, 80);
    await assert.rejects(read({ validator: hotkeyOf("//swift") }), {
      reason: "OBJECT_MISSING",
      message: /no report of/,
    });
  });

  it("is what the honest miners found, each listing once, and nothing of a liar", async () => {
    await settle(settlementOf(scripted, reports, 200n));
    const { rows, miners, accepted } = await read();
    const real = ["98101", "98102"].flatMap(honestListings).map(({ listingId }) => listingId);
    assert.deepEqual(rows.map(({ listing }) => listing?.listingId).sort(), real.sort());
    assert.deepEqual(
      miners.map(({ hotkey }) => hotkey).sort(),
      ["//swift", "//other-broker", "//junk", "//partial"].map(hotkeyOf).sort(),
    );
    assert.equal(accepted, 3 * 80 + 40);
    const inOne = rows.filter(({ listing }) => listing?.zipCode === "98101");
    assert.deepEqual(new Set(inOne.map(({ hotkey }) => hotkey)), new Set([hotkeyOf("//partial")]));
    assert.deepEqual(new Set(inOne.map(({ miners: count }) => count)), new Set([4]));
    assert.deepEqual(
      rows.filter((row) => row.agreeingMiners < row.miners).map(({ listing }) => listing?.listingId),
      ["98101", "98102"].map((zipCode) => honestListings(zipCode)[0]?.listingId),
    );
  });

  it("says so where data is gone or is not what was handed in", async () => {
    const fileOf = (uri: string): string =>
      [...scripted.files.keys()].find((name) => name.includes(hotkeyOf(uri))) ?? assert.fail();
    const key = fileOf("//swift");
    await assert.rejects(read({ without: key }), { reason: "OBJECT_MISSING", message: /not in the store any more/ });
    await assert.rejects(read({ without: key, instead: new Uint8Array(3) }), { reason: "OBJECT_DIFFERS" });
    assert.equal((await read({ without: fileOf("//inventor") })).rows.length, 80);
  });

  it("is not made of the reports of too few, nor of other records than were settled with", async () => {
    const key = settlementKey(EPOCH_ID);
    const few = encodeRecord(settlementOf(scripted, reports.slice(0, 1), 301n));
    await assert.rejects(read({ without: key, instead: few }), /100 of 301 rao/);
    const other = reportKey(EPOCH_ID, hotkeyOf("//ValidatorA"));
    await assert.rejects(read({ without: other }), { reason: "OBJECT_MISSING", message: /that is not there/ });
    const forged = sealRecord(SettlementSchema, { ...place(), reports: [] }, signerFromUri("//swift"));
    await assert.rejects(read({ without: key, instead: encodeRecord(forged) }), { reason: "RECORD_SIGNATURE_INVALID" });
  });

  it("comes out of the command as a file, and the command shows it", async () => {
    const place = ["--objects", `folder:${join(dir, "store")}`, "--server-hotkey", scripted.server.hotkey];
    const exported = await zipnet("data", "export", "--since", "20261101T000000Z", "--out", "out.parquet", ...place);
    assert.deepEqual([exported.code, exported.stderr], [0, ""]);
    assert.match(exported.stdout, /20261122T120000Z {2}80 listings out of 280 of 4 honest miners, 4 of them verified/);
    const rows: DatasetRow[] = [];
    for await (const row of (await openDatasetFile(join(dir, "out.parquet"))).rows()) rows.push(row);
    assert.deepEqual(rows, (await read()).rows);
    const shown = await zipnet("data", "stats", "out.parquet");
    assert.deepEqual([shown.code, shown.stderr], [0, ""]);
    assert.match(shown.stdout, /local\/1, 80 listings of 2 zip codes in 1 epochs/);
    assert.match(shown.stdout, /98101 +│ +40 │ +100\.0 % │ +100\.0 % │ +97\.5 %/);
  });

  it("tells what is wrong with what it is given", async () => {
    const server = ["--server-hotkey", scripted.server.hotkey];
    const nowhere = await zipnet(
      "data",
      "export",
      EPOCH_ID,
      "--out",
      "x.parquet",
      "--objects",
      "folder:nowhere",
      ...server,
    );
    assert.deepEqual([nowhere.code, /nowhere is no object store/.test(nowhere.stderr)], [1, true]);
  });

  it("is not deleted while the epoch is the newest; the command says what it would do", async () => {
    const old = dataKey(hotkeyOf("//swift"), "20261101T120000Z", "98101", "ab".repeat(32));
    await objects.putIfAbsent(old, new Uint8Array(7), DATA_CONTENT_TYPE);
    const place = ["--objects", `folder:${join(dir, "store")}`, "--server-hotkey", scripted.server.hotkey];
    const planned = await zipnet("retention", "plan", "--keep-data-days", "2", ...place);
    assert.deepEqual([planned.code, planned.stderr], [0, ""]);
    assert.match(planned.stdout, /^20261101T120000Z {2}1 files, 7 bytes\n.*1 epochs, 7 bytes, would be deleted\n$/);
    assert.ok((await objects.head(old)) !== undefined);
    const applied = await zipnet("retention", "apply", "--keep-data-days", "2", ...place);
    assert.match(applied.stdout, /1 epochs, 7 bytes, are deleted\n$/);
    assert.equal(await objects.head(old), undefined);
    assert.equal((await read()).rows.length, 80);
  });
});

function place() {
  return { epochNumber: 1, epochId: EPOCH_ID, network: "local", netuid: 1, blockNumber: 5, validatorStakeRao: 1n };
}
