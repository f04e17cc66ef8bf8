/**
 * What a machine counts.
 *
 * @module
 */
import type { HostStatistics } from "../bus/host.ts";
import type { BackendCounters } from "../sandbox/shared_backend_link.ts";
import type { DiskStatistics } from "../disk/disk.ts";

/** A processor's counters since power-on. */
export interface ProcessorStatistics {
  /** Instructions retired. */
  readonly instructions: number;
  /** Times that emitted code was left, by reason. */
  readonly exits: Readonly<Record<string, number>>;
  /** Translations: entries filled, flushes of all, flushes of one page. */
  readonly tlb: { readonly fills: number; readonly flushes: number; readonly pageFlushes: number };
  /** External interrupts taken. */
  readonly interrupts: number;
  /** Exceptions raised, by vector. */
  readonly exceptions: Readonly<Record<number, number>>;
  /** Instructions decoded. */
  readonly decoded: number;
  /** Pages of decoded code that were written to. */
  readonly codeInvalidations: number;
  /** Times that the memory for decoded code was full and began anew. */
  readonly arenaResets: number;
  /** Instructions whose definition in TypeScript ran. */
  readonly callouts: number;
  /** Instructions that translated code retired; the interpreter retired the others. Only where there is a translator. */
  readonly translated?: number;
  /** What the translator did. */
  readonly translator?: TranslatorStatistics;
}

/** A translator's counters since power-on. */
export interface TranslatorStatistics {
  /** Regions made. */
  readonly regions: number;
  /** Regions that exist now. */
  readonly live: number;
  /** Guest instructions of all that were made. */
  readonly instructions: number;
  /** Bytes of WebAssembly of all that were made. */
  readonly bytes: number;
  /** WebAssembly modules, each of several regions. */
  readonly modules: number;
  /** Regions thrown away because their page's code was written. */
  readonly invalidated: number;
  /** Instructions for which the interpreter is called, because regions were often left for them. */
  readonly slow: number;
  /** Milliseconds of discovery and emission. */
  readonly emitted: number;
  /** Milliseconds of compilation in the virtual CPU's thread; V8 compiles hot code again in others. */
  readonly compiled: number;
}

/** A machine's counters since power-on, as `--stats` writes them. */
export interface MachineStatistics {
  /** Version of this form. */
  readonly version: 1;
  /** Instructions retired; an iteration of a repeated string instruction counts as one. */
  readonly retired: number;
  /** CPU seconds of the virtual CPU's thread, in which a halted or paused CPU takes no part. */
  readonly vcpuCpuSeconds: number;
  /** Where the CPU seconds come from: the thread's own account (steps of 10 ms), or Linux's schedstat (nanoseconds). */
  readonly vcpuCpuSecondsSource: "thread" | "schedstat";
  /** Virtual seconds since power-on. */
  readonly virtualSeconds: number;
  /** Virtual seconds that the processor was halted. */
  readonly haltedSeconds: number;
  /** Times that the virtual CPU returned to the run loop, by reason. */
  readonly stops: Readonly<Record<string, number>>;
  /** The processor's own counters. */
  readonly cpu: ProcessorStatistics;
  /** Devices by name: accesses by register and kind, counters, DMA; accesses that nobody answered; alarms. */
  readonly bus: HostStatistics;
  /** Disks by name. */
  readonly disks: Readonly<Record<string, DiskStatistics>>;
  /** Back ends by name. */
  readonly backends: Readonly<Record<string, BackendCounters>>;
  /** Bytes that the guest wrote to and read from its first serial port. */
  readonly serial: { readonly written: number; readonly read: number };
  /** The clock: host nanoseconds that were never made up for, and steps over long gaps. */
  readonly clock: { readonly dropped: number; readonly steps: number };
}
