/**
 * A CPU over 64 KB of flat memory that runs FPU instructions given as text: what the tests of this folder stand on.
 *
 * @module
 */
import type { LinearMemory } from "../../memory/linear.ts";
import { assemble } from "../assemble.ts";
import { Cpu } from "../cpu.ts";
import { DECODE, decode } from "../decode.ts";
import { GuestFault } from "../fault.ts";
import { Instruction } from "../instruction.ts";
import { CR0, SEG, STATE, VECTOR } from "../registers.ts";
import { reset } from "../reset.ts";
import { FPU_CALLOUTS } from "./callouts.ts";
import { Extended } from "./extended.ts";
import { initialize, readRegister, statusWord, tagWord } from "./stack.ts";

const MEMORY = 0x1_0000;
const ORIGIN = 0x100;

/** Memory of which everything behind 64 KB is not present. */
class FlatMemory implements LinearMemory {
  readonly words: Int32Array = new Int32Array(0);
  readPhysical32(physical: number): number {
    return this.read32(physical);
  }
  readonly view = new DataView(new ArrayBuffer(MEMORY));

  #check(linear: number, size: number): void {
    if (linear + size > MEMORY) throw new GuestFault(VECTOR.PF, 0);
  }
  read8(linear: number): number {
    this.#check(linear, 1);
    return this.view.getUint8(linear);
  }
  read16(linear: number): number {
    this.#check(linear, 2);
    return this.view.getUint16(linear, true);
  }
  read32(linear: number): number {
    this.#check(linear, 4);
    return this.view.getUint32(linear, true);
  }
  write8(linear: number, value: number): void {
    this.#check(linear, 1);
    this.view.setUint8(linear, value);
  }
  write16(linear: number, value: number): void {
    this.#check(linear, 2);
    this.view.setUint16(linear, value, true);
  }
  write32(linear: number, value: number): void {
    this.#check(linear, 4);
    this.view.setUint32(linear, value, true);
  }
  direct(): number {
    return -1;
  }
  probeWrite(linear: number, size: number): void {
    this.#check(linear, size);
  }
  probeRead(linear: number, size: number): void {
    this.#check(linear, size);
  }
  isMemory(linear: number): boolean {
    this.#check(linear, 1);
    return true;
  }
  flush(): void {}
  flushPage(): void {}
}

/** The CPU, in protected mode with flat segments and CR0.NE set, the FPU initialized. */
export class FpuMachine {
  readonly cpu: Cpu;
  readonly view: DataView;
  readonly #instruction = new Instruction();

  constructor() {
    const memory = new FlatMemory();
    this.view = memory.view;
    this.cpu = new Cpu(new ArrayBuffer(STATE.SIZE), 0);
    this.cpu.memory = memory;
    reset(this.cpu);
    this.cpu.i32[STATE.CR0 >> 2] = CR0.PE | CR0.NE | CR0.ET | CR0.MP;
    this.cpu.loadSegmentCache(SEG.CS, 0x08, 0, 0xffff_ffff, 0xcf9b00);
    for (const segment of [SEG.DS, SEG.SS, SEG.ES]) {
      this.cpu.loadSegmentCache(segment, 0x10, 0, 0xffff_ffff, 0xcf9300);
    }
    this.cpu.refreshSegments();
    initialize(this.cpu);
  }

  /** Puts the CPU in real-address mode, its segments at 0. */
  realMode(): this {
    this.cpu.i32[STATE.CR0 >> 2]! &= ~CR0.PE;
    for (const segment of [SEG.CS, SEG.DS, SEG.SS, SEG.ES]) {
      this.cpu.loadSegmentCache(segment, 0, 0, 0xffff, 0x9300);
    }
    this.cpu.refreshSegments();
    return this;
  }

  /** Runs assembler text straight through, at 100h; a fault leaves EIP at its instruction and is thrown. */
  run(source: string): this {
    const { cpu } = this;
    const big = cpu.protectedMode;
    const { bytes } = assemble(source, { bits: big ? 32 : 16, origin: ORIGIN });
    bytes.forEach((byte, at) => this.view.setUint8(ORIGIN + at, byte));
    for (cpu.eip = ORIGIN; cpu.eip < ORIGIN + bytes.length;) {
      const at = cpu.eip - ORIGIN;
      const instruction = this.#instruction;
      if (decode(bytes, at, bytes.length - at, big, instruction) !== DECODE.OK) {
        throw new Error(`no instruction: ${source}`);
      }
      cpu.next = cpu.eip + instruction.length;
      FPU_CALLOUTS[instruction.form!.semantics]!(cpu, instruction);
      if (cpu.next === cpu.eip) break;
      cpu.eip = cpu.next;
    }
    return this;
  }

  /** Vector of the fault that the text raises, or -1. */
  fault(source: string): number {
    try {
      this.run(source);
      return -1;
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      return fault.vector;
    }
  }

  /** Puts a value at 1000h for `[1000h]`, its bytes given from the most significant. */
  put(hex: string, at = 0x1000): this {
    const count = hex.length / 2;
    for (let i = 0; i < count; i++) {
      this.view.setUint8(at + count - 1 - i, parseInt(hex.slice(i * 2, i * 2 + 2), 16));
    }
    return this;
  }

  /** `count` bytes of memory, from the most significant. */
  get(count: number, at = 0x1000): string {
    let text = "";
    for (let i = count - 1; i >= 0; i--) text += this.view.getUint8(at + i).toString(16).padStart(2, "0");
    return text;
  }

  /** Loads an 80-bit value given as twenty digits: sign and exponent, then the significand. */
  load(hex: string): this {
    return this.put(hex).run("fld tword [1000h]");
  }

  /** ST(i) as twenty digits. */
  st(i = 0): string {
    const { sign, exponent, high, low } = readRegister(this.cpu, i, new Extended());
    const digits = (value: number, count: number) => (value >>> 0).toString(16).padStart(count, "0");
    return digits((sign << 15) | exponent, 4) + digits(high, 8) + digits(low, 8);
  }

  /** Sets the control word: all exceptions masked, double extended precision, rounding to nearest, but for what is given. */
  control(changes: { unmask?: number; rounding?: number; precision?: number }): this {
    const word = (0x3f & ~(changes.unmask ?? 0)) | ((changes.precision ?? 3) << 8) | ((changes.rounding ?? 0) << 10);
    return this.put(word.toString(16).padStart(4, "0"), 0x2000).run("fldcw [2000h]");
  }

  get status(): number {
    return statusWord(this.cpu);
  }

  /** The exception flags and the stack-fault flag. */
  get flags(): number {
    return this.status & 0x7f;
  }

  get tags(): number {
    return tagWord(this.cpu);
  }
}
