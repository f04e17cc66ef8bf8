import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { GuestFile } from "../guest_start.ts";
import { assertSoundLayout, dword, numbers, pieceAt, refusal, refusalIfAny, textAt } from "../placement_checks.ts";
import { writeCpio } from "./cpio.ts";
import { linuxStart } from "./linux_boot.ts";

const MB = 0x10_0000;

interface Fields {
  version?: number;
  loadflags?: number;
  code32Start?: number;
  initrdAddrMax?: number;
  alignment?: number;
  relocatable?: number;
  xloadflags?: number;
  cmdlineSize?: number;
  prefAddress?: number;
  initSize?: number;
  payload?: number;
}

/** A bzImage with one setup sector and `payload` bytes of protected-mode code. */
function kernelOf(fields: Fields = {}): GuestFile {
  const payload = fields.payload ?? 4096;
  const bytes = new Uint8Array(1024 + payload).fill(0x90);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 1);
  view.setUint32(0x1f4, Math.ceil(payload / 16), true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint8(0x201, 0x66);
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, fields.version ?? 0x20f, true);
  view.setUint8(0x211, fields.loadflags ?? 0x41);
  view.setUint32(0x214, fields.code32Start ?? MB, true);
  view.setUint32(0x22c, fields.initrdAddrMax ?? 0x7fff_ffff, true);
  view.setUint32(0x230, fields.alignment ?? 0x20_0000, true);
  view.setUint8(0x234, fields.relocatable ?? 1);
  view.setUint16(0x236, fields.xloadflags ?? 0, true);
  view.setUint32(0x238, fields.cmdlineSize ?? 2047, true);
  view.setUint32(0x248, 0, true);
  view.setUint32(0x24c, payload, true);
  view.setBigUint64(0x258, BigInt(fields.prefAddress ?? 16 * MB), true);
  view.setUint32(0x260, fields.initSize ?? 8 * MB, true);
  return { name: "vmlinuz", bytes };
}

function initrdOf(size: number, name = "initrd"): GuestFile {
  return { name, bytes: writeCpio([{ kind: "file", path: "a", mode: 0o644, bytes: new Uint8Array(size) }]) };
}

/** Address of boot_params, which the protocol passes in ESI. */
function bootParams(start: ReturnType<typeof linuxStart>): number {
  assert(start.cpu.kind === "protected");
  return start.cpu.registers.esi ?? 0;
}

Deno.test("a relocatable kernel starts at its preferred address with the protocol's registers", () => {
  const start = linuxStart({ kernel: kernelOf(), memory: 64 * MB });
  assertSoundLayout(start, 64 * MB);
  assert(start.cpu.kind === "protected");
  assertEquals(start.cpu.eip, 16 * MB);
  assertEquals([start.cpu.code.selector, start.cpu.data.selector], [0x10, 0x18]);
  const { ebx, ebp, edi } = start.cpu.registers;
  assertEquals([ebx, ebp, edi], [0, 0, 0]);
  assertEquals(pieceAt(start, 16 * MB).bytes.length, 4096);
  assertEquals(start.roms, []);
});

Deno.test("boot_params carry the header, the loader's fields, the memory map and a text screen", () => {
  const initrd = initrdOf(5000);
  const start = linuxStart({
    kernel: kernelOf(),
    initrds: [initrd],
    commandLine: "console=ttyS0 Zürich",
    memory: 64 * MB,
  });
  assertSoundLayout(start, 64 * MB);
  const zero = bootParams(start);
  const { bytes } = pieceAt(start, zero);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assertEquals(bytes.length, 4096);
  assertEquals(textAt(start, view.getUint32(0x228, true)), "console=ttyS0 Zürich");
  assertEquals([view.getUint8(0x210), view.getUint8(0x211)], [0xff, 1]);
  assertEquals(view.getUint32(0x214, true), 16 * MB);
  assertEquals(view.getUint32(0x202, true), 0x5372_6448);
  assertEquals(view.getUint8(0x1ef), 0, "sentinel");
  const [image, size] = [view.getUint32(0x218, true), view.getUint32(0x21c, true)];
  assertEquals([image % 4096, size], [0, initrd.bytes.length]);
  assertEquals(pieceAt(start, image).bytes, initrd.bytes);
  assertEquals(image, 64 * MB - 8192, "as high as it fits");
  assertEquals(view.getUint32(0x1e0, true), 63 * 1024);
  assertEquals(view.getUint16(0x02, true), 63 * 1024);
  assertEquals([bytes[0x06], bytes[0x07], bytes[0x0e], bytes[0x0f]], [3, 80, 25, 1]);
  const map = Array.from({ length: view.getUint8(0x1e8) }, (_, index) => {
    const entry = 0x2d0 + index * 20;
    return [
      Number(view.getBigUint64(entry, true)),
      Number(view.getBigUint64(entry + 8, true)),
      view.getUint32(entry + 16, true),
    ];
  });
  assertEquals(map, [[0, 0xa_0000, 1], [MB, 63 * MB, 1]]);
});

