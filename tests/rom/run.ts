/**
 * Runs a ROM in two ways, which must end in the same state after the same number of instructions.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { architecturalState } from "../../core/engine/cpu_start.ts";
import { AT, TRAP } from "./layout.ts";
import { RomMachine, type RomResult } from "./machine.ts";
import type { Rom } from "./rom.ts";

/** At once, one instruction at a time, and in stretches that end anywhere. */
const STRETCHES = [1_000_000, 1, 7, 61] as const;

/** Breakpoints at all addresses where ROMs have code. */
const EVERYWHERE = Array.from({ length: 0x1_0000 }, (_, offset) => 0xf_0000 + offset);

/** The tables, stacks and data of ROMs. */
const EVERYTHING = [{ address: 0, length: 0x2_0000, kind: "access" }] as const;

/** Under a debugger that stops often, and is told nothing of it. */
const DEBUGGED: readonly ((machine: RomMachine) => void)[] = [
  ({ vcpu }) => vcpu.stopAt(EVERYWHERE, []),
  ({ vcpu }) => vcpu.stopAt([], EVERYTHING),
  ({ vcpu }) => vcpu.stopAt(EVERYWHERE, [{ ...EVERYTHING[0], kind: "write" }]),
];

/** With code translated when it is first met, or a little later; in long stretches and in stretches that end anywhere. */
const TRANSLATED: readonly { readonly after: number; readonly stretch: number }[] = [
  { after: 0, stretch: 1_000_000 },
  { after: 3, stretch: 1_000_000 },
  { after: 0, stretch: 997 },
  { after: 2, stretch: 61 },
];

/** Runs a ROM; throws with the description of the check that failed. `stop`: how it must end, after its last check. */
export function runRom(rom: Rom, stop: RomResult["stop"] = "dead"): void {
  const bytes = rom.build();
  let first: { readonly result: RomResult; readonly machine: RomMachine } | undefined;
  const ways = [...STRETCHES, ...DEBUGGED, ...TRANSLATED];
  for (const given of ways) {
    const translated = typeof given === "object";
    const machine = new RomMachine(bytes, translated ? given : undefined);
    const stretch = typeof given === "number" ? given : translated ? given.stretch : 1_000_000;
    if (typeof given === "function") given(machine);
    const result = machine.run(stretch);
    if (result.post !== 0xff || result.stop !== stop) throw new Error(explain(rom, machine, result, stretch));
    first ??= { result, machine };
    if (typeof given === "function") assert(machine.debugStops > 0, `${rom.name}: the debugger saw nothing`);
    const how = translated ? `translated after ${given.after}, ` : typeof given === "function" ? `${given}, ` : "";
    const way = `${rom.name}, ${how}${stretch} instructions at a time`;
    assertEquals(result.retired, first.result.retired, `instructions retired: ${way}`);
    if (result.hash !== first.result.hash) throw new Error(`${way}: ${differences(first.machine, machine)}`);
  }
}

function explain(rom: Rom, machine: RomMachine, { stop, post, text }: RomResult, stretch: number): string {
  const { layout, bytes } = machine.vcpu.physical;
  const word = (at: number) =>
    new DataView(bytes.buffer, layout.ram).getUint32(at, true).toString(16).toUpperCase().padStart(8, "0");
  const { cs, eip, lastVector, lastError, cr2 } = machine.vcpu.report();
  const failed = rom.checks[parseInt(text.slice(-4), 16)];
  const { vcpu } = machine;
  const registers = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].map((name, i) =>
    `e${name} ${vcpu.cpu.gpr32(i).toString(16)}`
  );
  return `${rom.name}, ${stretch} instructions at a time: ${
    post === 0xee ? `check failed: ${failed}` : `ended with ${stop}, POST ${post.toString(16)}, text "${text}"`
  }
  at ${cs.toString(16)}:${eip.toString(16)}, last exception ${lastVector} (${lastError.toString(16)}), CR2 ${
    cr2.toString(16)
  }
  ${registers.join(", ")}
  trap record: vector ${word(TRAP.VECTOR)}, error ${word(TRAP.ERROR)}, EIP ${word(TRAP.EIP)}, CS ${
    word(TRAP.CS)
  }, EFLAGS ${word(TRAP.EFLAGS)}, ESP ${word(TRAP.ESP)}, SS ${word(TRAP.SS)}, CR2 ${word(TRAP.CR2)}, frame at ${
    word(TRAP.FRAME)
  }, resume ${word(AT.RESUME)}`;
}

/** Where two machines' states differ. */
function differences(a: RomMachine, b: RomMachine): string {
  const found: string[] = [];
  const compare = (what: string, x: Uint8Array, y: Uint8Array) =>
    x.forEach((byte, i) => {
      if (byte !== y[i] && found.length < 16) {
        found.push(`${what} ${i.toString(16)}: ${byte.toString(16)}, ${y[i]!.toString(16)}`);
      }
    });
  compare("CPU block", architecturalState(a.vcpu.cpu), architecturalState(b.vcpu.cpu));
  const ram = ({ vcpu: { physical } }: RomMachine) =>
    physical.bytes.subarray(physical.layout.ram, physical.layout.ram + physical.layout.ramBytes);
  compare("RAM", ram(a), ram(b));
  return found.join("; ");
}
