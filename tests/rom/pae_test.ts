import { assertEquals } from "@std/assert";
import { AT, Bench, onException, REPORT, setCr0, setCr4, summary, toRing3 } from "./bench.ts";

const PAE = 1 << 5, PGE = 1 << 7, PG = 1 << 31, WP = 1 << 16, NXE = 1 << 11;
const POINTERS = AT.TABLES, DIRECTORY = AT.TABLES + 0x1000, TABLE = AT.TABLES + 0x2000;
/** A page of the second 2 MB, which has a table of its own. */
const PAGE = 0x20_0000;
const MAPPED = AT.DATA + 0x1000;

/** Bits of entries: the upper dword's are given apart. */
const P = 1, RW = 2, US = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100;
const XD = 1 << 31;

/** The first 2 MB as one page, the second by a table whose first entry is `low`, `high`. */
function tables(bench: Bench, low: number, high = 0, directoryHigh = 0): void {
  bench.write32(POINTERS, DIRECTORY | P);
  bench.write32(DIRECTORY, PS | P | RW | US);
  bench.write32(DIRECTORY + 8, TABLE | P | RW | US);
  bench.write32(DIRECTORY + 12, directoryHigh);
  bench.write32(TABLE, low);
  bench.write32(TABLE + 4, high);
}

const enable = (efer = 0) => `
  ${efer === 0 ? "" : `mov ecx, 0c0000080h\n mov eax, ${efer}\n xor edx, edx\n wrmsr`}
  ${setCr4(PAE)}
  mov eax, ${POINTERS}
  mov cr3, eax
  ${setCr0(PG | WP)}`;

function paged(code: string, low: number, options: { high?: number; directoryHigh?: number; efer?: number } = {}) {
  const bench = new Bench(`${enable(options.efer)} ${onException("end_of_program")} ${code}`);
  tables(bench, low, options.high, options.directoryHigh);
  bench.write32(MAPPED, 0x90c3_90c3);
  return { bench, events: bench.run() };
}

const read = `mov eax, [${PAGE}]\n ${REPORT}`;
const write = `mov dword [${PAGE}], 1`;

Deno.test("three levels, 2 MB pages, accessed and dirty bits", () => {
  const { bench, events } = paged(`${read} ${write}`, MAPPED | P | RW);
  assertEquals(events, [0x90c3_90c3]);
  assertEquals(bench.read32(MAPPED), 1);
  assertEquals(bench.read32(TABLE) & 0xfff, P | RW | A | D);
  assertEquals(bench.read32(DIRECTORY + 8) & 0xfff, P | RW | US | A);
  assertEquals(bench.read32(DIRECTORY) & 0xfff, PS | P | RW | US | A | D);
  assertEquals(bench.read32(POINTERS) & 0xfff, P);
});

/** [what, access, entry, options, page-fault error code]. */
const FAULTS: [string, string, number, Parameters<typeof paged>[2], number][] = [
  ["not present", read, 0, {}, 0],
  ["not present", write, 0, {}, 2],
  ["read-only", write, MAPPED | P, {}, 3],
  ["reserved bit 36", read, MAPPED | P | RW, { high: 1 << 4 }, 9],
  ["reserved bit 62", write, MAPPED | P | RW, { high: 1 << 30 }, 11],
  ["reserved bit of a directory entry", read, MAPPED | P | RW, { directoryHigh: 1 << 4 }, 9],
  ["XD without NXE", read, MAPPED | P | RW, { high: XD }, 9],
  ["fetch under XD", `jmp ${PAGE}`, MAPPED | P | RW, { high: XD, efer: NXE }, 0x11],
  ["fetch under the directory's XD", `jmp ${PAGE}`, MAPPED | P | RW, { directoryHigh: XD, efer: NXE }, 0x11],
  ["fetch, not present, NXE", `jmp ${PAGE}`, 0, { efer: NXE }, 0x10],
  ["fetch, not present, no NXE", `jmp ${PAGE}`, 0, {}, 0],
  ["beyond the pointer table", "mov eax, [40000000h]", MAPPED | P, {}, 0],
];

Deno.test("page faults with their error codes", () => {
  for (const [what, access, low, options, error] of FAULTS) {
    assertEquals(summary(paged(access, low, options).events), [[14, error]], what);
  }
});

Deno.test("user accesses and fetches", () => {
  const user = (code: string, low: number, high = 0) =>
    summary(paged(`${toRing3("code")} code: ${code}`, low, { high, efer: NXE }).events);
  assertEquals(user(read, MAPPED | P | RW), [[14, 5]]);
  assertEquals(user(write, MAPPED | P | US), [[14, 7]]);
  assertEquals(user(`jmp ${PAGE}`, MAPPED | P | US, XD), [[14, 0x15]]);
});

Deno.test("data of a page under XD is readable, and code of one without runs", () => {
  assertEquals(paged(read, MAPPED | P | RW, { high: XD, efer: NXE }).events, [0x90c3_90c3]);
  const called = paged(`call ${PAGE}\n mov eax, 5\n ${REPORT}`, MAPPED | P | RW, { efer: NXE });
  assertEquals(called.events, [5]);
});