Deno.test("bytes beyond the header's end stay out of boot_params", () => {
  const start = linuxStart({ kernel: kernelOf(), memory: 64 * MB });
  const { bytes } = pieceAt(start, bootParams(start));
  assertEquals(bytes[0x267], 0x90, "last byte of the header");
  assertEquals(bytes.subarray(0x268, 0x2d0).every((byte) => byte === 0), true);
});

Deno.test("a kernel that is not relocatable is loaded at code32_start", () => {
  const kernel = kernelOf({ relocatable: 0, prefAddress: 1 * MB, initSize: 0x6_0000, version: 0x20c });
  const start = linuxStart({ kernel, memory: 2 * MB });
  assertSoundLayout(start, 2 * MB);
  assert(start.cpu.kind === "protected" && start.cpu.eip === MB);
});

Deno.test("fields that the header's version lacks are not read", () => {
  const kernel = kernelOf({ version: 0x202, code32Start: MB, initrdAddrMax: 1, prefAddress: 2 ** 52, cmdlineSize: 1 });
  const start = linuxStart({ kernel, initrds: [initrdOf(10)], commandLine: "x".repeat(255), memory: 1024 * MB });
  assertSoundLayout(start, 1024 * MB);
  const image = dword(start, bootParams(start) + 0x218);
  assert(image < 0x3800_0000, "initrd_addr_max is 37FFFFFFh before 2.03");
  assertEquals(
    refusal(() => linuxStart({ kernel, commandLine: "x".repeat(256), memory: 64 * MB })).code,
    "command-line",
  );
});

Deno.test("several initrds are joined at multiples of four bytes", () => {
  const gzip = { name: "b.gz", bytes: new Uint8Array([0x1f, 0x8b, 8, 0, 0]) };
  const first = initrdOf(3, "a");
  const last = initrdOf(1, "c");
  const start = linuxStart({ kernel: kernelOf(), initrds: [first, gzip, last], memory: 64 * MB });
  assertSoundLayout(start, 64 * MB);
  const { bytes } = pieceAt(start, dword(start, bootParams(start) + 0x218));
  assertEquals(bytes.subarray(0, first.bytes.length), first.bytes);
  assertEquals(
    bytes.subarray(first.bytes.length, first.bytes.length + 8),
    new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
  );
  assertEquals(bytes.subarray(first.bytes.length + 8), last.bytes);
});

Deno.test("the initrd stays below initrd_addr_max", () => {
  const kernel = kernelOf({ initrdAddrMax: 32 * MB - 1 });
  const start = linuxStart({ kernel, initrds: [initrdOf(4096)], memory: 64 * MB });
  assertSoundLayout(start, 64 * MB);
  assertEquals(dword(start, bootParams(start) + 0x218), 32 * MB - 8192);
  const error = refusal(() => linuxStart({ kernel, initrds: [initrdOf(9 * MB)], memory: 64 * MB }));
  assertStringIncludes(error.message, "the highest address that the kernel allows");
});

Deno.test("refusals say what to do", () => {
  const memory = 64 * MB;
  const refuse = (kernel: GuestFile, more = {}) => refusal(() => linuxStart({ kernel, memory, ...more }));
  const cases: [string, string, ReturnType<typeof refuse>][] = [
    ["not-a-kernel", "an empty file", refuse({ name: "k", bytes: new Uint8Array(0) })],
    ["not-a-kernel", "an ELF file", refuse({ name: "k", bytes: new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 1, 1]) })],
    ["not-a-kernel", "a gzip file", refuse({ name: "k", bytes: new Uint8Array([0x1f, 0x8b]) })],
    ["not-a-kernel", "something else", refuse({ name: "k", bytes: new Uint8Array(100_000) })],
    ["old-boot-protocol", "2.01", refuse(kernelOf({ version: 0x201 }))],
    ["low-kernel", "zImage", refuse(kernelOf({ loadflags: 0 }))],
    ["kernel-needs-bios", "real mode", refuse(kernelOf({ code32Start: 0 }))],
    ["kernel-64-bit", "i386", refuse(kernelOf({ xloadflags: 1 }))],
    ["kernel-memory", "give --memory 72M or more", refuse(kernelOf({ initSize: 56 * MB }))],
    ["command-line", "at most 2047 bytes", refuse(kernelOf(), { commandLine: "é".repeat(1024) })],
    ["command-line", "NUL", refuse(kernelOf(), { commandLine: "a\0b" })],
    ["initrd-memory", "--memory 75M", refuse(kernelOf(), { initrds: [initrdOf(50 * MB)] })],
    ["not-an-initrd", "an empty file", refuse(kernelOf(), { initrds: [{ name: "i", bytes: new Uint8Array(0) }] })],
    ["not-an-initrd", "something else", refuse(kernelOf(), { initrds: [{ name: "i", bytes: new Uint8Array(99) }] })],
    ["memory-size", "give another --memory", refuse(kernelOf(), { memory: 3 })],
    ["memory-size", "NaN", refuse(kernelOf(), { memory: NaN })],
    ["memory-size", "3 GB", refuse(kernelOf(), { memory: 2 ** 40 })],
  ];
  for (const [code, text, error] of cases) {
    assertEquals(error.code, code);
    assertStringIncludes(error.message, text);
  }
});

