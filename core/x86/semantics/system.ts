/**
 * What an operating system does at every system call, where it is plain: flat 32-bit segments, descriptors of the usual kinds with their
 * accessed bits set, tables that the TLB maps. Everything else is left to the definitions in `core/x86/system`, before anything has changed.
 *
 * @module
 */
import { i32, i64 } from "../../wasm/mod.ts";
import { ATTRIBUTE } from "../descriptor.ts";
import { CR4, FLAG, GPR, MODE, MSR_SLOT, SEG, SEGMENT, STATE, TLB, WINDOW } from "../registers.ts";
import type { Builder, Semantics, Value } from "./builder.ts";

const FLAT32 = MODE.D | MODE.FLAT;

/** The dwords of descriptors of 4 GB from 0, 32-bit, present, accessed, DPL 0: code that can be read, data that can be written. */
const FLAT = { LOW: 0xffff, CODE: 0x00cf_9b00, DATA: 0x00cf_9300 } as const;
const AVAILABLE = 1 << 20;
const DPL3 = 3 << 13;

/** A present 32-bit interrupt gate; a trap gate has bit 8 set as well. */
const GATE = { MASK: 0x9e00, PRESENT32: 0x8e00, TRAP: 1 << 8 } as const;

/** Two dwords of a table. */
interface Descriptor {
  readonly low: Value;
  readonly high: Value;
}

const differs = (value: Value, expected: number): Value => i32.xor(value, i32.const(expected));
const has = (value: Value, bits: number): Value => i32.and(value, i32.const(bits));

/** Only flat 32-bit protected mode, which virtual-8086 mode is not, goes on; nor does it while accesses are watched. */
function requireFlat(b: Builder, orElse?: Value): void {
  const mode = differs(b.state(STATE.MODE), FLAT32);
  b.calloutIf(orElse ? i32.or(mode, orElse) : mode);
}

const field = (segment: number, offset: number): number => STATE.SEGMENTS + segment * SEGMENT.SIZE + offset;

/** Reads the descriptor of a selector that is not null and names the GDT. */
function globalDescriptor(b: Builder, selector: Value): Descriptor {
  const index = b.let(has(selector, 0xfff8));
  const beyond = i32.gt_u(i32.add(index, i32.const(7)), b.state(STATE.GDTR_LIMIT));
  b.calloutIf(i32.or(i32.or(has(selector, 4), i32.eqz(has(selector, 0xfffc))), beyond));
  return readDescriptor(b, b.let(i32.add(b.state(STATE.GDTR_BASE), index)));
}

function readDescriptor(b: Builder, linear: Value): Descriptor {
  const host = b.systemHost(linear, 8, false);
  return { low: b.let(i32.load(host)), high: b.let(i32.load(host, 4)) };
}

/** Nonzero unless a descriptor is the one whose second dword is `high`, but for its AVL bit. */
function isOther(descriptor: Descriptor, high: number): Value {
  return i32.or(differs(descriptor.low, FLAT.LOW), differs(has(descriptor.high, ~AVAILABLE), high));
}

/** Loads CS or SS with a flat segment where one was: no window depends on what differs. */
function setFlatSegment(b: Builder, segment: number, selector: Value, attributes: Value): void {
  b.setState(field(segment, SEGMENT.SELECTOR), has(selector, 0xffff));
  b.setState(field(segment, SEGMENT.ATTRIBUTES), attributes);
}

/** Sets CPL to 0 or 3. */
function setPrivilege(b: Builder, cpl: 0 | 3): void {
  b.setState(STATE.CPL, i32.const(cpl));
  b.setState(STATE.TLB_SET, i32.add(b.block(), i32.const(cpl === 3 ? TLB.USER : TLB.SUPERVISOR)));
}

const kept = (descriptor: Descriptor): Value => has(descriptor.high, ATTRIBUTE.KEPT);

