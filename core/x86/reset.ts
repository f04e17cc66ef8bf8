/**
 * State after power-up or RESET (Intel SDM volume 3, table 9-1).
 *
 * @module
 */
import type { Cpu } from "./cpu.ts";
import { REAL_MODE_ATTRIBUTES } from "./descriptor.ts";
import { CR0, GPR, SEG, STATE } from "./registers.ts";
import { resetModelSpecific } from "./model_specific_registers.ts";

/** Present LDT and busy 32-bit TSS, as the manual has them. */
const RESET_LDT = 0x8200;
const RESET_TSS = 0x8b00;

/** Puts a CPU in its state after power-up: about to execute at F000:FFF0 with CS base FFFF0000h. */
export function reset(cpu: Cpu): void {
  cpu.u8.fill(0);
  cpu.setEflags(2, ~0);
  cpu.i32[STATE.CR0 >> 2] = CR0.CD | CR0.NW | CR0.ET;
  cpu.u32[(STATE.DR >> 2) + 12] = 0xffff_0ff0;
  cpu.u32[(STATE.DR >> 2) + 14] = 0x400;
  cpu.u32[STATE.GDTR_LIMIT >> 2] = 0xffff;
  cpu.u32[STATE.IDTR_LIMIT >> 2] = 0xffff;
  cpu.i32[STATE.A20 >> 2] = 1;
  resetModelSpecific(cpu);
  // Control word 0040h, all registers tagged as zeros: what RESET leaves, unlike FNINIT.
  cpu.u32[STATE.FPU_CONTROL >> 2] = 0x40;
  cpu.u32[STATE.FPU_TAG >> 2] = 0x5555;
  cpu.u32[STATE.MXCSR >> 2] = 0x1f80;
  cpu.setCpl(0);
  for (const segment of [SEG.ES, SEG.SS, SEG.DS, SEG.FS, SEG.GS]) {
    cpu.loadSegmentCache(segment, 0, 0, 0xffff, REAL_MODE_ATTRIBUTES);
  }
  cpu.loadSegmentCache(SEG.CS, 0xf000, 0xffff_0000, 0xffff, REAL_MODE_ATTRIBUTES);
  cpu.loadSegmentCache(SEG.LDTR, 0, 0, 0xffff, RESET_LDT);
  cpu.loadSegmentCache(SEG.TR, 0, 0, 0xffff, RESET_TSS);
  cpu.setGpr32(GPR.DX, cpu.model.signature);
  cpu.eip = 0xfff0;
  cpu.next = 0xfff0;
  cpu.halted = false;
  cpu.waits = false;
  cpu.stepDiscarded = false;
  cpu.taskSwitched = false;
  cpu.shutdown = false;
  cpu.lastVector = -1;
  cpu.lastError = -1;
}
