/**
 * Runs the vectors recorded in real mode on an 80286 and an 8086.
 *
 * @module
 */
import { FLAG, GPR, SEG, VECTOR } from "../../core/x86/registers.ts";
import type { VectorMachine } from "./machine.ts";
import { Differences, hex, type Outcome } from "./outcome.ts";
import { bytesOf, isOf8086, PREFIXES, type RealModeVector, type Run } from "./real_mode_format.ts";
import { exception } from "./real_mode_rules.ts";

const GENERAL: readonly (readonly [name: string, register: number])[] = [
  ["ax", GPR.AX],
  ["bx", GPR.BX],
  ["cx", GPR.CX],
  ["dx", GPR.DX],
  ["sp", GPR.SP],
  ["bp", GPR.BP],
  ["si", GPR.SI],
  ["di", GPR.DI],
];
const SEGMENTS: readonly (readonly [name: string, register: number])[] = [
  ["cs", SEG.CS],
  ["ss", SEG.SS],
  ["ds", SEG.DS],
  ["es", SEG.ES],
];

/** FLAGS bits that are compared: of an 8086, those that it has; of an 80286 all, whose upper ones are 0 in real-address mode. */
const COMPARED = { OF_8086: 0xfd5, OF_80286: 0xffff } as const;

/**
 * More instructions than any vector takes: a whole repeated string, or an instruction and its HLT. Translated code runs only where more are
 * left.
 */
const MAXIMUM = { STRING: 0x1_0010, OTHER: 2, TRANSLATED: 400 } as const;

/** Real-mode addresses end below this. */
const REACH = 0x11_0000;

const HLT = 0xf4;

const hltByte = Uint8Array.of(HLT);

/** Runs one vector; its memory is zero again afterwards. */
export function runRealMode(machine: VectorMachine, vector: RealModeVector): Outcome {
  const { cpu } = machine;
  const { regs, ram } = vector.init;
  const is8086 = isOf8086(vector);
  machine.reset();
  machine.vcpu.setA20(!is8086);
  for (const [address, bytes] of ram) machine.write(address, bytesOf(bytes));
  for (const [address] of [...ram, ...vector.final.ram]) machine.touch(address, false);
  for (const [name, register] of GENERAL) cpu.setGpr32(register, regs[name]!);
  for (const [name, register] of SEGMENTS) cpu.loadRealSegment(register, regs[name]!);
  cpu.eip = regs.ip!;
  cpu.setEflags(regs.flags! & 0xfff, 0xffff);

  const trap = is8086 ? plantHandler(machine, vector) : undefined;
  const problem = execute(machine, vector, is8086);
  trap?.();
  const outcome = problem === undefined ? compare(machine, vector) : failed(problem);
  clear(machine, vector);
  if (outcome.kind !== "failed") return outcome;
  machine.wipe(REACH);
  return is8086 ? exception(vector, cpu.lastVector, hasLock(vector)) ?? outcome : outcome;
}

function failed(problem: string): Outcome {
  return { kind: "failed", differences: [problem] };
}

/** Runs until HLT has executed (80286), or one instruction (8086). Returns what went wrong, if anything did. */
function execute(machine: VectorMachine, vector: RealModeVector, is8086: boolean): string | undefined {
  const { cpu } = machine;
  const repeats = repeatedString(bytesOf(vector.bytes));
  const start = cpu.eip;
  let stop;
  const other = machine.translate ? MAXIMUM.TRANSLATED : MAXIMUM.OTHER;
  if (!is8086) stop = machine.run(repeats ? MAXIMUM.STRING : other);
  else do stop = machine.run(1); while (repeats && stop.reason === "budget" && cpu.eip === start);
  switch (stop.reason) {
    case "halted":
    case "dead":
      return undefined;
    case "budget":
      // The last instruction of the budget may be the HLT.
      return is8086 || cpu.halted ? undefined : "the instruction was not followed by its HLT";
    case "unbuilt":
      return `stopped: ${stop.feature} is not built`;
    default:
      return `stopped: ${stop.reason}`;
  }
}

/**
 * Puts a HLT at the handler of an exception that a later processor raises where the recorded one did not, and where a single step must
 * not run on into the handler. Returns what takes it away again.
 */
function plantHandler(machine: VectorMachine, vector: RealModeVector): (() => void) | undefined {
  const locked = hasLock(vector);
  if (!locked && !mayDivide(vector.op)) return undefined;
  const { memory, cpu } = machine;
  const entry = (locked ? VECTOR.UD : VECTOR.DE) * 4;
  const offset = memory[entry]! | memory[entry + 1]! << 8;
  const handler = ((memory[entry + 2]! | memory[entry + 3]! << 8) << 4) + offset;
  const address = handler & 0xfffff;
  const hidden = memory[address]!;
  machine.write(address, hltByte);
  return () => {
    machine.write(address, Uint8Array.of(hidden));
    if (cpu.halted) cpu.eip = offset;
  };
}