/** INT n from CPL 3 or 0 to CPL 0 (Intel SDM volume 3, 6.12.1). */
const int: Semantics = (b) => {
  const flags = b.let(b.state(STATE.EFLAGS)), cpl = b.let(b.state(STATE.CPL));
  // Of CPL 0 to 3 those in the middle have bit 1 set when 1 is added.
  requireFlat(b, i32.or(has(flags, FLAG.TF | FLAG.AC), has(i32.add(cpl, i32.const(1)), 2)));
  const entry = b.let(i32.shl(b.read(0, "u"), i32.const(3)));
  b.calloutIf(i32.gt_u(i32.add(entry, i32.const(7)), b.state(STATE.IDTR_LIMIT)));
  const gate = readDescriptor(b, b.let(i32.add(b.state(STATE.IDTR_BASE), entry)));
  const dpl = has(i32.shr_u(gate.high, i32.const(13)), 3);
  b.calloutIf(i32.or(differs(has(gate.high, GATE.MASK), GATE.PRESENT32), i32.lt_u(dpl, cpl)));
  const selector = b.let(i32.shr_u(gate.low, i32.const(16)));
  const code = globalDescriptor(b, selector);
  b.calloutIf(isOther(code, FLAT.CODE));
  const image = b.let(i32.or(flags, b.arithmeticFlags()));
  const pointer = b.let(b.register(GPR.SP, 32));
  /** EIP, CS and EFLAGS, at the frame's lowest address. */
  const push = (host: Value) => {
    b.emit(i32.store(host, image, 8));
    b.emit(i32.store(host, b.state(field(SEG.CS, SEGMENT.SELECTOR)), 4));
    b.emit(i32.store(host, b.nextIp()));
  };
  b.if(cpl, () => {
    const task = (offset: number) => b.state(field(SEG.TR, offset));
    // A 32-bit TSS that holds ESP0 and SS0 (Intel SDM volume 3, 7.2.1).
    b.calloutIf(i32.or(i32.eqz(has(task(SEGMENT.ATTRIBUTES), 0x800)), i32.lt_u(task(SEGMENT.LIMIT), i32.const(9))));
    const stack = b.systemHost(b.let(i32.add(task(SEGMENT.BASE), i32.const(4))), 6, false);
    const top = b.let(i32.load(stack)), stackSelector = b.let(i32.load16_u(stack, 4));
    b.calloutIf(has(stackSelector, 3));
    const data = globalDescriptor(b, stackSelector);
    b.calloutIf(isOther(data, FLAT.DATA));
    const frame = b.let(i32.sub(top, i32.const(20)));
    const host = b.systemHost(frame, 20, true);
    b.emit(i32.store(host, b.state(field(SEG.SS, SEGMENT.SELECTOR)), 16));
    b.emit(i32.store(host, pointer, 12));
    push(host);
    setPrivilege(b, 0);
    setFlatSegment(b, SEG.SS, stackSelector, kept(data));
    b.setRegister(GPR.SP, 32, frame);
  }, () => {
    const frame = b.let(i32.sub(pointer, i32.const(12)));
    push(b.systemHost(frame, 12, true));
    b.setRegister(GPR.SP, 32, frame);
  });
  setFlatSegment(b, SEG.CS, has(selector, 0xfffc), kept(code));
  const interruptible = i32.or(has(i32.shl(gate.high, i32.const(1)), FLAG.IF), i32.const(~FLAG.IF));
  const stays = has(flags, ~(FLAG.TF | FLAG.NT | FLAG.RF | FLAG.VM));
  b.setState(STATE.EFLAGS, i32.and(stays, interruptible));
  const offset = i32.or(has(gate.low, 0xffff), has(gate.high, 0xffff_0000 | 0));
  b.transfer(b.let(offset), i32.const(0));
};

