/**
 * Near branches: Jcc, JMP, CALL, RET, LOOPcc, JCXZ (Intel SDM volume 2).
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { GPR } from "../registers.ts";
import { type Builder, type Semantics, type Value } from "./builder.ts";
import { pushItem } from "./stack.ts";

const isRelative = (b: Builder) => !b.isMemory(0) && !b.isRegister(0);

const jcc: Semantics = (b) => b.branch(0, b.holds(b.condition));

const jmp: Semantics = (b) => {
  if (isRelative(b)) return b.branch(0);
  const target = b.let(b.read(0, "u"));
  b.checkTarget(target);
  b.jump(target);
};

const call: Semantics = (b) => {
  const w = b.operandWidth;
  if (isRelative(b)) {
    b.checkTarget(b.let(b.relativeTarget(0)));
    pushItem(b, w, b.nextIp());
    return b.branch(0);
  }
  const target = b.let(b.read(0, "u"));
  b.checkTarget(target);
  pushItem(b, w, b.nextIp());
  b.jump(target);
};

const ret: Semantics = (b) => {
  const w = b.operandWidth;
  const read = b.let(b.stackRead(w, 0));
  const target = w === 16 ? b.let(i32.and(read, i32.const(0xffff))) : read;
  b.checkTarget(target);
  const size = i32.const(w / 8);
  b.setStackPointer(i32.add(b.stackPointer(), b.count > 0 ? i32.add(size, b.read(0, "u")) : size));
  b.jump(target);
};

/** Decrements the count register of the address size; the branch depends on it and on ZF. */
function loopWhile(zero: Value | undefined): Semantics {
  return (b) => {
    const w = b.addressWidth;
    const left = b.let(i32.sub(b.register(GPR.CX, w, "u"), i32.const(1)));
    const counted = b.let(i32.ne(w === 16 ? i32.and(left, i32.const(0xffff)) : left, i32.const(0)));
    const taken = zero === undefined
      ? counted
      : b.let(i32.and(counted, i32.eq(i32.ne(b.holds(4), i32.const(0)), zero)));
    b.if(taken, () => b.checkTarget(b.let(b.relativeTarget(0))));
    b.setRegister(GPR.CX, w, left);
    b.branch(0, taken);
  };
}

const jcxz: Semantics = (b) => b.branch(0, i32.eqz(b.register(GPR.CX, b.addressWidth, "u")));

/** This family by semantics name. */
export const CONTROL: Record<string, Semantics> = {
  jcc,
  jmp,
  call,
  ret,
  loop: loopWhile(undefined),
  loope: loopWhile(i32.const(1)),
  loopne: loopWhile(i32.const(0)),
  jcxz,
};
