/**
 * Hashes as the records carry them: lower-case hexadecimal text.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of bytes, as 64 lower-case hexadecimal digits. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** SHA-256 of the parts one after the other, 32 bytes. Text counts as UTF-8. Callers separate parts where they could blur. */
export function sha256Of(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return sha256(concatBytes(...parts.map((part) => (typeof part === "string" ? utf8ToBytes(part) : part))));
}

/** Bytes as lower-case hexadecimal text. */
export { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** FNV-1a of a text's UTF-16 code units, 32 bits: quick, for sorting and comparing where nobody gains by a collision. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
