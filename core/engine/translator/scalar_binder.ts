/**
 * The constant binding: emits an instruction's description with its operands known, registers and flags in locals. Where the fast path
 * does not serve, the region is left before the instruction has committed anything.
 *
 * @module
 */
import { constantOf, type Expr, f64, type Hint, i32, i64, type Local, localOf } from "../../wasm/mod.ts";
import { type Instruction, OPERAND, type Operand } from "../../x86/instruction.ts";
import { ARITHMETIC_FLAGS, CLOCK, FLAG, GPR, SEG, SEGMENT, STATE, TLB, WINDOW } from "../../x86/registers.ts";
import type { Place, ScalarBuilder, StringPort, Value, Width } from "../../x86/semantics/mod.ts";
import { signed } from "../../x86/semantics/builder.ts";
import { HIT_OFFSET, load, store } from "../interpreter/binder.ts";
import { type AccessGroup, writtenRegisters } from "./coalescing.ts";
import type { RegionFrame } from "./frame.ts";

const PAGE = 4096;

/** An access of a group, by its distance from what the group has in common. */
interface AccessPlace {
  readonly group: AccessGroup;
  readonly offset: number;
}

/** Instructions whose memory is implied: their width is that of the item. */
const IMPLIED_MEMORY = new Set("movs stos lods cmps scas xlat".split(" "));

/** Binds one instruction, as far as the base set goes. */
export class ScalarConstantBinder implements ScalarBuilder {
  readonly count: number;
  readonly condition: number;
  readonly operandWidth: Width;
  readonly addressWidth: Width;
  readonly repeat: number;
  readonly #implied: boolean;
  #undo: (() => void) | undefined;
  /** General registers that the instruction may write, as bits, when somebody has asked. */
  #written: number | undefined;

  /** @param offset Offset of the instruction in its page. */
  constructor(readonly frame: RegionFrame, readonly instruction: Instruction, readonly offset: number) {
    const form = instruction.form!;
    this.count = instruction.count;
    this.condition = form.condition ?? 0;
    this.operandWidth = (instruction.operandSize * 8) as Width;
    this.addressWidth = (instruction.addressSize * 8) as Width;
    this.repeat = instruction.repeat;
    this.#implied = IMPLIED_MEMORY.has(form.semantics);
  }

  protected operand(k: number): Operand {
    return this.instruction.operands[k]!;
  }

  width(k: number): Width {
    const { size } = this.operand(k);
    return (size === 0 || size > 8 ? 8 : size * 8) as Width;
  }
  isMemory(k: number): boolean {
    return this.#implied || this.operand(k).kind === OPERAND.MEMORY;
  }
  isRegister(k: number): boolean {
    return !this.#implied && this.operand(k).kind === OPERAND.GPR;
  }

  read(k: number, extend: "s" | "u" = "s"): Value {
    const operand = this.operand(k), width = this.width(k);
    switch (operand.kind) {
      case OPERAND.GPR:
        return this.register(operand.register, width, extend);
      case OPERAND.IMMEDIATE: {
        const value = constantOf(signed(width, i32.const(operand.value | 0)))!;
        return i32.const(extend === "s" ? value : width === 8 ? value & 0xff : width === 16 ? value & 0xffff : value);
      }
      case OPERAND.MEMORY:
        return this.readAt(k, width, i32.const(0), extend);
      default:
        throw new Error(`operand ${k} of ${this.instruction.form!.mnemonic} has no value`);
    }
  }

  write(k: number, value: Value): void {
    const operand = this.operand(k);
    if (operand.kind === OPERAND.GPR) return this.setRegister(operand.register, this.width(k), value);
    this.writeNarrow(k, value, this.width(k));
  }

  /** Writes a memory operand. */
  protected writeNarrow(k: number, value: Value, width: Width): void {
    const stored = this.let(value);
    this.#store(width, this.linear(width, true, undefined, k), stored, this.frame.accesses.memory);
  }

  open(k: number, options: { offset?: Value; width?: Width } = {}): Place {
    const operand = this.operand(k);
    const width = options.width ?? this.width(k);
    if (operand.kind === OPERAND.GPR) {
      const { register } = operand;
      return {
        value: this.register(register, width),
        commit: (value) => this.setRegister(register, width, value),
      };
    }
    const place = options.offset === undefined ? this.frame.accesses.memory : undefined;
    return this.#openMemory(width, this.linear(width, true, options.offset), true, place);
  }

