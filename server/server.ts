/**
 * The server: answers calls and keeps the epochs, until the signal.
 */
import { millisOf } from "../core/timestamps.js";
import { EpochService } from "../gen/zipnet/v1/epoch_service_pb.js";
import { JudgingService } from "../gen/zipnet/v1/judging_service_pb.js";
import { ServerInfoService } from "../gen/zipnet/v1/server_info_service_pb.js";
import { SubmissionService } from "../gen/zipnet/v1/submission_service_pb.js";
import type { TrustedProxies } from "../rpc/serving/caller-address.js";
import { catalogueMount } from "../rpc/catalogues/mount.js";
import { metagraphDirectory } from "../rpc/auth/callers.js";
import { epochService } from "../rpc/stream/epoch-service.js";
import { TOKEN_KEY_PURPOSE, resumeTokens } from "../rpc/stream/resume-token.js";
import { type HttpMount, type RpcServer, startRpcServer } from "../rpc/serving/server.js";
import { SESSION_PURPOSE } from "../rpc/auth/session.js";
import { StreamLimits } from "../rpc/serving/stream-limits.js";
import { judgingService, serverInfoService, submissionService } from "./handlers/index.js";
import { runCalibrator } from "./calibration/calibrator.js";
import { runKeeper } from "./keeper/keeper.js";
import { assertDrawable, watchOutlook } from "./outlook.js";
import type { Deployment, ServerParts } from "./parts.js";
import type { TokenKey } from "./places.js";
import { type Retention, keepRetention } from "./retention.js";
import { readStatusView } from "./status.js";
import { statusMount } from "./status-mount.js";

/** Where and how to serve. */
export interface ServeConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly cert: Uint8Array; readonly key: Uint8Array } | undefined;
  /** What else answers on the port, before the status page. */
  readonly mounts: readonly HttpMount[];
  /** Load balancers whose word on callers' addresses is taken. */
  readonly trusted: TrustedProxies;
  readonly minValidatorStakeRao: bigint;
  readonly metagraphMaxAgeMs: number;
  readonly drainWindowMs: number;
  /** A stream whose connection takes nothing for this long is ended. */
  readonly stallTimeoutMs: number;
  /** What becomes of old listings; without it they stay. */
  readonly retention?: Retention;
  /** Keys of resume tokens: the first makes them, all are accepted. */
  readonly tokenKeys: readonly [TokenKey, ...TokenKey[]];
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Called with the port once calls are answered, before any epoch is drawn. */
  readonly onListening: (port: number) => void;
}

/**
 * Throws an Error when the store holds the records of another server or deployment: going on would mix the two.
 */
export async function assertStoreIsOurs(parts: Pick<ServerParts, "deployment" | "epochs" | "signer">): Promise<void> {
  const newest = await parts.epochs.newestEpoch();
  if (newest === undefined) return;
  const { record, epoch } = newest;
  const { network, netuid, epochLengthSeconds }: Deployment = parts.deployment;
  const startMs = millisOf(epoch.startTime);
  const lengthSeconds = (millisOf(epoch.closeTime) - startMs) / 1000;
  const differences = [
    ["signer", record.signer, parts.signer.hotkey],
    ["network", epoch.network, network],
    ["netuid", epoch.netuid, netuid],
    ["epoch length in seconds", lengthSeconds, epochLengthSeconds],
  ].filter(([, stored, ours]) => stored !== ours);
  if (differences.length === 0) return;
  const said = differences.map(([what, stored, ours]) => `${what} ${stored} instead of ${ours}`).join(", ");
  throw new Error(
    `the object store holds epoch ${epoch.id} of another deployment: ${said}; give this one a store of its own`,
  );
}

/** Serves; resolves after the signal once every connection has ended. Rejects when it cannot start. */
export async function runServer(parts: ServerParts, config: ServeConfig, signal: AbortSignal): Promise<void> {
  await assertStoreIsOurs(parts);
  await assertDrawable(parts);
  const { closed, port } = await listen(parts, config, signal);
  config.onListening(port);
  const { minValidatorStakeRao } = config;
  await Promise.all([
    runKeeper(parts, signal),
    runCalibrator({ ...parts, minValidatorStakeRao }, signal),
    watchOutlook(parts, signal),
    config.retention === undefined ? undefined : keepRetention(parts, config.retention, signal),
    closed,
  ]);
}

function listen(parts: ServerParts, config: ServeConfig, signal: AbortSignal): Promise<RpcServer> {
  const { cache, chain, clock, deployment, epochs, limits, log, objects, signer, verify } = parts;
  const { minValidatorStakeRao, metagraphMaxAgeMs: maxAgeMs } = config;
  const { network, netuid } = deployment;
  const streamLimits = new StreamLimits({ ...limits, trusted: config.trusted });
  const keyOf = (key: TokenKey): Uint8Array => (key === "wallet" ? signer.secretFor(TOKEN_KEY_PURPOSE) : key);
  const [firstKey, ...otherKeys] = config.tokenKeys;
  const epochsImpl = epochService(epochs, {
    tokens: resumeTokens({
      network,
      netuid,
      recordSigner: signer.hotkey,
      keys: [keyOf(firstKey), ...otherKeys.map(keyOf)],
      trustsOtherIssuers: false,
    }),
    streamLimits,
    bookmarkIntervalMs: limits.bookmarkIntervalMs,
    stallTimeoutMs: config.stallTimeoutMs,
    random: config.random,
    clock,
    log,
    drain: signal,
    drainWindowMs: config.drainWindowMs,
  });
  return startRpcServer(
    {
      host: config.host,
      port: config.port,
      ...(config.tls === undefined ? {} : { tls: config.tls }),
      services: [
        { desc: EpochService, ...epochsImpl },
        { desc: SubmissionService, impl: submissionService(parts) },
        { desc: JudgingService, impl: judgingService(parts) },
        { desc: ServerInfoService, impl: serverInfoService(parts, streamLimits) },
      ],
      auth: {
        scope: { receiver: signer.hotkey, network, netuid },
        verify,
        directory: metagraphDirectory({ chain, clock, maxAgeMs, minValidatorStakeRao, signal }),
        cache,
        clock,
        maxClockDifferenceMs: limits.maxClockDifferenceMs,
        sessionSecret: signer.secretFor(SESSION_PURPOSE),
        maxCallsPerMinute: limits.maxCallsPerMinute,
      },
      maxRequestBytes: limits.maxRequestBytes,
      limits,
      trusted: config.trusted,
      mounts: [
        ...config.mounts,
        catalogueMount({ objects, trusted: config.trusted, clock, log }),
        statusMount({ read: () => readStatusView(parts, signal), clock, log }),
      ],
      log,
    },
    signal,
  );
}
