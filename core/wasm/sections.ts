/**
 * The sections of a WebAssembly module (core specification, "Binary Format", Modules), with the custom sections for
 * names and branch hints.
 *
 * @module
 */
import type { FinishedBody } from "./body.ts";
import { ByteWriter } from "./encoding.ts";
import type { FunctionRef } from "./references.ts";
import { type ReferenceType, TYPE_CODE, type TypeRef, type ValueType, type ValueTypes } from "./types.ts";

/** The size limits of a memory (in pages of 65,536 bytes) or of a table (in elements). */
export interface Limits {
  /** The initial size. */
  readonly min: number;
  /** The size beyond which it does not grow. A shared memory needs it. */
  readonly max?: number | undefined;
  /** Whether a memory is shared between agents. Default: false. */
  readonly shared?: boolean;
}

/** Something imported. */
export type ImportEntry =
  & { readonly module: string; readonly name: string }
  & (
    | { readonly kind: "function"; readonly type: number }
    | { readonly kind: "table"; readonly elementType: ReferenceType; readonly limits: Limits }
    | { readonly kind: "memory"; readonly limits: Limits }
    | { readonly kind: "global"; readonly type: ValueType; readonly mutable: boolean }
  );

/** Something exported. */
export interface ExportEntry {
  /** The name it has outside. */
  readonly name: string;
  /** Its index space. */
  readonly kind: ImportEntry["kind"];
  /** Its index there. */
  readonly index: number;
}

/** Bytes for memory. */
export interface Segment {
  /** The constant expression of the address, encoded. */
  readonly offset: Uint8Array;
  /** The bytes. */
  readonly bytes: Uint8Array;
}

/** Everything a module consists of. */
export interface ModuleContent {
  /** Function types. */
  readonly types: readonly TypeRef[];
  /** Imports, in order. */
  readonly imports: readonly ImportEntry[];
  /** All functions, imported ones first. */
  readonly functions: readonly FunctionRef[];
  /** How many of the functions are imported. */
  readonly importedFunctions: number;
  /** Tables defined here. */
  readonly tables: readonly { readonly type: ReferenceType; readonly limits: Limits }[];
  /** Memories defined here. */
  readonly memories: readonly Limits[];
  /** Globals defined here; `init` is an encoded constant expression. */
  readonly globals: readonly { readonly type: ValueType; readonly mutable: boolean; readonly init: Uint8Array }[];
  /** Exports, in order. */
  readonly exports: readonly ExportEntry[];
  /** The start function's index. */
  readonly start: number | undefined;
  /** Active element segments; `offset` is an encoded constant expression. */
  readonly elements: readonly {
    readonly table: number;
    readonly offset: Uint8Array;
    readonly functions: readonly number[];
  }[];
  /** Functions that bodies refer to as values. */
  readonly referenced: readonly number[];
  /** Bodies of the functions defined here. */
  readonly bodies: readonly FinishedBody[];
  /** Active data segments. */
  readonly data: readonly Segment[];
  /** Whether a name section is written. */
  readonly names: boolean;
}

/** Section numbers. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

const EXTERNAL_KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;
const FUNCTION_TYPE = 0x60;
const MAGIC_AND_VERSION = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Bytes of a writer that is kept for the next section. */
const KEPT_WRITER = 1 << 17;

/** Writers that nobody uses at the moment. */
const idle: ByteWriter[] = [];

/** Lends a writer to `use`. */
function withWriter<T>(use: (w: ByteWriter) => T): T {
  const w = idle.pop() ?? new ByteWriter(4096);
  const value = use(w);
  w.clear(KEPT_WRITER);
  idle.push(w);
  return value;
}

/** Encodes a module. */
export function encodeModule(content: ModuleContent): Uint8Array<ArrayBuffer> {
  return withWriter((out) => writeModule(out, content));
}

