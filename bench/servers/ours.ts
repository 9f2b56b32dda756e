/**
 * zipnet's own server, as server/main.ts composes it: every call signed, checked and counted, the roles from a full
 * metagraph, every event recorded before it is told. Its first argument is JSON: OursOptions.
 */
import { join } from "node:path";
import { memoryCache } from "../../adapters/cache/memory-cache.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { openFolderObjects } from "../../adapters/objects/folder/folder-objects.js";
import { verifySr25519 } from "../../adapters/wallet/wallet.js";
import type { Log, ObjectStore } from "../../core/ports.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { epochService } from "../../rpc/stream/epoch-service.js";
import { type RecordedEpochs, recordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import { type ResumeTokens, TOKEN_KEY_PURPOSE, resumeTokens } from "../../rpc/stream/resume-token.js";
import { startRpcServer } from "../../rpc/serving/server.js";
import { StreamLimits } from "../../rpc/serving/stream-limits.js";
import { Epochs, type Keys, NETUID, NETWORK, makeKeys } from "../harness/network.js";
import { LIMITS, authOf } from "./auth.js";
import { nowNs, serveCommands } from "./control.js";
import { fileObjects } from "./file-objects.js";

/** How to serve. */
export interface OursOptions {
  /** Where the records go. */
  readonly dir: string;
  /** Whether the records outlive the process. */
  readonly isDurable: boolean;
  /** 0 picks a free one. */
  readonly port: number;
  readonly epochSeconds: number;
  /** False: every signature passes, to see what checking them costs. */
  readonly checksSignatures: boolean;
  /** Whether it takes the place of one that died: an epoch has opened in the meantime, and many come back at once. */
  readonly isReplacement: boolean;
}

const log: Log = {
  debug() {},
  info() {},
  warn: (_facts, text) => void process.stderr.write(`ours: ${text}\n`),
  error: (_facts, text) => void process.stderr.write(`ours: ${text}\n`),
};

async function main(options: OursOptions): Promise<void> {
  const keys = await makeKeys();
  const epochs = new Epochs(keys.server, options.epochSeconds);
  const cache = memoryCache(systemClock);
  const records = recordedEpochs({
    objects: await openObjects(options),
    cache,
    clock: systemClock,
    epochLengthSeconds: options.epochSeconds,
    keptEpochs: 42,
    trust: { signer: keys.server.hotkey, verify: verifySr25519 },
    log,
  });
  const draining = new AbortController();
  const tokens = tokensOf(keys);
  const served = epochService(records, {
    tokens,
    streamLimits: new StreamLimits(LIMITS),
    bookmarkIntervalMs: 600_000,
    stallTimeoutMs: 60_000,
    random: Math.random,
    clock: systemClock,
    log,
    drain: draining.signal,
    drainWindowMs: 60_000,
  });
  const events = publishing(records, epochs);
  if (options.isReplacement) await events.publish();
  const server = await startRpcServer(
    {
      host: "127.0.0.1",
      port: options.port,
      services: [{ desc: EpochService, ...served }],
      auth: authOf(keys, cache, options.checksSignatures),
      maxRequestBytes: LIMITS.maxRequestBytes,
      limits: LIMITS,
      log,
    },
    draining.signal,
  );
  serveCommands(
    { port: server.port, openingMessages: 2 },
    {
      ...events,
      /** The token that stands after all that was published, in hex. */
      token: async () => Buffer.from(tokens.encode((await records.newestRevision()) ?? 0)).toString("hex"),
      async drain() {
        const startNs = nowNs();
        draining.abort();
        await server.closed;
        return { startNs, endNs: nowNs() };
      },
    },
    options.isReplacement,
  );
}

async function openObjects({ dir, isDurable }: OursOptions): Promise<ObjectStore> {
  if (!isDurable) return fileObjects(join(dir, `records-${process.pid}`));
  return await openFolderObjects({ dir: join(dir, "records"), publicUrl: "http://127.0.0.1", clock: systemClock, log });
}

function tokensOf({ server }: Keys): ResumeTokens {
  return resumeTokens({
    network: NETWORK,
    netuid: NETUID,
    recordSigner: server.hotkey,
    keys: [server.secretFor(TOKEN_KEY_PURPOSE)],
    trustsOtherIssuers: false,
  });
}

/** Opens an epoch with "publish"; closes the one before it, which the next needs, with "settle". */
function publishing(records: RecordedEpochs, epochs: Epochs) {
  let newest: number | undefined;
  return {
    async publish() {
      newest ??= await nextNumber(records, epochs);
      const record = epochs.record(newest);
      const startNs = nowNs();
      await records.recordEpoch(record);
      return startNs;
    },
    /** Answers how many messages that was for every stream. */
    async settle() {
      if (newest === undefined) throw new TypeError("nothing was published");
      newest += 1;
      const closed = newest - 2;
      if ((await records.epoch(epochs.idOf(closed))) === undefined) return 0;
      await records.recordSnapshot(epochs.snapshot(closed));
      return 1;
    },
  };
}

/** The first epoch that is not recorded. */
async function nextNumber(records: RecordedEpochs, epochs: Epochs): Promise<number> {
  const stored = await records.newestEpoch();
  return stored === undefined ? epochs.first : stored.epoch.number + 1;
}

await main(JSON.parse(process.argv[2] ?? "{}") as OursOptions);
