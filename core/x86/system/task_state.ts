/**
 * Task-state segments of 16 and 32 bits: where a task's registers lie in memory (Intel SDM volume 3, figures 7-2 and 7-10).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { SEG } from "../registers.ts";

/** Offsets of a format; an item has `size` bytes. */
export interface TaskFormat {
  readonly size: 2 | 4;
  /** Smallest limit of a TSS that can be switched to. */
  readonly limit: number;
  readonly eip: number;
  readonly eflags: number;
  /** EAX, then the others in encoding order. */
  readonly registers: number;
  /** ES, then CS, SS, DS (and FS, GS of the 32-bit format). */
  readonly segments: number;
  readonly segmentCount: number;
  readonly ldt: number;
  /** First and last byte that a switch writes when it saves a task. */
  readonly savedFrom: number;
  readonly savedTo: number;
}

/** Offset of the previous task link, in both formats. */
export const LINK = 0;

/** Offset of CR3 in the 32-bit format. */
export const CR3_OFFSET = 28;

/** Offset of the word whose bit 0 is T, in the 32-bit format. */
export const DEBUG_TRAP = 100;

export const TSS32: TaskFormat = {
  size: 4,
  limit: 0x67,
  eip: 32,
  eflags: 36,
  registers: 40,
  segments: 72,
  segmentCount: 6,
  ldt: 96,
  savedFrom: 32,
  savedTo: 95,
};

export const TSS16: TaskFormat = {
  size: 2,
  limit: 0x2b,
  eip: 14,
  eflags: 16,
  registers: 18,
  segments: 34,
  segmentCount: 4,
  ldt: 42,
  savedFrom: 14,
  savedTo: 41,
};

/** The format of a TSS by the attributes of its descriptor. */
export function taskFormat(attributes: number): TaskFormat {
  return (attributes & 0x800) !== 0 ? TSS32 : TSS16;
}

/** What a TSS gives a task to start with. */
export class TaskState {
  eip = 0;
  eflags = 0;
  cr3 = 0;
  ldt = 0;
  trap = false;
  readonly registers: Uint32Array = new Uint32Array(8);
  /** In SEG order. */
  readonly segments: Uint16Array = new Uint16Array(6);

  /** Reads a TSS at a linear address. The upper halves of what a 16-bit one holds are 0, and so are its FS and GS. */
  read(cpu: Cpu, base: number, format: TaskFormat): void {
    const { memory } = cpu;
    const at = (offset: number) => (base + offset) >>> 0;
    const item = (offset: number) =>
      format.size === 4 ? memory.read32(at(offset), false) : memory.read16(at(offset), false);
    this.cr3 = format.size === 4 ? memory.read32(at(CR3_OFFSET), false) : 0;
    this.eip = item(format.eip);
    this.eflags = item(format.eflags);
    for (let n = 0; n < 8; n++) this.registers[n] = item(format.registers + n * format.size);
    this.segments.fill(0);
    for (let n = 0; n < format.segmentCount; n++) {
      this.segments[n] = memory.read16(at(format.segments + n * format.size), false);
    }
    this.ldt = memory.read16(at(format.ldt), false);
    this.trap = format.size === 4 && (memory.read16(at(DEBUG_TRAP), false) & 1) !== 0;
  }
}

/** Saves the running task in its TSS; only the lower halves of segment fields are written. */
export function saveTask(cpu: Cpu, base: number, format: TaskFormat, eip: number, eflags: number): void {
  const { memory } = cpu;
  const put = (offset: number, value: number) => {
    if (format.size === 4) memory.write32((base + offset) >>> 0, value >>> 0, false);
    else memory.write16((base + offset) >>> 0, value & 0xffff, false);
  };
  put(format.eip, eip);
  put(format.eflags, eflags);
  for (let n = 0; n < 8; n++) put(format.registers + n * format.size, cpu.gpr32(n));
  for (let n = SEG.ES as number; n < format.segmentCount; n++) {
    memory.write16((base + format.segments + n * format.size) >>> 0, cpu.selector(n), false);
  }
}
