/**
 * The memory that a random program finds, and the processor's state at its first instruction.
 *
 * @module
 */
import type { Cpu } from "../../x86/cpu.ts";
import { ATTRIBUTE } from "../../x86/descriptor.ts";
import { GPR, MSR_SLOT, SEG, STATE } from "../../x86/registers.ts";
import { handlers } from "./handlers.ts";
import { AT, CODE_BYTES, DATA_BYTES, OTHER_CODE_PAGE, PAGES, RAM_BYTES, S, STACK_BYTES } from "./layout.ts";
import { codeOffset, descriptors, stackTop } from "./mode.ts";
import { type Laid, lay } from "./program.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";

/** Floating-point numbers among the data: 32, 64 and 80 bits that are neither noise nor denormal. */
const NUMBERS = [0, -0, 1, -1, 0.5, 1.5, 2, Math.PI, 1e10, -1e-10, 123456.789, Infinity, -Infinity, NaN, 1e-310, 3e38];

/** Twice the data's room: each program begins somewhere in it. */
const POOL = pool();

function pool(): Uint8Array {
  const random = new Random(1);
  const view = new DataView(new ArrayBuffer(2 * DATA_BYTES));
  for (let at = 0; at < view.byteLength; at += 4) view.setUint32(at, random.value(), true);
  for (let at = 0; at + 64 < view.byteLength; at += 64 + random.below(8) * 4) {
    if (random.chance(50)) view.setFloat64(at, random.pick(NUMBERS), true);
    else view.setFloat32(at, random.pick(NUMBERS), true);
  }
  return new Uint8Array(view.buffer);
}

/** Bytes of the program, put where they will run, and all of RAM. */
export interface Image {
  readonly laid: Laid;
  readonly ram: Uint8Array;
}

/** Entry of a page table: present, writable, user. */
const OPEN = 7, SUPERVISOR = 3, READ_ONLY = 5, DEVICE = AT.DEVICE | OPEN, LARGE = 0x80, GLOBAL = 0x100, ACCESSED = 0x20;

/** Makes the memory of a scenario. `undefined`: the program does not fit in its room. */
export function image(scenario: Scenario): Image | undefined {
  const { mode, pieces, origin } = scenario;
  const laid = lay(pieces, origin);
  const start = AT.CODE + origin - codeOffset(mode);
  if (start + laid.bytes.length > AT.CODE + CODE_BYTES) return undefined;
  const ram = new Uint8Array(RAM_BYTES);
  const view = new DataView(ram.buffer);
  const set = (at: number, value: number) => view.setUint32(at, value, true);

  ram.set(POOL.subarray(scenario.data, scenario.data + DATA_BYTES), AT.DATA);
  ram.set(POOL.subarray(scenario.data ^ 0x40, (scenario.data ^ 0x40) + 4096), AT.OTHER_DATA);
  ram.set(laid.bytes, start);
  for (const [i, { data }] of pieces.entries()) {
    const length = laid.lengths[i]!;
    if (data !== true && length > 0) {
      ram[AT.LENGTHS + laid.addresses[i]! - codeOffset(mode)] = length;
    }
  }

  const { bytes, entries } = handlers(mode.kind === "real" ? "real" : mode.big ? "wide" : "narrow");
  ram.set(bytes, AT.HANDLERS);
  set(AT.CODE_OFFSET, codeOffset(mode));
  set(AT.RESCUE, origin);
  set(AT.RESCUE_CS, mode.segments[SEG.CS]!.selector);
  set(AT.RESCUE_ESP, stackTop(mode));
  if (mode.kind === "real") {
    for (const [vector, entry] of entries.entries()) set(AT.IVT + vector * 4, entry);
    return { laid, ram };
  }
  for (const [vector, entry] of entries.entries()) {
    set(AT.IDT + vector * 8, (entry & 0xffff) | S.CODE0 << 16);
    // A few are trap gates, and a few are not for programs.
    const user = vector % 16 === 15 ? 0 : 0x6000;
    set(AT.IDT + vector * 8 + 4, (entry & 0xffff_0000) | 0x8e00 | user | (vector % 8 === 5 ? 0x100 : 0));
  }
  for (const [selector, { base, limit, attributes }] of descriptors(mode.cpl)) {
    const raw = (attributes & ATTRIBUTE.GRANULARITY) !== 0 ? limit >>> 12 : limit;
    set(AT.GDT + (selector & ~7), (raw & 0xffff) | base << 16);
    set(AT.GDT + (selector & ~7) + 4, (base >>> 16 & 0xff) | attributes | (raw & 0xf_0000) | (base & 0xff00_0000));
  }
  set(AT.TSS + 4, AT.INNER_STACK);
  set(AT.TSS + 8, S.DATA0);
  // The I/O permission bitmap: ports below 1E0h, every second group of eight denied.
  view.setUint16(AT.TSS + 0x66, 0x68, true);
  for (let at = 0x68; at < 0x68 + 0x3f; at++) ram[AT.TSS + at] = (at & 2) !== 0 ? 0xff : 0;
  ram[AT.TSS + 0x68 + 0x1c] = 0;
  ram[AT.TSS + 0x68 + 0x1d] = 0xf0;
  for (const [directory, table] of [[AT.DIRECTORY_A, AT.TABLE_A], [AT.DIRECTORY_B, AT.TABLE_B]] as const) {
    set(directory, table | OPEN);
    set(directory + 4, LARGE | OPEN);
    pages((page, entry) => set(table + (page >>> 12) * 4, entry));
  }
  secondSpace(scenario, laid, ram, set);
  return { laid, ram };
}

