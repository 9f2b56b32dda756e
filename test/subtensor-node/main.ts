/**
 * The test node as a program, for whatever wants a chain that speaks as the real one does:
 *
 *     node --import tsx test/subtensor-node/main.ts --demo --port 9945
 *     npm run demo -- --chain ws://127.0.0.1:9945
 */
import { parseArgs } from "node:util";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { readyCrypto, signerFromUri } from "../../adapters/wallet/wallet.js";
import { VALIDATORS } from "../../cli/demo/network.js";
import { demoKeys, keyOf } from "../../cli/demo/setup.js";
import { SubtensorNode } from "./node.js";
import { Endpoint } from "./server.js";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "9945" },
    /** Milliseconds from one block to the next. */
    "block-time": { type: "string", default: "500" },
    tempo: { type: "string", default: "16" },
    lag: { type: "string", default: "1" },
    /** Registers the demo's participants. */
    demo: { type: "boolean", default: false },
    /** Registers a development key with a stake in TAO, as "//Alice=5000". */
    register: { type: "string", multiple: true, default: [] },
  },
});

const RAO_PER_TAO = 1_000_000_000n;
const DEMO_STAKE_RAO = 10_000n * RAO_PER_TAO;

await readyCrypto();
const keys = demoKeys();
const owner = values.demo ? keyOf(keys, "owner").hotkey : "";
const node = new SubtensorNode({
  rules: { ownerHotkey: owner, tempo: Number(values.tempo), weightsRateLimit: 4 },
  finalityLag: Number(values.lag),
  blockTimeMs: Number(values["block-time"]),
  startMs: systemClock.now(),
});
if (values.demo) {
  for (const [name, { hotkey }] of keys) node.enrol(hotkey, VALIDATORS.includes(name) ? DEMO_STAKE_RAO : 0n);
}
for (const entry of values.register) {
  const [uri = "", tao = "0"] = entry.split("=");
  node.enrol(signerFromUri(uri).hotkey, BigInt(tao) * RAO_PER_TAO);
}
const over = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => over.abort());
const endpoint = await Endpoint.listen(node, Number(values.port));
process.stdout.write(`${endpoint.url}\n`);
await node.run(systemClock, over.signal);
await endpoint.close();