Deno.test("an x86-64 kernel is taken where the CPU has long mode", () => {
  assertSoundLayout(linuxStart({ kernel: kernelOf({ xloadflags: 1 }), memory: 64 * MB, longMode: true }), 64 * MB);
});

Deno.test("the memory that a refusal asks for is enough", () => {
  const kernel = kernelOf({ initSize: 5 * MB + 1 });
  const initrds = [initrdOf(7 * MB + 5)];
  const asked = (memory: number) => {
    const error = refusalIfAny(() => linuxStart({ kernel, initrds, memory }));
    return error === undefined ? undefined : Number(/--memory (\d+)M/.exec(error.message)?.[1]) * MB;
  };
  let memory: number | undefined = 2 * MB;
  for (let step = 0; step < 3 && memory !== undefined; step++) {
    const next = asked(memory);
    assert(next === undefined || next > memory);
    memory = next;
  }
  assertEquals(memory, undefined);
});

Deno.test("a kernel cut off anywhere is refused", () => {
  const whole = kernelOf();
  for (let length = 0; length < whole.bytes.length; length++) {
    refusal(() => linuxStart({ kernel: { name: "cut", bytes: whole.bytes.slice(0, length) }, memory: 64 * MB }));
  }
});

Deno.test("damaged headers give a sound layout or a refusal", () => {
  const next = numbers(1);
  for (let round = 0; round < 3000; round++) {
    const kernel = kernelOf();
    for (let changes = next() % 6 + 1; changes > 0; changes--) {
      kernel.bytes[0x1f1 + next() % 0x80] = next() % 3 === 0 ? 0xff : next();
    }
    const memory = (2 + next() % 300) * MB;
    const initrds = next() % 2 === 0 ? [] : [initrdOf(next() % MB)];
    refusalIfAny(() => assertSoundLayout(linuxStart({ kernel, initrds, memory }), memory));
  }
});

Deno.test("random files are refused", () => {
  const next = numbers(2);
  for (let round = 0; round < 300; round++) {
    const bytes = Uint8Array.from({ length: next() % 3000 }, next);
    refusal(() => linuxStart({ kernel: { name: "random", bytes }, memory: 64 * MB }));
  }
});

// A folder with Debian's files: `linux`, `initrd.gz`, `memtest86+ia32.bin`, `ipxe.lkrn`. Absent files are skipped.
const guests = await Deno.permissions.query({ name: "env", variable: "BULKHEAD_TEST_GUESTS" })
  .then(({ state }) => state === "granted" ? Deno.env.get("BULKHEAD_TEST_GUESTS") : undefined);

Deno.test({
  name: "Debian's kernels have a sound layout",
  ignore: guests === undefined,
  fn() {
    const read = (name: string): GuestFile => ({ name, bytes: Deno.readFileSync(`${guests}/${name}`) });
    const start = linuxStart({ kernel: read("linux"), initrds: [read("initrd.gz")], memory: 256 * MB });
    assertSoundLayout(start, 256 * MB);
    assertEquals(refusal(() => linuxStart({ kernel: read("linux"), memory: 16 * MB })).code, "kernel-memory");
    assertEquals(
      refusal(() => linuxStart({ kernel: read("linux"), initrds: [read("initrd.gz")], memory: 40 * MB })).code,
      "initrd-memory",
    );
    assertSoundLayout(linuxStart({ kernel: read("memtest86+ia32.bin"), memory: 16 * MB }), 16 * MB);
    assertEquals(refusal(() => linuxStart({ kernel: read("ipxe.lkrn"), memory: 16 * MB })).code, "kernel-needs-bios");
  },
});
