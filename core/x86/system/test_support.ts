/**
 * A small machine for the tests of system instructions: flat memory without paging, a GDT with one segment of each kind.
 *
 * @module
 */
import type { SystemBus } from "../../bus/system.ts";
import type { LinearMemory } from "../../memory/linear.ts";
import { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { Instruction, OPERAND, type Operand } from "../instruction.ts";
import { CR0, FLAG, GPR, SEG, STATE, VECTOR } from "../registers.ts";
import { reset } from "../reset.ts";
import { CALLOUTS } from "./callouts.ts";

/** Linear addresses of the structures. */
export const AT = { IDT: 0x1000, GDT: 0x2000, LDT: 0x3000, TSS: 0x4000, TSS16: 0x4800, STACK0: 0x8000, STACK1: 0x9000 };

/** Selectors of the GDT, RPL 0. */
export const S = {
  CODE0: 0x08,
  DATA0: 0x10,
  CODE3: 0x18,
  DATA3: 0x20,
  CONFORMING0: 0x28,
  TSS: 0x30,
  LDT: 0x38,
  CODE1: 0x40,
  DATA1: 0x48,
  CODE16: 0x50,
  DATA16: 0x58,
  EXECUTE_ONLY: 0x60,
  READ_ONLY: 0x68,
  ABSENT_DATA: 0x70,
  EXPAND_DOWN: 0x78,
  GATE32: 0x80,
  GATE16: 0x88,
  TSS16: 0x90,
  TASK_GATE: 0x98,
  ABSENT_CODE: 0xa0,
  SMALL_CODE: 0xa8,
  STACK16_3: 0xb0,
  CONFORMING3: 0xb8,
  LIMIT: 0xbf,
};

/** Memory without paging; pages named in `absent` fault, so that page faults can be provoked. */
export class FlatMemory implements LinearMemory {
  readonly words: Int32Array = new Int32Array(0);
  readonly bytes = new Uint8Array(0x2_0000);
  readonly view = new DataView(this.bytes.buffer);
  readonly absent = new Set<number>();
  readonly calls: string[] = [];

  #check(linear: number, size: number, write: boolean, user: boolean): void {
    for (const page of [linear >>> 12, (linear + size - 1) >>> 12]) {
      if (this.absent.has(page)) throw new GuestFault(VECTOR.PF, (write ? 2 : 0) | (user ? 4 : 0));
    }
  }
  read8(linear: number, user: boolean): number {
    this.#check(linear, 1, false, user);
    return this.view.getUint8(linear);
  }
  read16(linear: number, user: boolean): number {
    this.#check(linear, 2, false, user);
    return this.view.getUint16(linear, true);
  }
  read32(linear: number, user: boolean): number {
    this.#check(linear, 4, false, user);
    return this.view.getUint32(linear, true);
  }
  write8(linear: number, value: number, user: boolean): void {
    this.#check(linear, 1, true, user);
    this.view.setUint8(linear, value);
  }
  write16(linear: number, value: number, user: boolean): void {
    this.#check(linear, 2, true, user);
    this.view.setUint16(linear, value, true);
  }
  write32(linear: number, value: number, user: boolean): void {
    this.#check(linear, 4, true, user);
    this.view.setUint32(linear, value, true);
  }
  direct(): number {
    return -1;
  }
  probeWrite(linear: number, size: number, user: boolean): void {
    this.#check(linear, size, true, user);
  }
  probeRead(linear: number, size: number, user: boolean): void {
    this.#check(linear, size, false, user);
  }
  isMemory(linear: number, write: boolean, user: boolean): boolean {
    this.#check(linear, 1, write, user);
    return true;
  }
  readPhysical32(physical: number): number {
    return this.view.getUint32(physical, true);
  }
  flush(keepGlobal: boolean): void {
    this.calls.push(`flush ${keepGlobal}`);
  }
  flushPage(linear: number): void {
    this.calls.push(`flushPage ${linear.toString(16)}`);
  }
}