function writeModule(out: ByteWriter, content: ModuleContent): Uint8Array<ArrayBuffer> {
  out.raw(MAGIC_AND_VERSION);
  vector(out, SECTION.type, content.types, (w, type) => {
    w.byte(FUNCTION_TYPE);
    valueTypes(w, type.params);
    valueTypes(w, type.results);
  });
  vector(out, SECTION.import, content.imports, importEntry);
  vector(out, SECTION.function, content.functions.slice(content.importedFunctions), (w, fn) => w.u32(fn.type.index));
  vector(out, SECTION.table, content.tables, (w, table) => {
    w.byte(TYPE_CODE[table.type]);
    limits(w, table.limits);
  });
  vector(out, SECTION.memory, content.memories, limits);
  vector(out, SECTION.global, content.globals, (w, global) => {
    w.byte(TYPE_CODE[global.type]);
    w.byte(global.mutable ? 1 : 0);
    w.raw(global.init);
  });
  vector(out, SECTION.export, content.exports, (w, entry) => {
    w.name(entry.name);
    w.byte(EXTERNAL_KIND[entry.kind]);
    w.u32(entry.index);
  });
  if (content.start !== undefined) {
    const index = content.start;
    section(out, SECTION.start, (w) => w.u32(index));
  }
  elementSection(out, content);
  branchHintSection(out, content);
  vector(out, SECTION.code, content.bodies, (w, body) => w.sized(body.bytes));
  vector(out, SECTION.data, content.data, (w, segment) => {
    w.u32(0); // active, memory 0
    w.raw(segment.offset);
    w.sized(segment.bytes);
  });
  if (content.names) nameSection(out, content.functions);
  return out.copy();
}

function section(out: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  withWriter((w) => {
    write(w);
    out.byte(id);
    out.sized(w.view());
  });
}

function vector<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (w: ByteWriter, item: T) => void,
): void {
  if (items.length === 0) return;
  section(out, id, (w) => {
    w.u32(items.length);
    for (const item of items) write(w, item);
  });
}

function valueTypes(w: ByteWriter, types: ValueTypes): void {
  w.u32(types.length);
  for (const type of types) w.byte(TYPE_CODE[type]);
}

function limits(w: ByteWriter, { min, max, shared }: Limits): void {
  if (shared && max === undefined) throw new Error("A shared memory needs a maximum size; none was given.");
  w.byte((max === undefined ? 0 : 1) | (shared ? 2 : 0));
  w.u32(min);
  if (max !== undefined) w.u32(max);
}

function importEntry(w: ByteWriter, entry: ImportEntry): void {
  w.name(entry.module);
  w.name(entry.name);
  w.byte(EXTERNAL_KIND[entry.kind]);
  switch (entry.kind) {
    case "function":
      w.u32(entry.type);
      break;
    case "table":
      w.byte(TYPE_CODE[entry.elementType]);
      limits(w, entry.limits);
      break;
    case "memory":
      limits(w, entry.limits);
      break;
    case "global":
      w.byte(TYPE_CODE[entry.type]);
      w.byte(entry.mutable ? 1 : 0);
      break;
  }
}

function elementSection(out: ByteWriter, { elements, referenced }: ModuleContent): void {
  const count = elements.length + (referenced.length > 0 ? 1 : 0);
  if (count === 0) return;
  section(out, SECTION.element, (w) => {
    w.u32(count);
    for (const { table, offset, functions } of elements) {
      if (table === 0) {
        w.u32(0); // active, table 0, function indices
        w.raw(offset);
      } else {
        w.u32(2); // active, any table, function indices
        w.u32(table);
        w.raw(offset);
        w.byte(0);
      }
      w.u32(functions.length);
      for (const index of functions) w.u32(index);
    }
    if (referenced.length > 0) {
      w.u32(3); // declarative, function indices
      w.byte(0);
      w.u32(referenced.length);
      for (const index of referenced) w.u32(index);
    }
  });
}

/** The branch hinting proposal: before the code section, functions and offsets in ascending order. */
function branchHintSection(out: ByteWriter, { bodies, importedFunctions }: ModuleContent): void {
  const hinted = bodies.map((body, slot) => ({ index: importedFunctions + slot, hints: body.hints }))
    .filter(({ hints }) => hints.length > 0);
  if (hinted.length === 0) return;
  section(out, SECTION.custom, (w) => {
    w.name("metadata.code.branch_hint");
    w.u32(hinted.length);
    for (const { index, hints } of hinted) {
      w.u32(index);
      w.u32(hints.length / 2);
      for (let i = 0; i < hints.length; i += 2) {
        w.u32(hints[i] as number);
        w.byte(1);
        w.byte(hints[i + 1] as number);
      }
    }
  });
}

function nameSection(out: ByteWriter, functions: readonly FunctionRef[]): void {
  section(out, SECTION.custom, (w) => {
    w.name("name");
    section(w, 1, (names) => {
      names.u32(functions.length);
      for (const fn of functions) {
        names.u32(fn.index);
        names.name(fn.name);
      }
    });
  });
}
