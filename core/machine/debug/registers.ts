/**
 * The registers that a debugger sees: their names and types in the terms of gdb's target descriptions, and where they are.
 *
 * gdb knows the features org.gnu.gdb.i386.core and .sse by the names of their registers, whose order here is that of its own descriptions
 * (GDB manual, appendix G.5, "i386 Features"). The system registers are a feature of our own.
 *
 * @module
 */
import { Extended } from "../../x86/fpu/extended.ts";
import {
  controlWord,
  readRegister,
  setControlWord,
  setStatusWord,
  setTagWord,
  statusWord,
  summarize,
  tagWord,
  writeRegister,
} from "../../x86/fpu/stack.ts";
import type { Cpu } from "../../x86/cpu.ts";
import { FLAG, SEG, STATE } from "../../x86/registers.ts";

/** A group of registers, as gdb's target descriptions name them. */
export type RegisterFeature = "org.gnu.gdb.i386.core" | "org.gnu.gdb.i386.sse" | "bulkhead.i386.system";

/** A register. */
export interface DebugRegister {
  /** gdb's name for it. */
  readonly name: string;
  /** A multiple of 8. */
  readonly bits: number;
  /** gdb's name of its type. */
  readonly type: string;
  /** gdb's register group, where the type does not tell. */
  readonly group?: "float" | "system";
  readonly feature: RegisterFeature;
  /** Its value, `bits / 8` bytes, the lowest first. */
  read(cpu: Cpu): Uint8Array;
  /** Sets it. Absent: it cannot be set from outside. Returns false for a value that it cannot have. */
  write?(cpu: Cpu, value: Uint8Array): boolean;
}

type Described = Omit<DebugRegister, "feature" | "bits" | "read" | "write">;

/** A 32-bit register with a value that is a number. */
function word(
  described: Described,
  get: (cpu: Cpu) => number,
  set?: (cpu: Cpu, value: number) => boolean | void,
): Omit<DebugRegister, "feature"> {
  return {
    ...described,
    bits: 32,
    read: (cpu) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, get(cpu), true);
      return bytes;
    },
    ...(set === undefined ? {} : {
      write: (cpu: Cpu, value: Uint8Array) =>
        set(cpu, new DataView(value.buffer, value.byteOffset).getUint32(0, true)) !== false,
    }),
  };
}

const int = (name: string): Described => ({ name, type: "int" });
const system = (name: string): Described => ({ name, type: "uint32", group: "system" });
const float = (name: string): Described => ({ name, type: "int", group: "float" });

/** A dword of the state block that may only be read. */
function state(described: Described, offset: number): Omit<DebugRegister, "feature"> {
  return word(described, (cpu) => cpu.u32[offset >> 2]!);
}

function general(name: string, register: number, type = "int"): Omit<DebugRegister, "feature"> {
  return word({ name, type }, (cpu) => cpu.gpr32(register), (cpu, value) => cpu.setGpr32(register, value));
}

/** A selector. In real-address and virtual-8086 mode it can be set; elsewhere it names a descriptor that would have to be loaded. */
function selector(name: string, segment: number): Omit<DebugRegister, "feature"> {
  return word(int(name), (cpu) => cpu.selector(segment), (cpu, value) => {
    if (cpu.protectedMode) return false;
    if (cpu.virtual8086) cpu.loadVirtual8086Segment(segment, value);
    else cpu.loadRealSegment(segment, value);
  });
}

function stackRegister(i: number): Omit<DebugRegister, "feature"> {
  return {
    name: `st${i}`,
    bits: 80,
    type: "i387_ext",
    read: (cpu) => {
      const { sign, exponent, high, low } = readRegister(cpu, i, new Extended());
      const bytes = new Uint8Array(10), view = new DataView(bytes.buffer);
      view.setInt32(0, low, true);
      view.setInt32(4, high, true);
      view.setUint16(8, (sign << 15) | exponent, true);
      return bytes;
    },
    write: (cpu, bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset), value = new Extended();
      value.low = view.getInt32(0, true);
      value.high = view.getInt32(4, true);
      value.sign = view.getUint16(8, true) >> 15;
      value.exponent = view.getUint16(8, true) & 0x7fff;
      writeRegister(cpu, i, value);
      return true;
    },
  };
}

function vectorRegister(i: number): Omit<DebugRegister, "feature"> {
  const at = STATE.XMM + i * 16;
  return {
    name: `xmm${i}`,
    bits: 128,
    type: "vec128",
    read: (cpu) => cpu.u8.slice(at, at + 16),
    write: (cpu, value) => {
      cpu.u8.set(value, at);
      return true;
    },
  };
}

