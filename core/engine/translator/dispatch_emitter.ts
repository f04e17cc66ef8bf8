/**
 * Emits what regions go on with when they do not know where: a function that looks a computed EIP up and goes on with its region, or
 * returns to the interpreter.
 *
 * @module
 */
import { type Body, i32, ModuleBuilder } from "../../wasm/mod.ts";
import { SEG, SEGMENT, STATE, TLB } from "../../x86/registers.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import { DISPATCH, emitEntryOffset, ENTRY, ENVIRONMENT, REGION_EXIT, REGION_PARAMETERS, registerSlot } from "./area.ts";

const nowhere = i32.const(0);

/** Emits a module that puts both dispatchers into the table `regions`. */
export function emitDispatch(cpu: number, area: number, pages: number, slots: number): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory(ENVIRONMENT, "memory", { min: pages, max: pages, shared: true });
  const table = module.importTable(ENVIRONMENT, "regions", "funcref", slots, slots);
  const type = module.type(REGION_PARAMETERS, ["i32"]);
  const dispatcher = (user: boolean) =>
    module.function(user ? "user" : "supervisor", REGION_PARAMETERS, ["i32"], (b, eip, budget, ...registers) => {
      const body = b as unknown as Body;
      const state = (offset: number) => i32.load(nowhere, cpu + offset);
      const setState = (offset: number, value: Value) => body.emit(i32.store(nowhere, value, cpu + offset));
      const tlb = cpu + (user ? TLB.USER : TLB.SUPERVISOR) + TLB.EXECUTE;
      const linear = body.local("i32"), key = body.local("i32"), entry = body.local("i32");
      body.set(linear, i32.add(eip.get(), state(STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE)));
      const index = i32.load(i32.and(i32.shr_u(linear.get(), i32.const(10)), i32.const(-4)), tlb);
      const place = i32.shl(i32.and(linear.get(), i32.const(0xfff)), i32.const(2));
      body.set(key, i32.add(index, user ? i32.or(place, i32.const(1)) : place));
      body.set(entry, emitEntryOffset(key.get()));
      // The start of a page without decoded code would be the key of an empty entry.
      const found = i32.eq(i32.load(entry.get(), area + ENTRY.KEY), key.get());
      const decoded = i32.ne(key.get(), i32.const(0));
      body.if(
        i32.and(i32.and(found, decoded), i32.le_u(eip.get(), state(STATE.CS_LIMIT))),
        () => {
          body.returnCallIndirect(
            table,
            type as never,
            i32.load(entry.get(), area + ENTRY.SLOT),
            ...[eip, budget, ...registers].map((local) => local.get()) as never[],
          );
        },
        undefined,
        "likely",
      );
      registers.forEach((local, number) => setState(registerSlot(number), local.get()));
      setState(STATE.RIP, eip.get());
      setState(STATE.BUDGET, budget.get());
      b.return(i32.const(REGION_EXIT.LOOKUP) as never);
    });
  const supervisor = dispatcher(false), user = dispatcher(true);
  module.elements(table, DISPATCH.SUPERVISOR, [supervisor, user]);
  return module.build();
}
