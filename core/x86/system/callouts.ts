/**
 * Every system instruction by the name of its semantics (`Form.semantics`).
 *
 * @module
 */
import { arpl, lar, lsl, verr, verw } from "./access_rights.ts";
import type { Callout } from "./callout.ts";
import { clts, lmsw, movFromControl, movToControl, smsw } from "./control_registers.ts";
import { movFromDebug, movToDebug } from "./debug_registers.ts";
import { lgdt, lidt, lldt, ltr, sgdt, sidt, sldt, str } from "./descriptor_tables.ts";
import { iret, retFar } from "./far_return.ts";
import { callFar, jmpFar } from "./far_transfer.ts";
import { sysenter, sysexit } from "./fast_system_call.ts";
import { cli, popf, pushf, sti } from "./flag_control.ts";
import { rdmsr, rdpmc, rdtsc, wrmsr } from "./model_specific.ts";
import { inPort, ins, outPort, outs } from "./ports.ts";
import { cpuid, hlt, invalidateCaches, invlpg, undefinedInstruction } from "./processor_control.ts";
import { loadFarPointer, movFromSegment, movToSegment, popSegment, pushSegment } from "./segments.ts";
import { bound, int, int1, int3, into } from "./software_interrupts.ts";

/** Callouts by semantics name. */
export const CALLOUTS: Readonly<Record<string, Callout>> = {
  mov_to_segment: movToSegment,
  mov_from_segment: movFromSegment,
  push_segment: pushSegment,
  pop_segment: popSegment,
  load_far_pointer: loadFarPointer,
  call_far: callFar,
  jmp_far: jmpFar,
  ret_far: retFar,
  iret,
  int,
  int3,
  int1,
  into,
  bound,
  in: inPort,
  out: outPort,
  ins,
  outs,
  cli,
  sti,
  pushf,
  popf,
  lgdt,
  lidt,
  sgdt,
  sidt,
  lldt,
  ltr,
  sldt,
  str,
  lmsw,
  smsw,
  clts,
  mov_to_control: movToControl,
  mov_from_control: movFromControl,
  mov_to_debug: movToDebug,
  mov_from_debug: movFromDebug,
  rdmsr,
  wrmsr,
  rdtsc,
  rdpmc,
  sysenter,
  sysexit,
  lar,
  lsl,
  verr,
  verw,
  arpl,
  hlt,
  invlpg,
  invd: invalidateCaches,
  wbinvd: invalidateCaches,
  cpuid,
  rsm: undefinedInstruction,
  ud0: undefinedInstruction,
  ud1: undefinedInstruction,
  ud2: undefinedInstruction,
};
