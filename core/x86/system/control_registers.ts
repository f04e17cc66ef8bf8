/**
 * MOV to and from control registers, LMSW, SMSW and CLTS (Intel SDM volume 2; volume 3, 2.5).
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import { GuestFault } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { CR0, CR4, STATE, VECTOR } from "../registers.ts";
import { readSelector } from "./descriptor_tables.ts";
import { storeSelector } from "./segments.ts";
import { requirePrivilege } from "./selector.ts";

const CR0_FIELD = STATE.CR0 >> 2;
const CR4_FIELD = STATE.CR4 >> 2;

/** Page directory base (or that of the page-directory-pointer table, from bit 5), PCD and PWT. */
const CR3_WRITABLE = 0xffff_fff8;

/** Reserved bits of a page-directory-pointer-table entry: see table 4-8; physical addresses have 36 bits. */
const PDPTE_RESERVED_LOW = 0x1e6;
const PDPTE_RESERVED_HIGH = 0xffff_fff0;

/** MOV CRn, r32. */
export function movToControl(cpu: Cpu, instruction: Instruction): void {
  const register = instruction.operands[0].register;
  requireControlRegister(cpu, register);
  requirePrivilege(cpu);
  const value = cpu.gpr32(instruction.operands[1].register);
  switch (register) {
    case 0:
      writeCr0(cpu, value | 0);
      break;
    case 2:
      cpu.u32[STATE.CR2 >> 2] = value;
      break;
    case 3:
      loadCr3(cpu, value);
      break;
    default:
      writeCr4(cpu, value | 0);
  }
}

/** Loads CR3, by MOV or a task switch: #GP(0) when PAE paging finds its entries malformed. */
export function loadCr3(cpu: Cpu, value: number): void {
  const cr4 = cpu.i32[CR4_FIELD]!;
  if ((cpu.i32[CR0_FIELD]! & CR0.PG) !== 0 && (cr4 & CR4.PAE) !== 0) loadPointerTable(cpu, value);
  cpu.u32[STATE.CR3 >> 2] = value & CR3_WRITABLE;
  cpu.memory.flush((cr4 & CR4.PGE) !== 0);
}

/** Loads the four PDPTEs that CR3 names (Intel SDM volume 3, 4.4.1); #GP(0), nothing loaded, if a present one has reserved bits set. */
function loadPointerTable(cpu: Cpu, cr3: number): void {
  const { memory, u32 } = cpu;
  const entries: number[] = [];
  for (let at = 0; at < 32; at += 4) entries.push(memory.readPhysical32(((cr3 & ~31) + at) >>> 0));
  for (let n = 0; n < 8; n += 2) {
    const reserved = (entries[n]! & PDPTE_RESERVED_LOW) | (entries[n + 1]! & PDPTE_RESERVED_HIGH);
    if ((entries[n]! & 1) !== 0 && reserved !== 0) throw new GuestFault(VECTOR.GP, 0);
  }
  entries.forEach((entry, n) => u32[(STATE.PDPTE >> 2) + n] = entry);
}

/** MOV r32, CRn. */
export function movFromControl(cpu: Cpu, instruction: Instruction): void {
  const register = instruction.operands[1].register;
  requireControlRegister(cpu, register);
  requirePrivilege(cpu);
  // There is no CR1, and the block has no slot for it.
  cpu.setGpr32(instruction.operands[0].register, cpu.u32[CR0_FIELD + (register === 0 ? 0 : register - 1)]!);
}

function requireControlRegister(cpu: Cpu, register: number): void {
  if (register === 1 || register > 4 || (register === 4 && cpu.model.cr4 === 0)) throw new GuestFault(VECTOR.UD);
}

/** Writes CR0, with the consistency checks of MOV CR0; shared by LMSW. */
export function writeCr0(cpu: Cpu, written: number): void {
  const value = (written & cpu.model.cr0) | CR0.ET;
  if ((value & CR0.PG) !== 0 && (value & CR0.PE) === 0) throw new GuestFault(VECTOR.GP, 0);
  if ((value & CR0.NW) !== 0 && (value & CR0.CD) === 0) throw new GuestFault(VECTOR.GP, 0);
  const changed = value ^ cpu.i32[CR0_FIELD]!;
  const pae = (value & CR0.PG) !== 0 && (cpu.i32[CR4_FIELD]! & CR4.PAE) !== 0;
  if (pae && (changed & (CR0.PG | CR0.CD | CR0.NW)) !== 0) loadPointerTable(cpu, cpu.i32[STATE.CR3 >> 2]!);
  cpu.i32[CR0_FIELD] = value;
  // CPL stays 0 and the segment registers stay as they are, but their types count in protected mode only.
  if ((changed & CR0.PE) !== 0) cpu.refreshSegments();
  if ((changed & (CR0.PE | CR0.PG | CR0.WP)) !== 0) cpu.memory.flush(false);
}

function writeCr4(cpu: Cpu, value: number): void {
  if ((value & ~cpu.model.cr4) !== 0) throw new GuestFault(VECTOR.GP, 0);
  const changed = (value ^ cpu.i32[CR4_FIELD]!) & (CR4.PSE | CR4.PAE | CR4.PGE);
  const pae = (value & CR4.PAE) !== 0 && (cpu.i32[CR0_FIELD]! & CR0.PG) !== 0;
  if (pae && changed !== 0) loadPointerTable(cpu, cpu.i32[STATE.CR3 >> 2]!);
  cpu.i32[CR4_FIELD] = value;
  if (changed !== 0) cpu.memory.flush(false);
}

/** LMSW: loads PE, MP, EM and TS; cannot clear PE. */
export function lmsw(cpu: Cpu, instruction: Instruction): void {
  requirePrivilege(cpu);
  const bits = CR0.PE | CR0.MP | CR0.EM | CR0.TS;
  const old = cpu.i32[CR0_FIELD]!;
  writeCr0(cpu, (old & ~bits) | (readSelector(cpu, instruction, 0) & bits) | (old & CR0.PE));
}

/** SMSW: 16 bits to memory; a 32-bit register receives all of CR0. */
export function smsw(cpu: Cpu, instruction: Instruction): void {
  storeSelector(cpu, instruction, cpu.u32[CR0_FIELD]!);
}

/** CLTS. */
export function clts(cpu: Cpu): void {
  requirePrivilege(cpu);
  cpu.i32[CR0_FIELD]! &= ~CR0.TS;
}
