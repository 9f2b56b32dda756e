/**
 * Any one program is killed in mid-epoch and started again: the epoch ends right and nothing is lost.
 */
import assert from "node:assert/strict";
import { toBinary } from "@bufbuild/protobuf";
import { localChain } from "../../adapters/chain/local/client.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { MINERS, minerSpec, serverSpec, validatorSpec } from "../../cli/demo/network.js";
import { readJudgement } from "../../cli/demo/gather.js";
import { openRecord } from "../../core/signed-record.js";
import { SnapshotSchema, ReceiptSchema } from "../../gen/zipnet/v1/submission_pb.js";
import { ScoreTableSchema } from "../../gen/zipnet/v1/report_pb.js";
import { Testbed, missingPart } from "./testbed.js";

const missing = missingPart();
const EPOCH_LENGTH_SECONDS = 30;
const MINER_NAMES = ["swift", "steady"];

(missing === undefined ? describe : describe.skip)(
  `killed programs${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it("server, miner, validator and chain, each killed at work, lose nothing", async function () {
      this.timeout(240_000);
      await using testbed = await Testbed.create({ epochLengthSeconds: EPOCH_LENGTH_SECONDS });
      const { network, plan } = testbed;
      await network.start(serverSpec(plan));
      await Promise.all([
        network.start(validatorSpec(plan, "validator-1")),
        network.start(validatorSpec(plan, "validator-2")),
        ...MINERS.filter(({ name }) => MINER_NAMES.includes(name)).map((miner) =>
          network.start(minerSpec(plan, miner)),
        ),
      ]);
      const [first, second] = [testbed.epochId(0), testbed.epochId(1)];

      // In the first epoch the server goes while one miner uploads, then that miner goes.
      await testbed.happens("steady", "zip_code_uploaded", { epoch_id: first });
      await network.killHard("server");
      await network.restart("server");
      await testbed.until(
        "a second upload",
        ({ program, event, facts }) =>
          program === "steady" && event === "zip_code_uploaded" && facts.epoch_id === first && Number(facts.done) > 1,
        60_000,
      );
      await network.killHard("steady");
      await network.restart("steady");
      await testbed.happens("swift", "finalized", { epoch_id: first });
      await testbed.happens("steady", "finalized", { epoch_id: first });

      // In the second a validator goes while it judges the first, and the chain goes while the miners work.
      await testbed.happens("validator-1", "spot_check", { epoch_id: first });
      await network.killHard("validator-1");
      await network.killHard("chain");
      await network.restart("chain");
      await network.restart("validator-1");
      for (const name of MINER_NAMES) await testbed.happens(name, "finalized", { epoch_id: second });

      for (const epochId of [first, second]) {
        for (const name of ["validator-1", "validator-2"])
          await testbed.happens(name, "report_published", { epoch_id: epochId });
        for (const name of ["validator-1", "validator-2"])
          await testbed.happens(name, "weights_set", { epoch_id: epochId });
        await assertWhole(testbed, epochId);
      }
      assertNothingTwice(testbed, first);
      await assertEqualWeights(testbed);
    });
  },
);

/** Record, snapshot with both receipts, manifests as receipted, both reports with equal tables. */
async function assertWhole(testbed: Testbed, epochId: string): Promise<void> {
  const clients = testbed.clientsOf("validator-1");
  try {
    const { epoch, reports } = await readJudgement(clients, epochId, testbed.plan.ownerHotkey);
    assert.equal(epoch.id, epochId);
    const { record } = await clients.judging.getSnapshot({ epochId });
    const snapshot = openRecord(SnapshotSchema, record ?? assert.fail(), verifySr25519, testbed.plan.ownerHotkey);
    const receipts = snapshot.receipts.map((receipt) =>
      openRecord(ReceiptSchema, receipt, verifySr25519, testbed.plan.ownerHotkey),
    );
    const hotkeys = MINER_NAMES.map((name) => testbed.keys.get(name)?.hotkey);
    assert.deepEqual(receipts.map(({ hotkey }) => hotkey).toSorted(), hotkeys.toSorted());
    assert.deepEqual(
      receipts.map(({ objectCount }) => objectCount),
      [epoch.zipCodes.length, epoch.zipCodes.length],
      "every zip code is in both submissions",
    );
    assert.equal(reports.length, 2);
    const [one, two] = reports.map(({ table }) => toBinary(ScoreTableSchema, table ?? assert.fail()));
    assert.deepEqual(one, two, "the validators' score tables are byte-equal");
  } finally {
    clients.close();
  }
}

/** The miner that was killed scraped no finished zip code again. */
function assertNothingTwice(testbed: Testbed, epochId: string): void {
  const scraped = testbed.events
    .filter(
      ({ program, event, facts }) => program === "steady" && event === "zip_code_scraped" && facts.epoch_id === epochId,
    )
    .map(({ facts }) => facts.zip_code);
  assert.deepEqual(scraped, [...new Set(scraped)]);
}

async function assertEqualWeights(testbed: Testbed): Promise<void> {
  const chain = localChain({ url: `http://127.0.0.1:${testbed.plan.ports.chain}`, clock: systemClock });
  try {
    const { neurons } = await chain.metagraph(AbortSignal.timeout(10_000));
    const rows = ["validator-1", "validator-2"].map(
      (name) => neurons.find(({ hotkey }) => hotkey === testbed.keys.get(name)?.hotkey)?.weights,
    );
    assert.ok((rows[0]?.length ?? 0) > 0);
    assert.deepEqual(rows[0], rows[1]);
  } finally {
    chain.close();
  }
}
