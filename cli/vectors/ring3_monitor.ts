/**
 * The ring-0 side of the machine on which recorded user code runs: page tables, descriptor tables, and handlers that halt.
 *
 * @module
 */
import type { Cpu } from "../../core/x86/cpu.ts";
import { CR0, CR4, SEG, STATE } from "../../core/x86/registers.ts";
import type { VectorMachine } from "./machine.ts";

/** Pages that user code sees; `writes` tells which of them it fetches from as well. */
export const USER_PAGES: readonly { readonly linear: number; readonly physical: number }[] = [
  { linear: 0x2000_0000, physical: 0x10_0000 },
  { linear: 0x2000_2000, physical: 0x10_1000 },
  { linear: 0x0000_f000, physical: 0x10_2000 },
];

const PAGE = 4096;

/** The monitor's own pages: far from any address that the vectors use, for those must find nothing there. */
const LINEAR = 0x9e37_4000;
const PHYSICAL = 0x20_0000;
const TABLES = { gdt: 0, tss: 0x800, idt: PAGE, handlers: 2 * PAGE, stack: 3 * PAGE } as const;
const STACK_TOP = TABLES.stack + PAGE;

const DIRECTORY = 0x30_0000;
const FIRST_TABLE = DIRECTORY + PAGE;

/** Page-table bits: present, writable, user, accessed and dirty. */
const KERNEL_PAGE = 0x63, USER_PAGE = 0x67;

/** Selectors: as on the system that recorded the vectors. */
const SELECTOR = { CODE0: 0x10, DATA0: 0x18, CODE3: 0x23, DATA3: 0x2b, TSS: 0x40 } as const;
const GDT_LIMIT = 0x47;

const FLAT = 0xffff_ffff;
/** Attributes: present, accessed, 32-bit, 4 KB granular. */
const ATTRIBUTES = { CODE0: 0xc09b00, DATA0: 0xc09300, CODE3: 0xc0fb00, DATA3: 0xc0f300, TSS: 0x8b00 } as const;

const TSS_LIMIT = 0x67;
const VECTORS = 256;

/** Vectors that user code may call: #BP and #OF. */
const USER_GATES: readonly number[] = [3, 4];
/** Vectors that push an error code. */
const WITH_ERROR_CODE: readonly number[] = [8, 10, 11, 12, 13, 14, 17];

/** What a handler found on its stack. */
export interface Trapped {
  readonly vector: number;
  readonly error: number;
  readonly eip: number;
  readonly cs: number;
  readonly eflags: number;
  readonly esp: number;
}

/** Writes the tables; once for a machine, since nothing changes them. */
export function buildMonitor(machine: VectorMachine): void {
  buildPageTables(machine);
  const gdt = new DataView(new ArrayBuffer(GDT_LIMIT + 1));
  describe(gdt, SELECTOR.CODE0, 0, 0xfffff, ATTRIBUTES.CODE0);
  describe(gdt, SELECTOR.DATA0, 0, 0xfffff, ATTRIBUTES.DATA0);
  describe(gdt, SELECTOR.CODE3, 0, 0xfffff, ATTRIBUTES.CODE3);
  describe(gdt, SELECTOR.DATA3, 0, 0xfffff, ATTRIBUTES.DATA3);
  describe(gdt, SELECTOR.TSS, LINEAR + TABLES.tss, TSS_LIMIT, ATTRIBUTES.TSS);
  write(machine, TABLES.gdt, gdt);

  const tss = new DataView(new ArrayBuffer(TSS_LIMIT + 1));
  tss.setUint32(4, LINEAR + STACK_TOP, true);
  tss.setUint16(8, SELECTOR.DATA0, true);
  // The I/O map lies beyond the limit: no port is allowed.
  tss.setUint16(102, TSS_LIMIT + 1, true);
  write(machine, TABLES.tss, tss);

  const INTERRUPT_GATE = 0x8e00, DPL3 = 0x6000;
  const idt = new DataView(new ArrayBuffer(VECTORS * 8));
  for (let vector = 0; vector < VECTORS; vector++) {
    const handler = LINEAR + TABLES.handlers + vector;
    idt.setUint32(vector * 8, (SELECTOR.CODE0 << 16) | (handler & 0xffff), true);
    const access = INTERRUPT_GATE | (USER_GATES.includes(vector) ? DPL3 : 0);
    idt.setUint32(vector * 8 + 4, (handler & 0xffff_0000) | access, true);
  }
  write(machine, TABLES.idt, idt);
  const HLT = 0xf4;
  machine.write(PHYSICAL + TABLES.handlers, new Uint8Array(VECTORS).fill(HLT));
}