/** IRET, 32 bits, from CPL 0 to CPL 0 or 3. */
const iret: Semantics = (b) => {
  if (b.operandWidth !== 32) return b.calloutIf(i32.const(1));
  const cpl = b.state(STATE.CPL), held = has(b.state(STATE.EFLAGS), FLAG.TF | FLAG.NT);
  requireFlat(b, i32.or(cpl, held));
  const pointer = b.let(b.register(GPR.SP, 32));
  const host = b.systemHost(pointer, 12, false);
  const eip = b.let(i32.load(host)), selector = b.let(i32.load16_u(host, 4)), image = b.let(i32.load(host, 8));
  const lets = i32.and(i32.ne(has(image, FLAG.IF), i32.const(0)), i32.ne(b.state(STATE.PENDING), i32.const(0)));
  b.calloutIf(i32.or(lets, has(image, FLAG.TF | FLAG.NT | FLAG.AC | FLAG.VM | FLAG.VIF | FLAG.VIP)));
  const code = globalDescriptor(b, selector);
  const rpl = b.let(has(selector, 3));
  b.if(rpl, () => {
    b.calloutIf(i32.or(differs(rpl, 3), isOther(code, FLAT.CODE | DPL3)));
    const outer = b.systemHost(b.let(i32.add(pointer, i32.const(12))), 8, false);
    const stackSelector = b.let(i32.load16_u(outer, 4));
    b.calloutIf(differs(has(stackSelector, 3), 3));
    const data = globalDescriptor(b, stackSelector);
    b.calloutIf(isOther(data, FLAT.DATA | DPL3));
    for (const segment of [SEG.ES, SEG.DS, SEG.FS, SEG.GS]) {
      // One that the outer level may not use would become null.
      const attributes = b.let(b.state(field(segment, SEGMENT.ATTRIBUTES)));
      const usable = i32.eqz(has(attributes, ATTRIBUTE.UNUSABLE));
      b.calloutIf(i32.and(usable, i32.ne(has(attributes, DPL3), i32.const(DPL3))));
    }
    setPrivilege(b, 3);
    setFlatSegment(b, SEG.SS, stackSelector, kept(data));
    b.setRegister(GPR.SP, 32, i32.load(outer));
  }, () => {
    b.calloutIf(isOther(code, FLAT.CODE));
    b.setRegister(GPR.SP, 32, i32.add(pointer, i32.const(12)));
  });
  setFlatSegment(b, SEG.CS, selector, kept(code));
  // RF would last for one instruction, and matters only to breakpoints, with which nothing is flat.
  b.setState(STATE.EFLAGS, i32.or(has(image, FLAG.IF | FLAG.DF | FLAG.ID | FLAG.IOPL), i32.const(2)));
  b.setArithmeticFlags(image, false);
  b.transfer(eip, i32.ne(rpl, i32.const(0)));
};

const machineRegister = (b: Builder, slot: number): Value => b.state(STATE.MSR + slot * 8);

/** IA32_SYSENTER_CS; what is null, or would be seen by a debugger, is left. */
function entrySelector(b: Builder, orElse: Value): Value {
  const selector = b.let(has(machineRegister(b, MSR_SLOT.SYSENTER_CS), 0xffff));
  requireFlat(b, i32.or(orElse, i32.eqz(has(selector, 0xfffc))));
  return selector;
}

const sysenter: Semantics = (b) => {
  const flags = b.let(b.state(STATE.EFLAGS));
  const selector = b.let(has(entrySelector(b, has(flags, FLAG.TF | FLAG.AC)), 0xfffc));
  b.setState(STATE.EFLAGS, has(flags, ~(FLAG.VM | FLAG.IF | FLAG.RF)));
  setPrivilege(b, 0);
  setFlatSegment(b, SEG.CS, selector, i32.const(FLAT.CODE & ATTRIBUTE.KEPT));
  setFlatSegment(b, SEG.SS, i32.add(selector, i32.const(8)), i32.const(FLAT.DATA & ATTRIBUTE.KEPT));
  b.setRegister(GPR.SP, 32, machineRegister(b, MSR_SLOT.SYSENTER_ESP));
  b.transfer(b.let(machineRegister(b, MSR_SLOT.SYSENTER_EIP)), i32.const(0));
};

