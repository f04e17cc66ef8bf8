/**
 * The registers of SSE and x87 that a region has in locals, and what is known of them and of their units.
 *
 * @module
 */
import { type Body, type Expr, i32, type Local, v128 } from "../../wasm/mod.ts";
import { OPERAND } from "../../x86/instruction.ts";
import { CR0, CR4, STATE } from "../../x86/registers.ts";
import type { Value, Vector } from "../../x86/semantics/mod.ts";
import { QUIET_MXCSR } from "../../x86/simd/unit.ts";
import { FpuFile } from "./fpu_file.ts";
import type { Region } from "./region.ts";

/** Bytes of a register's slot. */
const SLOT = 16;

const REGISTERS = 8;

/** Instructions that read XMM0 though they do not name it. */
const READS_XMM0 = new Set(["pblendvb", "blendvps", "blendvpd"]);

/** Instructions that only compare with their first operand. */
const COMPARES = new Set(["comiss", "comisd", "ucomiss", "ucomisd", "ptest"]);

const nowhere = i32.const(0);

/** Which instructions may run, as bits: those of a unit, and those that wait for the FPU's exceptions. */
export const UNIT = { SSE: 1, FPU: 2, FPU_WAITS: 4 } as const;

/** What is known at one place: facts of each register, and which instructions may run (UNIT bits). */
export interface Knowledge {
  readonly facts: readonly number[];
  readonly admitted: number;
}

const NOTHING: Knowledge = { facts: new Array<number>(REGISTERS).fill(0), admitted: 0 };

/** What is common to two places. */
export function meetKnowledge(x: Knowledge | undefined, y: Knowledge): Knowledge {
  if (x === undefined || x === y) return y;
  return { facts: x.facts.map((facts, k) => facts & y.facts[k]!), admitted: x.admitted & y.admitted };
}

/** The XMM registers of one region, and the FPU's words. */
export class VectorFile {
  readonly #locals: (Local<"v128"> | undefined)[] = [];
  readonly #written = new Set<number>();
  readonly #used: boolean;
  readonly #unready: Local<"i32"> | undefined;
  readonly #loud: Local<"i32"> | undefined;
  readonly #facts: number[] = [...NOTHING.facts];
  /** Facts of values of the present instruction, and the registers that they were read from. */
  readonly #values = new Map<Expr, { facts: number; register: number | undefined }>();
  readonly fpu: FpuFile;
  #admitted = 0;

  /** @param loops Whether the region has a loop. */
  constructor(readonly body: Body, readonly cpu: number, region: Region, loops: boolean) {
    this.fpu = new FpuFile(body, cpu, region, loops);
    const read = new Set<number>();
    let references = 0, used = false;
    for (const { instructions } of region.blocks) {
      for (const { instruction, how } of instructions) {
        if (how !== "inline") continue;
        const name = instruction.form!.semantics;
        for (let k = 0; k < instruction.count; k++) {
          if (instruction.operands[k]!.kind !== OPERAND.XMM) continue;
          references++;
          used = true;
          read.add(instruction.operands[k]!.register);
          if (k === 0 && !COMPARES.has(name)) this.#written.add(instruction.operands[k]!.register);
        }
        if (READS_XMM0.has(name)) read.add(0);
      }
    }
    this.#used = used;
    if (!used) return;
    this.#unready = body.local("i32");
    this.#loud = body.local("i32");
    // Each register is loaded once and perhaps stored once on the way through.
    if (loops || references > read.size + this.#written.size) {
      for (const register of read) this.#locals[register] = body.local("v128");
    }
  }

