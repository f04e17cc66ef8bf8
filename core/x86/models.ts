/**
 * CPU models: what a processor has, and what follows from it - CPUID's answers, the bits of control registers and EFLAGS that exist, the
 * instructions that decode.
 *
 * @module
 */
import type { Feature, Form } from "./form.ts";
import type { CpuModelName, RecordedModelName } from "./model_names.ts";
import { MAXIMUM_LENGTH } from "./decode.ts";
import { CR0, CR4, FLAG, SEG } from "./registers.ts";
import { FORMS } from "./table/table.ts";
import { isEscape } from "./table/x87.ts";

/** A feature of a processor: of its instructions, or of its control registers by the name of its CPUID bit. */
export type CpuFeature =
  | Feature
  | "pse"
  | "pge"
  | "vme"
  | "de"
  | "pae"
  | "mce"
  | "mtrr"
  | "mca"
  | "pat"
  | "pmc"
  | "nx"
  | "invariant-tsc"
  | "tsc-adjust";

/** EAX, EBX, ECX, EDX. */
export type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

/** A processor. */
export interface CpuModel {
  readonly name: CpuModelName | RecordedModelName;
  /** Type, family, model and stepping: EDX after reset, and EAX of CPUID leaf 1. */
  readonly signature: number;
  readonly features: ReadonlySet<CpuFeature>;
  /** CR0 bits that can be written. */
  readonly cr0: number;
  /** CR4 bits that can be written; without any there is no CR4. */
  readonly cr4: number;
  /** EFLAGS bits that exist. */
  readonly eflags: number;
  /** CPUID's leaves: a basic one beyond the last repeats that. Empty: there is no CPUID. */
  readonly leaves: ReadonlyMap<number, Leaf>;
  /** By `Form.id`, what an encoding is on this processor: its form, another one, or undefined (#UD). */
  readonly forms: readonly (Form | undefined)[];
  /** Described instructions that only their TypeScript definition carries out as this processor does. */
  readonly calledOut: ReadonlySet<string>;
  /** Bytes of the longest instruction, prefixes included: a longer one raises #GP. */
  readonly maximumLength: number;
  /** Segment registers, in SEG order: MOV of another one raises #UD. */
  readonly segmentRegisters: number;
  /** LOCK may stand before any instruction. */
  readonly locksAnything: boolean;
  /** What an offset beyond its segment does is that of an 80286 in real-address mode: see `segment_overrun.ts`. */
  readonly segmentOverrun: boolean;
}

/** Index in a Leaf. */
const EBX = 1, ECX = 2, EDX = 3;

/** Features that CPUID reports: leaf, register, bit (Intel SDM volume 2, tables 3-10, 3-11 and 3-8). */
const CPUID_BITS: Readonly<Partial<Record<CpuFeature, readonly [leaf: number, register: number, bit: number]>>> = {
  fpu: [1, EDX, 0],
  vme: [1, EDX, 1],
  de: [1, EDX, 2],
  pse: [1, EDX, 3],
  tsc: [1, EDX, 4],
  msr: [1, EDX, 5],
  pae: [1, EDX, 6],
  mce: [1, EDX, 7],
  cx8: [1, EDX, 8],
  sep: [1, EDX, 11],
  mtrr: [1, EDX, 12],
  pge: [1, EDX, 13],
  mca: [1, EDX, 14],
  cmov: [1, EDX, 15],
  pat: [1, EDX, 16],
  clfsh: [1, EDX, 19],
  mmx: [1, EDX, 23],
  fxsr: [1, EDX, 24],
  sse: [1, EDX, 25],
  sse2: [1, EDX, 26],
  sse3: [1, ECX, 0],
  pclmulqdq: [1, ECX, 1],
  ssse3: [1, ECX, 9],
  "sse4.1": [1, ECX, 19],
  "sse4.2": [1, ECX, 20],
  movbe: [1, ECX, 22],
  popcnt: [1, ECX, 23],
  aes: [1, ECX, 25],
  "tsc-adjust": [7, EBX, 1],
  adx: [7, EBX, 19],
  lzcnt: [0x8000_0001, ECX, 5],
  nx: [0x8000_0001, EDX, 20],
  "invariant-tsc": [0x8000_0007, EDX, 8],
};