const sysexit: Semantics = (b) => {
  const held = has(b.state(STATE.EFLAGS), FLAG.TF | FLAG.AC);
  const selector = entrySelector(b, i32.or(held, i32.or(b.state(STATE.CPL), b.state(STATE.PENDING))));
  setPrivilege(b, 3);
  const outer = (offset: number) => i32.or(i32.add(selector, i32.const(offset)), i32.const(3));
  setFlatSegment(b, SEG.CS, outer(16), i32.const((FLAT.CODE | DPL3) & ATTRIBUTE.KEPT));
  setFlatSegment(b, SEG.SS, outer(24), i32.const((FLAT.DATA | DPL3) & ATTRIBUTE.KEPT));
  b.setRegister(GPR.SP, 32, b.register(GPR.CX, 32));
  b.transfer(b.let(b.register(GPR.DX, 32)), i32.const(1));
};

/** Registers that a selector is plainly loaded into: ES, DS, FS and GS, by number. */
const DATA_REGISTERS = 1 << SEG.ES | 1 << SEG.DS | 1 << SEG.FS | 1 << SEG.GS;

/** The kind of a descriptor: P, S and type; here data that can be written, accessed. */
const KIND = { MASK: 0x9f00, DATA: 0x9300 } as const;

/** Nonzero if a descriptor's DPL admits CPL and the selector's RPL. */
function admits(b: Builder, descriptor: Descriptor, selector: Value): Value {
  const dpl = b.let(has(i32.shr_u(descriptor.high, i32.const(13)), 3));
  return i32.and(i32.ge_u(dpl, b.state(STATE.CPL)), i32.ge_u(dpl, has(selector, 3)));
}

/** Loads ES or DS with another flat segment, FS or GS with any data or with null. */
function loadData(b: Builder, segment: Value, selector: Value): void {
  const base = b.variable(), limit = b.variable(), attributes = b.variable();
  const own = b.let(i32.ge_u(segment, i32.const(SEG.FS)));
  b.if(i32.eqz(has(selector, 0xfffc)), () => {
    b.calloutIf(i32.eqz(own));
    b.set(base, i32.const(0));
    b.set(limit, i32.const(0));
    b.set(attributes, i32.const(ATTRIBUTE.UNUSABLE));
  }, () => {
    const data = globalDescriptor(b, selector);
    const { low, high } = data;
    b.calloutIf(i32.or(differs(has(high, KIND.MASK), KIND.DATA), i32.eqz(admits(b, data, selector))));
    const flat = { low, high: has(high, ~ATTRIBUTE.DPL) };
    b.calloutIf(i32.and(i32.eqz(own), i32.ne(isOther(flat, FLAT.DATA), i32.const(0))));
    b.set(attributes, kept(data));
    const bytes = i32.or(i32.shl(has(high, 0xff), i32.const(16)), has(high, 0xff00_0000 | 0));
    b.set(base, i32.or(i32.shr_u(low, i32.const(16)), bytes));
    b.set(limit, i32.or(has(low, 0xffff), has(high, 0xf_0000)));
    b.if(has(high, ATTRIBUTE.GRANULARITY), () => {
      b.set(limit, i32.or(i32.shl(limit.get(), i32.const(12)), i32.const(0xfff)));
    });
  });
  const at = b.let(i32.add(b.block(), i32.shl(segment, i32.const(5))));
  const set = (offset: number, value: Value) => b.emit(i32.store(at, value, offset));
  set(STATE.SEGMENTS + SEGMENT.SELECTOR, selector);
  set(STATE.SEGMENTS + SEGMENT.ATTRIBUTES, attributes.get());
  b.if(own, () => {
    set(STATE.SEGMENTS + SEGMENT.BASE, base.get());
    set(STATE.SEGMENTS + SEGMENT.LIMIT, limit.get());
    // As `Cpu.loadSegmentCache` derives them: 16 bytes must fit. Null segments have limit 0.
    const fits = i32.gt_u(limit.get(), i32.const(14));
    const room = b.let(i32.mul(fits, i32.sub(limit.get(), i32.const(14))));
    for (const window of [STATE.WINDOWS, STATE.WINDOWS + WINDOW.ADDRESS16 * WINDOW.SIZE]) {
      set(window + WINDOW.BASE, base.get());
      set(window + WINDOW.LOW, i32.const(0));
      set(window + WINDOW.READ, room);
      set(window + WINDOW.WRITE, room);
    }
  });
}

