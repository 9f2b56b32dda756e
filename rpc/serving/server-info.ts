/**
 * What a server and a relay tell alike in GetServerInfo: limits, and how much of them the caller uses.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { CallerRole, type CallerUsageSchema } from "../../gen/zipnet/v1/server_info_service_pb.js";
import { callerPlaceKey } from "./caller-address.js";
import { callerKey } from "../auth/callers.js";
import type { Role } from "../auth/roles.js";
import type { StreamLimits } from "./stream-limits.js";

const TOLD_ROLES: Readonly<Record<Role, CallerRole>> = {
  miner: CallerRole.MINER,
  validator: CallerRole.VALIDATOR,
  owner: CallerRole.OWNER,
};

/** What the caller of the call at hand uses. */
export function callerUsage(
  { values }: Pick<HandlerContext, "values">,
  streams: StreamLimits,
): MessageInitShape<typeof CallerUsageSchema> {
  const { address, connections } = values.get(callerPlaceKey);
  const ofAddress = {
    address,
    openStreamsOfAddress: streams.ofAddress(address),
    openConnectionsOfAddress: connections,
  };
  const caller = values.get(callerKey);
  if (caller === undefined) return ofAddress;
  const { hotkey, roles, callsThisMinute, maxCallsPerMinute } = caller;
  return {
    ...ofAddress,
    hotkey,
    roles: roles.map((role) => TOLD_ROLES[role]),
    callsThisMinute,
    maxCallsPerMinute,
    openStreamsOfHotkey: streams.ofHotkey(hotkey),
  };
}
