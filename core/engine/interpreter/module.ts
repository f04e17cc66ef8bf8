/**
 * Emits the interpreter: one WebAssembly function, a `br_table` loop over decoded records, with the frequent shapes as its cases; and
 * small modules for the shapes that are met later.
 *
 * @module
 */
import { type Body, type FunctionRef, i32, type Local, ModuleBuilder } from "../../wasm/mod.ts";
import { SEG, SEGMENT, STATE, TLB } from "../../x86/registers.ts";
import { SEMANTICS, type Semantics, type Value } from "../../x86/semantics/mod.ts";
import {
  emitEntryOffset,
  emitUserBit,
  ENTRY,
  REGION_EXIT,
  REGION_PARAMETERS,
  registerSlot,
  TABLE,
} from "../translator/area.ts";
import type { Frame, SlowPath } from "./binder.ts";
import { CONTROL_CASE, EXIT, RECORD, STATUS } from "./record.ts";
import { type Shape, shapeKey } from "./shape.ts";
import { ENVIRONMENT, slowPath } from "./slow_path.ts";
import { DynamicBinder } from "./vector_binder.ts";

/** First function-table slot of out-of-line instructions that end a block; those below it do not. */
export const FIRST_ENDING_SLOT = 8192;

/** Slots of the function table. */
export const TABLE_SLOTS = 16384;

/** What the emitted code calls in TypeScript. */
export interface InterpreterImports {
  /** Reads `size` bytes at a linear address; a fault is left in the state block. */
  read(linear: number, size: number): number;
  readModify(linear: number, size: number): number;
  write(linear: number, value: number, size: number): void;
  /** Linear address of an access that a window's quick check refused. `kind` is size | write << 8. */
  segment(window: number, offset: number, kind: number): number;
  bulk(linear: number, write: number): number;
  /** The same for 8 and 16 bytes, which go to and come from STATE.WIDE. */
  readWide(linear: number, size: number): void;
  writeWide(linear: number, size: number): void;
  /** Whether a unit's instructions may run: a UNIT value. Nonzero if the instruction must wait; a fault is left in the state block. */
  admit(unit: number): number;
  /** Runs the TypeScript definition of the record's instruction; returns a STATUS. */
  callout(record: number): number;
  /**
   * Delivers the fault that a record's instruction has left in the state block. JUMP: the handler is at RIP. FAULT: nothing was done. RESYNC: the
   * run loop must look first. `entry` is the record that the loop was entered with, or 0.
   */
  fault(entry: number): number;
}

/** The emitted interpreter. */
export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Case number of each inline shape. */
  readonly cases: ReadonlyMap<string, number>;
}

const PARAMETERS = ["i32", "i32"] as const;
const STATUS_RESULT = ["i32"] as const;

function semanticsOf(shape: Shape): Semantics {
  const semantics = SEMANTICS.get(shape.semantics);
  if (!semantics) throw new Error(`no description of ${shape.semantics}`);
  return semantics;
}

/** EIP of a relative branch's target. */
function branchTarget(body: { cpu: Local<"i32">; record: Local<"i32"> }, shape: Shape): Value {
  const target = i32.add(
    i32.load(body.cpu.get(), STATE.EIP_PAGE),
    i32.load(body.record.get(), RECORD.DISPLACEMENT),
  );
  return shape.operandWidth === 16 ? i32.and(target, i32.const(0xffff)) : target;
}

type PooledType = "i32" | "i64" | "v128";

/** Variables that are reused from one case to the next. */
class VariablePool {
  readonly #i32: Local<"i32">[] = [];
  readonly #i64: Local<"i64">[] = [];
  readonly #v128: Local<"v128">[] = [];
  #used32 = 0;
  #used64 = 0;
  #used128 = 0;
  constructor(readonly body: Body) {}
  reset(): void {
    this.#used32 = 0;
    this.#used64 = 0;
    this.#used128 = 0;
  }
  take(type: "i32"): Local<"i32">;
  take(type: "i64"): Local<"i64">;
  take(type: "v128"): Local<"v128">;
  take(type: PooledType): Local<"i32"> | Local<"i64"> | Local<"v128">;
  take(type: PooledType): Local<"i32"> | Local<"i64"> | Local<"v128"> {
    if (type === "i32") return this.#i32[this.#used32++] ??= this.body.local("i32");
    if (type === "i64") return this.#i64[this.#used64++] ??= this.body.local("i64");
    return this.#v128[this.#used128++] ??= this.body.local("v128");
  }
}

