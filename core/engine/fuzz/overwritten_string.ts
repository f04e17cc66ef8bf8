/**
 * Finds the one thing on which stretches may disagree: a repeated string instruction that stores over itself. A processor may go on with
 * what it has fetched until something interrupts it (Intel SDM volume 3, 8.1.3), and the end of a stretch does.
 *
 * @module
 */
import { DebugAccess } from "../../memory/debug_access.ts";
import { MAXIMUM_LENGTH } from "../../x86/decode.ts";
import { SEG } from "../../x86/registers.ts";
import { FuzzMachine } from "./fuzz_machine.ts";
import type { Scenario } from "./scenario.ts";

/** Looks for it, one instruction at a time. */
export class OverwrittenStrings {
  readonly #machine: FuzzMachine;
  readonly #access: DebugAccess;
  #linear = -1;
  #bytes = "";
  #found = false;

  constructor() {
    this.#machine = new FuzzMachine({ stretches: () => () => this.#look() });
    this.#access = new DebugAccess(this.#machine.vcpu.memory);
  }

  /** Whether an iteration of a repeated string changes its own instruction in this scenario. */
  in(scenario: Scenario, ram: Uint8Array): boolean {
    this.#linear = -1;
    this.#found = false;
    this.#machine.run(scenario, ram);
    this.#look();
    return this.#found;
  }

  #look(): number {
    const { cpu } = this.#machine.vcpu;
    const linear = (cpu.eip + cpu.segmentBase(SEG.CS)) >>> 0;
    const bytes = this.#access.read(linear, MAXIMUM_LENGTH).toHex();
    // A repeated string that goes on stays where it is.
    if (linear === this.#linear && bytes !== this.#bytes) this.#found = true;
    this.#linear = linear;
    this.#bytes = bytes;
    return 1;
  }
}
