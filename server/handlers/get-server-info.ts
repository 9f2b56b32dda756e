import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { type ServerInfoService, ServiceKind } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { AUTH_VERSION } from "../../rpc/auth/auth.js";
import { toldLimits } from "../../rpc/serving/limits.js";
import { callerUsage } from "../../rpc/serving/server-info.js";
import { sessionKeyOf } from "../../rpc/auth/session.js";
import type { StreamLimits } from "../../rpc/serving/stream-limits.js";
import { MAX_OBJECTS_PER_CALL, MAX_OBJECTS_PER_MANIFEST, MAX_OBJECT_BYTES } from "../limits.js";
import type { ServerParts } from "../parts.js";
import { SOFTWARE_VERSION } from "../../core/version.js";

/** Reads the server's time, identity and limits. */
export function getServerInfo(
  parts: ServerParts,
  streams: StreamLimits,
): ServiceImpl<typeof ServerInfoService>["getServerInfo"] {
  const { catalogue, catalogues, clock, deployment, epochs, limits, signer } = parts;
  const sessionKey = sessionKeyOf(signer);
  return (_request, context) => ({
    serverTime: timestampFromMs(clock.now()),
    network: deployment.network,
    netuid: deployment.netuid,
    receiver: signer.hotkey,
    recordSigner: signer.hotkey,
    kind: ServiceKind.SERVER,
    softwareVersion: SOFTWARE_VERSION,
    authVersion: AUTH_VERSION,
    epochLengthSeconds: deployment.epochLengthSeconds,
    newestEpochId: epochs.newestKnownId() ?? "",
    catalogueSha256: catalogues.newestChoice()?.catalogueSha256 ?? catalogue.sha256,
    catalogueEpochId: catalogues.newestChoice()?.epochId ?? "",
    rules: deployment.rules,
    sessionKey,
    limits: {
      ...toldLimits(limits),
      maxObjectsPerCall: MAX_OBJECTS_PER_CALL,
      maxObjectsPerManifest: MAX_OBJECTS_PER_MANIFEST,
      maxObjectBytes: MAX_OBJECT_BYTES,
      grantTtlSeconds: limits.grantTtlSeconds,
      bookmarkIntervalMs: limits.bookmarkIntervalMs,
      keptEpochs: limits.keptEpochs,
      maxObjectsPerEpoch: limits.maxObjectsPerEpoch,
      maxBytesPerEpoch: BigInt(limits.maxBytesPerEpoch),
    },
    usage: callerUsage(context, streams),
  });
}
