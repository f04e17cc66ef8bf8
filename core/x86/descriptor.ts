/**
 * Segment and gate descriptors (Intel SDM volume 3, 3.4.5, 3.5 and 5.8).
 *
 * @module
 */
import type { LinearMemory } from "../memory/linear.ts";

/** Bits of a descriptor's second dword, and so of `SEGMENT.ATTRIBUTES`. */
export const ATTRIBUTE = {
  /** Not in a descriptor: the segment register holds a null selector or was never loaded. */
  UNUSABLE: 1 << 0,
  ACCESSED: 1 << 8,
  /** Data: writable. Code: readable. */
  WRITABLE: 1 << 9,
  READABLE: 1 << 9,
  /** Data only. */
  EXPAND_DOWN: 1 << 10,
  /** Code only. */
  CONFORMING: 1 << 10,
  /** A code segment, when S is set. */
  CODE: 1 << 11,
  /** S: code or data; clear for system segments and gates. */
  SEGMENT: 1 << 12,
  DPL: 3 << 13,
  PRESENT: 1 << 15,
  /** D/B. */
  BIG: 1 << 22,
  GRANULARITY: 1 << 23,
  /** The bits that a segment register keeps. */
  KEPT: 0x00f0_ff00,
} as const;

/** Types of system descriptors (Intel SDM volume 3, table 3-2). */
export const SYSTEM_TYPE = {
  TSS16_AVAILABLE: 1,
  LDT: 2,
  TSS16_BUSY: 3,
  CALL_GATE16: 4,
  TASK_GATE: 5,
  INTERRUPT_GATE16: 6,
  TRAP_GATE16: 7,
  TSS32_AVAILABLE: 9,
  TSS32_BUSY: 11,
  CALL_GATE32: 12,
  INTERRUPT_GATE32: 14,
  TRAP_GATE32: 15,
} as const;

/** Attributes of a segment in real-address mode: present, read/write, accessed, 64 KB. */
export const REAL_MODE_ATTRIBUTES = 0x9300;
/** The same in virtual-8086 mode, DPL 3. */
export const VIRTUAL_8086_ATTRIBUTES = 0xf300;

/** One descriptor, read from a table. A CPU owns a few and reads into them again, so that no transfer allocates. */
export class Descriptor {
  /** First dword. */
  low = 0;
  /** Second dword, as a signed 32-bit number. */
  high = 0;
  /** Linear address it was read from. */
  address = 0;

  /** Reads the eight bytes at a linear address, with supervisor privilege. */
  read(memory: LinearMemory, address: number): void {
    this.low = memory.read32(address, false);
    this.high = memory.read32((address + 4) >>> 0, false) | 0;
    this.address = address;
  }

  get base(): number {
    return ((this.low >>> 16) | ((this.high & 0xff) << 16) | (this.high & 0xff00_0000)) >>> 0;
  }

  /** Effective limit in bytes. */
  get limit(): number {
    const raw = (this.low & 0xffff) | (this.high & 0xf_0000);
    return (this.high & ATTRIBUTE.GRANULARITY) !== 0 ? ((raw << 12) | 0xfff) >>> 0 : raw;
  }

  get attributes(): number {
    return this.high & ATTRIBUTE.KEPT;
  }

  get dpl(): number {
    return (this.high >> 13) & 3;
  }

  get present(): boolean {
    return (this.high & ATTRIBUTE.PRESENT) !== 0;
  }

  /** Type of a system descriptor, 0 to 15; -1 for code and data. */
  get systemType(): number {
    return (this.high & ATTRIBUTE.SEGMENT) !== 0 ? -1 : (this.high >> 8) & 15;
  }

  get isCode(): boolean {
    const code = ATTRIBUTE.SEGMENT | ATTRIBUTE.CODE;
    return (this.high & code) === code;
  }

  get isConforming(): boolean {
    return (this.high & ATTRIBUTE.CONFORMING) !== 0;
  }

  get isWritableData(): boolean {
    const kind = ATTRIBUTE.SEGMENT | ATTRIBUTE.CODE | ATTRIBUTE.WRITABLE;
    return (this.high & kind) === (ATTRIBUTE.SEGMENT | ATTRIBUTE.WRITABLE);
  }

  /** Data, or code that may be read. */
  get isReadable(): boolean {
    if ((this.high & ATTRIBUTE.SEGMENT) === 0) return false;
    return (this.high & (ATTRIBUTE.CODE | ATTRIBUTE.READABLE)) !== ATTRIBUTE.CODE;
  }

  /** A gate's code segment selector. */
  get gateSelector(): number {
    return this.low >>> 16;
  }

  /** A 32-bit gate's entry point; of a 16-bit gate only the low half is meant. */
  get gateOffset(): number {
    return ((this.low & 0xffff) | (this.high & 0xffff_0000)) >>> 0;
  }

  /** Sets type bits in memory and here: the accessed bit of a segment, the busy bit of a TSS. May throw #PF. */
  mark(memory: LinearMemory, bits: number): void {
    if ((this.high & bits) === bits) return;
    const byte = (this.address + 5) >>> 0;
    memory.write8(byte, memory.read8(byte, false) | (bits >> 8), false);
    this.high |= bits;
  }
}