/** A bus of one device: reads return the bytes 01, 02, 03... in turn; writes are recorded. */
export class RecordingBus implements SystemBus {
  next = 1;
  readonly calls: string[] = [];
  readonly written: number[] = [];
  /** Most items that a block transfer moves at once. */
  most = Infinity;

  portRead(port: number, size: number): number {
    this.calls.push(`read ${port.toString(16)} ${size}`);
    let value = 0;
    for (let i = 0; i < size; i++) value += (this.next++ & 0xff) * 256 ** i;
    return value;
  }
  portWrite(port: number, size: number, value: number): void {
    this.calls.push(`write ${port.toString(16)} ${size}`);
    for (let i = 0; i < size; i++) this.written.push((value >>> (8 * i)) & 0xff);
  }
  portReadBlock(port: number, size: number, into: Uint8Array): number {
    const items = Math.min(into.length / size, this.most);
    this.calls.push(`read block ${port.toString(16)} ${size} x ${items}`);
    for (let i = 0; i < items * size; i++) into[i] = this.next++;
    return items;
  }
  portWriteBlock(port: number, size: number, from: Uint8Array): number {
    const items = Math.min(from.length / size, this.most);
    this.calls.push(`write block ${port.toString(16)} ${size} x ${items}`);
    this.written.push(...from.subarray(0, items * size));
    return items;
  }
  mmioRead(): number {
    throw new Error("no device memory in this test");
  }
  mmioWrite(): void {
    throw new Error("no device memory in this test");
  }
}

/** A segment descriptor's two dwords. `access`: byte 5; `flags`: G, D/B, L, AVL as a hexadecimal digit. */
export function segment(base: number, limit: number, access: number, flags: number): [number, number] {
  return [
    ((base & 0xffff) << 16) | (limit & 0xffff),
    (base & 0xff00_0000) | (flags << 20) | (limit & 0xf_0000) | (access << 8) | ((base >>> 16) & 0xff),
  ];
}

/** A gate's two dwords. `access`: byte 5. */
export function gate(selector: number, offset: number, access: number, parameters = 0): [number, number] {
  return [(selector << 16) | (offset & 0xffff), (offset & 0xffff_0000) | (access << 8) | parameters];
}

/** A CPU with memory, tables and a recording bus. */
export class Machine {
  readonly memory = new FlatMemory();
  readonly bus = new RecordingBus();
  readonly cpu: Cpu;

  constructor() {
    // The tests use the state block alone, none of the TLBs behind it.
    this.cpu = new Cpu(new ArrayBuffer(STATE.SIZE), 0, {
      memory: this.memory,
      bus: this.bus,
      timestamp: () => 0x1_0000_0002,
    });
    reset(this.cpu);
  }

  put(address: number, [low, high]: [number, number]): void {
    this.memory.view.setUint32(address, low, true);
    this.memory.view.setUint32(address + 4, high, true);
  }

  /** Writes a GDT entry. */
  describe(selector: number, descriptor: [number, number]): void {
    this.put(AT.GDT + (selector & 0xfff8), descriptor);
  }

  /** Writes an IDT entry. */
  vector(vector: number, descriptor: [number, number]): void {
    this.put(AT.IDT + vector * 8, descriptor);
  }

  load(register: number, selector: number): void {
    this.cpu.descriptor.read(this.memory, AT.GDT + (selector & 0xfff8));
    const { base, limit, attributes } = this.cpu.descriptor;
    this.cpu.loadSegmentCache(register, selector, base, limit, attributes);
  }

