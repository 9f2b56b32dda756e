/**
 * The server is away for a whole epoch, and so is every relay: miners derive the epoch, collect it, and hand it in when
 * the server is back. Nothing is lost, the validators judge it, and weights follow.
 */
import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { localChain } from "../../adapters/chain/local/client.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { readJudgement } from "../../cli/demo/gather.js";
import { MINERS, minerSpec, serverSpec, validatorSpec } from "../../cli/demo/network.js";
import { fileSource } from "../../cli/epochs/file-source.js";
import { serverSource } from "../../cli/epochs/server-source.js";
import { verifyEpoch } from "../../cli/epochs/verify.js";
import { startMsOfEpochId } from "../../core/epoch-time.js";
import { openRecord } from "../../core/signed-record.js";
import type { Epoch } from "../../gen/zipnet/v1/epoch_pb.js";
import { ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { ReceiptSchema, SnapshotSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { Testbed, missingPart } from "./testbed.js";

const missing = missingPart();
const EPOCH_LENGTH_SECONDS = 30;
const MINER_NAMES = ["swift", "steady"];
const VALIDATOR_NAMES = ["validator-1", "validator-2"] as const;

(missing === undefined ? describe : describe.skip)(
  `a server that is away for a whole epoch${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it("loses nothing: miners derive it, hand it in late, validators judge it and weights follow", async function () {
      this.timeout(300_000);
      await using testbed = await Testbed.create({ epochLengthSeconds: EPOCH_LENGTH_SECONDS });
      const { network, plan } = testbed;
      const [first, away, after] = [0, 1, 2].map((index) => testbed.epochId(index)) as [string, string, string];

      await network.start(serverSpec(plan));
      for (const miner of MINERS.filter(({ name }) => MINER_NAMES.includes(name))) {
        const spec = minerSpec(plan, miner);
        await network.start({ ...spec, settings: { ...spec.settings, ZIPNET_DERIVE_AFTER_MS: "1000" } });
      }
      for (const name of MINER_NAMES) await testbed.happens(name, "finalized", { epoch_id: first });
      for (const name of MINER_NAMES) await testbed.happens(name, "catalogue_saved");
      await network.killHard("server");

      const nonces = [];
      for (const name of MINER_NAMES) {
        nonces.push((await testbed.happens(name, "epoch_derived", { epoch_id: away })).facts.nonce);
        await testbed.happens(name, "awaiting_record", { epoch_id: away });
      }
      const closeMs = startMsOfEpochId(after) ?? assert.fail();
      await systemClock.sleepUntil(closeMs + 500, AbortSignal.timeout(60_000));
      await network.restart("server");
      await Promise.all(VALIDATOR_NAMES.map((name) => network.start(validatorSpec(plan, name))));

      await testbed.happens("server", "epoch_extended", { epoch_id: away });
      for (const name of MINER_NAMES) {
        await testbed.happens(name, "epoch_confirmed", { epoch_id: away });
        await testbed.happens(name, "late_submission", { epoch_id: away });
        await testbed.happens(name, "finalized", { epoch_id: away });
        await testbed.happens(name, "finalized", { epoch_id: after });
      }
      for (const event of ["report_published", "weights_set"]) {
        for (const name of VALIDATOR_NAMES) await testbed.happens(name, event, { epoch_id: away });
      }
      const epoch = await assertWhole(testbed, away);
      assert.deepEqual(nonces, [epoch.nonce, epoch.nonce], "what was derived is what is recorded");
      assertCollectedOnce(testbed, epoch);
      for (const epochId of [first, away, after]) await assertVerified(testbed, epochId);
    });
  },
);

/** Both miners' whole submissions came after the close, and both validators say the same of them. */
async function assertWhole(testbed: Testbed, epochId: string): Promise<Epoch> {
  const clients = testbed.clientsOf("validator-1");
  const { ownerHotkey } = testbed.plan;
  try {
    const { epoch, reports } = await readJudgement(clients, epochId, ownerHotkey);
    const { record } = await clients.judging.getSnapshot({ epochId });
    const snapshot = openRecord(SnapshotSchema, record ?? assert.fail(), verifySr25519, ownerHotkey);
    const untilMs = timestampMs(snapshot.acceptedUntil ?? assert.fail("the epoch was extended"));
    const closeMs = timestampMs(epoch.closeTime ?? assert.fail());
    const receipts = snapshot.receipts.map((each) => openRecord(ReceiptSchema, each, verifySr25519, ownerHotkey));
    assert.equal(receipts.length, MINER_NAMES.length);
    for (const { objectCount, receivedTime } of receipts) {
      assert.equal(objectCount, epoch.zipCodes.length, "every zip code is there");
      const receivedMs = receivedTime ? timestampMs(receivedTime) : 0;
      assert.ok(receivedMs >= closeMs && receivedMs < untilMs);
    }
    assert.equal(reports.length, 2);
    const [one, two] = reports.map(({ table }) => toBinary(ScoreTableSchema, table ?? assert.fail()));
    assert.deepEqual(one, two, "the validators' score tables are byte-equal");
    const speeds = reports[0]?.table?.scores.map(({ speedBps }) => speedBps) ?? [];
    assert.deepEqual(speeds, [625, 625], "whoever came after the close has the last step of speed");
    assert.ok(reports[0]?.table?.scores.every(({ shareBps }) => shareBps > 0));
    return epoch;
  } finally {
    clients.close();
  }
}

/** Each miner scraped every zip code of the epoch once: nothing of what it derived was in vain. */
function assertCollectedOnce(testbed: Testbed, epoch: Epoch): void {
  for (const name of MINER_NAMES) {
    const scraped = testbed.events
      .filter((seen) => seen.program === name && seen.event === "zip_code_scraped" && seen.facts.epoch_id === epoch.id)
      .map(({ facts }) => String(facts.zip_code));
    assert.deepEqual(
      scraped.toSorted(),
      epoch.zipCodes.map(({ zipCode }) => zipCode),
    );
  }
}

/** The epoch is computed again from the server's records, and from the files of its store. */
async function assertVerified(testbed: Testbed, epochId: string): Promise<void> {
  const { plan, serverUrl } = testbed;
  const signal = AbortSignal.timeout(30_000);
  const chain = localChain({ url: `http://127.0.0.1:${plan.ports.chain}`, clock: systemClock });
  const sources = [
    serverSource(serverUrl, testbed.clientsOf("validator-1"), fetchTransfer(), signal),
    await fileSource(plan.objects.slice("folder:".length)),
  ];
  try {
    for (const source of sources) {
      const deployment = { network: "local", netuid: 1, serverHotkey: plan.ownerHotkey };
      const verdict = await verifyEpoch({ source, chain, verify: verifySr25519, ...deployment }, epochId, signal);
      assert.deepEqual(verdict.differences, [], `${epochId} from ${source.name}`);
    }
  } finally {
    chain.close();
    for (const source of sources) source.close();
  }
}
