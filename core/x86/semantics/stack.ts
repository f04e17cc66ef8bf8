/**
 * PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE (Intel SDM volume 2).
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { CR0, FLAG, GPR, STATE } from "../registers.ts";
import { type Builder, type Semantics, type Value, type Width } from "./builder.ts";

/** Pushes one item and moves the stack pointer. */
export function pushItem(b: Builder, w: Width, value: Value): void {
  const size = w / 8;
  b.stackPlace(w, -size).commit(value);
  b.setStackPointer(i32.sub(b.stackPointer(), i32.const(size)));
}

const push: Semantics = (b) => {
  // An 8-bit immediate is pushed at the operand size; PUSH SP pushes the value from before.
  const w = b.isMemory(0) || b.isRegister(0) ? b.width(0) : b.operandWidth;
  pushItem(b, w, b.let(b.read(0)));
};

const pop: Semantics = (b) => {
  const w = b.width(0), size = w / 8;
  const value = b.let(b.stackRead(w, 0));
  const before = b.let(b.register(GPR.SP, 32));
  b.setStackPointer(i32.add(b.stackPointer(), i32.const(size)));
  if (b.isMemory(0)) {
    // The address is computed with the incremented stack pointer; a fault undoes the increment.
    b.onFault(() => b.setRegister(GPR.SP, 32, before));
  }
  b.write(0, value);
};

const push_segment: Semantics = (b) => pushItem(b, b.operandWidth, b.let(b.selector(0)));

const pusha: Semantics = (b) => {
  const w = b.operandWidth, size = w / 8;
  const sp = b.let(b.register(GPR.SP, w));
  const places = [];
  for (let i = 0; i < 8; i++) places.push(b.stackPlace(w, -size * (i + 1)));
  places.forEach((place, i) => place.commit(i === GPR.SP ? sp : b.register(i, w)));
  b.setStackPointer(i32.sub(b.stackPointer(), i32.const(size * 8)));
};

const popa: Semantics = (b) => {
  const w = b.operandWidth, size = w / 8;
  const values: Value[] = [];
  for (let i = 0; i < 8; i++) values.push(b.let(b.stackRead(w, size * i)));
  for (let i = 0; i < 8; i++) {
    const register = 7 - i;
    if (register !== GPR.SP) b.setRegister(register, w, values[i]!);
  }
  b.setStackPointer(i32.add(b.stackPointer(), i32.const(size * 8)));
};

/** VM and RF read as zero in a pushed image (Intel SDM volume 2, PUSHF). */
const pushf: Semantics = (b) => {
  virtual8086Callout(b);
  const image = i32.and(b.state(STATE.EFLAGS), i32.const(~(FLAG.VM | FLAG.RF)));
  pushItem(b, b.operandWidth, b.let(i32.or(image, b.arithmeticFlags())));
};

/** In virtual-8086 mode the instruction depends on IOPL. */
function virtual8086Callout(b: Builder): void {
  b.calloutIf(i32.and(b.state(STATE.EFLAGS), i32.const(FLAG.VM)));
}

const popf: Semantics = (b) => {
  // Privileged bits may change only as far as CPL and IOPL allow; enabling IF or TF, or any of the rarer bits, is left to the callout.
  const w = b.operandWidth;
  const plain = FLAG.IF | FLAG.DF | FLAG.NT | FLAG.AC | FLAG.ID | FLAG.IOPL;
  b.calloutIf(i32.or(
    i32.and(b.state(STATE.EFLAGS), i32.const(FLAG.VM)),
    i32.or(b.state(STATE.CPL), i32.eqz(i32.and(b.state(STATE.CR0), i32.const(CR0.PE)))),
  ));
  const image = b.let(b.stackRead(w, 0));
  const flags = b.let(b.state(STATE.EFLAGS));
  const raises = i32.and(i32.and(image, i32.xor(flags, i32.const(-1))), i32.const(FLAG.IF | FLAG.TF));
  b.calloutIf(i32.or(raises, i32.and(flags, i32.const(FLAG.TF))));
  const allowed = w === 16 ? plain & 0xffff : plain;
  b.setState(
    STATE.EFLAGS,
    i32.or(i32.and(flags, i32.const(~(allowed | FLAG.RF))), i32.and(image, i32.const(allowed))),
  );
  b.setArithmeticFlags(image, false);
  b.setStackPointer(i32.add(b.stackPointer(), i32.const(w / 8)));
};

const cli: Semantics = (b) => {
  privilegedInterruptFlag(b);
  b.setState(STATE.EFLAGS, i32.and(b.state(STATE.EFLAGS), i32.const(~FLAG.IF)));
};

const sti: Semantics = (b) => {
  privilegedInterruptFlag(b);
  // Something waits: the callout leaves emitted code after the shadow.
  b.calloutIf(b.state(STATE.PENDING));
  const flags = b.let(b.state(STATE.EFLAGS));
  b.if(i32.eqz(i32.and(flags, i32.const(FLAG.IF))), () => {
    b.setState(STATE.EFLAGS, i32.or(flags, i32.const(FLAG.IF)));
    b.inhibitInterrupts();
  });
};

/** CLI and STI at CPL 0 outside virtual-8086 mode are plain; everything else is the callout's. */
function privilegedInterruptFlag(b: Builder): void {
  b.calloutIf(i32.or(b.state(STATE.CPL), i32.and(b.state(STATE.EFLAGS), i32.const(FLAG.VM))));
}

const leave: Semantics = (b) => {
  const w = b.operandWidth;
  const frame = b.let(b.register(GPR.BP, 32, "u"));
  const saved = b.let(b.stackRead(w, 0, frame));
  b.setStackPointer(i32.add(frame, i32.const(w / 8)));
  b.setRegister(GPR.BP, w, saved);
};

const enter: Semantics = (b) => {
  const w = b.operandWidth, size = w / 8;
  const allocation = b.let(b.read(0, "u"));
  const level = b.let(i32.and(b.read(1, "u"), i32.const(31)));
  const bp = b.let(b.register(GPR.BP, 32, "u"));
  const sp = b.let(b.stackPointer());
  // The last slot and the new top are checked before anything is written.
  const slots = b.let(i32.add(level, i32.const(1)));
  const bytes = b.let(i32.mul(i32.add(level, i32.const(1)), i32.const(size)));
  b.stackPlace(w, 0, i32.sub(sp, bytes));
  b.stackPlace(w, 0, i32.sub(i32.sub(sp, b.let(i32.mul(slots, i32.const(size)))), allocation));
  b.stackPlace(w, 0, i32.sub(sp, i32.const(size))).commit(bp);
  b.if(level, () => {
    const k = b.variable();
    b.set(k, i32.const(1));
    b.loop((again) => {
      const offset = b.let(i32.mul(k.get(), i32.const(size)));
      b.if(i32.lt_u(k.get(), level), () => {
        const display = b.let(b.stackRead(w, 0, i32.sub(bp, offset)));
        b.stackPlace(w, -size, i32.sub(sp, offset)).commit(display);
        b.set(k, i32.add(k.get(), i32.const(1)));
        again();
      });
    });
    b.stackPlace(w, 0, i32.sub(sp, bytes)).commit(i32.sub(sp, i32.const(size)));
  });
  b.setRegister(GPR.BP, w, i32.sub(sp, i32.const(size)));
  b.setStackPointer(i32.sub(i32.sub(sp, bytes), allocation));
};

/** This family by semantics name. */
export const STACK: Record<string, Semantics> = {
  push,
  pop,
  push_segment,
  pusha,
  popa,
  pushf,
  popf,
  cli,
  sti,
  leave,
  enter,
};
