/**
 * The deployment of deploy/ for real, without containers: streams held through HAProxy while its three replicas are
 * restarted one after another.
 */
import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { request } from "node:http";
import { type BalancedReplicas, replicasMissing, startBalancedReplicas } from "../parts/balanced-replicas.js";
import { type HeldStream, holdByFollower, holdByGrpcJs, lossesSoFar, untilCaughtUp } from "../parts/held-streams.js";
import { waitUntil } from "../parts/programs.js";
import { keyOf } from "../../cli/demo/setup.js";
import { missingPart } from "./testbed.js";

const missing = missingPart() ?? replicasMissing();
const FOLLOWERS = 9;
const GRPC_JS_CLIENTS = 6;
/** Longer than a replica mostly takes to come back: who comes back after that finds it empty, and it fills up again. */
const DRAIN_WINDOW_MS = 10_000;

(missing === undefined ? describe : describe.skip)(
  `three replicas behind HAProxy${missing === undefined ? "" : ` (${missing})`}`,
  function () {
    this.timeout(120_000);
    let replicas: BalancedReplicas;
    const end = new AbortController();
    const streams: HeldStream[] = [];
    setMaxListeners(0, end.signal);

    before(async () => {
      replicas = await startBalancedReplicas({ epochLengthSeconds: 3, drainWindowMs: DRAIN_WINDOW_MS });
      const names = [...replicas.keys.keys()];
      const key = (index: number) => keyOf(replicas.keys, names[index % names.length] ?? "");
      for (let index = 0; index < FOLLOWERS; index += 1) {
        streams.push(holdByFollower(`follower ${index + 1}`, replicas, key(index), end.signal));
      }
      for (let index = 0; index < GRPC_JS_CLIENTS; index += 1) {
        streams.push(holdByGrpcJs(`grpc-js ${index + 1}`, replicas, key(index), end.signal));
      }
      await untilCaughtUp(streams, replicas, key(0), 30_000);
    });
    after(async () => {
      end.abort();
      await Promise.all(streams.map(({ ended }) => ended));
      await replicas.stop();
    });

    it("spreads the streams", async () => {
      const open = (await replicas.replicas()).map((replica) => replica.open);
      // Five each; those that come in the same instant do not see each other yet.
      assert.ok(
        open.every((count) => count >= 3 && count <= 7),
        open.join(),
      );
    });

    it("tells the replicas where a caller is, whatever the caller says", async () => {
      const { usage } = await serverInfoFrom("127.0.0.2", replicas.url);
      assert.equal(usage.address, "127.0.0.2");
    });

    it("loses nothing when the replicas are restarted one after another, and uses all of them again", async () => {
      const before = streams.map(({ opened }) => opened);
      await Promise.race([rollingRestart(replicas), replicas.lost]);
      await waitUntil("every stream interrupted", DRAIN_WINDOW_MS + 20_000, async () =>
        streams.every(({ opened }, index) => opened > (before[index] ?? 0)),
      );
      // Where nobody has come back to the last one yet, whoever comes now does.
      streams.push(holdByGrpcJs("newcomer", replicas, keyOf(replicas.keys, "swift"), end.signal));
      await waitUntil("every stream open, and some at every replica", 20_000, async () => {
        const open = (await replicas.replicas()).map((replica) => replica.open);
        const sum = open.reduce((total, count) => total + count);
        if (sum === streams.length && open.every((count) => count > 0)) return true;
        throw new Error(
          `open are ${open.join(", ")} of ${streams.length}; ${streams.map(({ how }) => how).join("; ")}`,
        );
      });

      const owner = keyOf(replicas.keys, "owner");
      await untilCaughtUp(streams, replicas, owner, 30_000);
      assert.deepEqual(await lossesSoFar(streams, replicas, owner), []);
    });
  },
);

/** GetServerInfo of a caller at an address of this machine that claims to be somewhere else. */
function serverInfoFrom(localAddress: string, url: string): Promise<{ readonly usage: { readonly address: string } }> {
  const elsewhere = { "x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7", forwarded: "for=203.0.113.7" };
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}/zipnet.v1.ServerInfoService/GetServerInfo`,
      { method: "POST", localAddress, headers: { "content-type": "application/json", ...elsewhere } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.once("end", () => resolve(JSON.parse(text) as Awaited<ReturnType<typeof serverInfoFrom>>));
      },
    );
    call.once("error", reject);
    call.end("{}");
  });
}

async function rollingRestart(replicas: BalancedReplicas): Promise<void> {
  for (const index of replicas.replicaUrls.keys()) await replicas.restart(index);
}
