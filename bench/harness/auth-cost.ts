/**
 * What it costs to authenticate one call, apart from everything else that a call costs: the server's own checks over
 * prepared headers, in this process.
 */
import { memoryCache } from "../../adapters/cache/memory-cache.js";
import { systemClock } from "../../adapters/clock/system-clock.js";
import { callChecks } from "../../rpc/auth/auth-check.js";
import { type CallPlan, type Scheme, signCalls } from "./calls.js";
import { type Keys } from "./network.js";
import { authOf } from "../servers/auth.js";

/** Calls that only warm up; more than there are miners, so that every session has been opened. */
const WARM_UPS = 500;

/** Processor time of checking one call, in microseconds: the signature, the replay set, the quota and the role. */
export async function authCostUs(keys: Keys, scheme: Scheme, call: Omit<CallPlan, "scheme">): Promise<number> {
  const { procedure } = call;
  const checks = callChecks(authOf(keys, memoryCache(systemClock), true));
  let startUs = 0;
  const calls = signCalls(keys, { ...call, scheme, count: call.count + WARM_UPS });
  for (const [index, headers] of calls.entries()) {
    if (index === WARM_UPS) startUs = processorUs();
    const checked = checks.checkHeaders(procedure, (name) => headers[name]);
    await checks.admit(checked, procedure, checked.bodySha256);
  }
  return (processorUs() - startUs) / call.count;
}

function processorUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
