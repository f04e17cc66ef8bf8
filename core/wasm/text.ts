/**
 * Prints a module in the WebAssembly text format, for reading: translated code can be looked at with it.
 *
 * @module
 */
import { ByteReader } from "./decoding.ts";
import { type Naming, printConstant, printInstructions, readValueType } from "./instructions_text.ts";
import { SECTION } from "./sections.ts";
import type { ValueType, ValueTypes } from "./types.ts";

interface FunctionType {
  readonly params: ValueTypes;
  readonly results: ValueTypes;
}

interface Section {
  readonly id: number;
  /** The name of a custom section. */
  readonly name: string;
  readonly reader: ByteReader;
}

const KINDS = ["func", "table", "memory", "global"] as const;

/**
 * Prints a module in the text format: its declarations, then every function with one instruction a line. Functions are
 * named where the module has a name section. Labels are numbered by nesting, `(;@1;)` the outermost of a function;
 * `(;@0;)` is the function itself. Alignment hints are left out.
 *
 * Prints what this emitter writes; throws an `Error` for anything else, with the offset.
 */
export function toText(bytes: Uint8Array): string {
  return new ModulePrinter(bytes).print();
}

/**
 * Prints one function of a module, as {@linkcode toText} does. `notes` are lines that become comments before the instruction at an offset,
 * counted from the first instruction of the function.
 */
export function functionText(bytes: Uint8Array, index: number, notes: ReadonlyMap<number, readonly string[]>): string {
  return new ModulePrinter(bytes).printFunction(index, notes);
}

