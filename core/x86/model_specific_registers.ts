/**
 * The model-specific registers: which there are, what they hold after RESET, which values they take (Intel SDM volume 4).
 *
 * @module
 */
import type { Cpu } from "./cpu.ts";
import { BTF } from "./breakpoints.ts";
import { EFER, MSR_SLOT, STATE } from "./registers.ts";

/** MSR addresses. Any other raises #GP(0). */
export const MSR = {
  P5_MC_ADDR: 0x0,
  P5_MC_TYPE: 0x1,
  IA32_TIME_STAMP_COUNTER: 0x10,
  IA32_PLATFORM_ID: 0x17,
  IA32_APIC_BASE: 0x1b,
  EBL_CR_POWERON: 0x2a,
  IA32_TSC_ADJUST: 0x3b,
  IA32_BIOS_UPDT_TRIG: 0x79,
  IA32_BIOS_SIGN_ID: 0x8b,
  IA32_MTRRCAP: 0xfe,
  IA32_SYSENTER_CS: 0x174,
  IA32_SYSENTER_ESP: 0x175,
  IA32_SYSENTER_EIP: 0x176,
  IA32_MCG_CAP: 0x179,
  IA32_MCG_STATUS: 0x17a,
  IA32_MISC_ENABLE: 0x1a0,
  IA32_DEBUGCTL: 0x1d9,
  IA32_MTRR_PHYSBASE0: 0x200,
  IA32_MTRR_FIX64K_00000: 0x250,
  IA32_MTRR_FIX16K_80000: 0x258,
  IA32_MTRR_FIX16K_A0000: 0x259,
  IA32_MTRR_FIX4K_C0000: 0x268,
  IA32_PAT: 0x277,
  IA32_MTRR_DEF_TYPE: 0x2ff,
  IA32_EFER: 0xc000_0080,
} as const;

/** A register: kept in a slot of the state block, or a constant. */
export interface ModelSpecificRegister {
  /** Slot, or -1 for a constant. */
  readonly slot: number;
  /** Value after RESET, or the constant. */
  readonly low: number;
  readonly high: number;
  /** Whether a value may be written; a constant ignores what it accepts. Any other write raises #GP(0). */
  accepts(low: number, high: number): boolean;
  /** Bits of the lower half that a write changes. */
  readonly writable: number;
}

const REGISTERS = new Map<number, ModelSpecificRegister>();

const anything = () => true;
const nothing = () => false;

/** Physical addresses have 36 bits. */
const ADDRESS_HIGH = 0xf;

function keep(
  address: number,
  slot: number,
  accepts: ModelSpecificRegister["accepts"] = anything,
  low = 0,
  high = 0,
  writable = ~0,
): void {
  REGISTERS.set(address, { slot, low, high, accepts, writable });
}

function constant(address: number, low: number, accepts: ModelSpecificRegister["accepts"]): void {
  REGISTERS.set(address, { slot: -1, low, high: 0, accepts, writable: 0 });
}

/** Memory types: UC, WC, WT, WP, WB; in the PAT UC- too. */
const MTRR_TYPES = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6;
const PAT_TYPES = MTRR_TYPES | 1 << 7;

function typeIn(types: number, value: number): boolean {
  return value < 8 && ((types >> value) & 1) !== 0;
}

/** Whether all eight bytes are memory types. */
function eightTypes(types: number): ModelSpecificRegister["accepts"] {
  return (low, high) => {
    for (const half of [low, high]) {
      for (let shift = 0; shift < 32; shift += 8) if (!typeIn(types, (half >>> shift) & 0xff)) return false;
    }
    return true;
  };
}