  /** Executes one instruction by its semantics' name, as the engine does; returns the fault that it raised. */
  step(semantics: string, options: InstructionOptions = {}): GuestFault | undefined {
    const { cpu } = this;
    const state = cpu.u8.slice();
    const bytes = this.memory.bytes.slice();
    cpu.next = (cpu.eip + 2) >>> 0;
    try {
      CALLOUTS[semantics]!(cpu, instruction(semantics, options));
      cpu.eip = cpu.next;
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof GuestFault)) throw thrown;
      // Iterations of a repeated string are committed one by one; nothing else is.
      if (options.repeat === undefined && thrown.vector !== VECTOR.DB) {
        requireEqual(cpu.u8, state, "the state block changed although the instruction faulted");
        requireEqual(this.memory.bytes, bytes, "memory changed although the instruction faulted");
      }
      return thrown;
    }
  }

  /** Items on the stack from its top on. */
  stacked(count: number, size = 4): number[] {
    const top = this.cpu.segmentBase(SEG.SS) + this.cpu.stackOffset(0);
    return Array.from({ length: count }, (_, i) => {
      const at = top + i * size;
      return size === 4 ? this.memory.view.getUint32(at, true) : this.memory.view.getUint16(at, true);
    });
  }

  /** Pushes items, the last one ending on top. */
  pushAll(size: number, ...items: number[]): void {
    for (const item of items) this.cpu.push(item, size);
  }
}

function requireEqual(a: Uint8Array, b: Uint8Array, message: string): void {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at >= 0) throw new Error(`${message}: byte ${at.toString(16)}`);
}

/** Real-address mode, as after reset, stack at 0:8000. */
export function realMachine(): Machine {
  const machine = new Machine();
  const { cpu } = machine;
  cpu.loadRealSegment(SEG.CS, 0);
  cpu.loadSegmentCache(SEG.CS, 0, 0, 0xffff, cpu.segmentAttributes(SEG.CS));
  cpu.eip = 0x100;
  cpu.setGpr32(GPR.SP, AT.STACK0);
  return machine;
}

/** Protected mode at a privilege level, all segments flat. */
export function protectedMachine(cpl: 0 | 1 | 3 = 0): Machine {
  const machine = new Machine();
  const { cpu, memory } = machine;
  machine.describe(S.CODE0, segment(0, 0xfffff, 0x9b, 0xc));
  machine.describe(S.DATA0, segment(0, 0xfffff, 0x93, 0xc));
  machine.describe(S.CODE3, segment(0, 0xfffff, 0xfb, 0xc));
  machine.describe(S.DATA3, segment(0, 0xfffff, 0xf3, 0xc));
  machine.describe(S.CONFORMING0, segment(0, 0xfffff, 0x9f, 0xc));
  machine.describe(S.TSS, segment(AT.TSS, 0x2ff, 0x8b, 0));
  machine.describe(S.LDT, segment(AT.LDT, 0x1f, 0x82, 0));
  machine.describe(S.CODE1, segment(0, 0xfffff, 0xbb, 0xc));
  machine.describe(S.DATA1, segment(0, 0xfffff, 0xb3, 0xc));
  machine.describe(S.CODE16, segment(0, 0xffff, 0x9b, 0));
  machine.describe(S.DATA16, segment(0, 0xffff, 0x93, 0));
  machine.describe(S.EXECUTE_ONLY, segment(0, 0xfffff, 0xf9, 0xc));
  machine.describe(S.READ_ONLY, segment(0, 0xfffff, 0xf1, 0xc));
  machine.describe(S.ABSENT_DATA, segment(0, 0xfffff, 0x73, 0xc));
  machine.describe(S.EXPAND_DOWN, segment(0, 0xfff, 0xf7, 0x4));
  machine.describe(S.GATE32, gate(S.CODE0, 0x1234, 0xec));
  machine.describe(S.GATE16, gate(S.CODE0, 0x1234, 0xe4));
  machine.describe(S.TSS16, segment(AT.TSS16, 0x2b, 0x81, 0));
  machine.describe(S.TASK_GATE, gate(S.TSS, 0, 0xe5));
  machine.describe(S.ABSENT_CODE, segment(0, 0xfffff, 0x7b, 0xc));
  machine.describe(S.SMALL_CODE, segment(0, 0xff, 0x9b, 0x4));
  machine.describe(S.STACK16_3, segment(0, 0xffff, 0xf3, 0));
  machine.describe(S.CONFORMING3, segment(0, 0xfffff, 0xff, 0xc));
  memory.view.setUint32(AT.TSS + 4, AT.STACK0, true);
  memory.view.setUint16(AT.TSS + 8, S.DATA0, true);
  memory.view.setUint32(AT.TSS + 12, AT.STACK1, true);
  memory.view.setUint16(AT.TSS + 16, S.DATA1 | 1, true);
  memory.view.setUint16(AT.TSS + 102, 0x2ff, true);
  cpu.u32[STATE.GDTR_BASE >> 2] = AT.GDT;
  cpu.u32[STATE.GDTR_LIMIT >> 2] = S.LIMIT;
  cpu.u32[STATE.IDTR_BASE >> 2] = AT.IDT;
  cpu.u32[STATE.IDTR_LIMIT >> 2] = 0x7ff;
  cpu.i32[STATE.CR0 >> 2] = CR0.PE | CR0.ET;
  cpu.refreshSegments();
  machine.load(SEG.TR, S.TSS);
  cpu.setCpl(cpl);
  const code = [S.CODE0, S.CODE1, 0, S.CODE3][cpl]! | cpl;
  const data = [S.DATA0, S.DATA1, 0, S.DATA3][cpl]! | cpl;
  machine.load(SEG.CS, code);
  for (const register of [SEG.SS, SEG.DS, SEG.ES, SEG.FS, SEG.GS]) machine.load(register, data);
  cpu.eip = 0x100;
  cpu.setGpr32(GPR.SP, 0x7000);
  return machine;
}

