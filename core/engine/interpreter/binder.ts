/**
 * The dynamic binding: emits an instruction's description so that it takes its operands from the record at run time.
 *
 * @module
 */
import { type Body, type Expr, type FunctionRef, type Hint, i32, i64, type Local, v128 } from "../../wasm/mod.ts";
import { ARITHMETIC_FLAGS, FLAG, GPR, SEGMENT, STATE, TLB, WINDOW } from "../../x86/registers.ts";
import type { Place, ScalarBuilder, StringPort, Value, Width } from "../../x86/semantics/mod.ts";
import { MAY_CALL_OUT } from "../../x86/semantics/mod.ts";
import { signed, unsigned } from "../../x86/semantics/builder.ts";
import { emitFlags, type FlagEmission } from "./flag_emission.ts";
import { RECORD, STATUS } from "./record.ts";
import type { Shape } from "./shape.ts";

/** The functions that emitted code calls when the inline path does not serve. All get the CPU block, the record and the budget first. */
export interface SlowPath {
  /** Read at a linear address, by log2 of the size. */
  readonly read: readonly [FunctionRef, FunctionRef, FunctionRef];
  readonly readModify: readonly [FunctionRef, FunctionRef, FunctionRef];
  readonly write: readonly [FunctionRef, FunctionRef, FunctionRef];
  /** Linear address of an access that the window's quick check refused: (window, offset, size | write << 8). */
  readonly segment: FunctionRef;
  /** Bulk access: (linear, write). */
  readonly bulk: FunctionRef;
  /** Access of 8 or 16 bytes, which pass through the CPU block: (linear, size). */
  readonly readWide: FunctionRef;
  readonly writeWide: FunctionRef;
  /** Whether a unit's instructions may run: (UNIT value); nonzero if the instruction must wait. */
  readonly admit: FunctionRef;
  /** The instruction's TypeScript definition. */
  readonly callout: FunctionRef;
  /** Delivers a fault: see `InterpreterImports`. */
  readonly fault: FunctionRef;
}

/** Where the emitted code stands: the loop's own locals, or a function's parameters. */
export interface Frame {
  readonly body: Body;
  readonly cpu: Local<"i32">;
  readonly record: Local<"i32">;
  /** Address of the current TLB set. */
  readonly tlb: Local<"i32">;
  /** The budget as an expression. */
  budget(): Value;
  setBudget(value: Value): void;
  /** Leaves with nothing committed. */
  leaveFault(): void;
  leaveSuspended(): void;
  /** Continues at a computed EIP; the block ends. */
  jump(target: Value): void;
  /** Continues at the branch target in the record if `condition` holds (or always), else at the next record; the block ends. */
  branch(condition: Value | undefined, shape: Shape): void;
  /** Hands the instruction to its TypeScript definition. */
  leaveCallout(): void;
  variable(type: "i32"): Local<"i32">;
  variable(type: "i64"): Local<"i64">;
  variable(type: "v128"): Local<"v128">;
}

const PAGE = 4096;

const ZERO = v128.const(new Uint8Array(16));

/** What is still to be added to the sum of a linear address and its valid TLB entry: it costs nothing as an offset of the access. */
export const HIT_OFFSET = 1;

/** Operands that take a register field of the record. */
const REGISTER_KINDS: ReadonlySet<string> = new Set(["r", "s", "p", "x", "t"]);
const log2 = (width: Width) => (width === 8 ? 0 : width === 16 ? 1 : 2);

/** Emits loads and stores of a width. */
export function load(width: Width, address: Value, extend: "s" | "u", offset = 0): Value {
  if (width === 8) return extend === "s" ? i32.load8_s(address, offset) : i32.load8_u(address, offset);
  if (width === 16) return extend === "s" ? i32.load16_s(address, offset) : i32.load16_u(address, offset);
  return i32.load(address, offset);
}

/** Emits a store of a width. */
export function store(width: Width, address: Value, value: Value, offset = 0): Expr<"void"> {
  if (width === 8) return i32.store8(address, value, offset);
  if (width === 16) return i32.store16(address, value, offset);
  return i32.store(address, value, offset);
}