// Pentium's machine check registers: no machine check ever happens.
constant(MSR.P5_MC_ADDR, 0, anything);
constant(MSR.P5_MC_TYPE, 0, anything);
constant(MSR.IA32_PLATFORM_ID, 0, nothing);
// There is no local APIC: it stays disabled (bit 11) at its address, on the boot processor (bit 8).
keep(
  MSR.IA32_APIC_BASE,
  MSR_SLOT.APIC_BASE,
  (low, high) => (low & 0x6ff) === 0 && high <= ADDRESS_HIGH,
  0xfee0_0100,
  0,
  ~0xfff,
);
constant(MSR.EBL_CR_POWERON, 0, anything);
// What has been added to the counter since RESET, which is how the counter is kept.
keep(MSR.IA32_TSC_ADJUST, MSR_SLOT.TSC_OFFSET);
// No microcode update is loaded: software writes 0 before CPUID would load the revision.
constant(MSR.IA32_BIOS_UPDT_TRIG, 0, anything);
constant(MSR.IA32_BIOS_SIGN_ID, 0, anything);
keep(MSR.IA32_SYSENTER_CS, MSR_SLOT.SYSENTER_CS);
keep(MSR.IA32_SYSENTER_ESP, MSR_SLOT.SYSENTER_ESP);
keep(MSR.IA32_SYSENTER_EIP, MSR_SLOT.SYSENTER_EIP);
// Machine-check architecture without banks.
constant(MSR.IA32_MCG_CAP, 0, nothing);
keep(MSR.IA32_MCG_STATUS, MSR_SLOT.MCG_STATUS, (low, high) => (low & ~7) === 0 && high === 0);
// Fast strings; no branch trace store, no precise event sampling.
keep(MSR.IA32_MISC_ENABLE, MSR_SLOT.MISC_ENABLE, anything, 1 << 0 | 1 << 11 | 1 << 12);
// Of the debug features there is BTF; branch records and traces are not there.
keep(MSR.IA32_DEBUGCTL, MSR_SLOT.DEBUGCTL, (low, high) => (low & ~BTF) === 0 && high === 0);
// Eight variable ranges, fixed ranges, write combining.
constant(MSR.IA32_MTRRCAP, 8 | 1 << 8 | 1 << 10, nothing);
for (let n = 0; n < 8; n++) {
  const slot = MSR_SLOT.MTRR_VARIABLE + 2 * n;
  keep(
    MSR.IA32_MTRR_PHYSBASE0 + 2 * n,
    slot,
    (low, high) => typeIn(MTRR_TYPES, low & 0xff) && (low & 0xf00) === 0 && high <= ADDRESS_HIGH,
  );
  keep(
    MSR.IA32_MTRR_PHYSBASE0 + 2 * n + 1,
    slot + 1,
    (low, high) => (low & 0x7ff) === 0 && high <= ADDRESS_HIGH,
  );
}
const fixed = [MSR.IA32_MTRR_FIX64K_00000, MSR.IA32_MTRR_FIX16K_80000, MSR.IA32_MTRR_FIX16K_A0000] as number[];
for (let n = 0; n < 8; n++) fixed.push(MSR.IA32_MTRR_FIX4K_C0000 + n);
fixed.forEach((address, n) => keep(address, MSR_SLOT.MTRR_FIXED + n, eightTypes(MTRR_TYPES)));
keep(
  MSR.IA32_MTRR_DEF_TYPE,
  MSR_SLOT.MTRR_DEF_TYPE,
  (low, high) => typeIn(MTRR_TYPES, low & 0xff) && (low & ~0xcff) === 0 && high === 0,
);
keep(MSR.IA32_PAT, MSR_SLOT.PAT, eightTypes(PAT_TYPES), 0x0007_0406, 0x0007_0406);
keep(MSR.IA32_EFER, MSR_SLOT.EFER, (low, high) => (low & ~EFER.NXE) === 0 && high === 0);

/** The register at an address, or undefined where there is none. The time-stamp counter is not among them: it counts. */
export function modelSpecificRegister(address: number): ModelSpecificRegister | undefined {
  return REGISTERS.get(address);
}

/** Gives every register its value after RESET. */
export function resetModelSpecific(cpu: Cpu): void {
  for (const { slot, low, high } of REGISTERS.values()) {
    if (slot < 0) continue;
    cpu.u32[(STATE.MSR >> 2) + 2 * slot] = low;
    cpu.u32[(STATE.MSR >> 2) + 2 * slot + 1] = high;
  }
}
