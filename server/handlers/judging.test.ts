import assert from "node:assert/strict";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Signer } from "../../core/ports.js";
import { openRecord, payloadSha256 } from "../../core/signed-record.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import type { SubmissionGrants } from "../../gen/zipnet/v1/judging_service_pb.js";
import type { SignedRecord } from "../../gen/zipnet/v1/record_pb.js";
import { ReportSchema } from "../../gen/zipnet/v1/report_pb.js";
import { SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { ServiceKind } from "../../gen/zipnet/v1/server_info_service_pb.js";
import type { Clients } from "../../rpc/client/client.js";
import { quietLog } from "../../test/support/quiet-log.js";
import { FIRST_EPOCH } from "../keeper/world.test-support.js";
import { refused } from "../refused.test-support.js";
import { type ServerRig, sealUnchecked, signedManifest, startRig, upload } from "../rig.test-support.js";

describe("judging where the rules limit what is read", () => {
  it("grants the submissions that are read and no other, and tells how much each validator was granted", async () => {
    const told: Record<string, unknown>[] = [];
    const info = (facts: object): void => void told.push(facts as Record<string, unknown>);
    const rules = { spotCheckMiners: 1, spotCheckBudgetMiners: 1, readMiners: 1 };
    const rig = await startRig({ log: { ...quietLog, info }, rules });
    try {
      const epoch = await rig.openEpoch(FIRST_EPOCH);
      // The one with more zip codes claims more; the other may be asked for by name and is not granted.
      for (const [miner, count] of [[rig.alice, 2] as const, [rig.bob, 4] as const]) {
        const clients = rig.clients(miner);
        const zipCodes = epoch.zipCodes.slice(0, count);
        const texts = Object.fromEntries(zipCodes.map(({ zipCode }) => [zipCode, `${miner.hotkey} ${zipCode}`]));
        const manifest = signedManifest(epoch, miner, await upload(clients, epoch, miner.hotkey, texts));
        await clients.submissions.finalizeSubmission({ manifest });
      }
      await rig.closeEpoch(epoch);
      const { judging } = rig.clients(rig.vera);
      for (const hotkeys of [[], [rig.alice.hotkey, rig.bob.hotkey]]) {
        const { submissions, nextPageToken } = await judging.createDownloadGrants({ epochId: epoch.id, hotkeys });
        assert.deepEqual(
          submissions.map(({ hotkey, grants }) => [hotkey, grants.length]),
          [[rig.bob.hotkey, 4]],
        );
        assert.equal(nextPageToken, "");
      }
      const { submissions } = await judging.createDownloadGrants({ epochId: epoch.id, hotkeys: [rig.alice.hotkey] });
      assert.deepEqual(submissions, []);
      const granted = told.filter(({ event }) => event === "downloads_granted");
      const facts = { event: "downloads_granted", epoch_id: epoch.id, hotkey: rig.vera.hotkey };
      const bytes = 4 * `${rig.bob.hotkey} 12345`.length;
      assert.deepEqual(granted, [
        { ...facts, objects: 4, bytes },
        { ...facts, objects: 4, bytes },
        { ...facts, objects: 0, bytes: 0 },
      ]);
    } finally {
      await rig.stop();
    }
  });
});

describe("judging", () => {
  let rig: ServerRig;
  let vera: Clients;
  let epoch: Epoch;
  let manifests: Map<string, SignedRecord>;

  before(async () => {
    rig = await startRig();
    vera = rig.clients(rig.vera);
    epoch = await rig.openEpoch(FIRST_EPOCH);
    manifests = new Map();
    for (const miner of [rig.alice, rig.bob]) {
      const clients = rig.clients(miner);
      const texts = Object.fromEntries(
        epoch.zipCodes.slice(0, 5).map(({ zipCode }) => [zipCode, `${miner.hotkey} ${zipCode}`]),
      );
      const manifest = signedManifest(epoch, miner, await upload(clients, epoch, miner.hotkey, texts));
      await clients.submissions.finalizeSubmission({ manifest });
      manifests.set(miner.hotkey, manifest);
    }
  });
  after(() => rig.stop());

  it("has to wait for the close", async () => {
    await refused(vera.judging.getSnapshot({ epochId: epoch.id }), "EPOCH_OPEN", epoch.id);
    await refused(vera.judging.createDownloadGrants({ epochId: epoch.id }), "EPOCH_OPEN");
    await refused(vera.judging.publishReport({ report: report(rig.vera) }), "EPOCH_OPEN");
    await refused(vera.judging.getSnapshot({ epochId: "20200101T000000Z" }), "EPOCH_UNKNOWN");
  });

  /** A signed report on the epoch, of the snapshot that the rig holds by now. */
  function report(
    signer: Signer,
    change: { validator?: string; netuid?: number; softwareVersion?: string } = {},
    snapshotSha256 = "0".repeat(64),
  ): SignedRecord {
    const table = { epochId: epoch.id, snapshotSha256, scoringVersion: "zipnet-score-v1", scores: [], weights: [] };
    const { network, netuid } = epoch;
    const honest = { epochId: epoch.id, network, netuid, validator: signer.hotkey, softwareVersion: "0.1.0", table };
    return sealUnchecked(ReportSchema, { ...honest, judgedTime: timestampFromMs(rig.clock.now()), ...change }, signer);
  }

  describe("of a closed epoch", () => {
    let snapshotSha256: string;

    before(async () => {
      await rig.closeEpoch(epoch);
      const { record } = await vera.judging.getSnapshot({ epochId: epoch.id });
      assert.ok(record !== undefined);
      snapshotSha256 = payloadSha256(record);
      const snapshot = openRecord(SnapshotSchema, record, verifySr25519, rig.parts.signer.hotkey);
      assert.equal(snapshot.receipts.length, 2);
    });

    async function allPages(request: { hotkeys?: string[]; pageSize: number }): Promise<SubmissionGrants[][]> {
      const pages: SubmissionGrants[][] = [];
      let pageToken = "";
      do {
        const page = await vera.judging.createDownloadGrants({ epochId: epoch.id, ...request, pageToken });
        pages.push(page.submissions);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return pages;
    }

    it("grants every object of every submission once, whatever the page size", async () => {
      const hotkeys = [rig.alice.hotkey, rig.bob.hotkey].toSorted();
      for (const pageSize of [0, 1, 3, 4, 5, 7, 10]) {
        const pages = await allPages({ pageSize });
        const submissions = pages.flat();
        const keys = submissions.flatMap(({ grants }) => grants.map(({ key }) => key));
        assert.equal(new Set(keys).size, 10, `page size ${pageSize}`);
        assert.equal(keys.length, 10);
        assert.deepEqual([...new Set(submissions.map(({ hotkey }) => hotkey))], hotkeys);
        const held = submissions.filter(({ manifest }) => manifest !== undefined);
        assert.deepEqual(
          held.map(({ manifest }) => manifest),
          hotkeys.map((hotkey) => manifests.get(hotkey)),
        );
        if (pageSize > 0) assert.ok(pages.every((page) => page.flatMap(({ grants }) => grants).length <= pageSize));
      }
    });

    it("grants only the miners that are asked for, and addresses that work", async () => {
      const [submissions = []] = await allPages({ hotkeys: [rig.bob.hotkey], pageSize: 0 });
      assert.deepEqual(
        submissions.map(({ hotkey }) => hotkey),
        [rig.bob.hotkey],
      );
      const grant = submissions[0]?.grants[0];
      assert.ok(grant !== undefined);
      const answer = await fetch(grant.url);
      assert.equal(await answer.text(), `${rig.bob.hotkey} ${epoch.zipCodes[0]?.zipCode}`);
    });

    it("refuses a page token of another question or of nobody", async () => {
      const { nextPageToken } = await vera.judging.createDownloadGrants({ epochId: epoch.id, pageSize: 1 });
      const ask = (pageToken: string, hotkeys: string[] = []) =>
        vera.judging.createDownloadGrants({ epochId: epoch.id, pageSize: 1, pageToken, hotkeys });
      await refused(ask(nextPageToken, [rig.bob.hotkey]), "INVALID_FIELD", "page_token");
      await refused(ask("nonsense"), "INVALID_FIELD", "nonsense");
    });

    it("takes a report once, the same again, and no other after it", async () => {
      const first = report(rig.vera, {}, snapshotSha256);
      await vera.judging.publishReport({ report: first });
      await vera.judging.publishReport({ report: first });
      const other = report(rig.vera, { softwareVersion: "0.2.0" }, snapshotSha256);
      await refused(vera.judging.publishReport({ report: other }), "ALREADY_PUBLISHED", epoch.id);
      const { reports } = await vera.judging.listReports({ epochId: epoch.id });
      assert.deepEqual(reports, [first]);
    });

    it("takes only the caller's own report, on this epoch and this snapshot", async () => {
      const vito = rig.clients(rig.vito);
      const publish = (record: SignedRecord) => vito.judging.publishReport({ report: record });
      await refused(publish(report(rig.vera, {}, snapshotSha256)), "RECORD_SIGNATURE_INVALID", rig.vera.hotkey);
      const forVera = report(rig.vito, { validator: rig.vera.hotkey }, snapshotSha256);
      await refused(publish(forVera), "RECORD_SIGNATURE_INVALID", rig.vera.hotkey);
      await refused(publish(report(rig.vito)), "INVALID_FIELD", "snapshot_sha256", snapshotSha256);
      await refused(publish(report(rig.vito, { netuid: 7 }, snapshotSha256)), "INVALID_FIELD", "netuid");
      const { reports } = await vera.judging.listReports({ epochId: epoch.id });
      assert.ok(
        reports.every(({ signer }) => signer !== rig.vito.hotkey),
        "nothing was written",
      );
    });

    it("lists reports page by page, ascending by validator", async () => {
      await rig.clients(rig.vito).judging.publishReport({ report: report(rig.vito, {}, snapshotSha256) });
      const first = await rig.clients(rig.alice).judging.listReports({ epochId: epoch.id, pageSize: 1 });
      const second = await vera.judging.listReports({ epochId: epoch.id, pageSize: 1, pageToken: first.nextPageToken });
      const signers = [...first.reports, ...second.reports].map(({ signer }) => signer);
      assert.deepEqual(signers, [rig.vera.hotkey, rig.vito.hotkey].toSorted());
      assert.equal(second.nextPageToken, "");
      await refused(vera.judging.listReports({ epochId: "20200101T000000Z" }), "EPOCH_UNKNOWN");
    });

    it("shows in the server's information which epoch is the newest and what callers are held to", async () => {
      const info = await vera.info.getServerInfo({});
      assert.equal(info.newestEpochId, (await rig.parts.epochs.newestEpoch())?.epoch.id);
      assert.deepEqual(
        [info.receiver, info.recordSigner, info.kind, info.catalogueSha256, info.limits?.grantTtlSeconds],
        [rig.parts.signer.hotkey, rig.parts.signer.hotkey, ServiceKind.SERVER, rig.parts.catalogue.sha256, 30],
      );
    });
  });
});
