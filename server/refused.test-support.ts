import assert from "node:assert/strict";
import type { ErrorReason } from "../core/errors.js";
import { fromConnectError } from "../rpc/errors.js";

/** Asserts that a call is refused with a reason and a message that tells what matters. */
export async function refused(
  call: Promise<unknown>,
  reason: ErrorReason,
  ...told: readonly (string | RegExp)[]
): Promise<void> {
  const error = await call.then(
    () => assert.fail(`the call was answered instead of refused with ${reason}`),
    (failure: unknown) => fromConnectError(failure),
  );
  assert.equal(error.reason, reason, error.message);
  for (const text of told) assert.match(error.message, typeof text === "string" ? new RegExp(text) : text);
}
