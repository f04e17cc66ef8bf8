import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { GuestFile, GuestStart } from "./guest_start.ts";
import { multibootStart } from "./multiboot.ts";
import { assertSoundLayout, dword, numbers, pieceAt, refusal, refusalIfAny, textAt } from "./placement_checks.ts";

const MB = 0x10_0000;
const MAGIC = 0x1bad_b002;

function header(view: DataView, offset: number, flags: number): void {
  view.setUint32(offset, MAGIC, true);
  view.setUint32(offset + 4, flags, true);
  view.setUint32(offset + 8, -(MAGIC + flags), true);
}

/** An ELF kernel at 1 MB whose virtual addresses are C0000000h higher, with 4 KB of code and 16 KB of BSS. */
function elfOf(
  options: { flags?: number; paddr?: number; memsz?: number; at?: number; class?: number } = {},
): GuestFile {
  const bytes = new Uint8Array(0x3000).fill(0x90);
  const view = new DataView(bytes.buffer);
  const { paddr = MB } = options;
  view.setUint32(0, 0x7f45_4c46);
  view.setUint8(4, options.class ?? 1);
  view.setUint8(5, 1);
  view.setUint16(16, 2, true);
  view.setUint16(18, 3, true);
  view.setUint32(24, 0xc000_0000 + paddr + 0x10, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  [1, 0x1000, 0xc000_0000 + paddr, paddr, 0x1000, options.memsz ?? 0x5000, 7, 0x1000].forEach((value, index) =>
    view.setUint32(52 + index * 4, value, true)
  );
  header(view, options.at ?? 0x1000, options.flags ?? 3);
  return { name: "kernel.elf", bytes };
}

/** A kernel without a format: the header's address fields load it at 1 MB. */
function flatOf(fields: { loadEnd?: number; bssEnd?: number; entry?: number; headerAddr?: number } = {}): GuestFile {
  const bytes = new Uint8Array(0x800).fill(0x90);
  const view = new DataView(bytes.buffer);
  header(view, 0x84, 0x1_0003);
  [
    fields.headerAddr ?? MB + 4,
    MB,
    fields.loadEnd ?? MB + 0x700,
    fields.bssEnd ?? MB + 0x4000,
    fields.entry ?? MB + 0x30,
  ].forEach((value, index) => view.setUint32(0x84 + 12 + index * 4, value, true));
  return { name: "kernel.bin", bytes };
}

function registers(start: GuestStart): { eax: number; ebx: number; eip: number } {
  assert(start.cpu.kind === "protected");
  return { eax: start.cpu.registers.eax ?? 0, ebx: start.cpu.registers.ebx ?? 0, eip: start.cpu.eip };
}

Deno.test("an ELF kernel starts at the physical address of its entry", () => {
  const start = multibootStart({ kernel: elfOf(), memory: 16 * MB });
  assertSoundLayout(start, 16 * MB);
  assertEquals(registers(start).eax, 0x2bad_b002);
  assertEquals(registers(start).eip, MB + 0x10);
  assertEquals(pieceAt(start, MB).bytes.length, 0x1000);
});

Deno.test("a kernel with address fields is loaded from where they say", () => {
  const kernel = flatOf();
  const start = multibootStart({ kernel, memory: 16 * MB });
  assertSoundLayout(start, 16 * MB);
  assertEquals(registers(start).eip, MB + 0x30);
  assertEquals(pieceAt(start, MB).bytes, kernel.bytes.subarray(0x80, 0x780));
  const rest = multibootStart({ kernel: flatOf({ loadEnd: 0, bssEnd: 0 }), memory: 16 * MB });
  assertEquals(
    pieceAt(rest, MB).bytes,
    kernel.bytes.subarray(0x80).map((byte, index) => index >= 0x18 && index < 0x20 ? 0 : byte),
  );
});

Deno.test("the information structure tells memory, command line, loader and modules", () => {
  const modules = [
    { file: { name: "a.bin", bytes: new Uint8Array(5000).fill(1) }, text: "a.bin --first" },
    { file: { name: "b.bin", bytes: new Uint8Array(1).fill(2) } },
  ];
  const start = multibootStart({ kernel: elfOf(), commandLine: "kernel -v", modules, memory: 16 * MB });
  assertSoundLayout(start, 16 * MB);
  const info = registers(start).ebx;
  const field = (offset: number) => dword(start, info + offset);
  assertEquals(field(0) & 0x24d, 0x24d);
  assertEquals([field(4), field(8)], [640, 15 * 1024]);
  assertEquals(textAt(start, field(16)), "kernel -v");
  assertEquals(textAt(start, field(64)), "Bulkhead");
  assertEquals(field(20), 2);
  const read = [0, 1].map((index) => {
    const entry = field(24) + index * 16;
    return [dword(start, entry), dword(start, entry + 4), textAt(start, dword(start, entry + 8))] as const;
  });
  read.forEach(([from, to, text], index) => {
    const { file } = modules[index] ?? { file: { name: "", bytes: new Uint8Array() } };
    assertEquals(from % 4096, 0);
    assertEquals(to - from, file.bytes.length);
    assertEquals(pieceAt(start, from).bytes, file.bytes);
    assertEquals(text, index === 0 ? "a.bin --first" : "b.bin");
    assert(from >= MB + 0x5000, "above the kernel's BSS");
  });
  const map: number[][] = [];
  for (let entry = field(48); entry < field(48) + field(44); entry += dword(start, entry) + 4) {
    map.push([4, 8, 12, 16, 20].map((offset) => dword(start, entry + offset)));
  }
  assertEquals(map, [[0, 0, 0xa_0000, 0, 1], [MB, 0, 15 * MB, 0, 1]]);
});

Deno.test("a kernel compressed with gzip is unpacked", () => {
  const { bytes } = elfOf();
  const start = multibootStart({
    kernel: { name: "kernel.gz", bytes: new Uint8Array(gzipSync(bytes)) },
    memory: 16 * MB,
  });
  assertEquals(pieceAt(start, MB).bytes, bytes.subarray(0x1000, 0x2000));
  const cut = { name: "kernel.gz", bytes: new Uint8Array(gzipSync(bytes)).subarray(0, 60) };
  assertEquals(refusal(() => multibootStart({ kernel: cut, memory: 16 * MB })).code, "compressed-kernel");
  const bomb = { name: "bomb.gz", bytes: new Uint8Array(gzipSync(new Uint8Array(64 * MB))) };
  assertEquals(refusal(() => multibootStart({ kernel: bomb, memory: 2 * MB })).code, "compressed-kernel");
});

Deno.test("the loader's own data keeps clear of a kernel in low memory", () => {
  const start = multibootStart({ kernel: elfOf({ paddr: 0x1_0000, memsz: 0x8_0000 }), memory: 16 * MB });
  assertSoundLayout(start, 16 * MB);
  assert(registers(start).ebx >= 0x9_0000);
});

Deno.test("refusals say what to do", () => {
  const memory = 16 * MB;
  const refuse = (kernel: GuestFile, more = {}) => refusal(() => multibootStart({ kernel, memory, ...more }));
  const file = (size: number) => ({ name: "m", bytes: new Uint8Array(size) });
  const linux = new Uint8Array(4096);
  linux.set([0x48, 0x64, 0x72, 0x53], 0x202);
  const second = new Uint8Array(4096);
  new DataView(second.buffer).setUint32(64, 0xe852_50d6, true);
  const cases: [string, string, ReturnType<typeof refuse>][] = [
    ["not-multiboot", "an empty file", refuse(file(0))],
    ["not-multiboot", "--kernel", refuse({ name: "vmlinuz", bytes: linux })],
    ["not-multiboot", "Multiboot 2", refuse({ name: "k", bytes: second })],
    ["not-multiboot", "first 8 KB", refuse(elfOf({ at: 0x2000 }))],
    ["not-multiboot", "first 8 KB", refuse(elfOf({ at: 0x1002 }))],
    ["multiboot-requirement", "a video mode", refuse(elfOf({ flags: 7 }))],
    ["multiboot-requirement", "bits 0x80", refuse(elfOf({ flags: 0x83 }))],
    ["multiboot-image", "a 64-bit ELF file", refuse(elfOf({ class: 2 }))],
    ["multiboot-image", "p_filesz", refuse(elfOf({ memsz: 0x800 }))],
    ["multiboot-image", "entry_addr", refuse(flatOf({ entry: 5 }))],
    ["multiboot-image", "bss_end_addr", refuse(flatOf({ bssEnd: 5 }))],
    ["multiboot-image", "load_addr", refuse(flatOf({ headerAddr: 5 }))],
    ["truncated-kernel", "load_end_addr", refuse(flatOf({ loadEnd: MB + 0x900 }))],
    ["kernel-memory", "--memory 33M", refuse(elfOf({ paddr: 32 * MB }))],
    ["kernel-memory", "addresses without RAM", refuse(elfOf({ paddr: 0xb_8000 }))],
    ["module-memory", "give more --memory", refuse(elfOf(), { modules: [{ file: file(16 * MB) }] })],
    ["empty-module", "an empty file", refuse(elfOf(), { modules: [{ file: file(0) }] })],
    ["command-line", "NUL", refuse(elfOf(), { commandLine: "\0" })],
    ["command-line", "65536 bytes", refuse(elfOf(), { commandLine: "x".repeat(70_000) })],
    ["memory-size", "2 MB to 3 GB", refuse(elfOf(), { memory: 0 })],
  ];
  for (const [code, text, error] of cases) {
    assertStringIncludes(error.message, text);
    assertEquals(error.code, code);
  }
});

Deno.test("a kernel cut off anywhere is refused, unless only unused bytes are missing", () => {
  for (let length = 0; length < 0x2000; length += 13) {
    const kernel = { name: "cut", bytes: elfOf().bytes.slice(0, length) };
    refusal(() => multibootStart({ kernel, memory: 16 * MB }));
  }
});

Deno.test("damaged kernels give a sound layout or a refusal", () => {
  const next = numbers(11);
  for (let round = 0; round < 4000; round++) {
    const kernel = next() % 2 === 0 ? elfOf() : flatOf();
    const from = next() % 2 === 0 ? 0 : 0x84;
    for (let changes = next() % 5 + 1; changes > 0; changes--) kernel.bytes[from + next() % 100] = next();
    const memory = (2 + next() % 64) * MB;
    const modules = next() % 2 === 0 ? [] : [{ file: { name: "m", bytes: new Uint8Array(next() % MB + 1) } }];
    refusalIfAny(() => {
      const start = multibootStart({ kernel, memory, modules });
      const { cpu } = start;
      // The entry may lie in BSS, where there is nothing yet: the layout is sound all the same.
      assertSoundLayout({ ...start, cpu: cpu.kind === "protected" ? { ...cpu, eip: cpu.gdt.base } : cpu }, memory);
    });
  }
});

const guests = await Deno.permissions.query({ name: "env", variable: "BULKHEAD_TEST_GUESTS" })
  .then(({ state }) => state === "granted" ? Deno.env.get("BULKHEAD_TEST_GUESTS") : undefined);

Deno.test({
  name: "Debian's multiboot kernels have a sound layout",
  ignore: guests === undefined,
  fn() {
    const read = (name: string): GuestFile => ({ name, bytes: Deno.readFileSync(`${guests}/${name}`) });
    const mach = multibootStart({ kernel: read("gnumach-1.8-486.gz"), commandLine: "gnumach", memory: 64 * MB });
    assertSoundLayout(mach, 64 * MB);
    assertEquals(registers(mach).eip, 16 * MB);
    const invaders = multibootStart({ kernel: read("invaders.exec"), memory: 4 * MB });
    assertSoundLayout(invaders, 4 * MB);
    assertEquals(registers(invaders).eip, 0x10_0024);
  },
});
