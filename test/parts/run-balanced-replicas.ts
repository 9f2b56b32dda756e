/**
 * Runs three replicas behind HAProxy for a shell, until SIGINT; `node deploy/local/run.mjs` starts it.
 */
import { setMaxListeners } from "node:events";
import { parseArgs } from "node:util";
import { messageOf } from "../../core/errors.js";
import { type BalancedReplicas, replicasMissing, startBalancedReplicas } from "./balanced-replicas.js";
import { type HeldStream, holdByFollower, holdByGrpcJs, lossesSoFar, untilCaughtUp } from "./held-streams.js";

const HELP = `Runs three replicas of the server behind HAProxy, with a Redis, a local chain and a listing site, all on
loopback. The programs must be built (npm run build). SIGINT ends everything.

  --port N             port of the balancer, 0 for any free one (default 8450)
  --objects PLACE      folder:DIR or s3://KEY:SECRET@host/bucket (default a temporary folder)
  --epoch-seconds N    length of an epoch (default 60; with --rolling-restart 5)
  --rolling-restart    holds streams, restarts the replicas one after another, says what the streams saw, and ends;
                       exit code 1 when one missed an event, or saw one twice
  --streams N          streams to hold: every second one by grpc-js, the others by our follower (default 30)
  --drain-window-ms N  time over which the clients of a replica come back (default 10000)
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", default: false },
      port: { type: "string", default: "8450" },
      objects: { type: "string" },
      "epoch-seconds": { type: "string" },
      "rolling-restart": { type: "boolean", default: false },
      streams: { type: "string", default: "30" },
      "drain-window-ms": { type: "string", default: "10000" },
    },
  });
  if (values.help) return say(HELP);
  const missing = replicasMissing();
  if (missing !== undefined) throw new Error(missing);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  const rolling = values["rolling-restart"];
  const replicas = await startBalancedReplicas({
    // A miner holds two connections, and comes back before the balancer has seen the old ones go.
    balancer: { port: Number(values.port), maxConnections: 1_000 + 4 * Number(values.streams) },
    epochLengthSeconds: Number(values["epoch-seconds"] ?? (rolling ? 5 : 60)),
    drainWindowMs: Number(values["drain-window-ms"]),
    ...(values.objects === undefined ? {} : { objects: values.objects }),
  });
  try {
    sayAddresses(replicas);
    const stopped = new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve();
      else stop.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const work = rolling ? rollingRestart(replicas, Number(values.streams), stop.signal) : stopped;
    await Promise.race([work, stopped, replicas.lost]);
  } finally {
    await replicas.stop();
  }
}

function sayAddresses(replicas: BalancedReplicas): void {
  say(`server    ${replicas.url}    hotkey ${replicas.serverHotkey}`);
  replicas.replicaUrls.forEach((url, index) => say(`replica-${index + 1} ${url}`));
  say(`balancer  ${replicas.statusUrl}/stats`);
  say(`redis     ${replicas.redisUrl}`);
  say(`chain     ${replicas.chainUrl}`);
  say(`site      ${replicas.siteUrl}`);
  say("registered development keys: //zipnet-demo/NAME, NAME one of " + [...replicas.keys.keys()].join(", "));
}

/** Holds streams, restarts the replicas one after another, and sets the exit code by what the streams saw. */
async function rollingRestart(replicas: BalancedReplicas, count: number, signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const ends = AbortSignal.any([signal, end.signal]);
  setMaxListeners(0, ends);
  const signers = [...replicas.keys.values()];
  const streams: HeldStream[] = [];
  for (const [index, signer] of Array.from({ length: count }, (_, at) => signers[at % signers.length]).entries()) {
    if (signer === undefined) continue;
    const hold = index % 2 === 0 ? holdByFollower : holdByGrpcJs;
    streams.push(hold(`stream ${index + 1}`, replicas, signer, ends));
  }
  const [reader] = signers;
  if (reader === undefined) throw new Error("nobody is registered");
  await untilCaughtUp(streams, replicas, reader, 60_000);
  await sayOpen(replicas, `${count} streams are held`);
  for (const index of replicas.replicaUrls.keys()) {
    const startedMs = performance.now();
    await replicas.restart(index);
    await sayOpen(replicas, `replica-${index + 1} was restarted in ${Math.round(performance.now() - startedMs)} ms`);
  }
  await untilCaughtUp(streams, replicas, reader, 60_000);
  await sayOpen(replicas, "all have caught up");
  const losses = await lossesSoFar(streams, replicas, reader);
  end.abort();
  await Promise.all(streams.map(({ ended }) => ended));
  const events = streams.reduce((sum, held) => sum + held.epochs.length + held.closed.length, 0);
  const opened = streams.reduce((sum, held) => sum + held.opened, 0);
  say(
    `${events} events on ${count} streams, opened ${opened} times in all; ${losses.length} lost, repeated or unordered`,
  );
  losses.forEach(say);
  if (losses.length > 0) process.exitCode = 1;
}

async function sayOpen(replicas: BalancedReplicas, what: string): Promise<void> {
  const open = (await replicas.replicas()).map((replica) => replica.open);
  say(`${what}; open per replica: ${open.join(", ")}`);
}

main().catch((error: unknown) => {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : "";
  process.stderr.write(`${messageOf(error)}${cause}\n`);
  process.exitCode = 1;
});