/** Binds one shape of one instruction, as far as the base set goes. */
export class ScalarBinder implements ScalarBuilder {
  readonly count: number;
  readonly condition: number;
  readonly operandWidth: Width;
  readonly addressWidth: Width;
  readonly repeat: number;
  /** Record field of each register operand. */
  readonly #fields: number[] = [];
  readonly #immediates: number[] = [];
  #undo: (() => void) | undefined;
  readonly #flags: FlagEmission;

  constructor(readonly frame: Frame, readonly shape: Shape, readonly slow: SlowPath) {
    this.count = shape.operands.length;
    this.condition = shape.condition;
    this.operandWidth = shape.operandWidth;
    this.addressWidth = shape.addressWidth;
    this.repeat = shape.repeat;
    this.#flags = emitFlags({
      state: (offset) => this.state(offset),
      setState: (offset, value) => this.setState(offset, value),
      let: (value) => this.let(value),
      setResult: (r) => this.emit(i64.store(this.#cpu, i64.extend_i32_u(r), STATE.RESULT)),
      clearOperands: () => this.emit(v128.store(this.#cpu, ZERO, STATE.OX)),
    });
    const fields = registerFields(shape);
    const immediates: number[] = [RECORD.IMMEDIATE, RECORD.DISPLACEMENT];
    for (const operand of shape.operands) {
      this.#fields.push(REGISTER_KINDS.has(operand.kind) ? fields.shift()! : -1);
      this.#immediates.push(operand.kind === "i" ? immediates.shift()! : -1);
    }
  }

  /** The record's register field of operand `k`. */
  protected registerField(k: number): Value {
    return this.#field8(this.#fields[k]!);
  }

  get #b(): Body {
    return this.frame.body;
  }
  get #cpu(): Value {
    return this.frame.cpu.get();
  }
  get #record(): Value {
    return this.frame.record.get();
  }
  #field8(field: number): Value {
    return i32.load8_u(this.#record, field);
  }

  width(k: number): Width {
    return this.shape.operands[k]!.width as Width;
  }
  isMemory(k: number): boolean {
    return this.shape.operands[k]!.kind === "m";
  }
  isRegister(k: number): boolean {
    return this.shape.operands[k]!.kind === "r";
  }

  read(k: number, extend: "s" | "u" = "s"): Value {
    const operand = this.shape.operands[k]!, width = this.width(k);
    switch (operand.kind) {
      case "r":
        return load(width, i32.add(this.#cpu, this.#field8(this.#fields[k]!)), extend);
      case "i":
        return this.#immediate(k, width, extend);
      case "cl":
        return this.register(GPR.CX, 8, extend);
      case "m":
        return this.readAt(k, width, i32.const(0), extend);
      default:
        throw new Error(`operand ${k} of ${this.shape.semantics} has no value`);
    }
  }

  /** Immediates are stored sign-extended. */
  #immediate(k: number, width: Width, extend: "s" | "u"): Value {
    if (MAY_CALL_OUT.has(this.shape.semantics)) return i32.load8_u(this.#record, RECORD.CALLOUT_IMMEDIATE);
    const value = i32.load(this.#record, this.#immediates[k]!);
    return extend === "u" ? unsigned(width, value) : value;
  }

  write(k: number, value: Value): void {
    const operand = this.shape.operands[k]!, width = this.width(k);
    if (operand.kind === "r") {
      this.emit(store(width, i32.add(this.#cpu, this.#field8(this.#fields[k]!)), value));
    } else this.#store(width, this.linear(width, true), value);
  }

  open(k: number, options: { offset?: Value; width?: Width } = {}): Place {
    const operand = this.shape.operands[k]!;
    const width = options.width ?? this.width(k);
    if (operand.kind === "r") {
      const address = this.let(i32.add(this.#cpu, this.#field8(this.#fields[k]!)));
      return { value: load(width, address, "s"), commit: (value) => this.emit(store(width, address, value)) };
    }
    return this.#openMemory(width, this.linear(width, true, options.offset));
  }

  readAt(k: number, width: Width, offset: Value, extend: "s" | "u" = "s"): Value {
    void k;
    return this.#load(width, this.linear(width, false, offset), extend);
  }

  address(_k: number): Value {
    const offset = this.#offset();
    if (this.shape.memory !== "segmented") return offset;
    return i32.and(offset, i32.load(this.#window(), STATE.WINDOWS + WINDOW.MASK));
  }

  /** Base + index + displacement. */
  #offset(): Value {
    const base = i32.load(i32.add(this.#cpu, this.#field8(RECORD.B)));
    const sum = i32.add(base, i32.load(this.#record, RECORD.DISPLACEMENT));
    if (this.shape.memory === "base") return sum;
    const field = this.let(this.#field8(RECORD.C));
    const index = i32.load(i32.add(this.#cpu, i32.and(field, i32.const(0xf8))));
    return i32.add(sum, i32.shl(index, i32.and(field, i32.const(7))));
  }

  /** CPU block plus the offset of the record's access window. */
  #window(): Value {
    return i32.add(this.#cpu, i32.shl(this.#field8(RECORD.D), i32.const(5)));
  }

  /** The linear address of the memory operand, segment checks passed. */
  protected linear(width: Width | 128, write: boolean, plus?: Value): Value {
    const offset = this.#offset();
    return this.linearAt(plus ? i32.add(offset, plus) : offset, width, write);
  }

  /** The linear address of an offset in the memory operand's segment, segment checks passed. */
  protected linearAt(offset: Value, width: number, write: boolean): Value {
    if (this.shape.memory !== "segmented") return this.let(offset);
    return this.#windowed(this.let(this.#window()), this.#field8(RECORD.D), offset, width, write);
  }

  /** An offset through an access window; `window` is relative to the windows' place in the CPU block. */
  #windowed(window: Value, number: Value, offset: Value, width: number, write: boolean): Value {
    const W = STATE.WINDOWS;
    const masked = this.let(i32.and(offset, i32.load(window, W + WINDOW.MASK)));
    const linear = this.variable();
    const span = i32.load(window, W + (write ? WINDOW.WRITE : WINDOW.READ));
    this.#b.if(i32.lt_u(i32.sub(masked, i32.load(window, W + WINDOW.LOW)), span), () => {
      this.#b.set(linear, i32.add(masked, i32.load(window, W + WINDOW.BASE)));
    }, () => {
      const kind = i32.const((width / 8) | (write ? 0x100 : 0));
      this.#b.set(
        linear,
        this.#b.call(this.slow.segment, this.#cpu, this.#record, this.frame.budget(), number, masked, kind) as Value,
      );
      this.leaveOnFault();
    }, "likely");
    return linear.get();
  }

  protected leaveOnFault(): void {
    this.#b.if(i32.ge_s(this.state(STATE.FAULT_VECTOR), i32.const(0)), () => {
      this.#undo?.();
      this.frame.leaveFault();
    });
  }

  /** The TLB entry of a linear address. */
  protected entry(linear: Value, table: number): Value {
    return i32.load(
      i32.add(this.frame.tlb.get(), i32.and(i32.shr_u(linear, i32.const(10)), i32.const(-4))),
      table,
    );
  }

  /** True if the access hits one page that the entry maps: what is left of the page behind its first byte, 0 if the entry is invalid. */
  protected hit(entry: Value, linear: Value, width: number, writes = false): Value {
    // A partial entry has low bits of 0.
    if (width === 8) return writes ? i32.and(entry, i32.const(1)) : entry;
    const left = i32.and(i32.and(entry, i32.xor(linear, i32.const(-1))), i32.const(PAGE - 1));
    return width === 16 ? left : i32.ge_u(left, i32.const(width / 8 - 1));
  }

  #load(width: Width, linear: Value, extend: "s" | "u" = "s"): Value {
    const value = this.variable();
    const entry = this.let(this.entry(linear, TLB.READ));
    this.#b.if(this.hit(entry, linear, width), () => {
      this.#b.set(value, load(width, i32.add(linear, entry), extend, HIT_OFFSET));
    }, () => {
      const read = this.#b.call(
        this.slow.read[log2(width) as 0 | 1 | 2],
        this.#cpu,
        this.#record,
        this.frame.budget(),
        linear,
      ) as Value;
      this.#b.set(value, extend === "s" ? signed(width, read) : read);
      this.leaveOnFault();
    }, "likely");
    return value.get();
  }

  #store(width: Width, linear: Value, value: Value): void {
    const entry = this.let(this.entry(linear, TLB.WRITE));
    this.#b.if(this.hit(entry, linear, width, true), () => {
      this.emit(store(width, i32.add(linear, entry), value, HIT_OFFSET));
    }, () => {
      this.#slowWrite(width, linear, value);
      this.leaveOnFault();
    }, "likely");
  }

  #slowWrite(width: Width, linear: Value, value: Value): void {
    this.emit(
      this.#b.call(
        this.slow.write[log2(width) as 0 | 1 | 2],
        this.#cpu,
        this.#record,
        this.frame.budget(),
        linear,
        value,
      ) as Expr<"void">,
    );
  }

  /** Checks a location for writing and reads it. 0 instead of a host address, less `HIT_OFFSET`, marks one that only the slow path serves. */
  #openMemory(width: Width, linear: Value, reads = true): Place {
    const host = this.variable(), value = this.variable();
    const entry = this.let(this.entry(linear, TLB.WRITE));
    this.#b.if(this.hit(entry, linear, width, true), () => {
      this.#b.set(host, i32.add(linear, entry));
      if (reads) this.#b.set(value, load(width, host.get(), "s", HIT_OFFSET));
    }, () => {
      this.#b.set(host, i32.const(0));
      const read = this.#b.call(
        this.slow.readModify[log2(width) as 0 | 1 | 2],
        this.#cpu,
        this.#record,
        this.frame.budget(),
        linear,
      ) as Value;
      this.#b.set(value, signed(width, read));
      this.leaveOnFault();
    }, "likely");
    return {
      value: value.get(),
      commit: (next) => {
        const v = this.let(next);
        this.#b.if(
          host.get(),
          () => this.emit(store(width, host.get(), v, HIT_OFFSET)),
          () => this.#slowWrite(width, linear, v),
          "likely",
        );
      },
    };
  }

  register(index: number, width: Width, extend: "s" | "u" = "s"): Value {
    const high = width === 8 && index >= 4;
    return load(width, this.#cpu, extend, STATE.GPR + (high ? (index - 4) * 8 + 1 : index * 8));
  }

  setRegister(index: number, width: Width, value: Value): void {
    const high = width === 8 && index >= 4;
    this.emit(store(width, this.#cpu, value, STATE.GPR + (high ? (index - 4) * 8 + 1 : index * 8)));
  }

  selector(k: number): Value {
    const at = i32.add(this.#cpu, i32.shl(this.#field8(this.#fields[k]!), i32.const(5)));
    return i32.load16_u(at, STATE.SEGMENTS + SEGMENT.SELECTOR);
  }

  controlNumber(_k: number): never {
    throw new Error("a record does not hold the number of a control register");
  }

  time(): never {
    throw new Error("a record does not tell how many instructions came before it");
  }

  segmentNumber(_k: number): Value {
    return this.#field8(RECORD.CALLOUT_IMMEDIATE);
  }

  let(value: Value): Value {
    const local = this.variable();
    this.#b.set(local, value);
    return local.get();
  }
  let64(value: Expr<"i64">): Expr<"i64"> {
    const local = this.frame.variable("i64");
    this.#b.set(local, value);
    return local.get();
  }
  variable(): Local<"i32"> {
    return this.frame.variable("i32");
  }
  set(variable: Local<"i32">, value: Value): void {
    this.#b.set(variable, value);
  }
  if(condition: Value, then: () => void, otherwise?: () => void, hint?: Hint): void {
    this.#b.if(condition, then, otherwise, hint);
  }
  loop(body: (again: () => void) => void): void {
    this.#b.loop((label) => body(() => this.#b.br(label)));
  }
  emit(statement: Expr<"void">): void {
    this.#b.emit(statement);
  }

  faultIf(condition: Value, vector: number): void {
    // #GP carries an error code of 0; #DE and the others here have none.
    const GENERAL_PROTECTION = 13;
    this.#b.if(
      condition,
      () => {
        this.setState(STATE.FAULT_ERROR, i32.const(vector === GENERAL_PROTECTION ? 0 : -1));
        this.setState(STATE.FAULT_VECTOR, i32.const(vector));
        this.#undo?.();
        this.frame.leaveFault();
      },
      undefined,
      "unlikely",
    );
  }
  onFault(undo: () => void): void {
    this.#undo = undo;
  }
  calloutIf(condition: Value): void {
    this.#b.if(condition, () => this.frame.leaveCallout(), undefined, "unlikely");
  }
  state(offset: number): Value {
    return i32.load(this.#cpu, offset);
  }
  setState(offset: number, value: Value): void {
    this.emit(i32.store(this.#cpu, value, offset));
  }
  block(): Value {
    return this.#cpu;
  }
  systemHost(linear: Value, bytes: number, write: boolean): Value {
    const page = i32.and(i32.shr_u(linear, i32.const(10)), i32.const(-4));
    const entry = this.let(
      i32.load(i32.add(this.#cpu, page), TLB.SUPERVISOR + (write ? TLB.WRITE : TLB.READ)),
    );
    this.calloutIf(i32.eqz(this.hit(entry, linear, bytes * 8, write)));
    return this.let(i32.add(i32.add(linear, entry), i32.const(HIT_OFFSET)));
  }

  flagsAdd(r: Value, y: Value): void {
    this.#flags.add(this.width(0), r, y);
  }
  flagsSub(r: Value, x: Value, y: Value): void {
    this.#flags.sub(this.width(0), r, x, y);
  }
  flagsLogic(r: Value): void {
    this.#flags.logic(r);
  }
  flagsIncrement(r: Value): void {
    this.#flags.increment(this.width(0), r);
  }
  flagsDecrement(r: Value, x: Value): void {
    this.#flags.decrement(this.width(0), r, x);
  }
  flagsResult(r: Value): void {
    this.#flags.result(r);
  }
  flagsCompared(less: Value, equal: Value): void {
    this.#flags.compared(less, equal);
  }
  setCarry(carry: Value): void {
    this.#flags.setCarry(carry);
  }
  setOverflowAdjust(overflow: Value, adjust: Value): void {
    this.#flags.setOverflowAdjust(overflow, adjust);
  }
  carry(): Value {
    return this.#flags.carry();
  }
  adjust(): Value {
    return this.#flags.adjust();
  }
  holds(code: number): Value {
    return this.#flags.holds(code);
  }
  arithmeticFlags(): Value {
    return this.#flags.all();
  }
  setArithmeticFlags(value: Value, keepOverflow: boolean): void {
    const kept = keepOverflow
      ? i32.or(
        i32.and(value, i32.const(ARITHMETIC_FLAGS & ~FLAG.OF)),
        i32.shl(i32.and(this.#flags.overflow(), i32.const(1)), i32.const(11)),
      )
      : value;
    this.#flags.setAll(this.let(kept));
  }

  stackPointer(): Value {
    return this.shape.flat
      ? this.register(GPR.SP, 32)
      : i32.and(this.register(GPR.SP, 32), i32.load(this.#stackWindow(), STATE.WINDOWS + WINDOW.MASK));
  }

  #stackWindow(): Value {
    return i32.add(this.#cpu, i32.const(WINDOW.STACK * WINDOW.SIZE));
  }

  setStackPointer(value: Value): void {
    if (this.shape.flat) return this.setRegister(GPR.SP, 32, value);
    // A 16-bit stack leaves the upper half of ESP alone.
    const mask = this.let(i32.load(this.#stackWindow(), STATE.WINDOWS + WINDOW.MASK));
    const kept = i32.and(this.register(GPR.SP, 32), i32.xor(mask, i32.const(-1)));
    this.setRegister(GPR.SP, 32, i32.or(i32.and(value, mask), kept));
  }

  #stackLinear(width: Width, offset: number, from: Value | undefined, write: boolean): Value {
    const base = from ?? this.register(GPR.SP, 32);
    const at = offset === 0 ? base : i32.add(base, i32.const(offset));
    if (this.shape.flat) return this.let(at);
    return this.#windowed(this.let(this.#stackWindow()), i32.const(WINDOW.STACK), at, width, write);
  }

  stackPlace(width: Width, offset: number, from?: Value): { commit(value: Value): void } {
    const linear = this.#stackLinear(width, offset, from, true);
    // A single push needs no place held open: its store is its check.
    if (this.#singleStackWrite()) return { commit: (value) => this.#store(width, linear, value) };
    return this.#openMemory(width, linear, false);
  }

  #singleStackWrite(): boolean {
    return this.shape.semantics !== "pusha" && this.shape.semantics !== "enter";
  }

  stackRead(width: Width, offset: number, from?: Value): Value {
    return this.#load(width, this.#stackLinear(width, offset, from, false));
  }

  /** EIP of the page plus a record's OFFSET. */
  nextIp(): Value {
    return i32.add(this.state(STATE.EIP_PAGE), i32.load16_u(this.#record, RECORD.SIZE + RECORD.OFFSET));
  }

  relativeTarget(_k: number): Value {
    const target = i32.add(this.state(STATE.EIP_PAGE), i32.load(this.#record, RECORD.DISPLACEMENT));
    return this.operandWidth === 16 ? i32.and(target, i32.const(0xffff)) : target;
  }

  checkTarget(target: Value): void {
    if (this.shape.flat) return;
    this.faultIf(i32.gt_u(target, this.state(STATE.CS_LIMIT)), 13);
  }

  jump(target: Value): void {
    this.frame.jump(target);
  }
  transfer(target: Value, _user: Value): void {
    // Carried out by a function, behind which the loop looks at the TLB set anew.
    this.frame.jump(target);
  }
  branch(_k: number, condition?: Value): void {
    if (this.shape.flat) return this.frame.branch(condition, this.shape);
    const taken = condition ? this.let(condition) : undefined;
    const outside = i32.gt_u(this.relativeTarget(0), this.state(STATE.CS_LIMIT));
    if (this.shape.semantics !== "call") {
      this.faultIf(taken ? i32.and(i32.ne(taken, i32.const(0)), outside) : outside, 13);
    }
    this.frame.branch(taken, this.shape);
  }

  string(role: "source" | "destination"): StringPort {
    const number = role === "source"
      ? this.#field8(RECORD.D)
      : i32.const(this.addressWidth === 16 ? WINDOW.ADDRESS16 : 0);
    const linear = (width: Width, offset: Value, write: boolean): Value => {
      const window = this.let(i32.add(this.#cpu, i32.shl(number, i32.const(5))));
      return this.#windowed(window, number, offset, width, write);
    };
    return {
      read: (width, offset) => this.#load(width, linear(width, offset, false)),
      write: (width, offset, value) => {
        const v = this.let(value);
        this.#store(width, linear(width, offset, true), v);
      },
      bulk: (width, offset, write) => this.#bulk(number, width, offset, write, linear),
    };
  }

  /** Plain memory only where the window passes a whole page from `offset`; the check of its first and last item is enough. */
  #bulk(
    number: Value,
    width: Width,
    offset: Value,
    write: boolean,
    linear: (width: Width, offset: Value, write: boolean) => Value,
  ): Value {
    const first = linear(width, offset, write);
    const host = this.variable();
    this.#b.set(host, i32.const(0));
    const window = this.let(i32.add(this.#cpu, i32.shl(number, i32.const(5))));
    const W = STATE.WINDOWS;
    const span = i32.load(window, W + (write ? WINDOW.WRITE : WINDOW.READ));
    const last = i32.add(offset, i32.const(PAGE));
    const low = i32.load(window, W + WINDOW.LOW);
    const fits = i32.and(
      i32.lt_u(i32.sub(last, low), span),
      i32.lt_u(i32.sub(offset, low), i32.sub(last, low)),
    );
    const aligned = i32.eqz(i32.and(first, i32.const(width / 8 - 1)));
    this.#b.if(i32.and(fits, aligned), () => {
      this.#b.set(
        host,
        this.#b.call(
          this.slow.bulk,
          this.#cpu,
          this.#record,
          this.frame.budget(),
          first,
          i32.const(write ? 1 : 0),
        ) as Value,
      );
      this.leaveOnFault();
    });
    return host.get();
  }

  inhibitInterrupts(): void {
    // The block is not yet taken off the budget.
    this.setState(STATE.STI_BUDGET, i32.sub(this.frame.budget(), this.#field8(RECORD.A)));
  }

  iterations(): Value {
    return this.frame.budget();
  }
  retire(count: Value): void {
    this.frame.setBudget(i32.sub(this.frame.budget(), count));
  }
  suspend(): void {
    this.frame.leaveSuspended();
  }
  fence(): void {
    // One virtual CPU sees its own accesses in order; with several this becomes an atomic fence.
  }
}

/** Record fields for register operands, in order: an instruction that ends a block keeps its count in A. */
export function registerFields(shape: Pick<Shape, "ends" | "memory">): number[] {
  if (shape.memory !== "none") return shape.ends ? [] : [RECORD.A];
  return shape.ends ? [RECORD.B, RECORD.C, RECORD.D] : [RECORD.A, RECORD.B, RECORD.C];
}

export { STATUS };
