/**
 * For tests: a virtual CPU with nothing around it, and numbers that are the same in every run.
 *
 * @module
 */
import type { SystemBus } from "../bus/system.ts";
import { allocateMemory, layoutMemory } from "../memory/layout.ts";
import { Vcpu, type VcpuOptions } from "./vcpu.ts";

/** Nobody answers. */
const NO_BUS: SystemBus = {
  portRead: () => 0,
  portWrite: () => {},
  portReadBlock: () => 0,
  portWriteBlock: () => 0,
  mmioRead: () => 0,
  mmioWrite: () => {},
};

/** A CPU with 2 MB of RAM, after RESET. */
export function lonelyVcpu(options: Pick<VcpuOptions, "faulted" | "translate"> = {}): Vcpu {
  const layout = layoutMemory(2 << 20);
  return new Vcpu({
    memory: allocateMemory(layout),
    layout,
    bus: NO_BUS,
    interrupts: { asserted: false, acknowledge: () => 0 },
    clock: { now: () => 0, earlier: undefined },
    ...options,
  });
}

/** Starts it in 32-bit protected mode with flat segments. */
export function startFlat(vcpu: Vcpu, eip: number): void {
  const segment = { selector: 8, base: 0, limit: 0xffff_ffff };
  vcpu.start({
    kind: "protected",
    eip,
    registers: {},
    gdt: { base: 0, limit: 0 },
    code: { ...segment, attributes: 0xcf9b00 },
    data: { ...segment, attributes: 0xcf9300 },
  });
}

/** Numbers from 0 up to 1, decided by a seed. */
export function fractions(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 0x100_0000;
  };
}

/** Whole numbers from 0 up to a limit, decided by a seed. */
export function integers(seed: number): (limit: number) => number {
  const next = fractions(seed);
  return (limit) => Math.floor(next() * limit);
}
