import { SubtensorNode } from "../../../test/subtensor-node/node.js";
import { hasMetadata, metadataNote } from "../../../test/subtensor-node/runtime.js";
import { Endpoint } from "../../../test/subtensor-node/server.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { systemClock } from "../../clock/system-clock.js";
import { readyCrypto, signerFromUri } from "../../wallet/wallet.js";
import { CONTRACT_RULES, chainContract } from "../contract.js";
import { subtensorChain } from "./client.js";

if (hasMetadata) {
  chainContract("subtensor", async () => {
    await readyCrypto();
    const { finalityLag, ...rules } = CONTRACT_RULES;
    const node = new SubtensorNode({ rules, finalityLag, blockTimeMs: 20, startMs: systemClock.now() });
    const endpoint = await Endpoint.listen(node);
    const over = new AbortController();
    const running = node.run(systemClock, over.signal);
    const named = { network: "local", netuid: node.netuid };
    const chain = subtensorChain({ endpoints: [endpoint.url], ...named, clock: systemClock, log: quietLog });
    return {
      chain,
      signer: (name) => signerFromUri(`//${name}`),
      enrol: async (hotkey, stakeRao) => node.enrol(hotkey, stakeRao),
      async stop() {
        chain.close();
        over.abort();
        await running;
        await endpoint.close();
      },
    };
  });
} else {
  describe("chain contract: subtensor", () => {
    it.skip(`passes${metadataNote}`, () => {});
  });
}