/** Virtual-8086 mode: CS 0010h, SS 0700h, the other segments 0020h. */
export function virtual8086Machine(iopl: number): Machine {
  const machine = protectedMachine(3);
  const { cpu } = machine;
  cpu.setEflags(FLAG.VM | (iopl << 12) | FLAG.IF, ~0);
  cpu.loadVirtual8086Segment(SEG.CS, 0x10);
  cpu.loadVirtual8086Segment(SEG.SS, 0x700);
  for (const register of [SEG.DS, SEG.ES, SEG.FS, SEG.GS]) cpu.loadVirtual8086Segment(register, 0x20);
  cpu.setGpr32(GPR.SP, 0x100);
  return machine;
}

/** Fields of an instruction that a test gives. */
export interface InstructionOptions {
  operandSize?: number;
  addressSize?: number;
  repeat?: number;
  mnemonic?: string;
  operands?: Partial<Operand>[];
}

/** A decoded instruction. */
export function instruction(semantics: string, options: InstructionOptions): Instruction {
  const made = new Instruction();
  const mnemonic = options.mnemonic ?? semantics;
  made.form = { id: 0, mnemonic, opcode: "", operands: [], semantics, lock: false, ends: true, feature: "i386" };
  made.length = 2;
  made.operandSize = options.operandSize ?? 4;
  made.addressSize = options.addressSize ?? 4;
  made.repeat = options.repeat ?? 0;
  options.operands?.forEach((operand, i) => Object.assign(made.operands[i]!, operand));
  made.count = options.operands?.length ?? 0;
  return made;
}

export function register(number: number, size = 4): Partial<Operand> {
  return { kind: OPERAND.GPR, register: number, size };
}

export function immediate(value: number): Partial<Operand> {
  return { kind: OPERAND.IMMEDIATE, value };
}

export function memoryAt(offset: number, size: number, segment: number = SEG.DS): Partial<Operand> {
  return { kind: OPERAND.MEMORY, segment, value: offset, size };
}

export function far(selector: number, offset: number): Partial<Operand> {
  return { kind: OPERAND.FAR, register: selector, value: offset };
}

export function segmentRegister(number: number): Partial<Operand> {
  return { kind: OPERAND.SEGMENT, register: number, size: 2 };
}
