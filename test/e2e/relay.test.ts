/**
 * A miner that starts while the server is down: it finds a relay on the chain, and hands in once the server is back.
 * What the relay hands out can be verified meanwhile, the server's catalogue included.
 */
import assert from "node:assert/strict";
import { MINERS, minerSpec, serverSpec, validatorSpec } from "../../cli/demo/network.js";
import { downloadCatalogue } from "../../rpc/catalogues/download.js";
import { localChain } from "../../adapters/chain/local/client.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { fetchTransfer } from "../../adapters/transfer/fetch-transfer.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import { keyOf } from "../../cli/demo/setup.js";
import { serverSource } from "../../cli/epochs/server-source.js";
import { verifyEpoch } from "../../cli/epochs/verify.js";
import { createClients } from "../../rpc/client/client.js";
import { Testbed, missingPart } from "./testbed.js";

const missing = missingPart();

(missing === undefined ? describe : describe.skip)(
  `the way round a server that is down${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    it("leads to a validator's relay, and back", async function () {
      this.timeout(180_000);
      await using testbed = await Testbed.create({
        epochLengthSeconds: 60,
        targetListings: 100,
      });
      const { network, plan } = testbed;
      const first = testbed.epochId(0);
      await network.start(serverSpec(plan));
      await network.start(validatorSpec(plan, "validator-1"));
      await testbed.happens("validator-1", "relay_announced", { ip: "127.0.0.1", port: plan.ports["validator-1"] });
      await testbed.happens("validator-1", "epoch", { epoch_id: first });
      const { facts: kept } = await testbed.happens("validator-1", "catalogue_kept", {});

      await network.killHard("server");
      // Whoever is to check or derive an epoch while the server is away needs the catalogue.
      const relayUrl = `http://127.0.0.1:${plan.ports["validator-1"]}`;
      const ended = new AbortController().signal;
      const { catalogue } = await downloadCatalogue(fetchTransfer(), [relayUrl], String(kept["sha256"]), ended);
      assert.ok(catalogue.entries.length > 0);
      const swift = MINERS.find(({ name }) => name === "swift") ?? assert.fail();
      await network.start(minerSpec(plan, swift));
      await testbed.happens("swift", "epoch_started", { epoch_id: first });
      assert.ok(testbed.events.every(({ event }) => event !== "finalized"));
      await assertVerified(testbed, first);

      await network.restart("server");
      await testbed.happens("swift", "finalized", { epoch_id: first });
    });
  },
);

/** The epoch is computed again from what the relay has. */
async function assertVerified({ plan, keys }: Testbed, epochId: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const url = `http://127.0.0.1:${plan.ports["validator-1"]}`;
  const relay = { url, hotkey: keyOf(keys, "validator-1").hotkey };
  const deployment = { network: "local", netuid: 1 };
  const clients = createClients(relay, { signer: keyOf(keys, "swift"), clock: systemClock, ...deployment });
  const source = serverSource(url, clients, fetchTransfer(), signal);
  const chain = localChain({ url: `http://127.0.0.1:${plan.ports.chain}`, clock: systemClock });
  try {
    const serverHotkey = plan.ownerHotkey;
    const verdict = await verifyEpoch(
      { source, chain, verify: verifySr25519, serverHotkey, ...deployment },
      epochId,
      signal,
    );
    assert.deepEqual(verdict.differences, []);
  } finally {
    chain.close();
    source.close();
  }
}
