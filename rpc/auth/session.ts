/**
 * Sessions: a hotkey signs once, for at most an hour, and its calls then carry an HMAC, which costs a small
 * part of an sr25519 signature. This file holds what both sides must agree on.
 *
 * The server has an X25519 key, which GetServerInfo names. A client makes an X25519 key of its own and has the hotkey
 * sign a statement, these lines joined by line feeds, without one at the end:
 *
 *   zipnet-session/1
 *   <the client's X25519 public key, 64 lower-case hexadecimal digits>
 *   <the server's X25519 public key, likewise>
 *   <expiry: unix seconds, decimal>
 *   <sender: SS58 address, prefix 42>
 *   <receiver: SS58 address, prefix 42>
 *   <network>
 *   <netuid>
 *
 * The statement names the server's key, so a key that somebody slipped in between makes a session that the server
 * does not know, and nothing else.
 */
import {
  type KeyObject,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from "node:crypto";
import { hexToBytes, utf8ToBytes } from "../../core/hash.js";
import type { Wallet } from "../../core/ports.js";
import type { AuthScope } from "./auth.js";

/** Version of sessions; the first line of a statement. */
const SESSION_VERSION = "zipnet-session/1";

/** What a receiver's secret for sessions is drawn from its wallet for. */
export const SESSION_PURPOSE = "session-key";

/** Longest life of a session. */
export const MAX_SESSION_MS = 3_600_000;

/** What a session's statement says. */
export interface SessionTerms {
  /** The client's X25519 public key, 64 lower-case hexadecimal digits. */
  readonly ephemeralKey: string;
  /** The server's X25519 public key, 64 lower-case hexadecimal digits. */
  readonly serverKey: string;
  /** Unix seconds. */
  readonly expirySeconds: number;
  readonly sender: string;
  readonly scope: AuthScope;
}

/** The bytes that the hotkey signs. */
export function sessionStatement({ ephemeralKey, serverKey, expirySeconds, sender, scope }: SessionTerms): Uint8Array {
  const { receiver, network, netuid } = scope;
  return utf8ToBytes(
    [SESSION_VERSION, ephemeralKey, serverKey, expirySeconds, sender, receiver, network, netuid].join("\n"),
  );
}

/** One side's X25519 key pair. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
}

// What PKCS #8 and SPKI put before the 32 bytes of an X25519 key; node:crypto takes no bare ones.
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** The key pair of 32 secret bytes. */
export function keyPairOf(secret: Uint8Array): KeyPair {
  const key = Buffer.concat([PRIVATE_PREFIX, secret]);
  return keyPairWith(createPrivateKey({ key, format: "der", type: "pkcs8" }));
}

/** The X25519 public key that a receiver offers sessions with, 32 bytes. */
export function sessionKeyOf(receiver: Pick<Wallet, "secretFor">): Uint8Array {
  return hexToBytes(keyPairOf(receiver.secretFor(SESSION_PURPOSE)).publicKey);
}

/** A key pair that nobody had before. */
export function newKeyPair(): KeyPair {
  return keyPairWith(generateKeyPairSync("x25519").privateKey);
}

function keyPairWith(privateKey: KeyObject): KeyPair {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, publicKey: spki.subarray(PUBLIC_PREFIX.length).toString("hex") };
}

/**
 * The key that authenticates a session's calls, 32 bytes; both sides come to the same. Throws for a public key of the
 * other side that no secret belongs to.
 */
export function sessionKey(own: KeyPair, othersKey: string, statement: Uint8Array): Uint8Array {
  const key = Buffer.concat([PUBLIC_PREFIX, hexToBytes(othersKey)]);
  const publicKey = createPublicKey({ key, format: "der", type: "spki" });
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey });
  const salt = createHash("sha256").update(statement).digest();
  return new Uint8Array(hkdfSync("sha256", shared, salt, SESSION_VERSION, 32));
}

/** What authenticates one call of a session: HMAC-SHA256 over the call's nine lines, 32 bytes. */
export function callHmac(key: Uint8Array, signingText: string): Buffer {
  return createHmac("sha256", key).update(signingText).digest();
}
