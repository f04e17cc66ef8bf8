/**
 * MOVS, STOS, LODS, CMPS, SCAS with their repeats (Intel SDM volume 2, REP). An iteration commits by itself: a fault or an interrupt
 * between two finds the registers at the next one.
 *
 * @module
 */
import { i32, memoryCopy, memoryFill, select } from "../../wasm/mod.ts";
import { REPEAT } from "../instruction.ts";
import { FLAG, GPR, PENDING_ATTENTION, STATE } from "../registers.ts";
import { type Builder, type Semantics, signed, type Value } from "./builder.ts";

const PAGE = 4096;

/** What one iteration does; `step` is +size or -size. Returns a condition that ends CMPS and SCAS repeats early. */
type Item = (b: Builder, step: Value) => void;

/** An index register, cut to the address size. */
const index = (b: Builder, register: number) => b.register(register, b.addressWidth, "u");

function advance(b: Builder, register: number, step: Value): void {
  b.setRegister(register, b.addressWidth, i32.add(b.register(register, b.addressWidth), step));
}

/** The step of DF: size forwards, -size backwards. */
function stepOf(b: Builder, size: number): Value {
  const down = i32.and(b.state(STATE.EFLAGS), i32.const(FLAG.DF));
  return b.let(
    i32.sub(i32.const(size), i32.shl(i32.shr_u(down, i32.const(10)), i32.const(size === 1 ? 1 : size === 2 ? 2 : 3))),
  );
}

/** Runs `item` once, or repeats it; `ends` tells when CMPS and SCAS stop; `bulk` may do many iterations at once. */
function repeated(
  b: Builder,
  item: Item,
  options: { compares?: boolean; bulk?: (limit: Value) => Value } = {},
): void {
  const size = b.width(0) / 8;
  if (b.repeat === REPEAT.NONE) return item(b, stepOf(b, size));
  const step = stepOf(b, size);
  const finished = b.variable();
  const left = b.variable();
  b.set(finished, i32.const(0));
  b.set(left, index(b, GPR.CX));
  b.if(i32.eqz(left.get()), () => b.set(finished, i32.const(1)), () => {
    const budget = b.variable();
    b.set(budget, b.iterations());
    const done = b.variable();
    b.set(done, i32.const(0));
    const { bulk } = options;
    b.loop((again) => {
      const count = b.variable();
      b.set(count, i32.const(0));
      if (bulk) {
        // Bulk paths run forwards only.
        b.if(i32.gt_s(step, i32.const(0)), () => {
          const most = select(i32.lt_u(left.get(), budget.get()), left.get(), budget.get());
          b.set(count, bulk(b.let(most)));
        });
      }
      b.if(i32.eqz(count.get()), () => {
        item(b, step);
        b.set(count, i32.const(1));
        // A device that was accessed wants the boundary after this iteration to be looked at.
        b.if(i32.and(b.state(STATE.PENDING), i32.const(PENDING_ATTENTION)), () => b.set(budget, i32.const(1)));
      });
      b.set(left, i32.sub(left.get(), count.get()));
      b.setRegister(GPR.CX, b.addressWidth, left.get());
      b.set(budget, i32.sub(budget.get(), count.get()));
      b.retire(count.get());
      b.set(done, i32.eqz(left.get()));
      if (options.compares) {
        const wanted = b.repeat === REPEAT.F3 ? i32.eqz(b.holds(4)) : i32.ne(b.holds(4), i32.const(0));
        b.set(done, i32.or(done.get(), wanted));
      }
      b.if(i32.and(i32.eqz(done.get()), i32.gt_s(budget.get(), i32.const(0))), again);
    });
    b.if(i32.eqz(done.get()), () => b.suspend());
  });
  // The block counts the instruction once: its last iteration is that one.
  b.if(i32.eqz(finished.get()), () => b.retire(i32.const(-1)));
}

/** Items from an address to its page's end. */
const room = (b: Builder, address: Value, shift: number) =>
  b.let(i32.shr_u(i32.sub(i32.const(PAGE), i32.and(address, i32.const(PAGE - 1))), i32.const(shift)));

const least = (b: Builder, x: Value, y: Value) => b.let(select(i32.lt_u(x, y), x, y));

const log2 = (size: number) => size === 1 ? 0 : size === 2 ? 1 : 2;

/** Items that an offset can rise by before it wraps at the address size. */
function unwrapped(b: Builder, offset: Value, shift: number, limit: Value): Value {
  if (b.addressWidth !== 16) return limit;
  return least(b, limit, b.let(i32.shr_u(i32.sub(i32.const(0x10000), offset), i32.const(shift))));
}

