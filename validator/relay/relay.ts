/**
 * The relay: the server's EpochService once more, from the signed records that this validator keeps, so that miners
 * find their assignments while the server is out of reach.
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Cache, Chain, Clock, Log, ObjectStore, VerifySignature, Wallet } from "../../core/ports.js";
import { EpochService } from "../../gen/zipnet/v1/epoch_service_pb.js";
import { ServerInfoService, ServiceKind } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { AUTH_VERSION } from "../../rpc/auth/auth.js";
import { metagraphDirectory } from "../../rpc/auth/callers.js";
import { catalogueMount } from "../../rpc/catalogues/mount.js";
import { type ServedEpochs, epochService } from "../../rpc/stream/epoch-service.js";
import { toldLimits } from "../../rpc/serving/limits.js";
import type { RecordedEpochs } from "../../rpc/epoch-log/recorded-epochs.js";
import { TOKEN_KEY_PURPOSE, resumeTokens } from "../../rpc/stream/resume-token.js";
import { type RpcServer, startRpcServer } from "../../rpc/serving/server.js";
import { callerUsage } from "../../rpc/serving/server-info.js";
import { SESSION_PURPOSE, sessionKeyOf } from "../../rpc/auth/session.js";
import { StreamLimits } from "../../rpc/serving/stream-limits.js";
import type { ValidatorConfig } from "../parts.js";
import { SOFTWARE_VERSION } from "../../core/version.js";

/** What the relay needs. */
export interface RelayOptions {
  readonly epochs: RecordedEpochs;
  /** Where the catalogues are that it passes on. */
  readonly objects: Pick<ObjectStore, "get">;
  readonly epochLengthSeconds: number;
  readonly config: ValidatorConfig;
  readonly chain: Chain;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Log;
  readonly signer: Wallet;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly verify: VerifySignature;
}

/** Starts to serve. Rejects when the port cannot be had. */
export async function startRelay(options: RelayOptions, signal: AbortSignal): Promise<RpcServer> {
  const { config, chain, cache, clock, log, signer, verify } = options;
  const { relay, network, netuid } = config;
  const { host, port, limits, trusted } = relay;
  const { minValidatorStakeRao, metagraphMaxAgeMs } = relay;
  const directory = metagraphDirectory({ chain, clock, maxAgeMs: metagraphMaxAgeMs, minValidatorStakeRao, signal });
  const streamLimits = new StreamLimits({ ...limits, trusted });
  const server = await startRpcServer(
    {
      host,
      port,
      services: [
        { desc: EpochService, ...relayedEpochs(options, streamLimits, signal) },
        { desc: ServerInfoService, impl: relayInfo(options, streamLimits) },
      ],
      auth: {
        scope: { receiver: signer.hotkey, network, netuid },
        verify,
        directory,
        cache,
        clock,
        maxClockDifferenceMs: limits.maxClockDifferenceMs,
        sessionSecret: signer.secretFor(SESSION_PURPOSE),
        maxCallsPerMinute: limits.maxCallsPerMinute,
      },
      maxRequestBytes: limits.maxRequestBytes,
      limits,
      trusted,
      mounts: [catalogueMount({ objects: options.objects, trusted, clock, log })],
      log,
    },
    signal,
  );
  const url = relay.publicUrl ?? `http://${host}:${server.port}`;
  log.info({ event: "listening", url }, `the relay listens at ${url}`);
  return server;
}

function relayedEpochs(
  { epochs, config, clock, log, signer, random }: RelayOptions,
  streamLimits: StreamLimits,
  drain: AbortSignal,
): ServedEpochs {
  const { relay, network, netuid, serverHotkey } = config;
  const { bookmarkIntervalMs, drainWindowMs, stallTimeoutMs } = relay;
  const tokens = resumeTokens({
    network,
    netuid,
    recordSigner: serverHotkey,
    keys: [signer.secretFor(TOKEN_KEY_PURPOSE)],
    trustsOtherIssuers: true,
  });
  return epochService(epochs, {
    tokens,
    streamLimits,
    bookmarkIntervalMs,
    drainWindowMs,
    stallTimeoutMs,
    random,
    clock,
    log,
    drain,
  });
}

/** What this process is: a relay, which grants nothing and draws nothing. */
function relayInfo(
  { epochs, epochLengthSeconds, config, clock, signer }: RelayOptions,
  streamLimits: StreamLimits,
): ServiceImpl<typeof ServerInfoService> {
  const { relay, network, netuid, serverHotkey } = config;
  const sessionKey = sessionKeyOf(signer);
  return {
    getServerInfo: (_request, context) => ({
      serverTime: timestampFromMs(clock.now()),
      network,
      netuid,
      receiver: signer.hotkey,
      recordSigner: serverHotkey,
      kind: ServiceKind.RELAY,
      softwareVersion: SOFTWARE_VERSION,
      authVersion: AUTH_VERSION,
      epochLengthSeconds,
      sessionKey,
      newestEpochId: epochs.newestKnownId() ?? "",
      limits: {
        ...toldLimits(relay.limits),
        bookmarkIntervalMs: relay.bookmarkIntervalMs,
        keptEpochs: relay.keptEpochs,
      },
      usage: callerUsage(context, streamLimits),
    }),
  };
}
