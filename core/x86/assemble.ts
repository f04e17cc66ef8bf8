/**
 * The assembler: text in NASM's Intel syntax to bytes, from the instruction table. Tests author guest code with it.
 *
 * It knows every instruction of the table and
 * - `bits 16|32`, `org`, `db dw dd dq` (values, strings, floating point), `resb resw resd resq`, `times`, `align N[, fill]`, `equ`,
 *   `%define NAME words`;
 * - labels, and local labels `.x` that belong to the label above them;
 * - expressions of `+ - * / % << >> & | ^ ~ ( )`, `$` and `$$`, numbers `0x1f 1fh 0b101 101b 17`, characters `'A'`;
 * - sizes `byte word dword fword qword tword oword`, `short near far`, segments `[es:di]` or `es movsb`, prefixes `lock rep repe repne o16 o32
 *   a16 a32`.
 *
 * Branches are short where they reach. As in NASM's flat format, there is one section and `org` says where it is.
 *
 * @module
 */
import { AssemblyError, Mistake } from "./assembler/error.ts";
import { evaluate, type Scope } from "./assembler/expression.ts";
import { type Item, parseSource, type Program } from "./assembler/source.ts";

export { AssemblyError };

/** How {@linkcode assemble} reads its source. */
export interface AssembleOptions {
  /** Width of code before any `bits` directive: 32 by default. */
  readonly bits?: 16 | 32;
  /** Address of the first byte where the source has no `org`: 0 by default. */
  readonly origin?: number;
}

/** What {@linkcode assemble} makes. */
export interface Assembly {
  /** The code and data, from the origin on. */
  readonly bytes: Uint8Array;
  /** Address of every label; a local label is `parent.local`. */
  readonly labels: Map<string, number>;
}

/** Passes after which addresses that still move are given up. */
const MAXIMUM_PASSES = 100;

/** The passes over a program: each lays it out with the addresses that the one before found. */
class Layout {
  bytes: number[] = [];
  readonly symbols = new Map<string, bigint>();
  #moved = false;

  constructor(readonly program: Program, readonly origin: bigint) {}

  /** Lays the program out once; false when nothing moved. */
  pass(): boolean {
    this.#moved = false;
    this.bytes = [];
    for (const item of this.program.items) {
      try {
        this.#lay(item);
      } catch (error) {
        throw error instanceof Mistake ? new AssemblyError(item.line, error.message) : error;
      }
    }
    return this.#moved;
  }

  #lay(item: Item): void {
    const here = this.origin + BigInt(this.bytes.length);
    const scope: Scope = { here, start: this.origin, symbol: (name) => this.symbols.get(name) };
    if (item.kind === "label") this.#set(item.name, here);
    else if (item.kind === "equ") {
      const value = evaluate(item.value, scope);
      if (value !== undefined) this.#set(item.name, value);
      else this.#moved = true;
    } else {
      for (const byte of item.emit(here, scope)) this.bytes.push(byte);
    }
  }

  #set(name: string, value: bigint): void {
    if (this.symbols.get(name) === value) return;
    this.symbols.set(name, value);
    this.#moved = true;
  }
}

/**
 * Assembles source.
 *
 * @example
 * ```ts
 * import { assemble } from "./assemble.ts";
 *
 * const { bytes, labels } = assemble("start: mov eax, 1\n jmp start", { bits: 32, origin: 0x1000 });
 * console.log(bytes.length, labels.get("start")); // 7 4096
 * ```
 *
 * @throws {AssemblyError} The source has a mistake; the message is a sentence with the line.
 */
export function assemble(source: string, options: AssembleOptions = {}): Assembly {
  const program = parseSource(source, options.bits ?? 32);
  const layout = new Layout(program, originOf(program, options.origin ?? 0));
  for (let pass = 0; layout.pass(); pass++) {
    if (pass === MAXIMUM_PASSES) {
      throw new AssemblyError(1, "the addresses of the labels do not settle, or two names define each other");
    }
  }
  const labels = new Map<string, number>();
  for (const item of program.items) {
    if (item.kind === "label") labels.set(item.name, Number(layout.symbols.get(item.name)));
  }
  return { bytes: Uint8Array.from(layout.bytes), labels };
}

function originOf({ origin }: Program, otherwise: number): bigint {
  if (origin === undefined) return BigInt(otherwise);
  const value = evaluate(origin, { here: 0n, start: 0n, symbol: () => undefined });
  if (value === undefined) throw new AssemblyError(1, '"org" takes a value that does not depend on labels');
  return value;
}
