/**
 * A virtual CPU as TypeScript sees it: typed access to its state block, segment registers, checked memory operands.
 *
 * @module
 */
import type { FpuErrorPins } from "../bus/backend.ts";
import type { SystemBus } from "../bus/system.ts";
import type { LinearMemory } from "../memory/linear.ts";
import { ATTRIBUTE, Descriptor, REAL_MODE_ATTRIBUTES, VIRTUAL_8086_ATTRIBUTES } from "./descriptor.ts";
import { GuestFault } from "./fault.ts";
import { readEflags, writeEflags } from "./flags.ts";
import { type Instruction, OPERAND, type Operand } from "./instruction.ts";
import { type CpuModel, cpuModel } from "./models.ts";
import { PushFrame } from "./push_frame.ts";
import { CR0, FLAG, GPR, MODE, SEG, SEGMENT, STATE, TLB, VECTOR, WINDOW } from "./registers.ts";

const RIP = STATE.RIP >> 2;
const EFLAGS = STATE.EFLAGS >> 2;
const SP = (STATE.GPR >> 2) + GPR.SP * 2;
const STACK_MASK = (STATE.WINDOWS + WINDOW.STACK * WINDOW.SIZE + WINDOW.MASK) >> 2;

/** READ and WRITE of a window of 4 GB: an access of up to 16 bytes must fit. */
const WHOLE = 0xffff_fff1;

/** Follows a CPU's accesses while it runs instruction by instruction: alignment checks and breakpoints. */
export interface AccessObserver {
  /** A segment access whose checks have passed. May throw #AC; nothing has been accessed yet. */
  access(linear: number, size: number, write: boolean): void;
  /** A port access that is permitted. */
  port(port: number, size: number): void;
}

/** What a CPU is connected to. */
export interface CpuPorts {
  memory: LinearMemory;
  bus: SystemBus;
  /** Time-stamp counter ticks since power-up, before `MSR_SLOT.TSC_OFFSET` is added: a whole number below 2^53. */
  timestamp: () => number;
}

/**
 * A virtual CPU.
 *
 * A callout is entered with `eip` at the instruction and `next` after it; it changes `next` to transfer control, and the
 * engine commits `eip = next` when the callout returns. A callout that throws has committed nothing.
 */
export class Cpu {
  /** The state block as unsigned bytes, unsigned words, signed and unsigned dwords. */
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  /** Address of the state block in the machine's memory, in bytes. */
  readonly base: number;
  memory!: LinearMemory;
  bus!: SystemBus;
  timestamp: () => number = () => 0;
  /** FERR# and IGNNE#; where there are none, errors that would go there are ignored. */
  fpuErrorPins: FpuErrorPins | undefined = undefined;
  /** Brings STATE.PENDING up to date in the middle of an instruction. */
  poll: () => void = () => {};
  /** What processor it is. */
  readonly model: CpuModel;

  /** EIP of the instruction that runs after the current one. */
  next = 0;
  /** HLT has executed and no event has been delivered since. */
  halted = false;
  /** An instruction was not carried out: it waits until the FPU's error has been handled outside the CPU. */
  waits = false;
  /** A triple fault has shut the CPU down (Intel SDM volume 3, 6.15, "Interrupt 8"). */
  shutdown = false;
  /** The instruction entered a handler or a task: its own single-step trap is gone with the old TF. */
  stepDiscarded = false;
  /** A task switch has been committed: EIP is the new task's, and a fault thrown since then is raised there. */
  taskSwitched = false;
  /** Sees each access while set; see `observe`. */
  observer: AccessObserver | undefined = undefined;
  /** Vector of the last exception that was raised, or -1; with its error code, or -1. */
  lastVector = -1;
  lastError = -1;

  /** Descriptors being examined: a code segment or gate, the gate's target, a stack segment. */
  readonly descriptor: Descriptor = new Descriptor();
  readonly target: Descriptor = new Descriptor();
  readonly stack: Descriptor = new Descriptor();
  readonly frame: PushFrame = new PushFrame();