const movs: Semantics = (b) => {
  const w = b.width(0), size = w / 8, shift = log2(size);
  const source = b.string("source"), destination = b.string("destination");
  repeated(b, (b, step) => {
    destination.write(w, index(b, GPR.DI), b.let(source.read(w, index(b, GPR.SI))));
    advance(b, GPR.SI, step);
    advance(b, GPR.DI, step);
  }, {
    bulk: (limit) => {
      const count = b.variable();
      b.set(count, i32.const(0));
      b.if(i32.gt_u(limit, i32.const(3)), () => {
        const si = b.let(index(b, GPR.SI)), di = b.let(index(b, GPR.DI));
        const from = b.let(source.bulk(w, si, false));
        b.if(from, () => {
          const to = b.let(destination.bulk(w, di, true));
          b.if(to, () => {
            const most = least(b, least(b, room(b, from, shift), room(b, to, shift)), limit);
            const items = unwrapped(b, di, shift, unwrapped(b, si, shift, most));
            const bytes = b.let(i32.shl(items, i32.const(shift)));
            // A destination inside the source's run repeats a pattern: item by item then.
            b.if(i32.ge_u(i32.sub(to, from), bytes), () => {
              b.emit(memoryCopy(to, from, bytes));
              b.setRegister(GPR.SI, b.addressWidth, i32.add(si, bytes));
              b.setRegister(GPR.DI, b.addressWidth, i32.add(di, bytes));
              b.set(count, items);
            });
          });
        });
      });
      return count.get();
    },
  });
};

const stos: Semantics = (b) => {
  const w = b.width(0), size = w / 8, shift = log2(size);
  const destination = b.string("destination");
  repeated(b, (b, step) => {
    destination.write(w, index(b, GPR.DI), b.register(GPR.AX, w));
    advance(b, GPR.DI, step);
  }, {
    bulk: (limit) => {
      const count = b.variable();
      b.set(count, i32.const(0));
      b.if(i32.gt_u(limit, i32.const(3)), () => {
        const di = b.let(index(b, GPR.DI));
        const to = b.let(destination.bulk(w, di, true));
        b.if(to, () => {
          const items = unwrapped(b, di, shift, least(b, room(b, to, shift), limit));
          const bytes = b.let(i32.shl(items, i32.const(shift)));
          const value = b.let(b.register(GPR.AX, w));
          const uniform = i32.eq(value, signed(w, i32.mul(i32.and(value, i32.const(0xff)), i32.const(0x01010101))));
          b.if(uniform, () => b.emit(memoryFill(to, value, bytes)), () => {
            const at = b.variable();
            b.set(at, to);
            const end = b.let(i32.add(to, bytes));
            b.loop((again) => {
              if (w === 16) b.emit(i32.store16(at.get(), value));
              else b.emit(i32.store(at.get(), value));
              b.set(at, i32.add(at.get(), i32.const(size)));
              b.if(i32.lt_u(at.get(), end), again);
            });
          });
          b.setRegister(GPR.DI, b.addressWidth, i32.add(di, bytes));
          b.set(count, items);
        });
      });
      return count.get();
    },
  });
};

const lods: Semantics = (b) => {
  const w = b.width(0);
  const source = b.string("source");
  repeated(b, (b, step) => {
    b.setRegister(GPR.AX, w, b.let(source.read(w, index(b, GPR.SI))));
    advance(b, GPR.SI, step);
  });
};

const cmps: Semantics = (b) => {
  const w = b.width(0);
  const source = b.string("source"), destination = b.string("destination");
  repeated(b, (b, step) => {
    const x = b.let(source.read(w, index(b, GPR.SI)));
    const y = b.let(destination.read(w, index(b, GPR.DI)));
    advance(b, GPR.SI, step);
    advance(b, GPR.DI, step);
    b.flagsSub(b.let(signed(w, i32.sub(x, y))), x, y);
  }, { compares: true });
};

const scas: Semantics = (b) => {
  const w = b.width(0);
  const destination = b.string("destination");
  repeated(b, (b, step) => {
    const y = b.let(destination.read(w, index(b, GPR.DI)));
    const x = b.let(b.register(GPR.AX, w));
    advance(b, GPR.DI, step);
    b.flagsSub(b.let(signed(w, i32.sub(x, y))), x, y);
  }, { compares: true });
};

/** This family by semantics name. */
export const STRING: Record<string, Semantics> = { movs, stos, lods, cmps, scas };
