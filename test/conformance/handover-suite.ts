/**
 * A suite of our own for the conformance runner: streams that are all handed over after their first message, and what
 * can happen to them then. The runner's own suite fails most of its streams before a message, where nothing is handed
 * over.
 */

const REQUEST = "type.googleapis.com/connectrpc.conformance.v1.ServerStreamRequest";
const DETAIL = "type.googleapis.com/connectrpc.conformance.v1.Header";

const CODES = [
  "CANCELED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** connectrpc.conformance.v1.StreamResponseDefinition, as JSON. */
interface Answer {
  readonly responseHeaders?: readonly object[];
  readonly responseData: readonly string[];
  readonly responseDelayMs?: number;
  readonly error?: object;
  readonly responseTrailers?: readonly object[];
}

const header = (name: string, ...value: string[]): object => ({ name, value });

/** Messages of a size in bytes, each with other content, in base64. */
function messages(count: number, bytes: number): string[] {
  return Array.from({ length: count }, (_, index) => Buffer.alloc(bytes, `message ${index} `).toString("base64"));
}

function testCase(name: string, responseDefinition: Answer, more: { cancel?: object } = {}, expected?: object): object {
  const request = {
    testName: `handed-over/${name}`,
    streamType: "STREAM_TYPE_SERVER_STREAM",
    requestMessages: [{ "@type": REQUEST, responseDefinition }],
    ...more,
  };
  return expected === undefined ? { request } : { request, expectedResponse: expected };
}

const METADATA = {
  responseHeaders: [header("x-custom-header", "one", "two")],
  responseTrailers: [header("x-custom-trailer", "three", "four"), header("x-custom-trailer-bin", "AAEC/w")],
};

/** A caller that leaves after the first message must not disturb the server, whose next message has nowhere to go. */
function cancelled(): object {
  const answer = { responseData: messages(3, 10), responseDelayMs: 100 };
  const requests = [{ "@type": REQUEST, responseDefinition: answer }];
  const payloads = [{ data: answer.responseData[0], requestInfo: { requests } }];
  const expected = { payloads, error: { code: "CODE_CANCELED" } };
  return testCase("caller-leaves", answer, { cancel: { afterNumResponses: 1 } }, expected);
}

const details = [{ "@type": DETAIL, name: "why", value: ["it", "failed"] }];

/** Test cases; the runner does each with every protocol, in the clear and over TLS. */
export const handoverSuite = {
  name: "Handover",
  relevantHttpVersions: ["HTTP_VERSION_2"],
  relevantCodecs: ["CODEC_PROTO"],
  testCases: [
    testCase("one-message", { responseData: messages(1, 20) }),
    testCase("empty-messages", { responseData: ["", "", ""] }),
    testCase("many-messages", { responseData: messages(500, 20) }),
    testCase("large-messages", { responseData: messages(3, 60_000) }),
    testCase("messages-with-pauses", { responseData: messages(3, 20), responseDelayMs: 30 }),
    testCase("metadata", { ...METADATA, responseData: messages(2, 20) }),
    testCase("error-with-metadata", {
      ...METADATA,
      responseData: messages(2, 20),
      error: { code: "CODE_ABORTED", message: "aborted", details },
    }),
    testCase("error-without-message", { responseData: messages(1, 20), error: { code: "CODE_UNKNOWN" } }),
    testCase("error-with-unicode", {
      responseData: messages(1, 20),
      error: { code: "CODE_INTERNAL", message: "\nwhite space\r\nand ☺ and 😈 and 100 %\n" },
    }),
    ...CODES.map((code) =>
      testCase(`error-${code.toLowerCase().replaceAll("_", "-")}`, {
        responseData: messages(2, 20),
        error: { code: `CODE_${code}`, message: `failed with ${code}`, details },
      }),
    ),
    cancelled(),
  ],
};
