/**
 * The CPU model, as CPUID tells it (Intel SDM volume 2, "CPUID"): a P6-class processor that claims what is built.
 *
 * @module
 */

/** Family 6, model 8, stepping 3; also EDX at reset. */
export const SIGNATURE = 0x683;

const VENDOR = "GenuineIntel";
const BRAND = "Bulkhead Virtual CPU";

/** Leaf 1, EDX: FPU, PSE, TSC, MSR, CX8, SEP, PGE, CMOV, CLFSH, then what a line each says. */
const FEATURES_EDX = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 11 | 1 << 13 | 1 << 15 | 1 << 19 |
  1 << 1 | // VME
  1 << 2 | // DE
  1 << 6 | // PAE
  1 << 7 | // MCE
  1 << 12 | // MTRR
  1 << 14 | // MCA
  1 << 16; // PAT
/** Leaf 1, ECX: MOVBE, POPCNT. */
const FEATURES_ECX = 1 << 22 | 1 << 23;
/** Leaf 7, EBX: ADX. */
const FEATURES_7_EBX = 1 << 19;
/** Leaf 80000001h, ECX: LZCNT. */
const FEATURES_EXTENDED_ECX = 1 << 5;
/** Leaf 80000001h, EDX: NX. */
const FEATURES_EXTENDED_EDX = 1 << 20;
/** Leaf 1, EBX: CLFLUSH works on lines of eight quadwords. */
const CLFLUSH_LINE = 8 << 8;

/** EAX, EBX, ECX, EDX. */
export type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const MAXIMUM = 7;
const EXTENDED_MAXIMUM = 0x8000_0004;

const EMPTY: Leaf = [0, 0, 0, 0];
const FEATURES_7: Leaf = [0, FEATURES_7_EBX, 0, 0];

const LEAVES: ReadonlyMap<number, Leaf> = new Map<number, Leaf>([
  [0, [MAXIMUM, text(VENDOR, 0), text(VENDOR, 8), text(VENDOR, 4)]],
  [1, [SIGNATURE, CLFLUSH_LINE, FEATURES_ECX, FEATURES_EDX]],
  // One query suffices (AL = 1); no cache or TLB is described.
  [2, [1, 0, 0, 0]],
  [0x8000_0000, [EXTENDED_MAXIMUM, 0, 0, 0]],
  [0x8000_0001, [0, 0, FEATURES_EXTENDED_ECX, FEATURES_EXTENDED_EDX]],
  [0x8000_0002, brand(0)],
  [0x8000_0003, brand(16)],
  [0x8000_0004, brand(32)],
]);

/** What CPUID returns for a leaf (EAX) and a subleaf (ECX), both unsigned. */
export function cpuid(leaf: number, subleaf: number): Leaf {
  // A leaf beyond the maximum returns the highest basic one.
  if ((leaf > MAXIMUM && leaf < 0x8000_0000) || leaf > EXTENDED_MAXIMUM) leaf = MAXIMUM;
  if (leaf === MAXIMUM) return subleaf === 0 ? FEATURES_7 : EMPTY;
  return LEAVES.get(leaf) ?? EMPTY;
}

/** Four characters as a register holds them; NUL beyond the end. */
function text(characters: string, at: number): number {
  let value = 0;
  for (let i = 3; i >= 0; i--) value = (value << 8) | (characters.charCodeAt(at + i) || 0);
  return value;
}

function brand(at: number): Leaf {
  return [text(BRAND, at), text(BRAND, at + 4), text(BRAND, at + 8), text(BRAND, at + 12)];
}
