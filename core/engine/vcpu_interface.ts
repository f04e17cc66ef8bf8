/**
 * What a virtual CPU is made of, how it stops and what it reports.
 *
 * @module
 */
import type { FpuErrorPins } from "../bus/backend.ts";
import type { InterruptAcknowledger, MachineClock, SystemBus } from "../bus/system.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import type { Watchpoint } from "../memory/watchpoints.ts";
import type { GuestFault } from "../x86/fault.ts";
import type { CpuModelName, RecordedModelName } from "../x86/model_names.ts";
import type { Callout } from "../x86/system/callout.ts";
import type { RegionWatchOptions } from "./translator/region_watch.ts";
import type { TranslatorStats } from "./translator/translator.ts";

/** Why `Vcpu.run` stopped. */
export type VcpuStop =
  /** The instructions asked for have retired, or an alarm was armed that is due sooner: see `Vcpu.interrupt`. */
  | { readonly reason: "budget" }
  /** HLT with interrupts enabled, or an instruction that waits for the FPU's error to be handled: something must happen first. */
  | { readonly reason: "halted" }
  /** The same with interrupts disabled. */
  | { readonly reason: "dead" }
  /** Triple fault. */
  | { readonly reason: "shutdown" }
  /** A documented feature of the CPU that is not built. */
  | { readonly reason: "unbuilt"; readonly feature: string }
  /** A breakpoint of a debugger, before its instruction. */
  | { readonly reason: "breakpoint"; readonly address: number }
  /** A watchpoint of a debugger, after the instruction that met it. */
  | { readonly reason: "watchpoint"; readonly watchpoint: Watchpoint };

/** What a virtual CPU is made of. */
export interface VcpuOptions {
  /** The machine's memory, laid out by `layout`. */
  readonly memory: WebAssembly.Memory;
  readonly layout: MemoryLayout;
  readonly bus: SystemBus;
  readonly interrupts: InterruptAcknowledger;
  /** Where FERR# goes and IGNNE# comes from, if anywhere. */
  readonly fpuErrorPins?: FpuErrorPins;
  /** The virtual clock that RDTSC reads. */
  readonly clock: Pick<MachineClock, "now" | "earlier" | "course">;
  /** What processor it is: `max`, everything that is built, if not said. */
  readonly model?: CpuModelName | RecordedModelName;
  /** Read-only pieces in the layout's device memory: `host` and `size` are multiples of 4096. */
  readonly roms?: readonly RomMapping[];
  /** The TypeScript definitions of instructions, by form, where they are not the usual ones. */
  readonly callouts?: readonly (Callout | undefined)[];
  /**
   * Translate code that was reached this often; without it everything is interpreted. 0 and 1: code is translated when it is first met.
   * `mostBytes`: of WebAssembly at a time, 8 MB if absent.
   */
  readonly translate?: { readonly after: number; readonly mostBytes?: number; readonly watch?: RegionWatchOptions };
  /** Told of each exception that an instruction raised, before it is delivered. */
  readonly faulted?: (fault: GuestFault) => void;
}

/** A read-only piece of guest-physical memory. */
export interface RomMapping {
  readonly physical: number;
  /** Address in the machine's memory. */
  readonly host: number;
  readonly size: number;
}

/** Where a CPU stands, for reports. */
export interface VcpuReport {
  readonly cs: number;
  readonly eip: number;
  /** Vector and error code of the last exception, -1 where there was none. */
  readonly lastVector: number;
  readonly lastError: number;
  /** CR2, which a page fault sets. */
  readonly cr2: number;
}

/** Counters for `--stats`. */
export interface VcpuStats {
  readonly instructions: number;
  readonly exits: Readonly<Record<string, number>>;
  readonly tlb: { readonly fills: number; readonly flushes: number; readonly pageFlushes: number };
  readonly interrupts: number;
  readonly exceptions: Readonly<Record<number, number>>;
  readonly decoded: number;
  readonly codeInvalidations: number;
  readonly arenaResets: number;
  readonly callouts: number;
  /** Instructions that translated code retired, of all. */
  readonly translated?: number;
  /** What the translator did, where there is one. */
  readonly translator?: TranslatorStats;
}