function hasLock(vector: RealModeVector): boolean {
  const LOCK = 0xf0;
  for (const byte of bytesOf(vector.bytes)) {
    if (byte === LOCK) return true;
    if (!PREFIXES.has(byte)) return false;
  }
  return false;
}

/** DIV, IDIV and AAM. */
function mayDivide(op: string): boolean {
  return /^(F[67]\.[67]|D4)/.test(op);
}

function repeatedString(bytes: Uint8Array): boolean {
  let repeat = false;
  for (const byte of bytes) {
    if (byte === 0xf2 || byte === 0xf3) repeat = true;
    else if (!PREFIXES.has(byte)) {
      return repeat &&
        ((byte >= 0x6c && byte <= 0x6f) || (byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf));
    }
  }
  return false;
}

function compare(machine: VectorMachine, vector: RealModeVector): Outcome {
  const { cpu } = machine;
  const differences = new Differences();
  const expected = (name: string) => vector.final.regs[name] ?? vector.init.regs[name]!;
  for (const [name, register] of GENERAL) differences.compare(name, cpu.gpr32(register), expected(name));
  for (const [name, register] of SEGMENTS) differences.compare(name, cpu.selector(register), expected(name));
  // IP has 16 bits: a HLT at FFFFh ends at 0.
  differences.compare("ip", cpu.eip & 0xffff, expected("ip"));
  const mask = (isOf8086(vector) ? COMPARED.OF_8086 : COMPARED.OF_80286) & definedFlags(vector);
  differences.compare("flags", cpu.eflags & mask, expected("flags") & mask);
  for (const run of expectedMemory(vector)) compareRun(machine, vector, run, mask, differences);
  return differences.outcome;
}

/** FORMAT.md: the 80286 set's masks omit OF, undefined for rotates by more than one. */
function definedFlags(vector: RealModeVector): number {
  return /^C[01]\.[0-3]/.test(vector.op) ? vector.fmask & ~FLAG.OF : vector.fmask;
}

/** Runs that were not written must have stayed. */
function expectedMemory(vector: RealModeVector): readonly Run[] {
  const written = new Map<number, number>();
  for (const [address, text] of vector.final.ram) {
    for (const [i, byte] of bytesOf(text).entries()) written.set(address + i, byte);
  }
  const whole: Run[] = [...vector.final.ram];
  for (const [address, text] of vector.init.ram) {
    const bytes = bytesOf(text);
    for (let i = 0; i < bytes.length; i++) {
      const later = written.get(address + i);
      if (later !== undefined) bytes[i] = later;
    }
    whole.push([address, Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")]);
  }
  return whole;
}

function compareRun(
  machine: VectorMachine,
  vector: RealModeVector,
  [address, text]: Run,
  mask: number,
  differences: Differences,
): void {
  const bytes = bytesOf(text);
  const flagsAt = flagsImage(vector);
  for (let i = 0; i < bytes.length; i++) {
    const at = address + i;
    // The FLAGS image that an exception pushed.
    const compared = at === flagsAt ? mask & 0xff : at === flagsAt + 1 ? mask >> 8 : 0xff;
    differences.compare(`byte at ${hex(at, 5)}`, machine.memory[at]! & compared, bytes[i]! & compared, 2);
  }
}

/**
 * Address of the FLAGS image that an exception or interrupt pushed, or PUSHF; -2 if there is none. (Where a file gives it, it is rounded
 * down to an even one. Bits 12 to 15 of an 8086's are set, so that these are not compared.)
 */
function flagsImage(vector: RealModeVector): number {
  const { init, final, op } = vector;
  const pushf = op === "9C";
  const interrupt = vector.exc !== undefined || /^(C[CDE]|F[67]\.[67]|D4)$/.test(op) && final.regs.cs !== undefined;
  if (!pushf && !interrupt) return -2;
  const ss = final.regs.ss ?? init.regs.ss!, sp = final.regs.sp ?? init.regs.sp!;
  const address = ss * 16 + ((sp + (pushf ? 0 : 4)) & 0xffff);
  return isOf8086(vector) ? address & 0xfffff : address;
}

function clear(machine: VectorMachine, vector: RealModeVector): void {
  for (const [address, text] of [...vector.init.ram, ...vector.final.ram]) {
    machine.write(address, new Uint8Array(text.length >> 1));
  }
}
