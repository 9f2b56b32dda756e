import assert from "node:assert/strict";
import { SubtensorNode } from "../../../test/subtensor-node/node.js";
import { hasMetadata, metadataNote } from "../../../test/subtensor-node/runtime.js";
import { Endpoint } from "../../../test/subtensor-node/server.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { systemClock } from "../../clock/system-clock.js";
import { openChain } from "../open.js";

const never = new AbortController().signal;
const parts = { clock: systemClock, log: quietLog };

describe("opening the real chain", () => {
  const nodes: SubtensorNode[] = [];
  const endpoints: Endpoint[] = [];
  const settings = (over: { network?: string; netuid?: number } = {}) => ({
    network: "local",
    netuid: 1,
    chain: { kind: "subtensor", endpoints: endpoints.map(({ url }) => url) } as const,
    chainRequestsPerSecond: undefined,
    ...over,
  });
  before(async function () {
    if (!hasMetadata) this.skip();
    for (const startMs of [1_000, 2_000]) {
      const node = new SubtensorNode({ startMs });
      nodes.push(node);
      endpoints.push(await Endpoint.listen(node));
    }
  });
  after(() => Promise.all(endpoints.map((endpoint) => endpoint.close())));

  it(`lists every endpoint that is not of the network${metadataNote}`, async () => {
    await assert.rejects(openChain(settings({ network: "finney" }), parts, never), ({ message }: Error) => {
      for (const { url } of endpoints) assert.ok(message.includes(`${url} is another chain: its block 0 is `), message);
      assert.match(message, /must be 2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03/);
      return true;
    });
  });

  it(`lists endpoints of different chains${metadataNote}`, async () => {
    const [first, second] = nodes.map(({ genesisHash }) => genesisHash.slice(2));
    await assert.rejects(openChain(settings(), parts, never), ({ message }: Error) => {
      assert.ok(
        message.endsWith(`${endpoints[1]?.url} is another chain: its block 0 is ${second}, but must be ${first}`),
      );
      return true;
    });
  });

  it(`names a subnet that there is not, and takes the one that there is${metadataNote}`, async () => {
    await endpoints.pop()?.close();
    await assert.rejects(openChain(settings({ netuid: 2 }), parts, never), /has no subnet 2 at block 0/);
    const chain = await openChain(settings(), parts, never);
    assert.equal((await chain.metagraph(never)).netuid, 1);
    chain.close();
  });

  it(`takes an endpoint that does not answer for no mismatch${metadataNote}`, async () => {
    await endpoints[0]?.goDown();
    const chain = await openChain(settings(), parts, never);
    await assert.rejects(chain.finalizedBlock(never), { reason: "UNAVAILABLE" });
    await endpoints[0]?.comeUp();
    assert.equal((await chain.finalizedBlock(never)).number, 0);
    chain.close();
  });

  it("does not take an embedded chain for the real one", async () => {
    const chain = { kind: "local", url: "http://127.0.0.1:9944" } as const;
    await assert.rejects(
      openChain({ network: "finney", netuid: 1, chain, chainRequestsPerSecond: undefined }, parts, never),
      /the network is finney, but the chain is an embedded one/,
    );
  });
});
