/**
 * The machine that vectors run on: a virtual CPU, 16 MiB of memory and nothing else.
 *
 * @module
 */
import type { SystemBus } from "../../core/bus/system.ts";
import { Vcpu, type VcpuOptions, type VcpuStop } from "../../core/engine/vcpu.ts";
import { allocateMemory, layoutMemory } from "../../core/memory/layout.ts";
import type { Cpu } from "../../core/x86/cpu.ts";

/** Bytes of memory, all of it at its own address. */
export const MEMORY_BYTES = 16 << 20;

const HOLE = { start: 0xa0000, size: 0x60000 };

/** Reads of ports and of unmapped memory give all ones, as in the recordings. */
const EMPTY_BUS: SystemBus = {
  portRead: (_port, size) => ones(size),
  portWrite: () => {},
  portReadBlock: (_port, size, into) => {
    into.fill(0xff);
    return into.length / size;
  },
  portWriteBlock: (_port, size, from) => from.length / size,
  mmioRead: (_address, size) => ones(size),
  mmioWrite: () => {},
};

function ones(size: number): number {
  return size === 4 ? 0xffff_ffff : (1 << (size * 8)) - 1;
}

/** A machine that is brought back to its reset state between two vectors. */
export class VectorMachine {
  readonly vcpu: Vcpu;
  /** All memory, for looking. */
  readonly memory: Uint8Array;

  /** @param model The processor; one with everything if not said. */
  constructor(model: NonNullable<VcpuOptions["model"]> = "max") {
    const layout = layoutMemory(MEMORY_BYTES);
    this.vcpu = new Vcpu({
      memory: allocateMemory(layout),
      layout,
      bus: EMPTY_BUS,
      model,
      interrupts: { asserted: false, acknowledge: () => 0 },
      clock: { now: () => this.vcpu.retired, earlier: undefined },
    });
    this.vcpu.physical.map(HOLE.start, layout.ram + HOLE.start, HOLE.size, true);
    this.memory = this.vcpu.physical.bytes.subarray(layout.ram, layout.ram + MEMORY_BYTES);
  }

  get cpu(): Cpu {
    return this.vcpu.cpu;
  }

  /** The CPU as after power-up; memory stays. */
  reset(): void {
    this.vcpu.reset();
  }

  /** Writes memory as a device does: decoded code that covers it goes. */
  write(address: number, bytes: Uint8Array): void {
    this.vcpu.physical.write(address, bytes);
  }

  /** Makes the first `size` bytes zero. */
  wipe(size: number): void {
    this.write(0, new Uint8Array(size));
  }

  /** Runs at most `maximum` instructions. */
  run(maximum: number): VcpuStop {
    return this.vcpu.run(maximum);
  }
}