/** The page table that both address spaces begin with. */
function pages(set: (page: number, entry: number) => void): void {
  // A global page that is known from another address space need not be looked up, so that its accessed bit may stay clear or not.
  for (let page = 0; page < AT.STACK; page += 4096) {
    set(page, page | SUPERVISOR | (page < 0x2000 ? GLOBAL | ACCESSED : 0));
  }
  for (let page: number = AT.STACK; page < AT.STACK + STACK_BYTES; page += 4096) set(page, page | OPEN);
  for (let page: number = AT.CODE; page < AT.CODE + CODE_BYTES; page += 4096) set(page, page | OPEN);
  for (let page: number = AT.LENGTHS; page < AT.LENGTHS + CODE_BYTES; page += 4096) set(page, page | SUPERVISOR);
  for (let page: number = AT.DATA; page < AT.DATA + DATA_BYTES; page += 4096) set(page, page | OPEN);
  set(PAGES.ABSENT, 0);
  set(PAGES.READ_ONLY, PAGES.READ_ONLY | READ_ONLY);
  set(PAGES.SUPERVISOR, PAGES.SUPERVISOR | SUPERVISOR);
  set(PAGES.DEVICE, DEVICE);
  set(PAGES.ALIAS, AT.DATA | OPEN);
  set(PAGES.CODE_ALIAS, AT.CODE + 0x1000 | OPEN);
  set(AT.DEVICE, DEVICE);
  set(AT.TABLE_A_WINDOW, AT.TABLE_A | SUPERVISOR);
  set(AT.TABLE_B_WINDOW, AT.TABLE_B | SUPERVISOR);
}

/** The second address space has another data page, and a code page with other immediates. */
function secondSpace(
  { pieces, origin, mode }: Scenario,
  laid: Laid,
  ram: Uint8Array,
  set: (at: number, value: number) => void,
): void {
  set(AT.TABLE_B + (PAGES.OTHER >> 12) * 4, AT.OTHER_DATA | OPEN);
  set(AT.TABLE_B + (OTHER_CODE_PAGE >> 12) * 4, AT.OTHER_CODE | OPEN);
  ram.copyWithin(AT.OTHER_CODE, OTHER_CODE_PAGE, OTHER_CODE_PAGE + 4096);
  for (const [i, { variable }] of pieces.entries()) {
    if (variable === undefined) continue;
    const end = laid.addresses[i]! + laid.lengths[i]! - origin + AT.CODE + origin - codeOffset(mode);
    for (let at = end - variable; at < end; at++) {
      if (at >= OTHER_CODE_PAGE && at < OTHER_CODE_PAGE + 4096) ram[AT.OTHER_CODE + (at & 0xfff)]! ^= 0x15;
    }
  }
}

/** Puts a processor that was just reset at a scenario's first instruction. */
export function prepare(cpu: Cpu, scenario: Scenario): void {
  const { mode } = scenario;
  const { u32 } = cpu;
  u32[STATE.CR0 >> 2] = scenario.cr0;
  u32[STATE.CR3 >> 2] = AT.DIRECTORY_A;
  u32[STATE.CR4 >> 2] = scenario.cr4;
  cpu.setEflags(scenario.eflags, ~0);
  for (const [register, value] of scenario.registers.entries()) cpu.setGpr32(register, value);
  for (const [segment, { selector, base, limit, attributes }] of mode.segments.entries()) {
    cpu.loadSegmentCache(segment, selector, base, limit, attributes);
  }
  cpu.setCpl(mode.cpl);
  cpu.refreshSegments();
  cpu.eip = scenario.origin;
  u32[STATE.IDTR_BASE >> 2] = mode.kind === "real" ? AT.IVT : AT.IDT;
  u32[STATE.IDTR_LIMIT >> 2] = mode.kind === "real" ? 0x3ff : 0x7ff;
  if (mode.kind !== "real") {
    u32[STATE.GDTR_BASE >> 2] = AT.GDT;
    u32[STATE.GDTR_LIMIT >> 2] = S.LIMIT;
    cpu.loadSegmentCache(SEG.TR, S.TSS, AT.TSS, 0x68 + 0x40, 0x8b00);
    const msr = (slot: number, value: number) => u32[(STATE.MSR >> 2) + slot * 2] = value;
    msr(MSR_SLOT.SYSENTER_CS, S.CODE0);
    msr(MSR_SLOT.SYSENTER_ESP, AT.INNER_STACK);
    msr(MSR_SLOT.SYSENTER_EIP, handlers(mode.big ? "wide" : "narrow").enter);
  }
  u32[STATE.FPU_CONTROL >> 2] = scenario.fpuControl;
  u32[STATE.FPU_TAG >> 2] = 0xffff;
  u32[STATE.MXCSR >> 2] = scenario.mxcsr;
  cpu.u8.set(POOL.subarray(scenario.data, scenario.data + 128), STATE.XMM);
  cpu.setGpr32(GPR.SP, stackTop(mode));
}