/** Emits one shape as a function of (CPU block, record) that returns a STATUS. */
function outOfLine(module: ModuleBuilder, slow: SlowPath, shape: Shape): FunctionRef {
  return module.function(shapeKey(shape), PARAMETERS, STATUS_RESULT, (typed, cpu, record) => {
    const body = typed as unknown as Body;
    const status = (value: number) => typed.return(i32.const(value));
    const tlb = body.local("i32");
    body.set(tlb, i32.load(cpu.get(), STATE.TLB_SET));
    const budget = () => i32.load(cpu.get(), STATE.BUDGET);
    const pool = new VariablePool(body);
    const frame: Frame = {
      body,
      cpu,
      record,
      tlb,
      budget,
      setBudget: (value) => body.emit(i32.store(cpu.get(), value, STATE.BUDGET)),
      leaveFault: () => status(STATUS.FAULT),
      leaveSuspended: () => status(STATUS.SUSPEND),
      jump: (target) => {
        body.emit(i32.store(cpu.get(), target, STATE.RIP));
        status(STATUS.JUMP);
      },
      branch: (condition, branching) => {
        const take = () => {
          body.emit(i32.store(cpu.get(), branchTarget({ cpu, record }, branching), STATE.RIP));
          status(STATUS.JUMP);
        };
        if (condition) body.if(condition, take);
        else take();
      },
      leaveCallout: () => typed.return(body.call(slow.callout, cpu.get(), record.get(), budget()) as Value),
      variable: ((type: PooledType) => pool.take(type)) as Frame["variable"],
    };
    semanticsOf(shape)(new DynamicBinder(frame, shape, slow));
    status(STATUS.NEXT);
  });
}

/** Emits a module with one function, exported as `run`, for a shape that the interpreter does not have inline. */
export function emitOutOfLine(shape: Shape, pages: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory(ENVIRONMENT, "memory", { min: pages, max: pages, shared: true });
  const slow = slowPath(module);
  module.export("run", outOfLine(module, slow, shape));
  return module.build();
}

/**
 * Emits the interpreter.
 *
 * The module imports `memory` and the `InterpreterImports`, and exports `table` (slots for out-of-line functions) and
 * `run(cpu, record): exit`: starts at `record`, or at RIP if it is 0, with the budget in the state block.
 *
 * @param shapes The shapes to emit as cases of the loop.
 * @param pages Size of the memory in WebAssembly pages.
 * @param regionSlots Size of the table `regions` of translated code, which is imported; 0: there is none, and nothing is counted.
 */
