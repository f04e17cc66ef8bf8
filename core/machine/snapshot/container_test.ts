import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { BulkheadError } from "../../bus/error.ts";
import { Container, memorySource } from "./container_reader.ts";
import { ContainerWriter, rootDigest } from "./container_writer.ts";
import { BYTES, ENTRY, FOOTER, HEADER, SECTION, SECTION_FLAG } from "./layout.ts";

const CONTENT: Readonly<Record<string, string>> = {
  [SECTION.MACHINE]: '{"memory":1}',
  [SECTION.PAGES]: "contents of pages ".repeat(100),
  [SECTION.MEMORY]: "",
};

async function container(more: Readonly<Record<string, number>> = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new ContainerWriter((bytes) => Promise.resolve(void parts.push(bytes.slice())));
  for (const [name, text] of Object.entries(CONTENT)) await writer.section(name, [new TextEncoder().encode(text)]);
  for (const [name, flags] of Object.entries(more)) await writer.section(name, [Uint8Array.of(1, 2, 3)], flags);
  const length = await writer.finish();
  const bytes = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  assertEquals(bytes.length, length);
  return bytes;
}

/** Reads everything. */
async function readAll(bytes: Uint8Array): Promise<Record<string, string>> {
  const container = await Container.open(memorySource('snapshot "x"', bytes));
  await container.verify();
  const read: Record<string, string> = {};
  for (const name of Object.values(SECTION)) {
    if (container.has(name)) read[name] = new TextDecoder().decode(await container.read(name));
  }
  return read;
}

/** The refusal of what is no whole snapshot. */
async function refused(bytes: Uint8Array, ...sentence: string[]): Promise<void> {
  const error = await assertRejects(() => readAll(bytes), BulkheadError, 'snapshot "x"');
  for (const part of sentence) assertEquals(error.message.includes(part), true, `${error.message} has no "${part}"`);
}

/** Changes the footer or the table and makes the checksum of the whole right again. */
async function forged(
  bytes: Uint8Array,
  change: (view: DataView, table: number, footer: number) => void,
): Promise<Uint8Array> {
  const forged = bytes.slice();
  const view = new DataView(forged.buffer);
  const footer = forged.length - BYTES.FOOTER;
  const table = Number(view.getBigUint64(footer, true));
  change(view, table, footer);
  const header = forged.subarray(0, BYTES.HEADER);
  const digest = await rootDigest(header, forged.subarray(table, footer), forged.subarray(footer));
  forged.set(digest, footer + FOOTER.DIGEST);
  return forged;
}

Deno.test("sections come back as they were written", async () => {
  assertEquals(await readAll(await container()), CONTENT);
});

Deno.test("a snapshot cut off anywhere is refused", async () => {
  const whole = await container();
  for (let index = 0; index < 200; index++) await refused(whole.subarray(0, Math.floor(whole.length * index / 200)));
  for (let cut = 1; cut < 100; cut++) await refused(whole.subarray(0, whole.length - cut), "cut off");
});

Deno.test("a snapshot with one bit flipped anywhere is refused", async () => {
  const whole = await container();
  let random = 1;
  const flips = new Set<number>();
  while (flips.size < 400) flips.add((random = (random * 48271) % 0x7fff_ffff) % (whole.length * 8));
  for (let bit = 0; bit < BYTES.HEADER * 8; bit++) flips.add(bit);
  for (let bit = 0; bit < BYTES.FOOTER * 8; bit++) flips.add((whole.length - BYTES.FOOTER) * 8 + bit);
  for (const bit of flips) {
    const flipped = whole.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await refused(flipped);
  }
});

Deno.test("bytes after the end, or none at all, are refused", async () => {
  const whole = await container();
  await refused(Uint8Array.of(...whole, 0), "the mark of its end");
  await refused(new Uint8Array(0), "an empty file");
  await refused(new TextEncoder().encode("This is a text and no snapshot.".repeat(9)), "a snapshot of Bulkhead");
});

Deno.test("another version is named", async () => {
  const whole = await container();
  new DataView(whole.buffer).setUint32(HEADER.VERSION, 3, true);
  await refused(whole, "offset 8", "expected version 2", "found version 3", "use the release that wrote it");
});

Deno.test("a section that is not known is skipped, unless it must be understood", async () => {
  assertEquals(await readAll(await container({ later: 0 })), CONTENT);
  await refused(await container({ later: SECTION_FLAG.CRITICAL }), '"later"', "must be understood");
  await refused(await container({ later: 4 }), "flags that are known", "found 4");
});

Deno.test("a section that is skipped is checked all the same", async () => {
  const whole = await container({ later: 0 });
  const at = Number(new DataView(whole.buffer).getBigUint64(whole.length - BYTES.FOOTER, true)) - 1;
  whole[at]! ^= 1;
  await refused(whole, 'section "later"', "the checksum");
});

Deno.test("absurd lengths and places are refused, even where the checksums are right", async () => {
  const whole = await container();
  const huge = [2n ** 63n, 2n ** 53n, BigInt(whole.length), 0n];
  for (const value of huge) {
    await refused(await forged(whole, (view, _table, footer) => view.setBigUint64(footer + FOOTER.TABLE, value, true)));
    await refused(
      await forged(whole, (view, _table, footer) => view.setBigUint64(footer + FOOTER.FILE_LENGTH, value + 1n, true)),
    );
    await refused(await forged(whole, (view, table) => view.setBigUint64(table + ENTRY.LENGTH, value, true)));
    await refused(await forged(whole, (view, table) => view.setBigUint64(table + ENTRY.OFFSET, value, true)));
  }
  for (const value of [0xffff_ffff, 1025, 2, 0]) {
    await refused(await forged(whole, (view, _table, footer) => view.setUint32(footer + FOOTER.COUNT, value, true)));
  }
  await refused(await forged(whole, (view, table) => view.setUint8(table, 0x41)), "the name of a section");
  await refused(await forged(whole, (view, table) => view.setUint32(table + ENTRY.VERSION, 9, true)), "version 9");
  // Two sections of one name.
  await refused(
    await forged(whole, (view, table) => {
      for (let at = 0; at < BYTES.NAME; at++) view.setUint8(table + BYTES.ENTRY + at, view.getUint8(table + at));
    }),
  );
});

Deno.test("equal contents have equal checksums, others have not", async () => {
  const digest = async (bytes: Uint8Array) => (await Container.open(memorySource("x", bytes))).digest;
  assertEquals(await digest(await container()), await digest(await container()));
  assertNotEquals(await digest(await container()), await digest(await container({ later: 0 })));
});