Deno.test("pages above 4 GB read as no memory, and code there is #UD", () => {
  const { bench, events } = paged(`${read} ${write}`, MAPPED | P | RW, { high: 3 });
  assertEquals(events, [0xffff_ffff]);
  assertEquals(bench.bus.mmio, [0x3_0000_0000 + MAPPED, 0x3_0000_0000 + MAPPED]);
  assertEquals(bench.read32(MAPPED), 0x90c3_90c3);
  const code = paged(`jmp ${PAGE}`, MAPPED | P | RW, { high: 0xf });
  assertEquals(summary(code.events), [[6, 0]]);
});

Deno.test("a table above 4 GB reads as ones: reserved bits", () => {
  assertEquals(summary(paged(read, MAPPED | P, { directoryHigh: 1 }).events), [[14, 9]]);
});

Deno.test("reserved bits 13 to 20 of a 2 MB page", () => {
  const bench = new Bench(`${enable()} ${onException("end_of_program")} mov eax, [400000h]`);
  tables(bench, 0);
  bench.write32(DIRECTORY + 16, PS | P | RW | 0x2000);
  assertEquals(summary(bench.run()), [[14, 9]]);
});

Deno.test("reserved bits of a present pointer entry are #GP(0) at the load, and nothing is loaded", () => {
  for (const [low, high] of [[2, 0], [4, 0], [0x20, 0], [0x100, 0], [0, 0x10]] as const) {
    const bench = new Bench(`
      ${enable()}
      ${onException("second")}
      mov eax, ${POINTERS + 32}
      mov cr3, eax
      second: ${onException("end_of_program")}
      mov eax, cr3
      ${REPORT}
      mov eax, [${PAGE}]
      ${REPORT}
      mov eax, cr0
      and eax, 7fffffffh
      mov cr0, eax
      mov eax, ${POINTERS + 32}
      mov cr3, eax
      ${setCr0(PG)}`);
    tables(bench, MAPPED | P);
    bench.write32(MAPPED, 7);
    bench.write32(POINTERS + 32, DIRECTORY | P);
    bench.write32(POINTERS + 40, low | P);
    bench.write32(POINTERS + 44, high);
    assertEquals(summary(bench.run()), [[13, 0], POINTERS, 7, [13, 0]]);
  }
});

Deno.test("reserved bits of an absent pointer entry do not matter", () => {
  const bench = new Bench(`${enable()} mov eax, 1\n ${REPORT}`);
  tables(bench, 0);
  bench.write32(POINTERS + 8, 0x1e6);
  assertEquals(bench.run(), [1]);
});

Deno.test("the pointer entries are those of the last load", () => {
  const bench = new Bench(`
    ${enable()}
    mov dword [${POINTERS}], 0
    invlpg [${PAGE}]
    ${read}
    ${onException("end_of_program")}
    mov eax, cr3
    mov cr3, eax`);
  tables(bench, MAPPED | P);
  bench.write32(MAPPED, 8);
  bench.vector(14, [0, 0]);
  const events: unknown[] = [];
  try {
    events.push(...bench.run());
  } catch {
    // Nothing is mapped any more: the CPU shuts down.
    events.push(...bench.bus.events, bench.vcpu.cpu.shutdown);
  }
  assertEquals(events, [8, true]);
});

Deno.test("a global page survives a CR3 load under CR4.PGE, not INVLPG", () => {
  const { events } = paged(
    `${setCr4(PGE)} ${read}
     mov dword [${TABLE}], ${AT.DATA + 0x2000 + P}
     mov eax, cr3
     mov cr3, eax
     ${read}
     invlpg [${PAGE}]
     ${read}`,
    MAPPED | P | G,
  );
  assertEquals(events, [0x90c3_90c3, 0x90c3_90c3, 0]);
});

Deno.test("INVLPG forgets all of a 2 MB page", () => {
  const bench = new Bench(`
    ${enable()}
    mov eax, [600000h]
    mov eax, [601000h]
    ${REPORT}
    mov dword [${DIRECTORY + 24}], ${0x20_0000 | PS | P}
    invlpg [600000h]
    mov eax, [601000h]
    ${REPORT}`);
  tables(bench, 0);
  bench.write32(DIRECTORY + 24, PS | P);
  bench.write32(0x20_1000, 0x77);
  assertEquals(bench.run(), [bench.read32(0x1000), 0x77]);
});

Deno.test("writing EFER: NXE alone exists", () => {
  const bench = new Bench(`
    ${onException("end_of_program")}
    mov ecx, 0c0000080h
    mov eax, ${NXE}
    xor edx, edx
    wrmsr
    xor eax, eax
    rdmsr
    ${REPORT}
    mov eax, 1
    wrmsr`);
  assertEquals(summary(bench.run()), [NXE, [13, 0]]);
});
