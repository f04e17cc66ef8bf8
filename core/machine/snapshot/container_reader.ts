/**
 * Reads a snapshot's sections. Nothing of a file is believed before its checksum holds, and no length before it fits.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import { rootDigest } from "./container_writer.ts";
import {
  BYTES,
  END_MAGIC,
  ENTRY,
  FOOTER,
  HEADER,
  MAGIC,
  MOST_SECTIONS,
  SECTION,
  SECTION_FLAG,
  SECTION_VERSION,
  SNAPSHOT_VERSION,
} from "./layout.ts";
import { sha256, startSha256 } from "./sha256.ts";

/** Bytes that can be read anywhere: a file, or memory. */
export interface ByteSource {
  /** What it is, for sentences: `snapshot "F"`. */
  readonly subject: string;
  /** How many there are. */
  readonly length: number;
  /** Bytes from `offset` on; the reader asks only for what lies within `length`. They may be put into `into`, which has that length. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** A section as the table has it. */
interface SectionEntry {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly digest: Uint8Array;
}

/** Bytes of a part of a section. */
const PART = 1 << 20;

const KNOWN: ReadonlySet<string> = new Set(Object.values(SECTION));

/** An error in a snapshot: where, what was expected and what was found. */
export function damaged(
  subject: string,
  where: string,
  expected: string,
  found: string,
  remedy?: string,
): BulkheadError {
  return new BulkheadError({ code: "snapshot-damaged", subject, where, expected, found, remedy });
}

/** A snapshot whose header, table and footer are right. */
export class Container {
  readonly #source: ByteSource;
  readonly #sections: ReadonlyMap<string, SectionEntry>;
  /** The checksum of the whole, in hexadecimal: equal snapshots have equal ones. */
  readonly digest: string;

  private constructor(source: ByteSource, sections: ReadonlyMap<string, SectionEntry>, digest: string) {
    this.#source = source;
    this.#sections = sections;
    this.digest = digest;
  }

  /** What is read, for sentences. */
  get subject(): string {
    return this.#source.subject;
  }

  /**
   * Reads and checks the header, the footer and the table.
   *
   * @throws {BulkheadError} `snapshot-version`, `snapshot-damaged`.
   */
  static async open(source: ByteSource): Promise<Container> {
    const { subject, length } = source;
    const bad = (where: string, expected: string, found: string, remedy?: string): never => {
      throw damaged(subject, where, expected, found, remedy);
    };
    const again = "save it again";
    const first = await source.read(0, Math.min(length, BYTES.HEADER));
    const compared = Math.min(first.length, MAGIC.length);
    if (first.length === 0 || !equal(first.subarray(0, compared), MAGIC.subarray(0, compared))) {
      bad(
        "offset 0",
        "a snapshot of Bulkhead",
        first.length === 0 ? "an empty file" : hex(first.subarray(0, compared)),
      );
    }
    const least = BYTES.HEADER + BYTES.FOOTER;
    if (length < least) bad("its end", `at least ${least} bytes`, `${length}: it is cut off`, again);
    const head = viewOf(first);
    const version = head.getUint32(HEADER.VERSION, true);
    if (version !== SNAPSHOT_VERSION) {
      throw new BulkheadError({
        code: "snapshot-version",
        subject,
        where: `offset ${HEADER.VERSION}`,
        expected: `version ${SNAPSHOT_VERSION}, which this release reads`,
        found: `version ${version}`,
        remedy: "use the release that wrote it",
      });
    }
    const headerLength = head.getUint32(HEADER.LENGTH, true);
    if (headerLength !== BYTES.HEADER) bad(`offset ${HEADER.LENGTH}`, `${BYTES.HEADER}`, `${headerLength}`, again);

    const footerAt = length - BYTES.FOOTER;
    const footer = await source.read(footerAt, BYTES.FOOTER);
    const foot = viewOf(footer);
    const place = (offset: number) => `offset ${footerAt + offset}`;
    const end = footer.subarray(FOOTER.MAGIC);
    if (!equal(end, END_MAGIC)) bad(place(FOOTER.MAGIC), "the mark of its end", `${hex(end)}: it is cut off`, again);
    const fileLength = foot.getBigUint64(FOOTER.FILE_LENGTH, true);
    if (fileLength !== BigInt(length)) bad(place(FOOTER.FILE_LENGTH), `a length of ${length}`, `${fileLength}`, again);
    const entryBytes = foot.getUint32(FOOTER.ENTRY_BYTES, true);
    if (entryBytes !== BYTES.ENTRY) {
      bad(place(FOOTER.ENTRY_BYTES), `entries of ${BYTES.ENTRY} bytes`, `${entryBytes}`, again);
    }
    const count = foot.getUint32(FOOTER.COUNT, true);
    if (count > MOST_SECTIONS) bad(place(FOOTER.COUNT), `at most ${MOST_SECTIONS} sections`, `${count}`, again);
    const tableAt = footerAt - count * BYTES.ENTRY;
    const tableOffset = foot.getBigUint64(FOOTER.TABLE, true);
    if (tableAt < BYTES.HEADER || tableOffset !== BigInt(tableAt)) {
      bad(
        place(FOOTER.TABLE),
        `a table of ${count} sections before offset ${footerAt}`,
        `one at offset ${tableOffset}`,
        again,
      );
    }
    const table = await source.read(tableAt, count * BYTES.ENTRY);
    const digest = footer.subarray(FOOTER.DIGEST, FOOTER.MAGIC);
    const computed = await rootDigest(first, table, footer);
    if (!equal(computed, digest)) {
      bad("its table of sections", `the checksum ${short(digest)}`, short(computed), again);
    }
    return new Container(source, sectionsOf(subject, table, tableAt), hex(digest, ""));
  }