class ModulePrinter implements Naming {
  readonly #sections: Section[];
  readonly #names = new Map<number, string>();
  readonly #types: FunctionType[] = [];
  /** The type index of every function, imported ones first. */
  readonly #functions: number[] = [];
  /** Branch hints by function: offset in the body to 0 or 1. */
  readonly #hints = new Map<number, Map<number, number>>();
  readonly #counts = { func: 0, table: 0, memory: 0, global: 0 };
  readonly #lines: string[] = [];
  /** The only function that is wanted, with its notes, and its lines. */
  #only: { readonly index: number; readonly notes: ReadonlyMap<number, readonly string[]> } | undefined;
  #found: string[] = [];

  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    if (reader.raw(8).join() !== "0,97,115,109,1,0,0,0") {
      throw new Error("Bytes 0 to 7 should be a WebAssembly module's magic number and version 1; they are not.");
    }
    this.#sections = [];
    while (!reader.done) {
      const id = reader.byte();
      const section = reader.part();
      this.#sections.push({ id, name: id === SECTION.custom ? section.name() : "", reader: section });
    }
  }

  func(index: number): string {
    return this.#names.get(index) ?? String(index);
  }

  print(): string {
    // Names and hints are read first, for what comes before them to use.
    for (const { id, name, reader } of this.#sections) {
      if (id === SECTION.custom && name === "name") this.#readNames(reader);
      if (id === SECTION.custom && name === "metadata.code.branch_hint") this.#readHints(reader);
    }
    this.#lines.push("(module");
    for (const { id, reader } of this.#sections) this.#printSection(id, reader);
    this.#lines.push(")");
    return this.#lines.join("\n") + "\n";
  }

  printFunction(index: number, notes: ReadonlyMap<number, readonly string[]>): string {
    this.#only = { index, notes };
    this.print();
    return this.#found.join("\n") + "\n";
  }

  #printSection(id: number, r: ByteReader): void {
    switch (id) {
      case SECTION.type:
        r.vector(() => this.#printType(r));
        break;
      case SECTION.import:
        r.vector(() => this.#printImport(r));
        break;
      case SECTION.function:
        this.#functions.push(...r.vector(() => r.u32()));
        break;
      case SECTION.table:
        r.vector(() => {
          const type = readValueType(r);
          this.#line(`(table (;${this.#counts.table++};) ${limits(r)} ${type})`);
        });
        break;
      case SECTION.memory:
        r.vector(() => this.#line(`(memory (;${this.#counts.memory++};) ${limits(r)})`));
        break;
      case SECTION.global:
        r.vector(() => {
          const type = globalType(r);
          this.#line(`(global (;${this.#counts.global++};) ${type} ${printConstant(r, this)})`);
        });
        break;
      case SECTION.export:
        r.vector(() => {
          const name = quoted(r.name());
          const kind = KINDS[r.byte()];
          const index = r.u32();
          this.#line(`(export ${name} (${kind} ${kind === "func" ? this.func(index) : index}))`);
        });
        break;
      case SECTION.start:
        this.#line(`(start ${this.func(r.u32())})`);
        break;
      case SECTION.element:
        r.vector(() => this.#printElements(r));
        break;
      case SECTION.code:
        r.vector(() => this.#printFunction(r.part()));
        break;
      case SECTION.data:
        r.vector(() => {
          r.u32();
          this.#line(`(data ${printConstant(r, this)} ${quoted(r.sized())})`);
        });
        break;
    }
  }

  #printType(r: ByteReader): void {
    const at = r.position;
    const form = r.byte();
    if (form !== 0x60) throw new Error(`Byte ${at} should start a function type (0x60); found 0x${form.toString(16)}.`);
    const params = r.vector(() => readValueType(r));
    const results = r.vector(() => readValueType(r));
    this.#line(`(type (;${this.#types.length};) (func${typeList("param", params)}${typeList("result", results)}))`);
    this.#types.push({ params, results });
  }

  #printImport(r: ByteReader): void {
    const from = `${quoted(r.name())} ${quoted(r.name())}`;
    const kind = KINDS[r.byte()];
    switch (kind) {
      case "func": {
        const type = r.u32();
        this.#functions.push(type);
        this.#line(`(import ${from} (func ${this.#definedName(this.#counts.func++)} (type ${type})))`);
        break;
      }
      case "table": {
        const type = readValueType(r);
        this.#line(`(import ${from} (table (;${this.#counts.table++};) ${limits(r)} ${type}))`);
        break;
      }
      case "memory":
        this.#line(`(import ${from} (memory (;${this.#counts.memory++};) ${limits(r)}))`);
        break;
      case "global":
        this.#line(`(import ${from} (global (;${this.#counts.global++};) ${globalType(r)}))`);
        break;
      default:
        throw new Error(`The kind of import before byte ${r.position} is not one this prints.`);
    }
  }

  #printElements(r: ByteReader): void {
    const flags = r.u32();
    if (flags !== 0 && flags !== 2 && flags !== 3) {
      throw new Error(`The form ${flags} of the element segment before byte ${r.position} is not one this prints.`);
    }
    const table = flags === 2 ? `(table ${r.u32()}) ` : "";
    const where = flags === 3 ? "declare" : `${table}${printConstant(r, this)}`;
    if (flags !== 0) r.byte();
    this.#line(`(elem ${where} func ${r.vector(() => this.func(r.u32())).join(" ")})`);
  }

  #printFunction(r: ByteReader): void {
    const start = r.position;
    const index = this.#counts.func++;
    if (this.#only !== undefined && this.#only.index !== index) return;
    const before = this.#lines.length;
    const typeIndex = this.#functions[index] as number;
    const type = this.#types[typeIndex] as FunctionType;
    const header = `(func ${this.#definedName(index)} (type ${typeIndex})`;
    this.#line(`${header}${typeList("param", type.params)}${typeList("result", type.results)}`);
    const locals: ValueType[] = [];
    r.vector(() => {
      const count = r.u32();
      const local = readValueType(r);
      for (let i = 0; i < count; i++) locals.push(local);
    });
    if (locals.length > 0) this.#line(` ${typeList("local", locals)}`);
    const hints = new Map([...this.#hints.get(index) ?? []].map(([offset, hint]) => [start + offset, hint]));
    const first = r.position;
    const notes = new Map([...this.#only?.notes ?? []].map(([offset, lines]) => [first + offset, lines]));
    for (const line of printInstructions(r, this, hints, "    ", notes)) this.#lines.push(line);
    this.#line(")");
    if (this.#only !== undefined) this.#found = this.#lines.slice(before);
  }

  #definedName(index: number): string {
    const name = this.#names.get(index);
    return name === undefined ? `(;${index};)` : `${name} (;${index};)`;
  }

  /** Function names, in subsection 1. A name that occurs twice would not be a name in the text, so it is left out. */
  #readNames(r: ByteReader): void {
    while (!r.done) {
      const id = r.byte();
      const part = r.part();
      if (id !== 1) continue;
      const names = part.vector(() => [part.u32(), part.name()] as const);
      const uses = new Map<string, number>();
      for (const [, name] of names) uses.set(name, (uses.get(name) ?? 0) + 1);
      for (const [index, name] of names) {
        if (uses.get(name) === 1) this.#names.set(index, identifier(name));
      }
    }
  }

  #readHints(r: ByteReader): void {
    r.vector(() => {
      const hints = new Map<number, number>();
      this.#hints.set(r.u32(), hints);
      r.vector(() => {
        const offset = r.u32();
        r.u32(); // the length of the hint: 1
        hints.set(offset, r.byte());
      });
    });
  }

  #line(text: string): void {
    this.#lines.push(`  ${text}`);
  }
}

function typeList(keyword: string, types: ValueTypes): string {
  return types.length === 0 ? "" : ` (${keyword} ${types.join(" ")})`;
}

function limits(r: ByteReader): string {
  const flags = r.byte();
  return `${r.u32()}${flags & 1 ? ` ${r.u32()}` : ""}${flags & 2 ? " shared" : ""}`;
}

function globalType(r: ByteReader): string {
  const type = readValueType(r);
  return r.byte() === 1 ? `(mut ${type})` : type;
}

function identifier(name: string): string {
  return /^[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]+$/.test(name) ? `$${name}` : `$${quoted(name)}`;
}

function quoted(value: string | Uint8Array): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  let text = "";
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${text}"`;
}