/** CR4 bits that come with a feature. */
const CR4_BITS: Readonly<Partial<Record<CpuFeature, number>>> = {
  vme: CR4.VME | CR4.PVI,
  tsc: CR4.TSD,
  de: CR4.DE,
  pse: CR4.PSE,
  pae: CR4.PAE,
  mce: CR4.MCE,
  pmc: CR4.PCE,
  pge: CR4.PGE,
  fxsr: CR4.OSFXSR,
  sse: CR4.OSXMMEXCPT,
};

/** Without the feature the prefix of these encodings is ignored (Intel SDM volume 2, LZCNT and TZCNT). */
const WITHOUT_PREFIX: Readonly<Record<string, string>> = { tzcnt: "0F BC /r", lzcnt: "0F BD /r" };

const VENDOR = "GenuineIntel";
const BRAND = "Bulkhead Virtual CPU";

/** Leaf 1, EBX: CLFLUSH works on lines of eight quadwords. */
const CLFLUSH_LINE = 8 << 8;

/** What a model's table entry says. */
interface Description {
  readonly signature: number;
  readonly features: readonly CpuFeature[];
  /** Highest basic and extended leaves of CPUID; 0 where there are none. */
  readonly maximum: readonly [basic: number, extended: number];
  /** CR0 and EFLAGS bits, where they are not those of an 80386 with what the features add. */
  readonly cr0?: number;
  readonly eflags?: number;
  /** How it is no 80386, if so. */
  readonly earlier?: Pick<CpuModel, "maximumLength" | "segmentRegisters" | "locksAnything" | "segmentOverrun">;
}

const FROM_I386 = {
  maximumLength: MAXIMUM_LENGTH,
  segmentRegisters: SEG.GS + 1,
  locksAnything: false,
  segmentOverrun: false,
} as const;

const I386: readonly CpuFeature[] = ["i386", "fpu"];
const I486: readonly CpuFeature[] = [...I386, "i486"];
const PENTIUM: readonly CpuFeature[] = [...I486, "p5", "vme", "de", "pse", "tsc", "msr", "mce", "cx8"];
const PENTIUM3: readonly CpuFeature[] = [
  ...PENTIUM,
  "p6",
  "pae",
  "sep",
  "mtrr",
  "pge",
  "mca",
  "cmov",
  "pat",
  "pmc",
  "mmx",
  "fxsr",
  "sse",
];
const MAX: readonly CpuFeature[] = [
  ...PENTIUM3,
  "clfsh",
  "sse2",
  "sse3",
  "ssse3",
  "sse4.1",
  "sse4.2",
  "aes",
  "pclmulqdq",
  "movbe",
  "popcnt",
  "adx",
  "lzcnt",
  "tzcnt",
  "nx",
  "invariant-tsc",
  "tsc-adjust",
];

const DESCRIPTIONS: Readonly<Record<CpuModelName | RecordedModelName, Description>> = {
  "i286-real": {
    signature: 0,
    // The table's base set. It has no 80287.
    features: ["i386"],
    maximum: [0, 0],
    cr0: CR0.PE | CR0.MP | CR0.EM | CR0.TS,
    // IOPL and NT are 0 and stay so in real-address mode.
    eflags: 0xfff,
    // LOCK: Intel 80386 programmer's reference manual, 14.8.1. The length is what recordings show.
    earlier: { maximumLength: 10, segmentRegisters: SEG.DS + 1, locksAnything: true, segmentOverrun: true },
  },
  // An 80386DX with an 80387.
  i386: { signature: 0x308, features: I386, maximum: [0, 0] },
  // An IntelDX4, which has CPUID.
  i486: { signature: 0x480, features: I486, maximum: [1, 0] },
  pentium: { signature: 0x52c, features: PENTIUM, maximum: [1, 0] },
  pentium3: { signature: 0x683, features: PENTIUM3, maximum: [2, 0] },
  max: { signature: 0x683, features: MAX, maximum: [0x15, 0x8000_0007] },
};

