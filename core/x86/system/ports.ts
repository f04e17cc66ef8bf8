/**
 * IN, OUT, INS and OUTS, with the I/O permission checks (Intel SDM volume 1, chapter 19).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import { type Instruction, OPERAND, type Operand, REPEAT } from "../instruction.ts";
import { FLAG, GPR, PENDING_INTR, SEG, STATE, VECTOR } from "../registers.ts";

const EXTRA = STATE.EXTRA >> 2;
const BUDGET = STATE.BUDGET >> 2;
const PENDING = STATE.PENDING >> 2;

/** Offset of the I/O map base in a 32-bit TSS. */
const TSS_IO_MAP_BASE = 102;

/** Bytes of one block: a page, so that one probe covers it. */
const BLOCK = 4096;
const block = new Uint8Array(BLOCK);

/** Whether the TSS decides which ports may be accessed. */
function portsAreChecked(cpu: Cpu): boolean {
  return !cpu.realMode && (cpu.virtual8086 || cpu.cpl > cpu.iopl);
}

/** #GP(0) unless the current privilege may access `size` ports from `port` on. */
function checkPort(cpu: Cpu, port: number, size: number): void {
  if (!portsAreChecked(cpu)) return;
  const limit = cpu.segmentLimit(SEG.TR);
  const wide = (cpu.segmentAttributes(SEG.TR) & 0x800) !== 0;
  if (!wide || limit < TSS_IO_MAP_BASE + 1) throw new GuestFault(VECTOR.GP, 0);
  const { memory } = cpu;
  const tss = cpu.segmentBase(SEG.TR);
  const at = memory.read16((tss + TSS_IO_MAP_BASE) >>> 0, false) + (port >> 3);
  // The processor reads two bytes of the map, so that an access can span a byte boundary.
  if (at + 1 > limit) throw new GuestFault(VECTOR.GP, 0);
  const bits = memory.read16((tss + at) >>> 0, false) >> (port & 7);
  if ((bits & ((1 << size) - 1)) !== 0) throw new GuestFault(VECTOR.GP, 0);
}

function portOf(cpu: Cpu, operand: Operand): number {
  return operand.kind === OPERAND.IMMEDIATE ? operand.value & 0xff : cpu.gpr16(GPR.DX);
}

/** IN. */
export function inPort(cpu: Cpu, instruction: Instruction): void {
  const [accumulator, source] = instruction.operands;
  const port = portOf(cpu, source);
  checkPort(cpu, port, accumulator.size);
  cpu.observer?.port(port, accumulator.size);
  cpu.setGpr(GPR.AX, accumulator.size, cpu.bus.portRead(port, accumulator.size));
}

/** OUT. */
export function outPort(cpu: Cpu, instruction: Instruction): void {
  const [destination, accumulator] = instruction.operands;
  const port = portOf(cpu, destination);
  checkPort(cpu, port, accumulator.size);
  cpu.observer?.port(port, accumulator.size);
  cpu.bus.portWrite(port, accumulator.size, cpu.gpr(GPR.AX, accumulator.size));
}

/** INS and REP INS. */
export function ins(cpu: Cpu, instruction: Instruction): void {
  const { size } = instruction.operands[0];
  transferString(cpu, instruction, SEG.ES, GPR.DI, size, true);
}

/** OUTS and REP OUTS. */
export function outs(cpu: Cpu, instruction: Instruction): void {
  const source = instruction.operands[1];
  transferString(cpu, instruction, source.segment, GPR.SI, source.size, false);
}

function transferString(
  cpu: Cpu,
  instruction: Instruction,
  segment: number,
  pointer: number,
  size: number,
  input: boolean,
): void {
  const { addressSize } = instruction;
  const port = cpu.gpr16(GPR.DX);
  checkPort(cpu, port, size);
  if (instruction.repeat === REPEAT.NONE) {
    cpu.observer?.port(port, size);
    transferItem(cpu, port, segment, cpu.gpr(pointer, addressSize), size, input);
    advance(cpu, pointer, addressSize, size, 1);
    return;
  }
  const { i32 } = cpu;
  let count = cpu.gpr(GPR.CX, addressSize);
  if (count === 0) return;
  cpu.observer?.port(port, size);
  let budget = Math.max(1, i32[BUDGET]!);
  const down = (cpu.systemFlags & FLAG.DF) !== 0;
  const checked = portsAreChecked(cpu);
  for (;;) {
    if (checked) checkPort(cpu, port, size);
    const offset = cpu.gpr(pointer, addressSize);
    // Each iteration is checked by itself: the one before may have written the map.
    const items = down || checked ? 1 : blockItems(cpu, segment, offset, addressSize, size, Math.min(count, budget));
    let moved = 1;
    if (items > 1 && inMemory(cpu, segment, offset, size, input)) {
      moved = transferBlock(cpu, port, segment, offset, size, items, input);
    } else transferItem(cpu, port, segment, offset, size, input);
    advance(cpu, pointer, addressSize, size, moved);
    count -= moved;
    budget -= moved;
    cpu.setGpr(GPR.CX, addressSize, count);
    // Each iteration counts as retired; a fault in a later one takes none of them back.
    i32[EXTRA]! += moved;
    if (count === 0) break;
    // The device may have raised its line, or armed an alarm that is due soon.
    cpu.poll();
    if (budget <= 0 || interruptible(cpu)) {
      cpu.next = cpu.eip;
      // An interrupt between two iterations saves RF set (Intel SDM volume 3, 17.3.1.1).
      cpu.i32[STATE.EFLAGS >> 2]! |= FLAG.RF;
      break;
    }
  }
  // The engine counts the instruction itself once.
  i32[EXTRA]! -= 1;
}

