/**
 * What a machine is made of: a plain value that can be checked, stored and sent to another process.
 *
 * @module
 */

import type { EngineName } from "./engines.ts";
import type { CpuModelName } from "../x86/model_names.ts";

export type { CpuModelName };

/** The version of the definition's form that this release writes and reads. */
export const DEFINITION_VERSION = 1;

/** A Linux kernel, started by its own boot protocol. Files are paths, relative ones from the current folder, or `file:` URLs. */
export interface LinuxBoot {
  /** A bzImage. */
  readonly kernel: string | URL;
  /** Initial RAM disks, put one after the other. */
  readonly initrd?: readonly (string | URL)[];
  /** The kernel's command line. */
  readonly append?: string;
  /** A folder whose content is laid over the initial RAM disk's root. */
  readonly overlay?: string | URL;
}

/** A ROM at the top of memory; the CPU starts at its reset vector. */
export interface RomBoot {
  /** The image, whole 4 KB pages, at most 16 MB. */
  readonly rom: string | URL;
}

/** A kernel of the Multiboot specification. */
export interface MultibootBoot {
  /** The kernel: ELF, or with the header's addresses. */
  readonly multiboot: string | URL;
  /** Its command line. */
  readonly append?: string;
  /** Modules, loaded in this order. */
  readonly modules?: readonly (string | URL)[];
}

/** Where the guest comes from. */
export type BootSource = LinuxBoot | RomBoot | MultibootBoot;

/** How the machine's virtual time runs. */
export interface ClockDefinition {
  /**
   * `realtime` follows the host's clock. `deterministic` counts retired instructions only, so that equal runs are equal to the
   * instruction; a halted CPU jumps to the next alarm. Default `realtime`.
   */
  readonly mode?: "realtime" | "deterministic";
  /**
   * The date that the machine's clock chip shows at power-on, as an ISO 8601 text in UTC. Default: the host's date in `realtime` mode,
   * 2000-01-01T00:00:00Z in `deterministic` mode.
   */
  readonly date?: string;
}

/** A device that is added to the standard PC. */
export interface DeviceDefinition {
  /** Its name in this machine, unique: part of log lines, statistics and alarms. */
  readonly name: string;
  /** The module whose default export is the device: a URL, or a path from the current folder. One file that imports only Bulkhead. */
  readonly module: string | URL;
  /** Values for the device's configuration schema. */
  readonly config?: Readonly<Record<string, number | string | boolean>>;
  /** First port or address by region name, where the device's own preference does not suit. */
  readonly place?: Readonly<Record<string, number>>;
  /** Interrupt request (0 to 15) by line name. */
  readonly lines?: Readonly<Record<string, number>>;
}

/** A step of a serial script. */
export type ScriptStep =
  /** Wait until the pattern matches text that the guest wrote after the previous match. */
  | { readonly expect: RegExp | string }
  /** Type this text (as UTF-8), or these bytes. */
  | { readonly send: string | Uint8Array };

/** A machine. */
export interface MachineDefinition {
  /** Version of this form; 1 if absent. */
  readonly version?: number;
  /** Where the guest comes from. */
  readonly boot: BootSource;
  /** Guest memory, as text (`256M`) or bytes: whole 4 KB pages from 2 MB to 3 GB. Default 256M. */
  readonly memory?: string | number;
  /** The CPU that the guest sees. */
  readonly cpu?: {
    /**
     * `max`, the default: everything that is built, SSE4.2 and AES included. `pentium3`, `pentium`, `i486` and `i386`: what that processor
     * had; Debian's 686 kernel needs a `pentium3`.
     */
    readonly model?: CpuModelName;
  };
  /** What runs guest code: `translator`, the default, which makes WebAssembly of what is run often; or `interpreter` alone. */
  readonly engine?: EngineName;
  /** How often code is reached before it is translated, 0 to 65535; 0: when it is first met. Default 1000. */
  readonly translateAfter?: number;
  /**
   * Have each region of translated code count what it does, so that the hottest can be listed. It makes the guest slower and takes memory.
   * Default false.
   */
  readonly countRegions?: boolean;
  /** How virtual time runs. */
  readonly clock?: ClockDefinition;
  /** Devices besides those of the standard PC. */
  readonly devices?: readonly DeviceDefinition[];
  /** What a reset that the guest requests does: `restart` loads the guest again, `stop` ends the run. Default `restart`. */
  readonly reset?: "restart" | "stop";
  /** Where `bulkhead run` connects the first serial port: `stdio`, `none` or `file:PATH`. A script of one's own is at the port itself. */
  readonly serial?: string;
  /** Steps at the serial port that run inside the machine, without the host: the same in each deterministic run. */
  readonly script?: readonly ScriptStep[];
  /** Stop when this many instructions have been retired. */
  readonly stopAt?: number;
  /**
   * What to report to the log: each of the guest's `instructions`, which makes it very slow; `interrupts`; `faults`, its exceptions; each
   * access to `devices` (also by the name `io`); what happens to `regions` of translated code; `log`, the devices' own log including its
   * finest level.
   */
  readonly trace?: readonly ("instructions" | "interrupts" | "faults" | "devices" | "io" | "regions" | "log")[];
}

/** A checked definition without choices left open: plain JSON. */
export interface ResolvedDefinition {
  /** Always DEFINITION_VERSION. */
  readonly version: 1;
  /** Bytes. */
  readonly memory: number;
  /** CPU model. */
  readonly cpu: CpuModelName;
  /** Engine. */
  readonly engine: EngineName;
  /** How often code is reached before it is translated. */
  readonly translateAfter: number;
  /** Regions of translated code count what they do. */
  readonly countRegions: boolean;
  /** Virtual time: its mode, and the clock chip's date in milliseconds since 1970. */
  readonly clock: { readonly mode: "realtime" | "deterministic"; readonly date: number };
  /** The guest is a ROM. */
  readonly firmware: boolean;
  /** URL of the module that assembles the board. */
  readonly board: string;
  /** Devices added to those of the board. */
  readonly devices: readonly ResolvedDevice[];
  /** As in `MachineDefinition.reset`. */
  readonly reset: "restart" | "stop";
  /** Steps. */
  readonly script: readonly ResolvedStep[];
  /** Instructions, or null. */
  readonly stopAt: number | null;
  /** What to report to the log. */
  readonly trace: readonly string[];
}

/** A device of a resolved definition. */
export interface ResolvedDevice {
  /** Its name in this machine. */
  readonly name: string;
  /** Absolute URL of its module. */
  readonly module: string;
  /** Values for its configuration schema. */
  readonly config: Readonly<Record<string, number | string | boolean>>;
  /** First port or address by region name. */
  readonly place: Readonly<Record<string, number>>;
  /** Interrupt request by line name. */
  readonly lines: Readonly<Record<string, number>>;
}

/** A step as it crosses compartments. */
export type ResolvedStep =
  | { readonly kind: "expect"; readonly source: string; readonly flags: string }
  | { readonly kind: "send"; readonly bytes: readonly number[] };