/** Four characters as a register holds them; NUL beyond the end. */
function text(characters: string, at: number): number {
  let value = 0;
  for (let i = 3; i >= 0; i--) value = (value << 8) | (characters.charCodeAt(at + i) || 0);
  return value;
}

function leavesOf({ signature, features, maximum: [basic, extended] }: Description): ReadonlyMap<number, Leaf> {
  const leaves = new Map<number, [number, number, number, number]>();
  if (basic === 0) return leaves;
  for (let leaf = 0; leaf <= basic; leaf++) leaves.set(leaf, [0, 0, 0, 0]);
  leaves.set(0, [basic, text(VENDOR, 0), text(VENDOR, 8), text(VENDOR, 4)]);
  leaves.set(1, [signature, features.includes("clfsh") ? CLFLUSH_LINE : 0, 0, 0]);
  // One query suffices (AL = 1); no cache or TLB is described.
  if (basic >= 2) leaves.set(2, [1, 0, 0, 0]);
  // The time-stamp counter runs at 1 GHz of virtual time: a guest that is told need not measure it on a busy host.
  if (basic >= 0x15) leaves.set(0x15, [1, 1, 1_000_000_000, 0]);
  if (extended !== 0) {
    for (let leaf = 0x8000_0000; leaf <= extended; leaf++) leaves.set(leaf, [0, 0, 0, 0]);
    leaves.set(0x8000_0000, [extended, 0, 0, 0]);
    for (let part = 0; part < 3; part++) {
      const at = part * 16;
      leaves.set(0x8000_0002 + part, [text(BRAND, at), text(BRAND, at + 4), text(BRAND, at + 8), text(BRAND, at + 12)]);
    }
  }
  for (const feature of features) {
    const place = CPUID_BITS[feature];
    const leaf = place === undefined ? undefined : leaves.get(place[0]);
    if (place !== undefined && leaf !== undefined) leaf[place[1]]! |= 1 << place[2];
  }
  return leaves;
}

function formsOf(features: ReadonlySet<CpuFeature>): (Form | undefined)[] {
  return FORMS.map((form) => {
    if (features.has(form.feature) || (!features.has("fpu") && isEscape(form))) return form;
    const plain = WITHOUT_PREFIX[form.mnemonic];
    return FORMS.find(({ opcode }) => opcode === plain);
  });
}

function calledOut(features: ReadonlySet<CpuFeature>, eflags: number): ReadonlySet<string> {
  // What is emitted of FPU instructions takes for granted that there is an FPU.
  const escapes = features.has("fpu") ? [] : FORMS.filter(isEscape).map(({ semantics }) => semantics);
  return new Set(eflags === ~0 ? escapes : ["popf", "iret", ...escapes]);
}

function model(name: CpuModelName | RecordedModelName): CpuModel {
  const description = DESCRIPTIONS[name];
  const features = new Set(description.features);
  const is486 = features.has("i486");
  const leaves = leavesOf(description);
  const eflags = description.eflags ?? ~((is486 ? 0 : FLAG.AC) | (leaves.size !== 0 ? 0 : FLAG.ID));
  const cr0 = CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.PG;
  return {
    name,
    signature: description.signature,
    features,
    cr0: description.cr0 ?? (is486 ? cr0 | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD : cr0),
    cr4: description.features.reduce((bits, feature) => bits | (CR4_BITS[feature] ?? 0), 0),
    eflags,
    leaves,
    forms: formsOf(features),
    calledOut: calledOut(features, eflags),
    ...(description.earlier ?? FROM_I386),
  };
}

const made = new Map<CpuModel["name"], CpuModel>();

/** A model by name. */
export function cpuModel(name: CpuModelName | RecordedModelName): CpuModel {
  let known = made.get(name);
  if (known === undefined) made.set(name, known = model(name));
  return known;
}
