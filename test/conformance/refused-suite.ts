/**
 * A suite of our own for the conformance runner: many calls at once that are refused before their bodies are read, among
 * large ones that keep the connection busy. Each must get its whole answer, although its stream is then closed early.
 */

const REFUSED = 600;
const REQUEST = { "@type": "type.googleapis.com/connectrpc.conformance.v1.UnaryRequest" };

/** A call in a compression that nobody knows. */
function refused(index: number): object {
  const request = {
    testName: `refused/${index}`,
    streamType: "STREAM_TYPE_UNARY",
    requestMessages: [REQUEST],
    rawRequest: {
      verb: "POST",
      uri: "/connectrpc.conformance.v1.ConformanceService/Unary",
      headers: [
        { name: "content-type", value: ["application/proto"] },
        { name: "connect-protocol-version", value: ["1"] },
        { name: "content-encoding", value: ["unknown"] },
      ],
      unary: { text: "a body that nobody reads" },
    },
  };
  return { request, expectedResponse: { error: { code: "CODE_UNIMPLEMENTED" } } };
}

/** A call that is answered, with as much as it sends. */
function answered(index: number): object {
  const requestData = Buffer.alloc(index % 10 === 1 ? 120_000 : 300).toString("base64");
  const requestMessages = [{ ...REQUEST, requestData }];
  return { request: { testName: `answered/${index}`, streamType: "STREAM_TYPE_UNARY", requestMessages } };
}

/** Test cases, in the Connect protocol only. */
export const refusedSuite = {
  name: "Refused",
  mode: "TEST_MODE_SERVER",
  relevantHttpVersions: ["HTTP_VERSION_2"],
  relevantProtocols: ["PROTOCOL_CONNECT"],
  relevantCodecs: ["CODEC_PROTO"],
  testCases: Array.from({ length: REFUSED }, (_, index) =>
    index % 2 === 1 ? [answered(index), refused(index)] : [refused(index)],
  ).flat(),
};
