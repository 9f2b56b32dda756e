import assert from "node:assert/strict";
import { localChain } from "../../adapters/chain/local/client.js";
import { freshFolder, startTestChain } from "../../adapters/chain/local/local-chain.test-support.js";
import { metagraphWhen } from "../../adapters/chain/watch.test-support.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto } from "../../adapters/wallet/wallet.js";
import { ZipnetError } from "../../core/errors.js";
import type { Axon, Chain, Metagraph } from "../../core/ports.js";
import { FollowerRig, serverAt } from "./follower.test-support.js";
import { FIRST, NETUID, NETWORK, keys, recordThrough, until } from "../kit.test-support.js";
import { relayDiscovery } from "./relay-discovery.js";

const TAO = 1_000_000_000n;
const never = new AbortController().signal;

/** A chain that shows these neurons. */
function chainOf(neurons: readonly object[], more: Partial<Metagraph> = {}): Pick<Chain, "metagraph"> {
  return { metagraph: async () => ({ network: NETWORK, netuid: NETUID, neurons, ...more }) as unknown as Metagraph };
}

describe("the discovery of relays", () => {
  const axon: Axon = { ip: "203.0.113.7", port: 8451 };
  const options = { network: NETWORK, netuid: NETUID, minStakeRao: 1_000n * TAO };
  const validator = { hotkey: "v", validatorPermit: true, stakeRao: 1_000n * TAO, axon };

  it("finds validators with a permit, enough stake and an axon, at cleartext addresses", async () => {
    const neurons = [
      validator,
      { ...validator, hotkey: "six", axon: { ip: "2001:db8::7", port: 1 } },
      { ...validator, hotkey: "poor", stakeRao: 1_000n * TAO - 1n },
      { ...validator, hotkey: "no permit", validatorPermit: false },
      { ...validator, hotkey: "no axon", axon: undefined },
    ];
    assert.deepEqual(await relayDiscovery({ ...options, chain: chainOf(neurons) })(never), [
      { url: "http://203.0.113.7:8451", hotkey: "v" },
      { url: "http://[2001:db8::7]:1", hotkey: "six" },
    ]);
  });

  it("believes no other subnet's chain", async () => {
    const other = relayDiscovery({ ...options, chain: chainOf([validator], { netuid: NETUID + 1 }) });
    await assert.rejects(
      other(never),
      (error) => error instanceof ZipnetError && /netuid|subnet 47/.test(error.message),
    );
  });

  it("leads a follower from a server that is down to a relay that was announced on a real chain", async () => {
    await readyCrypto();
    const folder = await freshFolder();
    const rules = { network: NETWORK, netuid: NETUID };
    const node = await startTestChain(folder.path, rules);
    const chain = localChain({ url: node.url, clock: systemClock });
    const rig = new FollowerRig();
    try {
      const relayKey = keys("validator");
      const relay = await rig.relay();
      await recordThrough(relay.log, FIRST, FIRST + 1);
      await chain.register(relayKey.hotkey, relayKey.hotkey, never);
      await chain.setStake(relayKey.hotkey, 1_000n * TAO, never);
      await chain.serveAxon(relayKey, { ip: "127.0.0.1", port: relay.port }, never);
      await metagraphWhen(chain, ({ neurons }) => neurons.some(({ validatorPermit }) => validatorPermit));
      const follower = rig.follow([serverAt({ url: "http://127.0.0.1:1" })], {
        discoverRelays: relayDiscovery({ ...options, chain }),
      });
      await until(() => follower.told.length === 3);
      assert.deepEqual(follower.told, ["+0", "+1", "-0"]);
    } finally {
      await rig.close();
      chain.close();
      await node.stop();
      await folder.remove();
    }
  });
});
