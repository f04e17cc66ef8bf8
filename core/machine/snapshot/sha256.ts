/**
 * SHA-256, for short texts and for gigabytes.
 *
 * @module
 */
import { builtin } from "../../bus/builtin.ts";

/** Bytes up to which the web's hash is the faster one: it needs no module to be loaded, but needs a copy. */
const SHORT = 1 << 16;

/** A hash of bytes that come in pieces. */
export interface Sha256 {
  /** Adds bytes. */
  update(bytes: Uint8Array): unknown;
  /** The hash of all of them. */
  digest(): Uint8Array;
}

/** A new hash. */
export function startSha256(): Sha256 {
  return builtin("node:crypto").createHash("sha256");
}

/** The hash of bytes. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length <= SHORT) return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  const hash = startSha256();
  hash.update(bytes);
  return Uint8Array.from(hash.digest());
}

/** The hash of bytes, or of a text as UTF-8, in hexadecimal. */
export async function sha256Hex(content: Uint8Array | string): Promise<string> {
  const digest = await sha256(typeof content === "string" ? new TextEncoder().encode(content) : content);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
