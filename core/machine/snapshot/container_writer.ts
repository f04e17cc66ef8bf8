/**
 * Writes a snapshot's sections, one after the other, without going back.
 *
 * @module
 */
import {
  BYTES,
  END_MAGIC,
  ENTRY,
  FOOTER,
  HEADER,
  MAGIC,
  SECTION_FLAG,
  SECTION_VERSION,
  SNAPSHOT_VERSION,
} from "./layout.ts";
import { sha256, startSha256 } from "./sha256.ts";

/** Takes the bytes of a file in their order. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>;

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly offset: number;
  length: number;
  digest: Uint8Array;
}

/** A snapshot that is being written. */
export class ContainerWriter {
  readonly #sink: ByteSink;
  readonly #header: Uint8Array;
  readonly #entries: Entry[] = [];
  #length = 0;

  /** Nothing is written before the first section. */
  constructor(sink: ByteSink) {
    this.#sink = sink;
    this.#header = new Uint8Array(BYTES.HEADER);
    this.#header.set(MAGIC);
    const view = new DataView(this.#header.buffer);
    view.setUint32(HEADER.VERSION, SNAPSHOT_VERSION, true);
    view.setUint32(HEADER.LENGTH, BYTES.HEADER, true);
  }

  /** Writes a section, whose bytes may come in pieces. */
  async section(
    name: string,
    content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    flags: number = SECTION_FLAG.CRITICAL,
  ): Promise<void> {
    if (this.#length === 0) await this.#put(this.#header);
    const entry: Entry = { name, flags, offset: this.#length, length: 0, digest: new Uint8Array(0) };
    this.#entries.push(entry);
    const hash = startSha256();
    for await (const piece of content) {
      hash.update(piece);
      await this.#put(piece);
    }
    entry.length = this.#length - entry.offset;
    entry.digest = Uint8Array.from(hash.digest());
  }

  /** Writes the table and the footer; returns the length of the whole. */
  async finish(): Promise<number> {
    const table = new Uint8Array(BYTES.ENTRY * this.#entries.length);
    this.#entries.forEach((entry, index) => writeEntry(table.subarray(index * BYTES.ENTRY), entry));
    const footer = new Uint8Array(BYTES.FOOTER);
    const view = new DataView(footer.buffer);
    view.setBigUint64(FOOTER.TABLE, BigInt(this.#length), true);
    view.setUint32(FOOTER.COUNT, this.#entries.length, true);
    view.setUint32(FOOTER.ENTRY_BYTES, BYTES.ENTRY, true);
    view.setBigUint64(FOOTER.FILE_LENGTH, BigInt(this.#length + table.length + BYTES.FOOTER), true);
    footer.set(await rootDigest(this.#header, table, footer), FOOTER.DIGEST);
    footer.set(END_MAGIC, FOOTER.MAGIC);
    await this.#put(table);
    await this.#put(footer);
    return this.#length;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#length += bytes.length;
    await this.#sink(bytes);
  }
}

/** The checksum of the whole: of what holds the other checksums. */
export async function rootDigest(header: Uint8Array, table: Uint8Array, footer: Uint8Array): Promise<Uint8Array> {
  const parts = [header, table, footer.subarray(0, FOOTER.DIGEST)];
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return await sha256(all);
}

function writeEntry(into: Uint8Array, { name, flags, offset, length, digest }: Entry): void {
  const view = new DataView(into.buffer, into.byteOffset);
  into.set(new TextEncoder().encode(name), ENTRY.NAME);
  view.setUint32(ENTRY.VERSION, SECTION_VERSION, true);
  view.setUint32(ENTRY.FLAGS, flags, true);
  view.setBigUint64(ENTRY.OFFSET, BigInt(offset), true);
  view.setBigUint64(ENTRY.LENGTH, BigInt(length), true);
  into.set(digest, ENTRY.DIGEST);
}
