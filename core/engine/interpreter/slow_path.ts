/**
 * What emitted code calls where its fast path does not serve: wrappers around the TypeScript functions that say where it stands, and
 * stores to the parts of code pages that hold no decoded code.
 *
 * @module
 */
import { type Body, i32, type Local, type ModuleBuilder } from "../../wasm/mod.ts";
import { PAGE, PIECES } from "../../memory/layout.ts";
import { BYTE_SHIFT, PIECE_SHIFT } from "../../memory/pieces.ts";
import { STATE, TLB } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import { load, type SlowPath, store } from "./binder.ts";

/** Name of the module that emitted code imports from. */
export const ENVIRONMENT = "bulkhead";

/** Host address of an access inside one page with a partial write entry, in a variable; 0 for any other. */
function partialHost(body: Body, cpu: Local<"i32">, linear: Local<"i32">, size: number): Local<"i32"> {
  const entry = body.local("i32"), host = body.local("i32");
  const page = i32.and(i32.shr_u(linear.get(), i32.const(10)), i32.const(-4));
  body.set(entry, i32.load(i32.add(i32.load(cpu.get(), STATE.TLB_SET), page), TLB.WRITE));
  const partial = i32.and(
    i32.ne(entry.get(), i32.const(0)),
    i32.eqz(i32.and(entry.get(), i32.const(PAGE - 1))),
  );
  const inside = i32.le_u(i32.and(linear.get(), i32.const(PAGE - 1)), i32.const(PAGE - size));
  body.if(i32.and(partial, inside), () => {
    body.set(host, i32.add(linear.get(), entry.get()));
  });
  return host;
}

/** Nonzero if decoded code covers any of the bytes. */
function covered(host: Value, size: number): Value {
  const bits = i32.shr_u(
    i32.load16_u(i32.shr_u(host, i32.const(BYTE_SHIFT)), PIECES),
    i32.and(i32.shr_u(host, i32.const(PIECE_SHIFT)), i32.const(7)),
  );
  const last = i32.const((1 << PIECE_SHIFT) - 1);
  // One bit, or two where the bytes lie in two pieces.
  const crosses = i32.gt_u(i32.add(i32.and(host, last), i32.const(size - 1)), last);
  return i32.and(bits, i32.add(i32.const(1), i32.shl(crosses, i32.const(1))));
}

/** Declares the imports and the wrappers that note record and budget before calling out. */
export function slowPath(module: ModuleBuilder): SlowPath {
  const read = module.importFunction(ENVIRONMENT, "read", ["i32", "i32"], ["i32"]);
  const readModify = module.importFunction(ENVIRONMENT, "readModify", ["i32", "i32"], ["i32"]);
  const write = module.importFunction(ENVIRONMENT, "write", ["i32", "i32", "i32"], []);
  const segment = module.importFunction(ENVIRONMENT, "segment", ["i32", "i32", "i32"], ["i32"]);
  const bulk = module.importFunction(ENVIRONMENT, "bulk", ["i32", "i32"], ["i32"]);
  const readWide = module.importFunction(ENVIRONMENT, "readWide", ["i32", "i32"], []);
  const writeWide = module.importFunction(ENVIRONMENT, "writeWide", ["i32", "i32"], []);
  const admit = module.importFunction(ENVIRONMENT, "admit", ["i32"], ["i32"]);
  const callout = module.importFunction(ENVIRONMENT, "callout", ["i32"], ["i32"]);
  const fault = module.importFunction(ENVIRONMENT, "fault", ["i32"], ["i32"]);
  const note = (b: Body, cpu: Local<"i32">, record: Local<"i32">, budget: Local<"i32">) => {
    b.emit(i32.store(cpu.get(), record.get(), STATE.RECORD));
    b.emit(i32.store(cpu.get(), budget.get(), STATE.BUDGET));
  };
  const reader = (name: string, target: typeof read, size: 1 | 2 | 4) =>
    module.function(`${name}${size * 8}`, ["i32", "i32", "i32", "i32"], ["i32"], (b, cpu, record, budget, linear) => {
      const body = b as unknown as Body;
      if (target === readModify) {
        // What becomes of the write is seen when it is made.
        const host = partialHost(body, cpu, linear, size);
        body.if(host.get(), () => b.return(load((size * 8) as 8 | 16 | 32, host.get(), "u") as never));
      }
      note(body, cpu, record, budget);
      b.return(b.call(target, linear.get(), i32.const(size)));
    });
  const writer = (size: 1 | 2 | 4) =>
    module.function(
      `write${size * 8}`,
      ["i32", "i32", "i32", "i32", "i32"],
      [],
      (b, cpu, record, budget, linear, value) => {
        const body = b as unknown as Body;
        const host = partialHost(body, cpu, linear, size);
        body.if(i32.and(i32.ne(host.get(), i32.const(0)), i32.eqz(covered(host.get(), size))), () => {
          body.emit(store((size * 8) as 8 | 16 | 32, host.get(), value.get()));
          b.return();
        });
        note(body, cpu, record, budget);
        b.emit(b.call(write, linear.get(), value.get(), i32.const(size)));
      },
    );
  const wide = (name: string, target: typeof readWide) =>
    module.function(name, ["i32", "i32", "i32", "i32", "i32"], [], (b, cpu, record, budget, linear, size) => {
      note(b as unknown as Body, cpu, record, budget);
      b.emit(b.call(target, linear.get(), size.get()));
    });
  return {
    readWide: wide("readWide", readWide),
    writeWide: wide("writeWide", writeWide),
    admit: module.function("admit", ["i32", "i32", "i32", "i32"], ["i32"], (b, cpu, record, budget, unit) => {
      note(b as unknown as Body, cpu, record, budget);
      b.return(b.call(admit, unit.get()));
    }),
    read: [reader("read", read, 1), reader("read", read, 2), reader("read", read, 4)],
    readModify: [
      reader("readModify", readModify, 1),
      reader("readModify", readModify, 2),
      reader("readModify", readModify, 4),
    ],
    write: [writer(1), writer(2), writer(4)],
    segment: module.function(
      "segment",
      ["i32", "i32", "i32", "i32", "i32", "i32"],
      ["i32"],
      (b, cpu, record, budget, window, offset, kind) => {
        note(b as unknown as Body, cpu, record, budget);
        b.return(b.call(segment, window.get(), offset.get(), kind.get()));
      },
    ),
    bulk: module.function("bulk", ["i32", "i32", "i32", "i32", "i32"], ["i32"], (b, cpu, record, budget, linear, w) => {
      note(b as unknown as Body, cpu, record, budget);
      b.return(b.call(bulk, linear.get(), w.get()));
    }),
    fault,
    callout: module.function("callout", ["i32", "i32", "i32"], ["i32"], (b, cpu, record, budget) => {
      note(b as unknown as Body, cpu, record, budget);
      b.return(b.call(callout, record.get()));
    }),
  };
}