/** The number of segment register operand 0, which is none that asks for more. */
function dataRegister(b: Builder): Value {
  const segment = b.let(b.segmentNumber(0));
  const plain = has(i32.shr_u(i32.const(DATA_REGISTERS), segment), 1);
  requireFlat(b, i32.eqz(plain));
  return segment;
}

const mov_to_segment: Semantics = (b) => {
  const segment = dataRegister(b);
  loadData(b, segment, b.let(has(b.read(1, "u"), 0xffff)));
};

const pop_segment: Semantics = (b) => {
  const segment = dataRegister(b), w = b.operandWidth;
  const selector = b.let(has(b.stackRead(w, 0), 0xffff));
  loadData(b, segment, selector);
  b.setStackPointer(i32.add(b.stackPointer(), i32.const(w / 8)));
};

/** Kernels execute VERW before each return to the user, for what it does to the buffers of real processors. */
const verw: Semantics = (b) => {
  requireFlat(b);
  const selector = b.let(has(b.read(0, "u"), 0xffff));
  const descriptor = globalDescriptor(b, selector);
  const kind = ATTRIBUTE.SEGMENT | ATTRIBUTE.CODE | ATTRIBUTE.WRITABLE;
  const writable = i32.eq(has(descriptor.high, kind), i32.const(ATTRIBUTE.SEGMENT | ATTRIBUTE.WRITABLE));
  const zero = i32.shl(i32.and(writable, admits(b, descriptor, selector)), i32.const(6));
  b.setArithmeticFlags(b.let(i32.or(has(b.arithmeticFlags(), ~FLAG.ZF), zero)), false);
};

/** RDTSC: `core/x86/system/model_specific.ts` computes the same. */
const rdtsc: Semantics = (b) => {
  // TSD is bit 2, so the product is 0 exactly where one of them is.
  b.calloutIf(i32.mul(has(b.state(STATE.CR4), CR4.TSD), b.state(STATE.CPL)));
  const ticks = b.let64(i64.add(b.time(), i64.load(b.block(), STATE.MSR + MSR_SLOT.TSC_OFFSET * 8)));
  b.setRegister(GPR.AX, 32, i32.wrap_i64(ticks));
  b.setRegister(GPR.DX, 32, i32.wrap_i64(i64.shr_u(ticks, i64.const(32))));
};

/** MOV from CR0, CR2 and CR3 at CPL 0. */
const mov_from_control: Semantics = (b) => {
  const number = b.controlNumber(1);
  if (number !== 0 && number !== 2 && number !== 3) return b.calloutIf(i32.const(1));
  b.calloutIf(b.state(STATE.CPL));
  b.write(0, b.state(number === 0 ? STATE.CR0 : STATE.CR2 + (number - 2) * 4));
};

/** This family by semantics name. */
export const SYSTEM: Record<string, Semantics> = {
  int,
  iret,
  sysenter,
  sysexit,
  mov_to_segment,
  pop_segment,
  verw,
  rdtsc,
  mov_from_control,
};
