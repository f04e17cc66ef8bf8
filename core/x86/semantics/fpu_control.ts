/**
 * FLDCW, FNSTCW, FNSTSW, FNCLEX and WAIT (Intel SDM volume 1, 8.3.11). The pointers tell nothing of these.
 *
 * @module
 */
import { i32 } from "../../wasm/mod.ts";
import { EXCEPTION } from "../fpu/context.ts";
import { STATUS } from "../fpu/stack.ts";
import { CR0, GPR, STATE } from "../registers.ts";
import type { Semantics } from "./builder.ts";

const fldcw: Semantics = (b) => {
  b.requireFpu(true);
  const { host } = b.plainMemory(0, "read");
  const control = b.let(i32.or(i32.and(i32.load16_u(host), i32.const(0x1f7f)), i32.const(0x40)));
  // A flag that it unmasks becomes pending.
  const unmasked = i32.and(b.state(STATE.FPU_STATUS), i32.xor(control, i32.const(-1)));
  b.calloutIf(i32.and(unmasked, i32.const(EXCEPTION.ALL)));
  b.setState(STATE.FPU_CONTROL, control);
};

const fnstcw: Semantics = (b) => {
  b.requireFpu(false);
  b.write(0, b.state(STATE.FPU_CONTROL));
};

const fnstsw: Semantics = (b) => {
  b.requireFpu(false);
  if (b.isMemory(0)) b.write(0, b.state(STATE.FPU_STATUS));
  else b.setRegister(GPR.AX, 16, b.state(STATE.FPU_STATUS));
};

const fnclex: Semantics = (b) => {
  b.requireFpu(false);
  // FERR# follows the error summary.
  b.calloutIf(i32.and(b.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY)));
  const cleared = EXCEPTION.ALL | STATUS.STACK_FAULT | STATUS.ERROR_SUMMARY | STATUS.BUSY;
  b.setState(STATE.FPU_STATUS, i32.and(b.state(STATE.FPU_STATUS), i32.const(~cleared)));
};

/** The device must be available only if CR0.MP monitors it. */
const wait: Semantics = (b) => {
  const both = CR0.MP | CR0.TS;
  const unavailable = i32.eq(i32.and(b.state(STATE.CR0), i32.const(both)), i32.const(both));
  const pending = i32.and(b.state(STATE.FPU_STATUS), i32.const(STATUS.ERROR_SUMMARY));
  b.calloutIf(i32.or(unavailable, pending));
};

/** This family by semantics name. */
export const FPU_CONTROL: Record<string, Semantics> = { fldcw, fnstcw, fnstsw, fnclex, wait };
