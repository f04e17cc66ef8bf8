/**
 * How a CPU starts other than by RESET, and what of its block is architecture.
 *
 * @module
 */
import type { Cpu } from "../x86/cpu.ts";
import { CLOCK, CR0, GPR, SEG, STATE } from "../x86/registers.ts";

/** A segment register's content. */
export interface StartSegment {
  readonly selector: number;
  readonly base: number;
  /** Effective limit in bytes. */
  readonly limit: number;
  /** As SEGMENT.ATTRIBUTES. */
  readonly attributes: number;
}

/** The state after RESET. */
export interface ResetStart {
  readonly kind: "reset";
}

/** 32-bit protected mode: paging off, interrupts off, CPL 0. */
export interface ProtectedStart {
  readonly kind: "protected";
  readonly eip: number;
  readonly registers: Readonly<Partial<Record<"eax" | "ebx" | "ecx" | "edx" | "esi" | "edi" | "ebp" | "esp", number>>>;
  readonly gdt: { readonly base: number; readonly limit: number };
  readonly code: StartSegment;
  /** DS, ES, SS, FS and GS. */
  readonly data: StartSegment;
}

/** How a CPU starts. */
export type CpuStart = ResetStart | ProtectedStart;

const REGISTERS = {
  eax: GPR.AX,
  ebx: GPR.BX,
  ecx: GPR.CX,
  edx: GPR.DX,
  esi: GPR.SI,
  edi: GPR.DI,
  ebp: GPR.BP,
  esp: GPR.SP,
};

/** Applies a protected-mode start to a CPU that was just reset. */
export function startProtected(cpu: Cpu, start: ProtectedStart): void {
  cpu.i32[STATE.CR0 >> 2] = CR0.PE | CR0.ET;
  for (const [name, register] of Object.entries(REGISTERS)) {
    cpu.setGpr32(register, start.registers[name as keyof typeof REGISTERS] ?? 0);
  }
  cpu.u32[STATE.GDTR_BASE >> 2] = start.gdt.base;
  cpu.u32[STATE.GDTR_LIMIT >> 2] = start.gdt.limit;
  const { code, data } = start;
  for (const segment of [SEG.ES, SEG.SS, SEG.DS, SEG.FS, SEG.GS]) {
    cpu.loadSegmentCache(segment, data.selector, data.base, data.limit, data.attributes);
  }
  cpu.loadSegmentCache(SEG.CS, code.selector, code.base, code.limit, code.attributes);
  cpu.eip = start.eip;
}

/** Fields of the block that only serve the engine. */
export const ENGINE_FIELDS = [
  STATE.RESULT,
  STATE.PATCH,
  STATE.OX,
  STATE.OY,
  STATE.CX,
  STATE.CY,
  STATE.MODE,
  STATE.TLB_SET,
  STATE.EIP_PAGE,
  STATE.RECORD,
  STATE.BUDGET,
  STATE.REGIONS,
  STATE.STALE,
  STATE.TRANSLATED,
  STATE.FAULT_VECTOR,
  STATE.FAULT_ERROR,
  STATE.PENDING,
  STATE.EXTRA,
  STATE.STI_BUDGET,
  STATE.WIDE,
  STATE.WIDE + 4,
  STATE.WIDE + 8,
  STATE.WIDE + 12,
  ...Array.from({ length: CLOCK.SIZE / 4 }, (_, word) => STATE.CLOCK + word * 4),
];

/** A copy of the CPU block in which equal architectural states are equal bytes: flags are materialised, the engine's fields zero. */
export function architecturalState(cpu: Cpu): Uint8Array {
  const copy = cpu.u8.slice();
  const words = new Uint32Array(copy.buffer);
  for (const field of ENGINE_FIELDS) words[field >> 2] = 0;
  words[STATE.EFLAGS >> 2] = cpu.eflags;
  return copy;
}