  #address(register: number): number {
    return this.cpu + STATE.XMM + register * SLOT;
  }

  /** Loads registers and what instructions ask of the unit. */
  load(): void {
    const { body } = this;
    this.know(NOTHING);
    this.fpu.load();
    if (!this.#used) return;
    body.set(this.#unready!, unready(this.cpu));
    body.set(this.#loud!, loud(this.cpu));
    this.#locals.forEach((local, k) => body.set(local!, v128.load(nowhere, this.#address(k))));
  }

  /** Stores what may have been written. */
  store(): void {
    this.fpu.store();
    this.#locals.forEach((local, k) => {
      if (this.#written.has(k)) this.body.emit(v128.store(nowhere, local!.get(), this.#address(k)));
    });
  }

  /** An instruction begins. */
  begin(): void {
    if (this.#values.size > 0) this.#values.clear();
  }

  /** What is known here. */
  get knowledge(): Knowledge {
    if (!this.#used) return this.#admitted === 0 ? NOTHING : { facts: NOTHING.facts, admitted: this.#admitted };
    return { facts: [...this.#facts], admitted: this.#admitted };
  }

  /** Code follows where this, or nothing, is known. */
  know({ facts, admitted }: Knowledge = NOTHING): void {
    this.#admitted = admitted;
    if (this.#used) facts.forEach((fact, k) => this.#facts[k] = fact);
  }

  /** Whether it must be checked that these instructions may run. From here on they may. */
  admits(unit: number): boolean {
    if ((this.#admitted & unit) !== 0) return false;
    this.#admitted |= unit;
    return true;
  }

  /** Nonzero unless SSE instructions may run; undefined if it is known that they may. */
  unready(): Value | undefined {
    if (!this.admits(UNIT.SSE)) return undefined;
    return this.#unready?.get() ?? unready(this.cpu);
  }

  /** Nonzero unless MXCSR is quiet. */
  loud(): Value {
    return this.#loud?.get() ?? loud(this.cpu);
  }

  /** A register's value, until it is written. */
  read(register: number): Vector {
    const value = this.#locals[register]?.get() ?? v128.load(nowhere, this.#address(register));
    this.#values.set(value, { facts: this.#facts[register]!, register });
    return value;
  }

  /** Writes a register. `facts`: what is known of it then. */
  write(register: number, value: Vector, facts: number): void {
    const local = this.#locals[register];
    if (local) this.body.set(local, value);
    else this.body.emit(v128.store(nowhere, value, this.#address(register)));
    for (const [one, known] of this.#values) {
      if (known.register !== register) continue;
      if (local && one === local.get()) this.#values.delete(one);
      else this.#values.set(one, { facts: known.facts | this.#facts[register]!, register: undefined });
    }
    this.#facts[register] = facts;
  }

  /** Facts of a register. */
  factsOf(register: number): number {
    return this.#facts[register]!;
  }

  /** What is known of a value of this instruction. */
  known(value: Vector): number {
    const known = this.#values.get(value);
    if (known === undefined) return 0;
    return known.register === undefined ? known.facts : known.facts | this.#facts[known.register]!;
  }

  /** `copy` is the same value as `value`. */
  same(copy: Vector, value: Vector): void {
    const known = this.#values.get(value);
    if (known) this.#values.set(copy, { ...known });
    else this.#values.delete(copy);
  }

  /** Something has proved true of a value, and of the register that it was read from. */
  learn(value: Vector, facts: number): void {
    const known = this.#values.get(value);
    this.#values.set(value, { facts: (known?.facts ?? 0) | facts, register: known?.register });
    if (known?.register !== undefined) this.#facts[known.register]! |= facts;
  }
}

function unready(cpu: number): Value {
  const unavailable = i32.and(i32.load(nowhere, cpu + STATE.CR0), i32.const(CR0.EM | CR0.TS));
  const cr4 = i32.load(nowhere, cpu + STATE.CR4);
  return i32.or(unavailable, i32.and(i32.xor(cr4, i32.const(CR4.OSFXSR)), i32.const(CR4.OSFXSR)));
}

function loud(cpu: number): Value {
  const mxcsr = i32.load(nowhere, cpu + STATE.MXCSR);
  return i32.ne(i32.and(mxcsr, i32.const(QUIET_MXCSR.MASK)), i32.const(QUIET_MXCSR.VALUE));
}
