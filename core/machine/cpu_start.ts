/**
 * How a processor starts: from its reset vector, or where a boot protocol says.
 *
 * @module
 */
import type { Vcpu } from "../engine/vcpu.ts";
import { CR0, GPR, SEG, STATE } from "../x86/registers.ts";

/** A segment register's content at the start. */
export interface StartSegment {
  /** The visible selector. */
  readonly selector: number;
  /** Linear base address. */
  readonly base: number;
  /** Effective limit in bytes: the last valid offset. */
  readonly limit: number;
  /** Bits 8-15 and 20-23 of the descriptor's second dword, in place. */
  readonly attributes: number;
}

/** The general registers that a boot protocol may define, by their encoding. */
const START_GPR = {
  eax: GPR.AX,
  ecx: GPR.CX,
  edx: GPR.DX,
  ebx: GPR.BX,
  esp: GPR.SP,
  ebp: GPR.BP,
  esi: GPR.SI,
  edi: GPR.DI,
} as const;

/** How a processor starts. */
export type CpuStart =
  /** As after RESET (Intel SDM volume 3, 10.1.4). */
  | { readonly kind: "reset" }
  /** In 32-bit protected mode: paging off, interrupts off, CPL 0, A20 open. Registers that are not named are 0. */
  | {
    readonly kind: "protected";
    readonly eip: number;
    readonly registers: Readonly<Partial<Record<keyof typeof START_GPR, number>>>;
    readonly gdt: { readonly base: number; readonly limit: number };
    readonly code: StartSegment;
    readonly data: StartSegment;
  };

/** Resets a processor and puts it where it starts. The instruction count goes on. */
export function startCpu(vcpu: Vcpu, start: CpuStart): void {
  vcpu.reset();
  if (start.kind === "reset") return;
  const { cpu } = vcpu;
  cpu.i32[STATE.CR0 >> 2] = CR0.PE | CR0.ET;
  cpu.u32[STATE.GDTR_BASE >> 2] = start.gdt.base;
  cpu.u32[STATE.GDTR_LIMIT >> 2] = start.gdt.limit;
  for (const register of Object.values(START_GPR)) cpu.setGpr32(register, 0);
  for (const [name, value] of Object.entries(start.registers)) {
    cpu.setGpr32(START_GPR[name as keyof typeof START_GPR], value);
  }
  const { code, data } = start;
  cpu.loadSegmentCache(SEG.CS, code.selector, code.base, code.limit, code.attributes);
  for (const segment of [SEG.DS, SEG.ES, SEG.SS, SEG.FS, SEG.GS]) {
    cpu.loadSegmentCache(segment, data.selector, data.base, data.limit, data.attributes);
  }
  cpu.refreshSegments();
  cpu.setCpl(0);
  cpu.eip = start.eip;
  cpu.next = start.eip;
}