export function emitInterpreter(shapes: readonly Shape[], pages: number, regionSlots = 0): InterpreterModule {
  const module = new ModuleBuilder();
  module.importMemory(ENVIRONMENT, "memory", { min: pages, max: pages, shared: true });
  const regions = regionSlots === 0
    ? undefined
    : module.importTable(ENVIRONMENT, "regions", "funcref", regionSlots, regionSlots);
  const slow = slowPath(module);
  const table = module.table("funcref", TABLE_SLOTS, TABLE_SLOTS);
  const instruction = module.type(PARAMETERS, STATUS_RESULT);
  const stop = module.function("callout slot", PARAMETERS, STATUS_RESULT, (b, cpu, record) => {
    b.return(b.call(slow.callout as never, cpu.get(), record.get(), i32.load(cpu.get(), STATE.BUDGET)) as Value);
  });
  // The first slot of either range is the callout itself.
  module.elements(table, CALLOUT_SLOT, [stop]);
  module.elements(table, FIRST_ENDING_SLOT, [stop]);
  module.export("table", table);

  const cases = new Map<string, number>();
  const emitted: Shape[] = [];
  for (const shape of shapes) {
    const key = shapeKey(shape);
    if (cases.has(key)) continue;
    cases.set(key, CONTROL_CASE.COUNT + emitted.length);
    emitted.push(shape);
  }
  if (CONTROL_CASE.COUNT + emitted.length > CALLOUT_SLOT) throw new Error("too many inline cases");

  const run = module.function("run", PARAMETERS, STATUS_RESULT, (typed, cpu, entry) => {
    const body = typed as unknown as Body;
    const record = body.local("i32"), tlb = body.local("i32"), budget = body.local("i32");
    const eip = body.local("i32"), status = body.local("i32");
    const state = (offset: number) => i32.load(cpu.get(), offset);
    const setState = (offset: number, value: Value) => body.emit(i32.store(cpu.get(), value, offset));
    const leave = (code: number) => {
      setState(STATE.RECORD, record.get());
      setState(STATE.BUDGET, budget.get());
      typed.return(i32.const(code));
    };
    const leaveAt = (code: number) => {
      setState(STATE.RIP, eip.get());
      setState(STATE.BUDGET, budget.get());
      typed.return(i32.const(code));
    };
    const spend = () => body.set(budget, i32.sub(budget.get(), i32.load8_u(record.get(), RECORD.A)));
    const nextRecord = () => i32.add(record.get(), i32.const(RECORD.SIZE));
    const inBudget = () => i32.gt_s(budget.get(), i32.const(0));

    const bypass = body.local("i32");
    /** Goes on in translated code if there is any at the place; else counts that the place was reached. */
    const translated = (index: Value, offset: Value, again: () => void, faulted: () => void) => {
      const key = body.local("i32"), entry = body.local("i32"), left = body.local("i32");
      const place = i32.add(index, i32.shl(offset, i32.const(2)));
      body.set(key, i32.or(place, emitUserBit(cpu.get(), tlb.get())));
      const hash = body.local("i32");
      body.set(hash, emitEntryOffset(key.get()));
      const regionTable = body.local("i32");
      body.set(regionTable, state(STATE.REGIONS));
      body.set(entry, i32.add(regionTable.get(), hash.get()));
      const counter = (at: number, code: number) => {
        const address = body.local("i32");
        body.set(address, i32.add(regionTable.get(), i32.shr_u(hash.get(), i32.const(2))));
        body.set(left, i32.sub(i32.load16_u(address.get(), at), i32.const(1)));
        body.emit(i32.store16(address.get(), left.get(), at));
        body.if(
          i32.eqz(left.get()),
          () => {
            setState(STATE.RECORD, i32.const(0));
            leaveAt(code);
          },
          undefined,
          "unlikely",
        );
      };
      body.if(bypass.get(), () => {
        body.set(bypass, i32.const(0));
        counter(TABLE.SITES, EXIT.STORM);
      }, () => {
        body.if(i32.eq(i32.load(entry.get(), ENTRY.KEY), key.get()), () => {
          const type = module.type(REGION_PARAMETERS, STATUS_RESULT);
          const registers = Array.from({ length: 8 }, (_, number) => state(registerSlot(number)));
          body.set(
            status,
            body.callIndirect(
              regions!,
              type,
              i32.load(entry.get(), ENTRY.SLOT),
              eip.get(),
              budget.get(),
              ...registers as [Value, Value, Value, Value, Value, Value, Value, Value],
            ) as Value,
          );
          const spent = i32.sub(budget.get(), state(STATE.BUDGET));
          setState(STATE.TRANSLATED, i32.add(state(STATE.TRANSLATED), spent));
          body.if(
            i32.eq(status.get(), i32.const(REGION_EXIT.BUDGET)),
            () => typed.return(i32.const(EXIT.REGION_BUDGET)),
          );
          body.if(i32.lt_u(status.get(), i32.const(REGION_EXIT.INTERPRET)), () => {
            body.if(i32.ne(status.get(), i32.const(EXIT.FAULT)), () => typed.return(status.get()));
            // Of an instruction that the region called.
            body.set(record, state(STATE.RECORD));
            body.set(budget, state(STATE.BUDGET));
            faulted();
          });
          body.set(bypass, i32.eq(status.get(), i32.const(REGION_EXIT.INTERPRET)));
          body.set(budget, state(STATE.BUDGET));
          body.set(eip, state(STATE.RIP));
          body.set(record, i32.const(0));
          again();
        });
        counter(TABLE.COUNTERS, EXIT.HOT);
      });
    };

    body.set(tlb, state(STATE.TLB_SET));
    body.set(budget, state(STATE.BUDGET));
    body.set(eip, state(STATE.RIP));
    body.set(record, entry.get());
    body.loop((outer) => {
      body.block((faulted) => {
        body.if(record.get(), () => {}, () => {
          body.if(i32.le_s(budget.get(), i32.const(0)), () => leaveAt(EXIT.BUDGET_RIP), undefined, "unlikely");
          const linear = body.local("i32"), index = body.local("i32"), offset = body.local("i32");
          body.set(
            linear,
            i32.add(eip.get(), i32.load(cpu.get(), STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE)),
          );
          const page = i32.and(i32.shr_u(linear.get(), i32.const(10)), i32.const(-4));
          body.set(index, i32.load(i32.add(tlb.get(), page), TLB.EXECUTE));
          body.set(offset, i32.and(linear.get(), i32.const(0xfff)));
          // An invalid entry is 0, and so are the first bytes of the memory.
          body.set(record, i32.load(i32.add(index.get(), i32.shl(offset.get(), i32.const(2)))));
          const beyond = i32.gt_u(eip.get(), state(STATE.CS_LIMIT));
          body.if(i32.or(i32.eqz(record.get()), beyond), () => leaveAt(EXIT.DECODE), undefined, "unlikely");
          if (regions) translated(index.get(), offset.get(), () => body.br(outer), () => body.br(faulted));
          setState(STATE.EIP_PAGE, i32.sub(eip.get(), offset.get()));
        });
        const lookup = () => {
          body.set(record, i32.const(0));
          body.br(outer);
        };
        body.loop((next) => {
          body.block((spent) => {
            body.block((plain) => {
              body.block((ended) => {
                const pool = new VariablePool(body);
                const frame = (): Frame => ({
                  body,
                  cpu,
                  record,
                  tlb,
                  budget: () => budget.get(),
                  setBudget: (value) => body.set(budget, value),
                  leaveFault: () => body.br(faulted),
                  leaveSuspended: () => leave(EXIT.SUSPEND),
                  jump: (target) => {
                    body.set(eip, target);
                    spend();
                    lookup();
                  },
                  branch: (condition, shape) => inlineBranch(condition, shape),
                  leaveCallout: () => body.unreachable(),
                  variable: ((type: PooledType) => pool.take(type)) as Frame["variable"],
                });
                const chain = () => {
                  body.brIf(next, inBudget(), "likely");
                  body.br(spent);
                };
                const inlineBranch = (condition: Value | undefined, shape: Shape) => {
                  const target = pool.take("i32");
                  const take = () => {
                    if (shape.near && regions) {
                      body.set(
                        target,
                        i32.sub(i32.load16_u(record.get(), RECORD.COUNTER), i32.const(1)),
                      );
                      body.emit(i32.store16(record.get(), target.get(), RECORD.COUNTER));
                      body.if(
                        i32.eqz(target.get()),
                        () => {
                          setState(STATE.RECORD, record.get());
                          body.set(eip, branchTarget({ cpu, record }, shape));
                          leaveAt(EXIT.HOT);
                        },
                        undefined,
                        "unlikely",
                      );
                    }
                    if (shape.near) {
                      body.set(target, i32.load(record.get(), RECORD.IMMEDIATE));
                      // A 16-bit target that wraps is not the one in this page.
                      const unresolved = shape.operandWidth === 16
                        ? i32.or(
                          i32.eqz(target.get()),
                          i32.ne(
                            branchTarget({ cpu, record }, shape),
                            branchTarget({ cpu, record }, { ...shape, operandWidth: 32 }),
                          ),
                        )
                        : i32.eqz(target.get());
                      body.if(
                        unresolved,
                        () => {
                          body.set(eip, branchTarget({ cpu, record }, shape));
                          lookup();
                        },
                        undefined,
                        "unlikely",
                      );
                      body.set(record, target.get());
                    } else {
                      body.set(eip, branchTarget({ cpu, record }, shape));
                      lookup();
                    }
                  };
                  spend();
                  if (!condition) take();
                  else body.if(condition, take, () => body.set(record, nextRecord()));
                  chain();
                };

                const labels: Label[] = [];
                const emitCases = (index: number) => {
                  if (index < 0) {
                    body.brTable(i32.load16_u(record.get(), RECORD.CASE), labels.toReversed(), labels[0]!);
                    return;
                  }
                  body.block((label) => {
                    labels.push(label);
                    emitCases(index - 1);
                  });
                  emitCase(index);
                };
                const emitCase = (index: number) => {
                  pool.reset();
                  const instructionShape = emitted[index - CONTROL_CASE.COUNT];
                  if (instructionShape) {
                    const f = frame();
                    f.leaveCallout = () => {
                      setState(STATE.RECORD, record.get());
                      setState(STATE.BUDGET, budget.get());
                      body.set(status, body.call(slow.callout, cpu.get(), record.get(), budget.get()) as Value);
                      body.br(instructionShape.ends ? ended : plain);
                    };
                    semanticsOf(instructionShape)(new DynamicBinder(f, instructionShape, slow));
                    if (!instructionShape.ends) {
                      body.set(record, nextRecord());
                      body.br(next);
                    } else {
                      // Reached by instructions that end a block without branching.
                      spend();
                      body.set(record, nextRecord());
                      chain();
                    }
                    return;
                  }
                  switch (index) {
                    case CONTROL_CASE.STOP:
                      leave(EXIT.STOP);
                      break;
                    case CONTROL_CASE.LOOKUP:
                      body.set(eip, i32.add(state(STATE.EIP_PAGE), i32.load16_u(record.get(), RECORD.OFFSET)));
                      spend();
                      lookup();
                      break;
                    case CONTROL_CASE.STRADDLE: {
                      const linear = i32.add(
                        state(STATE.EIP_PAGE),
                        i32.load(cpu.get(), STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE),
                      );
                      const page = i32.and(i32.shr_u(i32.add(linear, i32.const(4096)), i32.const(10)), i32.const(-4));
                      const expected = i32.load(record.get(), RECORD.IMMEDIATE);
                      body.if(
                        i32.ne(i32.load(i32.add(tlb.get(), page), TLB.EXECUTE), expected),
                        () => {
                          body.set(eip, i32.add(state(STATE.EIP_PAGE), i32.load16_u(record.get(), RECORD.OFFSET)));
                          leaveAt(EXIT.DECODE);
                        },
                        undefined,
                        "unlikely",
                      );
                      body.set(record, nextRecord());
                      body.br(next);
                      break;
                    }
                    case CONTROL_CASE.BREAK: {
                      const target = pool.take("i32");
                      spend();
                      body.set(target, i32.load(record.get(), RECORD.IMMEDIATE));
                      body.if(target.get(), () => body.set(record, target.get()), () => body.set(record, nextRecord()));
                      chain();
                      break;
                    }
                  }
                };
                body.block((outside) => {
                  labels.push(outside);
                  emitCases(CONTROL_CASE.COUNT + emitted.length - 1);
                });
                // Out of line.
                const slot = body.local("i32");
                setState(STATE.RECORD, record.get());
                setState(STATE.BUDGET, budget.get());
                body.set(slot, i32.load16_u(record.get(), RECORD.CASE));
                body.set(
                  status,
                  body.callIndirect(table, instruction, slot.get(), cpu.get(), record.get()) as Value,
                );
                body.brIf(plain, i32.lt_u(slot.get(), i32.const(FIRST_ENDING_SLOT)));
              });
              // An instruction that ends its block has returned.
              body.set(budget, state(STATE.BUDGET));
              body.if(i32.le_u(status.get(), i32.const(STATUS.JUMP)), () => {
                spend();
                body.if(status.get(), () => {
                  body.set(tlb, state(STATE.TLB_SET));
                  body.set(eip, state(STATE.RIP));
                  lookup();
                });
                body.set(record, nextRecord());
                body.brIf(next, inBudget(), "likely");
                body.br(spent);
              });
              body.if(i32.eq(status.get(), i32.const(STATUS.RESYNC)), () => {
                spend();
                setState(STATE.BUDGET, budget.get());
              });
              body.brIf(faulted, i32.eq(status.get(), i32.const(STATUS.FAULT)));
              typed.return(status.get());
            });
            // One that does not end its block has returned.
            body.if(
              i32.eqz(status.get()),
              () => {
                body.set(record, nextRecord());
                body.br(next);
              },
              undefined,
              "likely",
            );
            body.brIf(faulted, i32.eq(status.get(), i32.const(STATUS.FAULT)));
            typed.return(status.get());
          });
          leave(EXIT.BUDGET);
        });
        body.unreachable();
      });
      setState(STATE.RECORD, record.get());
      setState(STATE.BUDGET, budget.get());
      body.set(status, body.call(slow.fault, entry.get()) as Value);
      body.if(i32.ne(status.get(), i32.const(STATUS.JUMP)), () => typed.return(status.get()));
      body.set(budget, state(STATE.BUDGET));
      body.set(tlb, state(STATE.TLB_SET));
      body.set(eip, state(STATE.RIP));
      body.set(record, i32.const(0));
      body.br(outer);
    });
    body.unreachable();
  });
  module.export("run", run);
  return { bytes: module.build(), cases };
}

/** Table slot of the callout for instructions that do not end a block. */
export const CALLOUT_SLOT = 4096;

type Label = Parameters<Body["br"]>[0];
