/**
 * grpc-js' words for headers and errors, and connect's.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { Metadata, type StatusObject } from "@grpc/grpc-js";

/** Headers that grpc-js writes itself. */
const OWN_HEADERS = new Set(["content-type", "te", "user-agent"]);

/** Request headers as metadata. Values of names that end in -bin are bytes there, and base64 here. */
export function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    if (OWN_HEADERS.has(name)) continue;
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

/** Metadata as headers. */
export function headersOf(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      headers.append(name, typeof value === "string" ? value : value.toString("base64").replace(/=+$/, ""));
    }
  }
  return headers;
}

/** The error that a status says, with the details that the server sent (grpc-status-details-bin). */
export function errorOf({
  code,
  details,
  metadata,
}: Pick<StatusObject, "code" | "details" | "metadata">): ConnectError {
  const headers = headersOf(metadata);
  headers.set("grpc-status", String(code));
  headers.set("grpc-message", encodeURIComponent(details));
  return findTrailerError(headers) ?? new ConnectError(details, Code.Unknown, headers);
}