function write(machine: VectorMachine, offset: number, view: DataView<ArrayBuffer>): void {
  machine.write(PHYSICAL + offset, new Uint8Array(view.buffer));
}

function describe(gdt: DataView, selector: number, base: number, limit: number, attributes: number): void {
  const at = selector & 0xfff8;
  gdt.setUint32(at, ((base & 0xffff) << 16) | (limit & 0xffff), true);
  gdt.setUint32(at + 4, (base & 0xff00_0000) | attributes | (limit & 0xf_0000) | ((base >>> 16) & 0xff), true);
}

function buildPageTables(machine: VectorMachine): void {
  const entries = new Map<number, DataView<ArrayBuffer>>();
  const directory = new DataView(new ArrayBuffer(PAGE));
  const map = (linear: number, physical: number, bits: number) => {
    const slot = linear >>> 22;
    let table = entries.get(slot);
    if (table === undefined) {
      table = new DataView(new ArrayBuffer(PAGE));
      directory.setUint32(slot * 4, (FIRST_TABLE + entries.size * PAGE) | USER_PAGE, true);
      entries.set(slot, table);
    }
    table.setUint32(((linear >>> 12) & 0x3ff) * 4, physical | bits, true);
  };
  for (const { linear, physical } of USER_PAGES) map(linear, physical, USER_PAGE);
  for (let at = 0; at < STACK_TOP; at += PAGE) map(LINEAR + at, PHYSICAL + at, KERNEL_PAGE);
  machine.write(DIRECTORY, new Uint8Array(directory.buffer));
  let at = FIRST_TABLE;
  for (const table of entries.values()) {
    machine.write(at, new Uint8Array(table.buffer));
    at += PAGE;
  }
}

/** Puts a CPU that was just reset into user mode, general registers, EIP and flags aside. */
export function enterUserMode(cpu: Cpu): void {
  const { i32, u32 } = cpu;
  i32[STATE.CR0 >> 2] = CR0.PE | CR0.PG | CR0.NE | CR0.AM | CR0.ET | CR0.MP | CR0.WP;
  i32[STATE.CR3 >> 2] = DIRECTORY;
  i32[STATE.CR4 >> 2] = CR4.OSFXSR | CR4.OSXMMEXCPT;
  u32[STATE.GDTR_BASE >> 2] = LINEAR + TABLES.gdt;
  u32[STATE.GDTR_LIMIT >> 2] = GDT_LIMIT;
  u32[STATE.IDTR_BASE >> 2] = LINEAR + TABLES.idt;
  u32[STATE.IDTR_LIMIT >> 2] = VECTORS * 8 - 1;
  cpu.setCpl(3);
  cpu.loadNullSegment(SEG.LDTR, 0);
  cpu.loadSegmentCache(SEG.TR, SELECTOR.TSS, LINEAR + TABLES.tss, TSS_LIMIT, ATTRIBUTES.TSS);
  cpu.loadSegmentCache(SEG.CS, SELECTOR.CODE3, 0, FLAT, ATTRIBUTES.CODE3);
  for (const segment of [SEG.SS, SEG.DS, SEG.ES]) {
    cpu.loadSegmentCache(segment, SELECTOR.DATA3, 0, FLAT, ATTRIBUTES.DATA3);
  }
  cpu.loadNullSegment(SEG.FS, 0);
  cpu.loadNullSegment(SEG.GS, 0);
  cpu.refreshSegments();
}

/** What the handler at which the CPU halted found. */
export function trapped(machine: VectorMachine): Trapped {
  const vector = machine.cpu.eip - 1 - (LINEAR + TABLES.handlers);
  const stack = new DataView(machine.memory.buffer, machine.memory.byteOffset + PHYSICAL + STACK_TOP - 24, 24);
  return {
    vector,
    error: WITH_ERROR_CODE.includes(vector) ? stack.getUint32(0, true) : 0,
    eip: stack.getUint32(4, true),
    cs: stack.getUint32(8, true),
    eflags: stack.getUint32(12, true),
    esp: stack.getUint32(16, true),
  };
}
