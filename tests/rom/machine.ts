/**
 * A machine for test ROMs: a virtual CPU, a 64 KB ROM at F0000h and FFFF0000h, and a few ports.
 *
 * @module
 */
import type { SystemBus } from "../../core/bus/system.ts";
import { bench } from "../../core/bus/testing.ts";
import { Vcpu, type VcpuOptions, type VcpuStop } from "../../core/engine/vcpu.ts";
import { allocateMemory, layoutMemory } from "../../core/memory/layout.ts";
import { fpuError } from "../../devices/fpu_error.ts";

/** Bytes of RAM. */
export const RAM_BYTES = 4 << 20;

const ROM_BYTES = 0x1_0000;

/** Ports of the test machine. */
export const PORT = {
  /** POST code; FFh is success. */
  POST: 0x190,
  /** Text. */
  TEXT: 0xe9,
  /** Bit 1: the A20 gate. */
  A20: 0x92,
  /** Reads the instructions retired so far, before the one that reads. */
  RETIRED: 0xc0,
  /** A write of n requests vector 20h after n more instructions. */
  INTERRUPT: 0xc4,
  /** A write requests vector 20h at once. */
  REQUEST: 0xc8,
  /** The FPU's error logic, which requests vector 20h too. */
  FPU_ERROR: 0xf0,
} as const;

/** Device memory: registers of 4 bytes, at physical addresses where there is no RAM. */
export const DEVICE = {
  /** A write requests vector 20h at once; reads 0. */
  REQUEST: 0xd000_0000,
  /** A read requests vector 20h at once, and gives what was written last. */
  REQUEST_BY_READ: 0xd000_1000,
  /** As `PORT.INTERRUPT`. */
  INTERRUPT: 0xd000_2000,
} as const;

/** Vector of the interrupt that `PORT.INTERRUPT` requests. */
export const INTERRUPT_VECTOR = 0x20;

/** How a ROM ended. */
export interface RomResult {
  readonly stop: VcpuStop["reason"];
  /** The last POST code. */
  readonly post: number;
  readonly text: string;
  readonly retired: number;
  readonly hash: string;
}

/** More instructions than a ROM takes. */
const MAXIMUM = 2_000_000;

/** A machine with a ROM. */
export class RomMachine implements SystemBus {
  readonly vcpu: Vcpu;
  post = 0;
  text = "";
  /** Stops at breakpoints and watchpoints, which `run` passes. */
  debugStops = 0;
  readonly #fpu = bench(fpuError);
  #deadline = Infinity;
  #asserted = false;
  #latch = 0;

  /** @param translate How soon code is translated; undefined: never. */
  constructor(rom: Uint8Array, translate?: VcpuOptions["translate"]) {
    const layout = layoutMemory(RAM_BYTES, ROM_BYTES);
    // deno-lint-ignore no-this-alias
    const machine = this;
    this.vcpu = new Vcpu({
      memory: allocateMemory(layout),
      layout,
      ...(translate ? { translate } : {}),
      bus: this,
      interrupts: {
        get asserted() {
          return machine.#asserted;
        },
        acknowledge: () => {
          this.#asserted = false;
          return INTERRUPT_VECTOR;
        },
      },
      clock: { now: () => this.vcpu.retired, earlier: undefined },
      fpuErrorPins: {
        setError: (asserted) => {
          const requests = this.#fpu.rises("irq13");
          this.#fpu.provides("pins").setError(asserted);
          if (this.#fpu.rises("irq13") > requests) this.#asserted = true;
        },
        ignored: () => this.#fpu.provides("pins").ignored(),
      },
      roms: [0xf_0000, 0xffff_0000].map((physical) => ({ physical, host: layout.device, size: ROM_BYTES })),
    });
    this.vcpu.physical.bytes.set(rom, layout.device);
  }

  /** Runs to the end, at most `stretch` instructions at a time. */
  run(stretch: number): RomResult {
    const { vcpu } = this;
    let stop: VcpuStop;
    do {
      const left = Math.min(MAXIMUM - vcpu.retired, this.#deadline - vcpu.retired, stretch);
      stop = vcpu.run(Math.max(1, left));
      if (vcpu.retired >= this.#deadline || (stop.reason === "halted" && this.#deadline !== Infinity)) {
        this.#deadline = Infinity;
        this.#asserted = true;
        continue;
      }
      if (stop.reason === "breakpoint" || stop.reason === "watchpoint") {
        this.debugStops++;
        vcpu.pass();
        continue;
      }
      if (stop.reason !== "budget") break;
    } while (vcpu.retired < MAXIMUM);
    return {
      stop: stop.reason,
      post: this.post,
      text: this.text,
      retired: vcpu.retired,
      hash: vcpu.stateHash(),
    };
  }

  portRead(port: number, size: number): number {
    if (port === PORT.RETIRED) return this.vcpu.retired;
    if (port === PORT.A20) return this.vcpu.physical.a20Mask === 0xffff_ffff ? 2 : 0;
    return 2 ** (8 * size) - 1;
  }
  portWrite(port: number, _size: number, value: number): void {
    if (port === PORT.POST) this.post = value & 0xff;
    else if (port === PORT.TEXT) this.text += String.fromCharCode(value & 0xff);
    else if (port === PORT.A20) this.vcpu.setA20((value & 2) !== 0);
    else if (port === PORT.REQUEST) this.#asserted = true;
    else if (port === PORT.FPU_ERROR) this.#fpu.write("io", 0, value);
    else if (port === PORT.INTERRUPT) this.#interruptAfter(value);
  }
  #interruptAfter(instructions: number): void {
    // This instruction is not counted yet.
    this.#deadline = this.vcpu.retired + 1 + instructions;
    this.vcpu.interrupt();
  }
  portReadBlock(_port: number, size: number, into: Uint8Array): number {
    into.fill(0xff);
    return into.length / size;
  }
  portWriteBlock(_port: number, size: number, from: Uint8Array): number {
    return from.length / size;
  }
  mmioRead(address: number): number {
    const register = address & ~0xfff;
    if (register === (DEVICE.REQUEST_BY_READ | 0)) {
      this.#asserted = true;
      return this.#latch;
    }
    return register === (DEVICE.REQUEST | 0) ? 0 : 0xffff_ffff;
  }
  mmioWrite(address: number, _size: number, value: number): void {
    const register = address & ~0xfff;
    if (register === (DEVICE.REQUEST | 0)) this.#asserted = true;
    else if (register === (DEVICE.REQUEST_BY_READ | 0)) this.#latch = value;
    else if (register === (DEVICE.INTERRUPT | 0)) this.#interruptAfter(value);
  }
}