  /**
   * @param buffer The machine's memory.
   * @param base Address of the CPU's block in it, a multiple of 16.
   * @param ports What the CPU is connected to; may be assigned later, before the first instruction.
   * @param model What processor it is; the one with everything if not said.
   */
  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    base: number,
    ports?: CpuPorts,
    model: CpuModel = cpuModel("max"),
  ) {
    this.base = base;
    this.model = model;
    this.u8 = new Uint8Array(buffer, base, STATE.SIZE);
    this.u16 = new Uint16Array(buffer, base, STATE.SIZE >> 1);
    this.i32 = new Int32Array(buffer, base, STATE.SIZE >> 2);
    this.u32 = new Uint32Array(buffer, base, STATE.SIZE >> 2);
    if (ports !== undefined) {
      this.memory = ports.memory;
      this.bus = ports.bus;
      this.timestamp = ports.timestamp;
    }
  }

  // General registers, by encoding.

  /** A byte register: 0 to 3 are AL to BL, 4 to 7 AH to BH. */
  gpr8(register: number): number {
    return this.u8[STATE.GPR + ((register & 3) << 3) + (register >> 2)]!;
  }

  gpr16(register: number): number {
    return this.u16[(STATE.GPR >> 1) + (register << 2)]!;
  }

  /** Unsigned. */
  gpr32(register: number): number {
    return this.u32[(STATE.GPR >> 2) + (register << 1)]!;
  }

  /** A general register of 1, 2 or 4 bytes, unsigned. */
  gpr(register: number, size: number): number {
    return size === 4 ? this.gpr32(register) : size === 2 ? this.gpr16(register) : this.gpr8(register);
  }

  setGpr8(register: number, value: number): void {
    this.u8[STATE.GPR + ((register & 3) << 3) + (register >> 2)] = value;
  }

  setGpr16(register: number, value: number): void {
    this.u16[(STATE.GPR >> 1) + (register << 2)] = value;
  }

  setGpr32(register: number, value: number): void {
    this.u32[(STATE.GPR >> 2) + (register << 1)] = value;
  }

  /** Writes a general register of 1, 2 or 4 bytes; the rest of it stays. */
  setGpr(register: number, size: number, value: number): void {
    if (size === 4) this.setGpr32(register, value);
    else if (size === 2) this.setGpr16(register, value);
    else this.setGpr8(register, value);
  }

  get eip(): number {
    return this.u32[RIP]!;
  }

  set eip(value: number) {
    this.u32[RIP] = value;
  }

  /** EFLAGS with the six arithmetic flags materialised. */
  get eflags(): number {
    return readEflags(this.i32);
  }

  /** Replaces the EFLAGS bits of `mask` by those of `value`. */
  setEflags(value: number, mask: number): void {
    writeEflags(this.i32, (readEflags(this.i32) & ~mask) | (value & mask & this.model.eflags));
  }

  /** EFLAGS without its arithmetic flags: cheaper than `eflags`. */
  get systemFlags(): number {
    return this.i32[EFLAGS]!;
  }

  get iopl(): number {
    return (this.i32[EFLAGS]! >> 12) & 3;
  }

  get cpl(): number {
    return this.i32[STATE.CPL >> 2]!;
  }

  /** Sets the current privilege level, and with it the TLB set that emitted code uses. */
  setCpl(cpl: number): void {
    this.i32[STATE.CPL >> 2] = cpl;
    this.u32[STATE.TLB_SET >> 2] = this.base + (cpl === 3 ? TLB.USER : TLB.SUPERVISOR);
  }

  /** Whether ordinary accesses have user privilege. */
  get user(): boolean {
    return this.i32[STATE.CPL >> 2] === 3;
  }

  /** Whether unaligned data accesses fault now (Intel SDM volume 3, 6.15, "Interrupt 17"). */
  get alignmentChecked(): boolean {
    const { i32 } = this;
    return i32[STATE.CPL >> 2] === 3 && (i32[EFLAGS]! & FLAG.AC) !== 0 && (i32[STATE.CR0 >> 2]! & CR0.AM) !== 0;
  }

  /**
   * Sets or takes away the observer. While there is one no access window passes anything and MODE is not flat, so that emitted code
   * hands each access to the exact check, which tells the observer.
   */
  observe(observer: AccessObserver | undefined): void {
    this.observer = observer;
    this.refreshSegments();
  }

  get realMode(): boolean {
    return (this.i32[STATE.CR0 >> 2]! & CR0.PE) === 0;
  }

  /** Protected mode, virtual-8086 mode excluded. */
  get protectedMode(): boolean {
    return (this.i32[STATE.CR0 >> 2]! & CR0.PE) !== 0 && (this.i32[EFLAGS]! & FLAG.VM) === 0;
  }

  get virtual8086(): boolean {
    return (this.i32[EFLAGS]! & FLAG.VM) !== 0;
  }

  // Segment registers, in SEG order.

  selector(segment: number): number {
    return this.u32[(STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.SELECTOR) >> 2]!;
  }

  segmentBase(segment: number): number {
    return this.u32[(STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.BASE) >> 2]!;
  }

  segmentLimit(segment: number): number {
    return this.u32[(STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.LIMIT) >> 2]!;
  }

  segmentAttributes(segment: number): number {
    return this.i32[(STATE.SEGMENTS + segment * SEGMENT.SIZE + SEGMENT.ATTRIBUTES) >> 2]!;
  }

  /** Loads a segment register, hidden part included, and derives the access windows and MODE from it. */
  loadSegmentCache(segment: number, selector: number, base: number, limit: number, attributes: number): void {
    const at = (STATE.SEGMENTS + segment * SEGMENT.SIZE) >> 2;
    const { i32 } = this;
    // System calls and returns mostly load what differs in privilege alone, which no window depends on.
    const same = i32[at + (SEGMENT.BASE >> 2)] === (base | 0) && i32[at + (SEGMENT.LIMIT >> 2)] === (limit | 0) &&
      ((i32[at + (SEGMENT.ATTRIBUTES >> 2)]! ^ attributes) & ~(ATTRIBUTE.DPL | ATTRIBUTE.ACCESSED)) === 0;
    i32[at + (SEGMENT.SELECTOR >> 2)] = selector & 0xffff;
    i32[at + (SEGMENT.ATTRIBUTES >> 2)] = attributes;
    if (same) return;
    i32[at + (SEGMENT.BASE >> 2)] = base;
    i32[at + (SEGMENT.LIMIT >> 2)] = limit;
    if (segment > SEG.GS) return;
    this.#deriveWindows(segment);
    if (segment < SEG.FS) this.#deriveMode();
  }

  /** Loads a segment register with a null selector: any access through it faults. */
  loadNullSegment(segment: number, selector: number): void {
    this.loadSegmentCache(segment, selector, 0, 0, ATTRIBUTE.UNUSABLE);
  }

  /** Loads a segment register as real-address mode does: the limit and the D/B bit stay as they were. */
  loadRealSegment(segment: number, selector: number): void {
    const old = this.segmentAttributes(segment);
    const limit = (old & ATTRIBUTE.UNUSABLE) !== 0 ? 0xffff : this.segmentLimit(segment);
    const attributes = REAL_MODE_ATTRIBUTES | (old & (ATTRIBUTE.BIG | ATTRIBUTE.GRANULARITY));
    this.loadSegmentCache(segment, selector, (selector & 0xffff) << 4, limit, attributes);
  }

  /** Loads a segment register as virtual-8086 mode does (Intel SDM volume 3, 20.2.1). */
  loadVirtual8086Segment(segment: number, selector: number): void {
    this.loadSegmentCache(segment, selector, (selector & 0xffff) << 4, 0xffff, VIRTUAL_8086_ATTRIBUTES);
  }

  /** Derives every access window and MODE again: after CR0.PE or EFLAGS.VM changed, or after a state block was restored. */
  refreshSegments(): void {
    for (let segment = SEG.ES as number; segment <= SEG.GS; segment++) this.#deriveWindows(segment);
    this.#deriveMode();
  }

  #deriveWindows(segment: number): void {
    const { u32 } = this;
    const base = this.segmentBase(segment);
    const limit = this.segmentLimit(segment);
    const attributes = this.segmentAttributes(segment);
    let low = 0;
    // Valid offsets, up to 2^32.
    let count = limit + 1;
    let read = true;
    let write = true;
    if ((attributes & ATTRIBUTE.UNUSABLE) !== 0) {
      read = write = false;
    } else if (this.protectedMode) {
      if ((attributes & ATTRIBUTE.CODE) !== 0) {
        read = (attributes & ATTRIBUTE.READABLE) !== 0;
        write = false;
      } else {
        write = (attributes & ATTRIBUTE.WRITABLE) !== 0;
        if ((attributes & ATTRIBUTE.EXPAND_DOWN) !== 0) {
          low = limit + 1;
          count = Math.max(0, ((attributes & ATTRIBUTE.BIG) !== 0 ? 0xffff_ffff : 0xffff) - limit);
        }
      }
    }
    const size = count > 15 && this.observer === undefined ? count - 15 : 0;
    const readSize = read ? size : 0;
    const writeSize = write ? size : 0;
    const window = (STATE.WINDOWS + segment * WINDOW.SIZE) >> 2;
    this.#setWindow(window, base, low, readSize, writeSize, 0xffff_ffff);
    this.#setWindow(window + ((WINDOW.ADDRESS16 * WINDOW.SIZE) >> 2), base, low, readSize, writeSize, 0xffff);
    if (segment === SEG.SS) {
      const mask = (attributes & ATTRIBUTE.BIG) !== 0 ? 0xffff_ffff : 0xffff;
      const stack = (STATE.WINDOWS + WINDOW.STACK * WINDOW.SIZE) >> 2;
      this.#setWindow(stack, base, low, readSize, writeSize, mask);
    } else if (segment === SEG.CS) {
      u32[STATE.CS_LIMIT >> 2] = limit;
    }
  }

  #setWindow(at: number, base: number, low: number, read: number, write: number, mask: number): void {
    const { u32 } = this;
    u32[at + (WINDOW.BASE >> 2)] = base;
    u32[at + (WINDOW.LOW >> 2)] = low;
    u32[at + (WINDOW.READ >> 2)] = read;
    u32[at + (WINDOW.WRITE >> 2)] = write;
    u32[at + (WINDOW.MASK >> 2)] = mask;
  }

  #deriveMode(): void {
    let mode = (this.segmentAttributes(SEG.CS) & ATTRIBUTE.BIG) !== 0 ? MODE.D : 0;
    if (
      this.protectedMode && this.#flat(SEG.CS, WINDOW.READ) && this.#flat(SEG.DS, WINDOW.WRITE) &&
      this.#flat(SEG.ES, WINDOW.WRITE) && this.#flat(SEG.SS, WINDOW.WRITE) &&
      (this.segmentAttributes(SEG.SS) & ATTRIBUTE.BIG) !== 0
    ) mode |= MODE.FLAT;
    this.i32[STATE.MODE >> 2] = mode;
  }

  #flat(segment: number, access: number): boolean {
    const at = (STATE.WINDOWS + segment * WINDOW.SIZE) >> 2;
    return this.u32[at + (WINDOW.BASE >> 2)] === 0 && this.u32[at + (access >> 2)] === WHOLE;
  }

  // Memory operands.

  /** Offset of a memory operand in its segment, wrapped at the instruction's address size. */
  effectiveAddress(instruction: Instruction, operand: Operand): number {
    const { i32 } = this;
    let offset = operand.value;
    if (operand.base >= 0) offset += i32[(STATE.GPR >> 2) + (operand.base << 1)]!;
    if (operand.index >= 0) offset += i32[(STATE.GPR >> 2) + (operand.index << 1)]! << operand.scale;
    return instruction.addressSize === 2 ? offset & 0xffff : offset >>> 0;
  }

  /**
   * Linear address of `size` bytes at an offset, every segment check made (Intel SDM volume 3, 5.3 to 5.5).
   * Throws #SS(0) for the stack segment, #GP(0) for the others.
   */
  linear(segment: number, offset: number, size: number, write: boolean): number {
    const { u32 } = this;
    const at = (STATE.WINDOWS + segment * WINDOW.SIZE) >> 2;
    const room = u32[at + ((write ? WINDOW.WRITE : WINDOW.READ) >> 2)]!;
    if (size > 16 || ((offset - u32[at + (WINDOW.LOW >> 2)]!) >>> 0) >= room) {
      this.checkSegment(segment, offset, size, write);
      this.observer?.access((u32[at + (WINDOW.BASE >> 2)]! + offset) >>> 0, size, write);
    }
    return (u32[at + (WINDOW.BASE >> 2)]! + offset) >>> 0;
  }

  /** The exact segment check behind `linear`, for any size. */
  checkSegment(segment: number, offset: number, size: number, write: boolean): void {
    const attributes = this.segmentAttributes(segment);
    const limit = this.segmentLimit(segment);
    const last = offset + size - 1;
    let valid = last <= limit;
    if ((attributes & ATTRIBUTE.UNUSABLE) !== 0) {
      valid = false;
    } else if (this.protectedMode) {
      if ((attributes & ATTRIBUTE.CODE) !== 0) {
        if (write || (attributes & ATTRIBUTE.READABLE) === 0) valid = false;
      } else {
        if ((attributes & ATTRIBUTE.EXPAND_DOWN) !== 0) {
          valid = offset > limit && last <= ((attributes & ATTRIBUTE.BIG) !== 0 ? 0xffff_ffff : 0xffff);
        }
        if (write && (attributes & ATTRIBUTE.WRITABLE) === 0) valid = false;
      }
    }
    if (!valid) throw new GuestFault(segment === SEG.SS ? VECTOR.SS : VECTOR.GP, 0);
  }

  /** Reads 1, 2 or 4 bytes at an offset of a segment, with the current privilege; unsigned. */
  read(segment: number, offset: number, size: number): number {
    const linear = this.linear(segment, offset, size, false);
    if (size === 4) return this.memory.read32(linear, this.user);
    return size === 2 ? this.memory.read16(linear, this.user) : this.memory.read8(linear, this.user);
  }

  /** Writes 1, 2 or 4 bytes at an offset of a segment, with the current privilege. */
  write(segment: number, offset: number, size: number, value: number): void {
    const linear = this.linear(segment, offset, size, true);
    if (size === 4) this.memory.write32(linear, value, this.user);
    else if (size === 2) this.memory.write16(linear, value & 0xffff, this.user);
    else this.memory.write8(linear, value & 0xff, this.user);
  }

  /** Value of a register, memory, immediate or segment operand of 1, 2 or 4 bytes; immediates as signed numbers. */
  readOperand(instruction: Instruction, index: number): number {
    const operand = instruction.operands[index]!;
    switch (operand.kind) {
      case OPERAND.GPR:
        return this.gpr(operand.register, operand.size);
      case OPERAND.MEMORY:
        return this.read(operand.segment, this.effectiveAddress(instruction, operand), operand.size);
      case OPERAND.SEGMENT:
        return this.selector(operand.register);
      default:
        return operand.value;
    }
  }

  /** Writes a register or memory operand of 1, 2 or 4 bytes. */
  writeOperand(instruction: Instruction, index: number, value: number): void {
    const operand = instruction.operands[index]!;
    if (operand.kind === OPERAND.GPR) this.setGpr(operand.register, operand.size, value);
    else this.write(operand.segment, this.effectiveAddress(instruction, operand), operand.size, value);
  }

  // The stack. Offsets wrap at the stack's address size (SS.B).

  /** Offset of an item `depth` bytes above the top of the stack. */
  stackOffset(depth: number): number {
    return ((this.u32[SP]! + depth) & this.i32[STACK_MASK]!) >>> 0;
  }

  /** ESP after the stack pointer moved by `bytes`; with a 16-bit stack its upper half is unchanged. */
  movedStack(bytes: number): number {
    const mask = this.i32[STACK_MASK]!;
    const pointer = this.u32[SP]!;
    return ((pointer & ~mask) | ((pointer + bytes) & mask)) >>> 0;
  }

  /** Moves the stack pointer by `bytes`. */
  adjustStack(bytes: number): void {
    this.u32[SP] = this.movedStack(bytes);
  }

  /** Reads an item of 2 or 4 bytes, `depth` bytes above the top of the stack. */
  peek(depth: number, size: number): number {
    return this.read(SEG.SS, this.stackOffset(depth), size);
  }

  /** Pushes one item; nothing changes when it faults. */
  push(value: number, size: number): void {
    this.write(SEG.SS, this.stackOffset(-size), size, value);
    this.adjustStack(-size);
  }

  push16(value: number): void {
    this.push(value, 2);
  }

  push32(value: number): void {
    this.push(value, 4);
  }
}
