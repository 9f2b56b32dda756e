/** What every refusal must be: a code, a reason for programs, and a sentence for people that names what is wrong. */
import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorReason } from "../../../core/errors.js";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";

/** How a call must be refused. */
export interface Refusal {
  readonly code: Code;
  readonly reason: ErrorReason;
  /** What the message must name: the thing, the value, what to do. */
  readonly says: readonly (string | RegExp)[];
  /** Fields that google.rpc.BadRequest must name, all of them, in order. */
  readonly fields?: readonly string[];
}

/** Longest message that a person still reads. */
const MAX_MESSAGE_LENGTH = 1_200;
/** What a message shows that was made carelessly. */
const CARELESS = /\bundefined\b|\bNaN\b|\[object |\n\s+at |\/dist\/|\.js:\d/;

/** Asserts that a sentence tells a person what it must. */
export function assertSays(message: string, says: readonly (string | RegExp)[]): void {
  assert.ok(message.length > 0 && message.length <= MAX_MESSAGE_LENGTH, `${message.length} characters: ${message}`);
  assert.doesNotMatch(message, CARELESS);
  for (const part of says) {
    const told = typeof part === "string" ? message.includes(part) : part.test(message);
    assert.ok(told, `the message does not say ${String(part)}:\n${message}`);
  }
}

/** The error of a call that must fail. */
async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  return await call.then(
    () => assert.fail("the call was answered instead of refused"),
    (failure: unknown) => ConnectError.from(failure),
  );
}

/** Asserts that a call is refused as it must; the metadata of its google.rpc.ErrorInfo. */
export async function refused(call: Promise<unknown>, refusal: Refusal): Promise<Readonly<Record<string, string>>> {
  const error = await failureOf(call);
  const infos = error.findDetails(ErrorInfoSchema);
  assert.deepEqual(
    [infos.map(({ reason }) => reason), Code[error.code]],
    [[refusal.reason], Code[refusal.code]],
    error.message,
  );
  assertSays(error.rawMessage, refusal.says);
  const fields = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  assert.deepEqual(
    fields.map(({ field }) => field),
    refusal.fields ?? [],
  );
  for (const { description } of fields) assert.match(description, /\bmust\b/);
  return infos[0]?.metadata ?? {};
}

/** Resolves with the first message of a stream, which then ends; rejects with the stream's error. */
export async function firstOf<T>(stream: AsyncIterable<T>): Promise<T> {
  for await (const message of stream) return message;
  return assert.fail("the stream ended without a message");
}