/** Whether something waits that the boundary between two iterations must let in. */
function interruptible(cpu: Cpu): boolean {
  const pending = cpu.i32[PENDING]!;
  const flags = cpu.systemFlags;
  // A single step traps after each iteration.
  return (pending & ~PENDING_INTR) !== 0 || ((pending & PENDING_INTR) !== 0 && (flags & FLAG.IF) !== 0) ||
    (flags & FLAG.TF) !== 0;
}

/** How many items from `offset` upward may move as one block: within the segment, the page and the address size. */
function blockItems(
  cpu: Cpu,
  segment: number,
  offset: number,
  addressSize: number,
  size: number,
  count: number,
): number {
  const linear = (cpu.segmentBase(segment) + offset) >>> 0;
  const toPageEnd = BLOCK - (linear & (BLOCK - 1));
  const toWrap = (addressSize === 2 ? 0x1_0000 : 0x1_0000_0000) - offset;
  return Math.min(count, Math.floor(Math.min(toPageEnd, toWrap, cpu.segmentLimit(segment) + 1 - offset) / size));
}

/** Whether a string's next item is in memory: a device behind it sees each item's two accesses before the next item's. */
function inMemory(cpu: Cpu, segment: number, offset: number, size: number, input: boolean): boolean {
  return cpu.memory.isMemory(cpu.linear(segment, offset, size, input), input, cpu.user);
}

function transferItem(cpu: Cpu, port: number, segment: number, offset: number, size: number, input: boolean): void {
  if (input) {
    // The port is read only once the store cannot fault: reading may have side effects.
    const linear = cpu.linear(segment, offset, size, true);
    cpu.memory.probeWrite(linear, size, cpu.user);
    cpu.write(segment, offset, size, cpu.bus.portRead(port, size));
  } else {
    cpu.bus.portWrite(port, size, cpu.read(segment, offset, size));
  }
}

/** Moves up to `items` items as one block; returns how many. */
function transferBlock(
  cpu: Cpu,
  port: number,
  segment: number,
  offset: number,
  size: number,
  items: number,
  input: boolean,
): number {
  const { memory, user } = cpu;
  const length = items * size;
  const linear = cpu.linear(segment, offset, length, input);
  const bytes = block.subarray(0, length);
  if (input) {
    memory.probeWrite(linear, length, user);
    const moved = cpu.bus.portReadBlock(port, size, bytes);
    for (let i = 0; i < moved * size; i += size) {
      if (size === 4) memory.write32(linear + i, little32(i), user);
      else if (size === 2) memory.write16(linear + i, bytes[i]! | bytes[i + 1]! << 8, user);
      else memory.write8(linear + i, bytes[i]!, user);
    }
    return moved;
  }
  memory.probeRead(linear, length, user);
  for (let i = 0; i < length; i += size) {
    const value = size === 4
      ? memory.read32(linear + i, user)
      : size === 2
      ? memory.read16(linear + i, user)
      : memory.read8(linear + i, user);
    for (let byte = 0; byte < size; byte++) bytes[i + byte] = value >>> (8 * byte);
  }
  return cpu.bus.portWriteBlock(port, size, bytes);
}

function little32(at: number): number {
  return (block[at]! | block[at + 1]! << 8 | block[at + 2]! << 16 | block[at + 3]! << 24) >>> 0;
}

function advance(cpu: Cpu, pointer: number, addressSize: number, size: number, items: number): void {
  const step = (cpu.systemFlags & FLAG.DF) !== 0 ? -size * items : size * items;
  cpu.setGpr(pointer, addressSize, cpu.gpr(pointer, addressSize) + step);
}
