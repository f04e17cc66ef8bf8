/**
 * How sizes and addresses are written in error sentences.
 *
 * @module
 */

/** A size for a sentence: `640 KB`, `12.5 MB`, `17 bytes`. */
export function sizeText(bytes: number): string {
  if (bytes >= 0x10_0000) return `${Math.round(bytes / 0x10_0000 * 10) / 10} MB`;
  if (bytes >= 0x400) return `${Math.round(bytes / 0x400 * 10) / 10} KB`;
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

/** An address or offset for a sentence: `0x1f1`. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
