import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { signerFromUri, verifySr25519 } from "../../adapters/wallet/wallet.js";
import { choiceKey, catalogueKey, epochKey, reportKey, settlementKey } from "../../core/object-keys.js";
import { decodeRecord, encodeRecord, openRecord, payloadSha256, sealRecord } from "../../core/signed-record.js";
import { CatalogueChoiceSchema, CatalogueReason, SettlementSchema } from "../../gen/zipnet/v1/calibration_pb.js";
import {
  CALIBRATED_EPOCH,
  EVERY,
  choiceOf,
  has,
  idOf,
  reportOn,
  runJudged,
} from "../../server/calibration/judged-world.test-support.js";
import {
  FIRST_EPOCH,
  type KeeperWorld,
  LENGTH_SECONDS,
  evenCatalogue,
  keeperWorld,
} from "../../server/keeper/world.test-support.js";
import { startRig } from "../../server/rig.test-support.js";
import { fileSource } from "./file-source.js";
import { serverSource } from "./server-source.js";
import { storeSource } from "./store-source.js";
import { verifyChoice } from "./verify-choice.js";

describe("verifying the choice of a catalogue", () => {
  let world: KeeperWorld;
  let whole: ReadonlyMap<string, Uint8Array>;

  before(async () => {
    world = await keeperWorld();
    const replica = world.start({ calibrateEveryEpochs: EVERY });
    await runJudged(world, { "//V": 130, "//W": 130, "//X": 90 }, () => has(world, epochKey(idOf(CALIBRATED_EPOCH))));
    await replica.kill();
    whole = new Map(world.store.content);
  });
  beforeEach(() => {
    world.store.content.clear();
    for (const [key, bytes] of whole) world.store.content.set(key, bytes);
  });

  const verify = (number: number) => {
    const serverHotkey = signerFromUri("//Server").hotkey;
    return verifyChoice(
      { source: storeSource("the store", world.store), verify: verifySr25519, serverHotkey },
      idOf(number),
    );
  };
  const fieldsOf = async (number = CALIBRATED_EPOCH) => (await verify(number)).differences.map(({ field }) => field);

  /** Alters a record of the server's and signs it again, as a dishonest server would. */
  function alter<Desc extends DescMessage>(schema: Desc, key: string, change: (message: MessageShape<Desc>) => void) {
    const bytes = world.store.content.get(key);
    assert.ok(bytes !== undefined);
    const message = openRecord(schema, decodeRecord(bytes), verifySr25519, signerFromUri("//Server").hotkey);
    change(message);
    world.store.content.set(key, encodeRecord(sealRecord(schema, message as never, signerFromUri("//Server"))));
  }
  const settlement = settlementKey(idOf(FIRST_EPOCH + 1));

  it("finds every choice as it must be", async () => {
    for (let number = FIRST_EPOCH; number <= CALIBRATED_EPOCH; number += 1) {
      assert.deepEqual(await fieldsOf(number), [], String(number));
    }
    const { choice, reports } = await verify(CALIBRATED_EPOCH);
    assert.equal(choice.reason, CatalogueReason.CALIBRATED);
    assert.equal(reports, 3 * EVERY);
  });

  it("finds the same in a copy of the store on disk, and takes the newest choice there", async () => {
    const dir = await mkdtemp(join(tmpdir(), "zipnet-copy-"));
    try {
      for (const [key, bytes] of whole) {
        await mkdir(join(dir, dirname(key)), { recursive: true });
        await writeFile(join(dir, key), bytes);
      }
      const serverHotkey = signerFromUri("//Server").hotkey;
      const verification = { source: await fileSource(dir), verify: verifySr25519, serverHotkey };
      const { choice, differences, reports } = await verifyChoice(verification, idOf(CALIBRATED_EPOCH));
      assert.deepEqual([choice.reason, differences, reports], [CatalogueReason.CALIBRATED, [], 3 * EVERY]);
      assert.ok((await verifyChoice(verification, "")).choice.epochNumber >= CALIBRATED_EPOCH);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("names what a server says else than the validators", async () => {
    let zipCode = "";
    alter(SettlementSchema, settlement, ({ zipCodes: [first] }) => {
      assert.ok(first !== undefined);
      zipCode = first.zipCode;
      Object.assign(first, { lowerMedianListings: 131, upperMedianListings: 131 });
    });
    const at = `settlement[${idOf(FIRST_EPOCH + 1)}].zip_codes[${zipCode}]`;
    const fields = await fieldsOf();
    assert.deepEqual(fields.slice(0, 3), [
      `${at}.lower_median_listings`,
      `${at}.upper_median_listings`,
      "catalogue_sha256",
    ]);
    assert.ok(
      fields.some((field) => field.startsWith(`catalogue.entries[${zipCode}].`)),
      fields.join(", "),
    );
  });

  it("names stake that is counted wrongly, and a report that nobody has", async () => {
    alter(SettlementSchema, settlement, (message) => {
      const dissenter = message.reports.find(({ agrees }) => !agrees);
      assert.ok(dissenter !== undefined);
      dissenter.stakeRao = message.validatorStakeRao;
    });
    assert.ok((await fieldsOf()).length > 0, "a majority is none any more");
    world.store.content.set(settlement, whole.get(settlement) ?? new Uint8Array());
    world.store.content.delete(reportKey(idOf(FIRST_EPOCH + 1), signerFromUri("//V").hotkey));
    assert.ok((await fieldsOf()).some((field) => field.startsWith(`settlement[${idOf(FIRST_EPOCH + 1)}].reports`)));
  });

  it("names another catalogue than the settlements make, and one that is missing", async () => {
    const key = choiceKey(idOf(CALIBRATED_EPOCH));
    const made = choiceOf(world, CALIBRATED_EPOCH).catalogueSha256;
    const other = evenCatalogue(50).sha256;
    alter(CatalogueChoiceSchema, key, (choice) => void (choice.catalogueSha256 = other));
    const { differences } = await verify(CALIBRATED_EPOCH);
    assert.deepEqual(differences, [
      { field: "catalogue_sha256 of the epoch", expected: other, found: made },
      { field: "catalogue_sha256", expected: made, found: other },
    ]);
    world.store.content.set(key, whole.get(key) ?? new Uint8Array());
    world.store.content.delete(catalogueKey(evenCatalogue(60).sha256));
    assert.deepEqual(await fieldsOf(), ["previous_sha256"]);
    world.store.content.delete(settlement);
    const missing = `settlement[${idOf(FIRST_EPOCH + 1)}]`;
    assert.deepEqual(await fieldsOf(), [missing], "and nothing that follows from it");
  });

  it("takes no record that the server did not sign, and says when there is none", async () => {
    const bytes = whole.get(settlement);
    assert.ok(bytes !== undefined);
    const record = decodeRecord(bytes);
    const altered = Uint8Array.from(record.payload);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    world.store.content.set(settlement, encodeRecord({ ...record, payload: altered }));
    await assert.rejects(verify(CALIBRATED_EPOCH), { reason: "RECORD_SIGNATURE_INVALID" });
    await assert.rejects(verify(FIRST_EPOCH - 1), { reason: "EPOCH_UNKNOWN" });
  });
});

describe("verifying the choice of a catalogue at a server", () => {
  it("reads everything by calls that any miner may make", async () => {
    const rig = await startRig({ calibrateEveryEpochs: 1 });
    try {
      const first = await rig.openEpoch(FIRST_EPOCH);
      await rig.closeEpoch(first);
      const { record: snapshot } = await rig.clients(rig.vera).judging.getSnapshot({ epochId: first.id });
      assert.ok(snapshot !== undefined);
      for (const validator of [rig.vera, rig.vito]) {
        const report = reportOn(first, validator, 140, payloadSha256(snapshot));
        await rig.clients(validator).judging.publishReport({ report });
      }
      for (let number = FIRST_EPOCH + 1; number <= FIRST_EPOCH + 3; number += 1) await rig.openEpoch(number);
      await rig.clock.advanceTo((FIRST_EPOCH + 3) * LENGTH_SECONDS * 1000 + 10_000);
      while (rig.parts.catalogues.newestChoice()?.epochNumber !== FIRST_EPOCH + 4) await nextTurn();
      const signal = AbortSignal.timeout(20_000);
      const source = serverSource(rig.url, rig.clients(rig.alice), fetchTransfer(), signal);
      const verification = { source, verify: verifySr25519, serverHotkey: rig.parts.signer.hotkey };
      const { choice, differences, reports } = await verifyChoice(verification, idOf(FIRST_EPOCH + 4));
      assert.deepEqual([choice.reason, differences, reports], [CatalogueReason.CALIBRATED, [], 2]);
      assert.equal((await verifyChoice(verification, "")).choice.epochNumber, FIRST_EPOCH + 4);
    } finally {
      await rig.stop();
    }
  });
});
