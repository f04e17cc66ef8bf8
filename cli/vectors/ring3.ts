/**
 * Runs the vectors of 32-bit user code.
 *
 * @module
 */
import { STATE, VECTOR } from "../../core/x86/registers.ts";
import { opcodeText } from "./opcode_text.ts";
import type { VectorMachine } from "./machine.ts";
import { Differences, type Outcome } from "./outcome.ts";
import { bytesOf } from "./real_mode_format.ts";
import { isLongMode, type Ring3Vector } from "./ring3_format.ts";
import { CODE_ADDRESS, UserMemory } from "./ring3_memory.ts";
import { buildMonitor, enterUserMode, type Trapped, trapped, USER_PAGES } from "./ring3_monitor.ts";
import { compareVectorRegisters, loadVectorRegisters } from "./ring3_vector_registers.ts";

/** CF, PF, AF, ZF, SF, DF and OF. */
const COMPARED_FLAGS = 0xcd5;

/** More instructions than a vector takes: a repeated string ends at the end of a page. */
const MAXIMUM = 1 << 20;

const CODE_SELECTOR = 0x23;
const NAMES = "eax ecx edx ebx esp ebp esi edi".split(" ");
const ESP = 4;

/** A machine with a monitor. */
export class Ring3Runner {
  readonly #memory = new UserMemory();

  constructor(readonly machine: VectorMachine) {
    buildMonitor(machine);
  }

  /** Runs one vector. */
  run(vector: Ring3Vector): Outcome {
    if (isLongMode(vector)) {
      return { kind: "excepted", opcode: opcodeText(vector.c), rule: "not built: 64-bit mode" };
    }
    const { machine } = this;
    const { cpu } = machine;
    this.#memory.load(machine, bytesOf(vector.c), vector.m);
    machine.reset();
    enterUserMode(cpu);
    loadVectorRegisters(cpu, vector);
    vector.g.forEach((value, i) => cpu.setGpr32(i, parseInt(value, 16)));
    cpu.setEflags(parseInt(vector.f, 16), 0x3f_ffff);
    cpu.eip = CODE_ADDRESS;
    for (const { linear } of USER_PAGES) machine.touch(linear, true);

    const stop = machine.run(MAXIMUM);
    if (stop.reason === "unbuilt") return failed(`stopped: ${stop.feature} is not built`);
    if (!cpu.halted) return failed(`stopped: ${stop.reason}`);
    const found = trapped(machine);
    const differences = new Differences();
    compareTrap(machine, vector, found, differences);
    compareRegisters(machine, vector, found, differences);
    compareVectorRegisters(cpu, vector, differences);
    this.#memory.compare(machine, vector.M, differences);
    return differences.outcome;
  }
}

function failed(problem: string): Outcome {
  return { kind: "failed", differences: [problem] };
}

/** The exception that ended the vector: its own, or the breakpoint that follows the instruction. */
function compareTrap(machine: VectorMachine, vector: Ring3Vector, found: Trapped, differences: Differences): void {
  const [expected, error, address] = vector.e ?? [VECTOR.BP, 0];
  const ip = parseInt(vector.ip, 16);
  differences.compare("vector", found.vector, expected, 2);
  // INT3 saves the address after itself.
  differences.compare("eip", found.eip, vector.e === undefined ? ip + 1 : ip, 8);
  differences.compare("cs", found.cs, CODE_SELECTOR);
  if (found.vector === expected) differences.compare("error code", found.error, error);
  if (address !== undefined) {
    differences.compare("cr2", machine.cpu.u32[STATE.CR2 >> 2]!, parseInt(address, 16), 8);
  }
}

function compareRegisters(machine: VectorMachine, vector: Ring3Vector, found: Trapped, differences: Differences): void {
  vector.g.forEach((before, i) => {
    const expected = parseInt(vector.G[i] ?? before, 16);
    differences.compare(NAMES[i]!, i === ESP ? found.esp : machine.cpu.gpr32(i), expected, 8);
  });
  const mask = COMPARED_FLAGS & ~parseInt(vector.u ?? "0", 16);
  differences.compare("eflags", found.eflags & mask, parseInt(vector.F, 16) & mask);
}
