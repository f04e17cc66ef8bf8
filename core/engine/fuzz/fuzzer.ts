/**
 * Runs random programs on two machines and compares.
 *
 * @module
 */
import type { VcpuStats } from "../vcpu_interface.ts";
import { difference } from "./compare.ts";
import { type Engine, FuzzMachine, HISTORY, type Translate } from "./fuzz_machine.ts";
import { image } from "./image.ts";
import { OverwrittenStrings } from "./overwritten_string.ts";
import { listing } from "./program.ts";
import { Random } from "./random.ts";
import { type Event, type Scenario, scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** A scenario on which two engines disagree. */
export interface Finding {
  readonly seed: number;
  /** What differed first, in the whole program. */
  readonly difference: string;
  /** The program, shrunk, and what differs in it. */
  readonly scenario: Scenario;
  readonly shrunk: string;
  /** What the machines must have run before: nothing, the programs of the seeds from a multiple of HISTORY on, or more. */
  readonly history: "none" | "few" | "unknown";
}

/** Longest stretch of each pattern: one instruction at a time, a few, as many as there are. */
const LIMITS = { short: [1, 1, 3, 30, 300], mixed: [1, 30, 300, 1e6, 1e6, 1e6, 1e6, 1e6] } as const;

/** An engine in stretches as long as can be. */
export function long(translate?: Translate): Engine {
  return { stretches: () => () => 1e6, ...translate === undefined ? {} : { translate } };
}

/** An engine in stretches of a pattern that the seed decides. */
export function cut(pattern: keyof typeof LIMITS, translate?: Translate): Engine {
  const stretches = (seed: number) => {
    const random = new Random(seed ^ 0x5eed);
    const limit = random.pick(LIMITS[pattern]);
    return () => limit < 1e6 ? 1 + random.below(limit) : limit;
  };
  return { stretches, ...translate === undefined ? {} : { translate } };
}

/** Two engines side by side. */
export class Fuzzer {
  /** The two machines that run now. */
  machines: readonly [FuzzMachine, FuzzMachine];
  /** Instructions that one of them has retired. */
  instructions = 0;
  cases = 0;
  /** Called before each run. */
  started: () => void = () => {};
  /** Programs that differed and may: see `OverwrittenStrings`. */
  undecided = 0;
  #strings: OverwrittenStrings | undefined;
  /** How the runs ended. */
  readonly ends = new Map<string, number>();

  constructor(readonly first: Engine, readonly second: Engine) {
    this.machines = this.#fresh();
  }

  /** The share of the second engine's instructions, in percent, that translated code retired; undefined where there is no translator. */
  get translated(): number | undefined {
    const stats: VcpuStats & { readonly translated?: number } = this.machines[1].vcpu.stats();
    return stats.translated === undefined ? undefined : 100 * stats.translated / Math.max(1, stats.instructions);
  }

  #fresh(): readonly [FuzzMachine, FuzzMachine] {
    return [new FuzzMachine(this.first), new FuzzMachine(this.second)];
  }

  /** Runs the program of a seed. */
  run(seed: number): Finding | undefined {
    const made = scenario(seed);
    const found = this.compare(made);
    this.cases++;
    const [one] = this.machines;
    this.instructions += one.retired;
    const end = one.ended;
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    if (found === undefined) return undefined;
    if (this.#undecided(made)) {
      this.undecided++;
      return undefined;
    }
    return this.#report(made, found);
  }

  /** What differs between the engines after a scenario. `forget`: all code that they have decoded first. */
  compare(made: Scenario, forget?: boolean): string | undefined {
    this.started();
    const memory = image(made);
    if (memory === undefined) return undefined;
    const [one, other] = this.machines;
    one.run(made, memory.ram, forget);
    other.run(made, memory.ram, forget);
    return difference(one, other);
  }

  /** Whether the architecture lets a scenario's runs differ. */
  #undecided(made: Scenario): boolean {
    this.#strings ??= new OverwrittenStrings();
    return this.#strings.in(made, image(made)!.ram);
  }

  /** Whether a difference shows on machines that have run the programs of a few seeds before. */
  #showsAfterOthers(made: Scenario): boolean {
    this.machines = this.#fresh();
    for (let seed = made.seed - made.seed % HISTORY; seed < made.seed; seed++) this.compare(scenario(seed));
    return this.compare(made) !== undefined;
  }

  #report(made: Scenario, found: string): Finding {
    this.machines = this.#fresh();
    const again = this.compare(made);
    if (again === undefined) {
      const history = this.#showsAfterOthers(made) ? "few" : "unknown";
      return { seed: made.seed, difference: found, scenario: made, shrunk: found, history };
    }
    const small = shrink(made, (smaller) => this.compare(smaller, true) !== undefined && !this.#undecided(smaller));
    const shrunk = this.compare(small, true) ?? again;
    this.machines = this.#fresh();
    return { seed: made.seed, difference: found, scenario: small, shrunk, history: "none" };
  }
}

function eventText(event: Event): string {
  const what = "vector" in event
    ? `interrupt ${event.vector}`
    : `${event.bytes.toHex()} to ${event.physical.toString(16)}`;
  return `${what} at ${event.at}`;
}

/** A program as text, with what it starts from. */
export function programText(scenario: Scenario): string {
  const { mode, pieces, events, registers } = scenario;
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  return [
    `${mode.name}; eax ecx edx ebx esp ebp esi edi: ${registers.map(hex).join(" ")}; eflags ${
      hex(scenario.eflags)
    }; cr0 ${hex(scenario.cr0)}; cr4 ${hex(scenario.cr4)}`,
    ...events.length > 0 ? [`from outside: ${events.map(eventText).join(", ")}`] : [],
    ...listing(pieces, image(scenario)!.laid),
  ].join("\n");
}

/** A finding as text. */
export function report({ seed, difference, scenario, shrunk, history }: Finding): string {
  const before = seed - seed % HISTORY;
  const how = history === "none"
    ? `Shrunk to ${scenario.instructions} instructions: ${shrunk}`
    : `On machines that have run nothing before it does not show; the programs from seed ${before} on are ${
      history === "few" ? "enough" : "not enough"
    }. The whole program:`;
  return `seed ${seed}, ${scenario.mode.name}: ${difference}\n${how}\n${programText(scenario)}`;
}
