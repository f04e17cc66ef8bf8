/**
 * Runs random programs on two machines and compares.
 *
 * @module
 */
import { difference } from "./compare.ts";
import { type Engine, FuzzMachine } from "./fuzz_machine.ts";
import { image } from "./image.ts";
import { listing } from "./program.ts";
import { Random } from "./random.ts";
import { type Scenario, scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** A scenario on which two engines disagree. */
export interface Finding {
  readonly seed: number;
  /** What differed first, in the whole program. */
  readonly difference: string;
  /** The program, shrunk, and what differs in it. */
  readonly scenario: Scenario;
  readonly shrunk: string;
  /** It takes machines that have run other programs before. */
  readonly needsHistory: boolean;
}

/** Long stretches. */
export function long(options: Engine["options"] = {}, name = "in long stretches"): Engine {
  return { name, options, stretch: () => 1_000_000 };
}

/** One instruction at a time, or a few; `seed` decides which of the patterns. */
export function short(options: Engine["options"] = {}, name = "in short stretches"): Engine {
  const random = new Random(7);
  let limit = 1;
  return {
    name,
    options,
    stretch: (step) => {
      if (step === 0) limit = random.pick([1, 1, 3, 30, 300]);
      return 1 + random.below(limit);
    },
  };
}

/** Two engines side by side. */
export class Fuzzer {
  #machines: readonly [FuzzMachine, FuzzMachine];
  /** Instructions that one of them has retired. */
  instructions = 0;
  cases = 0;
  /** How the runs ended. */
  readonly ends = new Map<string, number>();

  constructor(readonly first: Engine, readonly second: Engine) {
    this.#machines = this.#fresh();
  }

  #fresh(): readonly [FuzzMachine, FuzzMachine] {
    return [new FuzzMachine(this.first), new FuzzMachine(this.second)];
  }

  /** Runs the program of a seed. */
  run(seed: number): Finding | undefined {
    const made = scenario(seed);
    const found = this.compare(made);
    this.cases++;
    const [one] = this.#machines;
    this.instructions += one.retired;
    const end = one.ended;
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    return found === undefined ? undefined : this.#report(made, found);
  }

  /** What differs between the engines after a scenario. */
  compare(made: Scenario, machines: readonly [FuzzMachine, FuzzMachine] = this.#machines): string | undefined {
    const memory = image(made);
    if (memory === undefined) return undefined;
    const [one, other] = machines;
    one.run(made, memory.ram);
    other.run(made, memory.ram);
    return difference(one, other);
  }

  #report(made: Scenario, found: string): Finding {
    this.#machines = this.#fresh();
    const again = this.compare(made);
    if (again === undefined) {
      return { seed: made.seed, difference: found, scenario: made, shrunk: found, needsHistory: true };
    }
    const small = shrink(made, (smaller) => this.compare(smaller) !== undefined);
    const shrunk = this.compare(small) ?? again;
    this.#machines = this.#fresh();
    return { seed: made.seed, difference: found, scenario: small, shrunk, needsHistory: false };
  }
}

/** A finding as text. */
export function report({ seed, difference, scenario, shrunk, needsHistory }: Finding): string {
  const { mode, pieces, instructions, events, registers } = scenario;
  const { laid } = image(scenario)!;
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  return [
    `seed ${seed}, ${mode.name}: ${difference}`,
    needsHistory
      ? "Machines that had run nothing before did not differ: the whole program, not shrunk:"
      : `Shrunk to ${instructions} instructions: ${shrunk}`,
    `eax ecx edx ebx esp ebp esi edi: ${registers.map(hex).join(" ")}; eflags ${hex(scenario.eflags)}; cr0 ${
      hex(scenario.cr0)
    }; cr4 ${hex(scenario.cr4)}`,
    ...events.length > 0 ? [`interrupts: ${events.map(({ at, vector }) => `${vector} at ${at}`).join(", ")}`] : [],
    ...listing(pieces, laid),
  ].join("\n");
}
