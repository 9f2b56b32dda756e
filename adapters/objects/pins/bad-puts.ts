/** Every way in which a PUT can differ from what was granted, by the pin that ought to stop it. */
import { createHash } from "node:crypto";
import type { PinName } from "../../../core/upload-pins.js";
import type { BareRequest } from "./send.js";

/** What the trial's grants are for. */
export const CONTENT = new TextEncoder().encode("what the trial's grant is for\n");
const OTHER = CONTENT.map((byte) => byte ^ 1);

/** An altered PUT. The key of the grant is a file in a folder, and no other part of the address looks like it. */
export interface BadPut {
  readonly pin: PinName;
  readonly what: string;
  alter(good: BareRequest, key: string): BareRequest;
}

function withHeaders(request: BareRequest, headers: Readonly<Record<string, string>>): BareRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}

function withBody(request: BareRequest, body: Uint8Array): BareRequest {
  return withHeaders({ ...request, body }, { "content-length": String(body.length) });
}

function without(request: BareRequest, name: string): BareRequest {
  const kept = Object.entries(request.headers).filter(([other]) => other !== name);
  return { ...request, headers: Object.fromEntries(kept) };
}

function withSignature(request: BareRequest, alter: (value: string) => string): BareRequest {
  const url = new URL(request.url);
  for (const name of ["X-Amz-Signature", "signature"]) {
    const value = url.searchParams.get(name);
    if (value !== null) url.searchParams.set(name, alter(value));
  }
  return { ...request, url: url.href };
}

const otherMd5 = createHash("md5").update(OTHER).digest("base64");

/** All of them. */
export const BAD_PUTS: readonly BadPut[] = [
  { pin: "length", what: "a longer body", alter: (good) => withBody(good, Buffer.concat([CONTENT, OTHER])) },
  { pin: "length", what: "a shorter body", alter: (good) => withBody(good, CONTENT.subarray(1)) },
  { pin: "md5", what: "other bytes", alter: (good) => withBody(good, OTHER) },
  {
    pin: "md5",
    what: "other bytes with their own MD5",
    alter: (good) => withHeaders(withBody(good, OTHER), { "content-md5": otherMd5 }),
  },
  {
    pin: "md5",
    what: "other bytes without content-md5",
    alter: (good) => without(withBody(good, OTHER), "content-md5"),
  },
  {
    pin: "content_type",
    what: "another content-type",
    alter: (good) => withHeaders(good, { "content-type": "text/html" }),
  },
  { pin: "content_type", what: "no content-type", alter: (good) => without(good, "content-type") },
  { pin: "if_none_match", what: "no if-none-match", alter: (good) => without(good, "if-none-match") },
  {
    pin: "if_none_match",
    what: "another if-none-match",
    alter: (good) => withHeaders(good, { "if-none-match": '"0"' }),
  },
  {
    pin: "key",
    what: "another file's key",
    alter: (good, key) => ({ ...good, url: good.url.replace(key.slice(key.lastIndexOf("/") + 1), "other.bin") }),
  },
  {
    pin: "signature",
    what: "an altered signature",
    alter: (good) => withSignature(good, (value) => `${value.slice(0, -1)}${value.endsWith("0") ? "1" : "0"}`),
  },
  {
    pin: "signature",
    what: "no signature at all",
    alter: (good) => ({ ...good, url: good.url.split("?")[0] ?? "" }),
  },
  { pin: "method", what: "DELETE instead of PUT", alter: (good) => ({ ...good, method: "DELETE" }) },
  { pin: "method", what: "POST instead of PUT", alter: (good) => ({ ...good, method: "POST" }) },
];