  /** Whether the snapshot has the section. */
  has(name: string): boolean {
    return this.#sections.has(name);
  }

  /** A section's bytes, checked. @throws {BulkheadError} `snapshot-damaged`. */
  async read(name: string): Promise<Uint8Array> {
    const entry = this.#entry(name);
    const bytes = await this.#source.read(entry.offset, entry.length);
    this.#check(entry, await sha256(bytes));
    return bytes;
  }

  /**
   * A section's bytes in parts, each of which is valid until the next is asked for. Only when the last has been taken is it known whether
   * they are right.
   *
   * @throws {BulkheadError} `snapshot-damaged`, at the end.
   */
  async *parts(name: string): AsyncGenerator<Uint8Array> {
    const entry = this.#entry(name), { offset, length } = entry;
    const hash = startSha256();
    const buffers = [new Uint8Array(Math.min(PART, length)), new Uint8Array(Math.min(PART, length))] as const;
    const read = (at: number) => {
      const count = Math.min(PART, length - at);
      return this.#source.read(offset + at, count, buffers[at / PART % 2]!.subarray(0, count));
    };
    // One part is read while another is used.
    let next = length > 0 ? read(0) : undefined;
    for (let at = 0; next !== undefined;) {
      const part = await next;
      at += PART;
      next = at < length ? read(at) : undefined;
      next?.catch(() => {});
      hash.update(part);
      yield part;
    }
    this.#check(entry, hash.digest());
  }

  /** A section of JSON, checked to be an object. @throws {BulkheadError} `snapshot-damaged`. */
  async readJson(name: string): Promise<Record<string, unknown>> {
    const bytes = await this.read(name);
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch (error) {
      throw damaged(this.subject, `section "${name}"`, "JSON", error instanceof Error ? error.message : String(error));
    }
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw damaged(this.subject, `section "${name}"`, "an object", JSON.stringify(value).slice(0, 60));
  }

  /** Checks every section, also those that this release does not know. @throws {BulkheadError} `snapshot-damaged`. */
  async verify(except: ReadonlySet<string> = new Set()): Promise<void> {
    for (const name of this.#sections.keys()) if (!except.has(name)) await this.read(name);
  }

  #entry(name: string): SectionEntry {
    const entry = this.#sections.get(name);
    if (entry !== undefined) return entry;
    throw damaged(this.subject, "its table of sections", `the section "${name}"`, "none");
  }

  #check({ name, offset, digest }: SectionEntry, found: Uint8Array): void {
    if (equal(found, digest)) return;
    const where = `section "${name}" at offset ${offset}`;
    throw damaged(this.subject, where, `the checksum ${short(digest)}`, short(found), "save it again");
  }
}

/** A snapshot in memory. */
export function memorySource(subject: string, bytes: Uint8Array): ByteSource {
  return {
    subject,
    length: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

function sectionsOf(subject: string, table: Uint8Array, tableAt: number): Map<string, SectionEntry> {
  const sections = new Map<string, SectionEntry>();
  let next: number = BYTES.HEADER;
  for (let at = 0; at < table.length; at += BYTES.ENTRY) {
    const view = viewOf(table.subarray(at));
    const bad = (field: number, expected: string, found: string, remedy?: string): never => {
      throw damaged(subject, `offset ${tableAt + at + field}`, expected, found, remedy);
    };
    const name = nameOf(table.subarray(at, at + BYTES.NAME));
    if (name === undefined || sections.has(name)) bad(ENTRY.NAME, "the name of a section", name ?? "none");
    const version = view.getUint32(ENTRY.VERSION, true);
    const flags = view.getUint32(ENTRY.FLAGS, true);
    const known = KNOWN.has(name!);
    const newer = "use a newer release";
    if ((flags & ~SECTION_FLAG.CRITICAL) !== 0) bad(ENTRY.FLAGS, "flags that are known", `${flags}`, newer);
    if (!known && (flags & SECTION_FLAG.CRITICAL) !== 0) {
      bad(ENTRY.NAME, "sections that this release knows", `the section "${name}", which must be understood`, newer);
    }
    if (known && version !== SECTION_VERSION) {
      bad(ENTRY.VERSION, `version ${SECTION_VERSION} of the section "${name}"`, `version ${version}`, newer);
    }
    const offset = view.getBigUint64(ENTRY.OFFSET, true), length = view.getBigUint64(ENTRY.LENGTH, true);
    if (offset !== BigInt(next)) bad(ENTRY.OFFSET, `the section "${name}" at offset ${next}`, `one at ${offset}`);
    if (length > BigInt(tableAt - next)) bad(ENTRY.LENGTH, `at most ${tableAt - next} bytes`, `${length}`);
    const digest = table.slice(at + ENTRY.DIGEST, at + ENTRY.DIGEST + BYTES.DIGEST);
    sections.set(name!, { name: name!, offset: next, length: Number(length), digest });
    next += Number(length);
  }
  if (next !== tableAt) {
    throw damaged(subject, `offset ${next}`, "the table of sections", `${tableAt - next} other bytes`);
  }
  return sections;
}

function nameOf(bytes: Uint8Array): string | undefined {
  return /^([a-z][a-z0-9-]*)\0*$/.exec(String.fromCharCode(...bytes))?.[1];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function hex(bytes: Uint8Array, between = " "): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(between);
}

function short(digest: Uint8Array): string {
  return `${hex(digest.subarray(0, 6), "")}...`;
}