/** Bits of EFLAGS that a debugger sets: VM would need other segments, and bit 1 is fixed. */
const SETTABLE_FLAGS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.IF | FLAG.DF | FLAG.OF |
  FLAG.IOPL | FLAG.NT | FLAG.AC | FLAG.VIF | FLAG.VIP | FLAG.ID;

/** The bits of MXCSR that are defined without DAZ's neighbours above bit 15. */
const MXCSR_MASK = 0xffff;

const CORE: readonly Omit<DebugRegister, "feature">[] = [
  ...["eax", "ecx", "edx", "ebx"].map((name, register) => general(name, register)),
  general("esp", 4, "data_ptr"),
  general("ebp", 5, "data_ptr"),
  general("esi", 6),
  general("edi", 7),
  word({ name: "eip", type: "code_ptr" }, (cpu) => cpu.eip, (cpu, value) => {
    cpu.eip = value;
    cpu.halted = false;
  }),
  word({ name: "eflags", type: "i386_eflags" }, (cpu) => cpu.eflags, (cpu, value) => {
    cpu.setEflags(value, SETTABLE_FLAGS);
  }),
  selector("cs", SEG.CS),
  selector("ss", SEG.SS),
  selector("ds", SEG.DS),
  selector("es", SEG.ES),
  selector("fs", SEG.FS),
  selector("gs", SEG.GS),
  ...Array.from({ length: 8 }, (_, i) => stackRegister(i)),
  word(float("fctrl"), controlWord, setControlWord),
  word(float("fstat"), statusWord, (cpu, value) => {
    setStatusWord(cpu, value & 0xffff);
    summarize(cpu);
  }),
  word(float("ftag"), tagWord, setTagWord),
  state(float("fiseg"), STATE.FPU_CS),
  state(float("fioff"), STATE.FPU_IP),
  state(float("foseg"), STATE.FPU_DS),
  state(float("fooff"), STATE.FPU_DP),
  state(float("fop"), STATE.FPU_OPCODE),
];

const SSE: readonly Omit<DebugRegister, "feature">[] = [
  ...Array.from({ length: 8 }, (_, i) => vectorRegister(i)),
  word({ name: "mxcsr", type: "i386_mxcsr" }, (cpu) => cpu.u32[STATE.MXCSR >> 2]!, (cpu, value) => {
    if ((value & ~MXCSR_MASK) !== 0) return false;
    cpu.u32[STATE.MXCSR >> 2] = value;
  }),
];

/** Names that gdb itself uses elsewhere are `fs_base` and `gs_base`; the others follow them. */
const SEGMENT_BASES = ["es_base", "cs_base", "ss_base", "ds_base", "fs_base", "gs_base"] as const;

const SYSTEM: readonly Omit<DebugRegister, "feature">[] = [
  state(system("cr0"), STATE.CR0),
  state(system("cr2"), STATE.CR2),
  state(system("cr3"), STATE.CR3),
  state(system("cr4"), STATE.CR4),
  ...[0, 1, 2, 3, 6, 7].map((n) => state(system(`dr${n}`), STATE.DR + n * 8)),
  state(system("gdt_base"), STATE.GDTR_BASE),
  state(system("gdt_limit"), STATE.GDTR_LIMIT),
  state(system("idt_base"), STATE.IDTR_BASE),
  state(system("idt_limit"), STATE.IDTR_LIMIT),
  word(system("ldtr"), (cpu) => cpu.selector(SEG.LDTR)),
  word(system("tr"), (cpu) => cpu.selector(SEG.TR)),
  ...SEGMENT_BASES.map((name, segment) => word(system(name), (cpu) => cpu.segmentBase(segment))),
  state(system("cpl"), STATE.CPL),
];

/**
 * The registers of a CPU in the order of gdb's register numbers.
 *
 * @param sse Whether the CPU has SSE.
 */
export function debugRegisters(sse: boolean): readonly DebugRegister[] {
  return [
    ...CORE.map((register) => ({ ...register, feature: "org.gnu.gdb.i386.core" as const })),
    ...(sse ? SSE : []).map((register) => ({ ...register, feature: "org.gnu.gdb.i386.sse" as const })),
    ...SYSTEM.map((register) => ({ ...register, feature: "bulkhead.i386.system" as const })),
  ];
}