  readAt(k: number, width: Width, offset: Value, extend: "s" | "u" = "s"): Value {
    const place = constantOf(offset) === 0 ? this.frame.accesses.memory : undefined;
    return this.#load(width, this.linear(width, false, offset, k), extend, place);
  }

  /** The memory operand; that of operand `k` if it is one. */
  protected memoryOperand(k?: number): Operand {
    if (k !== undefined && this.operand(k).kind === OPERAND.MEMORY) return this.operand(k);
    for (let i = 0; i < this.count; i++) if (this.operand(i).kind === OPERAND.MEMORY) return this.operand(i);
    throw new Error(`${this.instruction.form!.mnemonic} has no memory operand`);
  }

  address(k: number): Value {
    const offset = this.#offset(this.memoryOperand(k));
    return this.addressWidth === 16 ? i32.and(offset, i32.const(0xffff)) : offset;
  }

  /** Base + index + displacement. */
  #offset({ base, index, scale, value }: Operand): Value {
    const { registers } = this.frame;
    let sum: Value | undefined = base >= 0 ? registers[base]!.get() : undefined;
    if (index >= 0) {
      const scaled = scale === 0 ? registers[index]!.get() : i32.shl(registers[index]!.get(), i32.const(scale));
      sum = sum ? i32.add(sum, scaled) : scaled;
    }
    if (!sum) return i32.const(value | 0);
    return value === 0 ? sum : i32.add(sum, i32.const(value | 0));
  }

  /** The linear address of the memory operand, segment checks passed. */
  protected linear(width: Width | 128, write: boolean, plus?: Value, k?: number): Value {
    const operand = this.memoryOperand(k);
    let offset = this.#offset(operand);
    if (plus && constantOf(plus) !== 0) offset = i32.add(offset, plus);
    return this.segmented(operand.segment, offset, width, write);
  }

  /** The linear address of an offset in a segment. */
  protected segmented(segment: number, offset: Value, width: Width | 128, write: boolean): Value {
    if (this.frame.flat && this.addressWidth === 32 && segment <= SEG.DS && segment !== SEG.CS) return this.let(offset);
    return this.#windowed(segment + (this.addressWidth === 16 ? WINDOW.ADDRESS16 : 0), offset, width, write);
  }

  /** An offset through an access window; what its quick check refuses is the interpreter's. */
  #windowed(number: number, offset: Value, _width: Width | 128, write: boolean): Value {
    const window = STATE.WINDOWS + number * WINDOW.SIZE;
    const field = (at: number) => this.state(window + at);
    const mask = number === WINDOW.STACK
      ? field(WINDOW.MASK)
      : number >= WINDOW.ADDRESS16
      ? i32.const(0xffff)
      : undefined;
    const masked = this.let(mask ? i32.and(offset, mask) : offset);
    const span = field(write ? WINDOW.WRITE : WINDOW.READ);
    this.#leaveIf(i32.ge_u(i32.sub(masked, field(WINDOW.LOW)), span));
    return this.let(i32.add(masked, field(WINDOW.BASE)));
  }

  /** Leaves the region if `condition` holds. */
  #leaveIf(condition: Value): void {
    const { frame } = this, undo = this.#undo;
    if (undo === undefined) return frame.leaveIf(condition);
    const leave = () => {
      undo();
      frame.leave();
    };
    frame.body.if(condition, leave, undefined, "unlikely");
  }

  /** The TLB entry of a linear address. */
  protected entry(linear: Value, table: number, tlb: number = this.frame.tlb): Value {
    return i32.load(i32.and(i32.shr_u(linear, i32.const(10)), i32.const(-4)), tlb + table);
  }

  /** What makes a linear address a host address less HIT_OFFSET when added to it; leaves where the TLB has none, or the access crosses pages. */
  protected translate(linear: Value, bytes: number, write: boolean, place?: AccessPlace): Value {
    if (place !== undefined && this.#shares(place, bytes, write)) return this.#sharedEntry(linear, place);
    const entry = this.let(this.entry(linear, write ? TLB.WRITE : TLB.READ));
    this.#leaveUnlessHit(entry, linear, bytes, write);
    return entry;
  }

  /** Leaves unless an entry maps all bytes from an address on. */
  #leaveUnlessHit(entry: Value, linear: Value, bytes: number, writes: boolean): void {
    // What is left of the page behind the first byte; 0 if the entry is invalid or partial.
    const left = i32.and(i32.and(entry, i32.xor(linear, i32.const(-1))), i32.const(PAGE - 1));
    const valid = writes ? i32.and(entry, i32.const(1)) : entry;
    this.#leaveIf(bytes === 1 ? i32.eqz(valid) : i32.lt_u(left, i32.const(bytes - 1)));
  }

  /** Whether an access may use its group's check: it was foreseen as it is, and the check stands where it always runs. */
  #shares({ group, offset }: AccessPlace, bytes: number, write: boolean): boolean {
    return group.accesses > 1 && this.frame.flags.conditional === 0 && offset >= group.low &&
      offset + bytes <= group.high && (group.writes || !write);
  }

  /** The entry that serves a whole group, checked once. */
  #sharedEntry(linear: Value, { group, offset }: AccessPlace): Value {
    const { entries, body } = this.frame;
    const known = entries.get(group);
    if (known !== undefined) return known.get();
    const entry = this.frame.blockVariable();
    const low = offset === group.low ? linear : this.let(i32.add(linear, i32.const(group.low - offset)));
    body.set(entry, this.entry(low, group.writes ? TLB.WRITE : TLB.READ));
    this.#leaveUnlessHit(entry.get(), low, group.high - group.low, group.writes);
    entries.set(group, entry);
    return entry.get();
  }

  /** The host address of an access. */
  protected host(linear: Value, bytes: number, write: boolean): Value {
    const entry = this.translate(linear, bytes, write);
    return this.let(i32.add(i32.add(linear, entry), i32.const(HIT_OFFSET)));
  }

  #load(width: Width, linear: Value, extend: "s" | "u" = "s", place?: AccessPlace): Value {
    const entry = this.translate(linear, width / 8, false, place);
    return this.let(load(width, i32.add(linear, entry), extend, HIT_OFFSET));
  }

  #store(width: Width, linear: Value, value: Value, place?: AccessPlace): void {
    const entry = this.translate(linear, width / 8, true, place);
    this.emit(store(width, i32.add(linear, entry), value, HIT_OFFSET));
  }

  #openMemory(width: Width, linear: Value, reads = true, place?: AccessPlace): Place {
    const host = this.let(i32.add(linear, this.translate(linear, width / 8, true, place)));
    return {
      value: reads ? this.let(load(width, host, "s", HIT_OFFSET)) : i32.const(0),
      commit: (value) => this.emit(store(width, host, value, HIT_OFFSET)),
    };
  }

  register(index: number, width: Width, extend: "s" | "u" = "s"): Value {
    if (width === 32) return this.frame.registers[index]!.get();
    const high = width === 8 && index >= 4;
    const whole = this.frame.registers[high ? index - 4 : index]!.get();
    if (width === 16) return extend === "s" ? i32.extend16_s(whole) : i32.and(whole, i32.const(0xffff));
    const low = high ? i32.shr_u(whole, i32.const(8)) : whole;
    return extend === "s" ? i32.extend8_s(low) : i32.and(low, i32.const(0xff));
  }

  setRegister(index: number, width: Width, value: Value): void {
    const high = width === 8 && index >= 4;
    const local = this.frame.registers[high ? index - 4 : index]!;
    if (width === 32) return this.frame.body.set(local, value);
    const mask = width === 16 ? 0xffff : high ? 0xff00 : 0xff;
    const part = high ? i32.and(i32.shl(value, i32.const(8)), i32.const(0xff00)) : i32.and(value, i32.const(mask));
    this.frame.body.set(local, i32.or(i32.and(local.get(), i32.const(~mask)), part));
  }

  selector(k: number): Value {
    const at = STATE.SEGMENTS + this.operand(k).register * SEGMENT.SIZE + SEGMENT.SELECTOR;
    return i32.load16_u(i32.const(0), this.frame.cpu + at);
  }

  controlNumber(k: number): number {
    return this.operand(k).register;
  }

  time(): Expr<"i64"> {
    const field = (at: number) => f64.load(i32.const(0), this.frame.cpu + STATE.CLOCK + at);
    this.#leaveIf(f64.eq(field(CLOCK.RATE), f64.const(0)));
    // The budget has this instruction still in it.
    const budget = f64.convert_i32_s(i32.add(this.frame.budgetAfter(), i32.const(1)));
    const since = f64.mul(f64.sub(field(CLOCK.END), budget), field(CLOCK.RATE));
    return this.let64(i64.trunc_sat_f64_s(f64.add(field(CLOCK.TIME), f64.floor(since))));
  }

  segmentNumber(k: number): Value {
    return i32.const(this.operand(k).register);
  }

  let(value: Value): Value {
    const known = constantOf(value);
    if (known !== undefined) return i32.const(known);
    const read = localOf(value);
    if (read !== undefined && this.#isSteady(read)) return value;
    const local = this.variable();
    this.frame.body.set(local, value);
    this.frame.steady[local.index] = true;
    return local.get();
  }

  /** Whether a local keeps its value to the instruction's end. */
  #isSteady(local: Local): boolean {
    const { steady, registers, eipPage } = this.frame;
    const register = registers.indexOf(local as Local<"i32">);
    if (register < 0) return local === eipPage || steady[local.index] === true;
    this.#written ??= writtenRegisters(this.instruction);
    return (this.#written & 1 << register) === 0;
  }

  let64(value: Expr<"i64">): Expr<"i64"> {
    const local = this.frame.variable("i64");
    this.frame.body.set(local, value);
    return local.get();
  }
  variable(): Local<"i32"> {
    return this.frame.variable("i32");
  }
  set(variable: Local<"i32">, value: Value): void {
    this.frame.body.set(variable, value);
  }
  if(condition: Value, then: () => void, otherwise?: () => void, hint?: Hint): void {
    const known = constantOf(condition);
    if (known !== undefined) return known !== 0 ? then() : otherwise?.();
    const { flags, body } = this.frame;
    flags.conditional++;
    body.if(condition, then, otherwise, hint);
    flags.conditional--;
  }
  loop(body: (again: () => void) => void): void {
    const { flags } = this.frame;
    flags.conditional++;
    this.frame.body.loop((label) => body(() => this.frame.body.br(label)));
    flags.conditional--;
  }
  emit(statement: Expr<"void">): void {
    this.frame.body.emit(statement);
  }

  faultIf(condition: Value, _vector: number): void {
    this.#leaveIf(condition);
  }
  onFault(undo: () => void): void {
    this.#undo = undo;
  }
  calloutIf(condition: Value): void {
    this.#leaveIf(condition);
  }
  state(offset: number): Value {
    return i32.load(i32.const(0), this.frame.cpu + offset);
  }
  setState(offset: number, value: Value): void {
    this.emit(i32.store(i32.const(0), value, this.frame.cpu + offset));
  }
  block(): Value {
    return i32.const(this.frame.cpu);
  }
  systemHost(linear: Value, bytes: number, write: boolean): Value {
    const entry = this.let(this.entry(linear, write ? TLB.WRITE : TLB.READ, this.frame.cpu + TLB.SUPERVISOR));
    this.#leaveUnlessHit(entry, linear, bytes, write);
    return this.let(i32.add(i32.add(linear, entry), i32.const(HIT_OFFSET)));
  }

  flagsAdd(r: Value, y: Value): void {
    this.frame.flags.add(this.width(0), r, y);
  }
  flagsSub(r: Value, x: Value, y: Value): void {
    this.frame.flags.sub(this.width(0), r, x, y);
  }
  flagsLogic(r: Value): void {
    this.frame.flags.logic(r);
  }
  flagsIncrement(r: Value): void {
    this.frame.flags.increment(this.width(0), r);
  }
  flagsDecrement(r: Value, x: Value): void {
    this.frame.flags.decrement(this.width(0), r, x);
  }
  flagsResult(r: Value): void {
    this.frame.flags.result(r);
  }
  flagsCompared(less: Value, equal: Value): void {
    this.frame.flags.compared(less, equal);
  }
  setCarry(carry: Value): void {
    this.frame.flags.setCarry(carry);
  }
  setOverflowAdjust(overflow: Value, adjust: Value): void {
    this.frame.flags.setOverflowAdjust(overflow, adjust);
  }
  carry(): Value {
    return this.frame.flags.carry();
  }
  adjust(): Value {
    return this.frame.flags.adjust();
  }
  holds(code: number): Value {
    return this.frame.flags.holds(code);
  }
  arithmeticFlags(): Value {
    return this.frame.flags.all();
  }
  setArithmeticFlags(value: Value, keepOverflow: boolean): void {
    const kept = keepOverflow
      ? i32.or(
        i32.and(value, i32.const(ARITHMETIC_FLAGS & ~FLAG.OF)),
        i32.shl(i32.and(this.frame.flags.overflow(), i32.const(1)), i32.const(11)),
      )
      : value;
    this.frame.flags.setAll(this.let(kept));
  }

  stackPointer(): Value {
    const pointer = this.register(GPR.SP, 32);
    return this.frame.flat ? pointer : i32.and(pointer, this.#stackMask());
  }

  #stackMask(): Value {
    return this.state(STATE.WINDOWS + WINDOW.STACK * WINDOW.SIZE + WINDOW.MASK);
  }

  setStackPointer(value: Value): void {
    if (this.frame.flat) return this.setRegister(GPR.SP, 32, value);
    // A 16-bit stack leaves the upper half of ESP alone.
    const mask = this.let(this.#stackMask());
    const kept = i32.and(this.register(GPR.SP, 32), i32.xor(mask, i32.const(-1)));
    this.setRegister(GPR.SP, 32, i32.or(i32.and(value, mask), kept));
  }

  #stackLinear(width: Width, offset: number, from: Value | undefined, write: boolean): Value {
    const base = from ?? this.register(GPR.SP, 32);
    const at = offset === 0 ? base : i32.add(base, i32.const(offset));
    return this.frame.flat ? this.let(at) : this.#windowed(WINDOW.STACK, at, width, write);
  }

  stackPlace(width: Width, offset: number, from?: Value): { commit(value: Value): void } {
    return this.#openMemory(
      width,
      this.#stackLinear(width, offset, from, true),
      false,
      this.#stackAccess(offset, from),
    );
  }

  stackRead(width: Width, offset: number, from?: Value): Value {
    return this.#load(width, this.#stackLinear(width, offset, from, false), "s", this.#stackAccess(offset, from));
  }

  /** Where an access at an offset from the stack pointer belongs. */
  #stackAccess(offset: number, from: Value | undefined): AccessPlace | undefined {
    const { stack } = this.frame.accesses;
    return stack === undefined || from !== undefined
      ? undefined
      : { group: stack.group, offset: stack.offset + offset };
  }

  nextIp(): Value {
    return i32.add(this.frame.eipPage.get(), i32.const(this.offset + this.instruction.length));
  }

  relativeTarget(k: number): Value {
    const target = i32.add(
      this.frame.eipPage.get(),
      i32.const((this.offset + this.instruction.length + this.operand(k).value) | 0),
    );
    return this.operandWidth === 16 ? i32.and(target, i32.const(0xffff)) : target;
  }

  checkTarget(target: Value): void {
    if (!this.frame.flat) this.#leaveIf(i32.gt_u(target, this.state(STATE.CS_LIMIT)));
  }

  jump(target: Value): void {
    this.frame.jump(target);
  }
  transfer(target: Value, user: Value): void {
    this.frame.transfer(target, user);
  }

  branch(k: number, condition?: Value): void {
    if (this.frame.flat || this.instruction.form!.semantics === "call") return this.frame.branch(condition);
    const taken = condition ? this.let(condition) : undefined;
    const outside = i32.gt_u(this.relativeTarget(k), this.state(STATE.CS_LIMIT));
    this.#leaveIf(taken ? i32.and(i32.ne(taken, i32.const(0)), outside) : outside);
    this.frame.branch(taken);
  }

  string(role: "source" | "destination"): StringPort {
    const segment = role === "destination" ? SEG.ES : this.#source();
    return {
      read: (width, offset) => this.#load(width, this.segmented(segment, offset, width, false)),
      write: (width, offset, value) => {
        const v = this.let(value);
        this.#store(width, this.segmented(segment, offset, width, true), v);
      },
      bulk: () => i32.const(0),
    };
  }

  /** The segment of the implied source: DS unless overridden. */
  #source(): number {
    const source = this.instruction.segment;
    return source >= 0 ? source : SEG.DS;
  }

  inhibitInterrupts(): void {
    this.setState(STATE.STI_BUDGET, this.frame.budgetAfter());
  }

  iterations(): Value {
    return this.#repeats();
  }
  retire(_count: Value): void {
    this.#repeats();
  }
  suspend(): void {
    this.#repeats();
  }
  #repeats(): never {
    throw new Error("a repeated string is carried out by the interpreter");
  }
  fence(): void {
    // One virtual CPU sees its own accesses in order; with several this becomes an atomic fence.
  }
}
