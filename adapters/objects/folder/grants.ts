/**
 * Leave to use one object, as an address that proves itself: it names what it allows, and carries an HMAC-SHA256 over
 * all of it by a secret that only the folder holds.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UploadPins } from "../../../core/ports.js";
import { ignoreCode, syncFolder } from "./disk.js";

/** What an address allows. */
export type Grant =
  | { readonly method: "GET"; readonly key: string; readonly expireTimeMs: number }
  | ({ readonly method: "PUT"; readonly expireTimeMs: number } & UploadPins);

/** Makes and checks addresses. */
export interface GrantSigner {
  /** The query of an address that allows this. */
  query(grant: Grant): string;
  /** What a key and a query allow; undefined when the signature is not the folder's. Says nothing about the time. */
  read(key: string, query: URLSearchParams): Grant | undefined;
}

const SECRET_BYTES = 32;

/** Opens the folder's secret, made at first use and readable by its owner only. */
export async function openGrantSigner(dir: string): Promise<GrantSigner> {
  const secret = await openSecret(dir);
  const signatureOf = (grant: Grant): Buffer => createHmac("sha256", secret).update(signedText(grant)).digest();
  return {
    query(grant) {
      const query = new URLSearchParams({ method: grant.method, expires: String(grant.expireTimeMs) });
      if (grant.method === "PUT") {
        query.set("bytes", String(grant.sizeBytes));
        query.set("md5", grant.md5);
        query.set("type", grant.contentType);
      }
      query.set("signature", signatureOf(grant).toString("hex"));
      return query.toString();
    },
    read(key, query) {
      const grant = claimedGrant(key, query);
      const signature = Buffer.from(query.get("signature") ?? "", "hex");
      if (grant === undefined) return undefined;
      const expected = signatureOf(grant);
      return signature.length === expected.length && timingSafeEqual(signature, expected) ? grant : undefined;
    },
  };
}

/** One field a line, and none can hold a line break: two grants never have the same text. */
function signedText(grant: Grant): string {
  const pins = grant.method === "PUT" ? [grant.sizeBytes, grant.md5, JSON.stringify(grant.contentType)] : [];
  return ["zipnet-grant-1", grant.method, grant.key, grant.expireTimeMs, ...pins].join("\n");
}

function claimedGrant(key: string, query: URLSearchParams): Grant | undefined {
  const expireTimeMs = Number(query.get("expires"));
  if (query.get("method") === "GET") return { method: "GET", key, expireTimeMs };
  if (query.get("method") !== "PUT") return undefined;
  const text = (name: string): string => query.get(name) ?? "";
  return {
    method: "PUT",
    key,
    expireTimeMs,
    sizeBytes: Number(text("bytes")),
    md5: text("md5"),
    contentType: text("type"),
  };
}

/** Processes that share the folder share the secret: the first to link its file wins, all read that one. */
async function openSecret(dir: string): Promise<Buffer> {
  const path = join(dir, "grant-secret");
  const known = await readFile(path).catch(ignoreCode("ENOENT"));
  if (known === undefined) {
    const draft = `${path}.${randomBytes(8).toString("hex")}`;
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(randomBytes(SECRET_BYTES));
      await handle.sync();
      await link(draft, path).catch(ignoreCode("EEXIST"));
      await syncFolder(dir);
    } finally {
      await handle.close();
      await rm(draft, { force: true });
    }
  }
  const secret = known ?? (await readFile(path));
  if (secret.length !== SECRET_BYTES) {
    throw new Error(`${path} must hold ${SECRET_BYTES} bytes, not ${secret.length}; remove it to have a new one made`);
  }
  return secret;
}
