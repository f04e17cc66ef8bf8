/**
 * What a machine is made of: a plain value that can be checked, stored and sent to another process.
 *
 * @module
 */

import type { EngineName } from "./engines.ts";
import type { Placement } from "../sandbox/placement.ts";
import type { CpuModelName } from "../x86/model_names.ts";

export type { CpuModelName, Placement };

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

/** A plugin of a machine: what devices and back ends have in common. */
export interface PluginDefinition {
  /** The module whose default export is the plugin: a URL, or a path from the current folder. One file that imports only Bulkhead. */
  readonly module: string | URL;
  /** Values for the plugin's configuration schema. */
  readonly config?: Readonly<Record<string, number | string | boolean>>;
  /**
   * Where it runs. Default: a stranger's plugin `process`, Bulkhead's own devices `inline` and its own back ends `worker`. A device that is
   * reached often is faster `confined`, where it can end its machine.
   */
  readonly placement?: Placement;
  /** The machine starts or goes on without it when it fails. Default false: the machine does not start, or stops, in order. */
  readonly optional?: boolean;
}

/** A device that is added to the standard PC. */
export interface DeviceDefinition extends PluginDefinition {
  /** Its name in this machine, unique among devices, back ends and disks: part of log lines, statistics and alarms. */
  readonly name: string;
  /** First port or address by region name, where the device's own preference does not suit. */
  readonly place?: Readonly<Record<string, number>>;
  /** Interrupt request (0 to 15) by line name. */
  readonly lines?: Readonly<Record<string, number>>;
  /** Back ends and disks by the device's own name for what it uses. */
  readonly connect?: Readonly<Record<string, string>>;
}

/** A back end: a plugin that touches the host on behalf of a device. What it may touch is what is bound here. */
export interface BackendDefinition extends PluginDefinition {
  /** Its name in this machine, unique among devices, back ends and disks. */
  readonly name: string;
  /**
   * Real things by the plugin's placeholder: a file's path (from the current folder) or `file:` URL; `host:port` with an exact port; or
   * `unix:PATH`.
   */
  readonly bind?: Readonly<Record<string, string | URL>>;
}

/** What happens to a disk's writes: they stay; they go to an overlay that can be thrown away; they are lost when the machine ends. */
export type DiskMode = "persistent" | "undoable" | "nonpersistent";

/** A disk: an image, or what a back end makes of something else. It is a virtio disk unless a device connects to its name. */
export interface DiskDefinition {
  /** Its name in this machine, unique among devices, back ends and disks. */
  readonly name: string;
  /** A raw image: a path from the current folder, or a `file:` URL. Naming it here is the agreement to it. */
  readonly image?: string | URL;
  /** A block back end, in place of an image. */
  readonly backend?: Omit<BackendDefinition, "name">;
  /** Default `persistent`. */
  readonly mode?: DiskMode;
  /** The file that gets what is written to an `undoable` disk. Default: the image's name with `.overlay` behind it. */
  readonly overlay?: string | URL;
  /** The guest cannot write. Default false. */
  readonly readOnly?: boolean;
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
  /** Back ends, to which devices and the first serial port connect by name. */
  readonly backends?: readonly BackendDefinition[];
  /** Disks, in the order in which the guest sees them. */
  readonly disks?: readonly DiskDefinition[];
  /**
   * Agreement to the rights that plugins ask for: `true` to whatever the modules named here ask for when nothing was agreed to before, or a
   * list of content hashes, to exactly these contents. What differs from an earlier agreement needs its hash here. Default: somebody at the
   * terminal is asked, once.
   */
  readonly agree?: boolean | readonly string[];
  /** The file that records agreements. Default: `bulkhead.lock` beside the machine file, or in the current folder. */
  readonly lock?: string | URL;
  /** The file that gets a line of JSON for each access of a plugin to the host. */
  readonly audit?: string | URL;
  /** What a reset that the guest requests does: `restart` loads the guest again, `stop` ends the run. Default `restart`. */
  readonly reset?: "restart" | "stop";
  /**
   * Where the first serial port is connected: `backend:NAME`, a character back end; or, by `bulkhead run`, `stdio`, `none` or `file:PATH`. A
   * script of one's own is at the port itself.
   */
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
  /** Back ends: those of the definition, then those of disks: one by the disk's name, and one for its overlay. */
  readonly backends: readonly ResolvedBackend[];
  /** Disks. */
  readonly disks: readonly ResolvedDisk[];
  /** The back end at the first serial port, or null. */
  readonly serial: string | null;
  /** As in `MachineDefinition.reset`. */
  readonly reset: "restart" | "stop";
  /** Steps. */
  readonly script: readonly ResolvedStep[];
  /** Instructions, or null. */
  readonly stopAt: number | null;
  /** What to report to the log. */
  readonly trace: readonly string[];
}

/** A plugin of a resolved definition. */
export interface ResolvedPlugin {
  /** Its name in this machine. */
  readonly name: string;
  /** Absolute URL of its module. */
  readonly module: string;
  /** Values for its configuration schema. */
  readonly config: Readonly<Record<string, number | string | boolean>>;
  /** Where the owner wants it to run; null: where it runs by default. */
  readonly placement: Placement | null;
  /** The machine goes on without it. */
  readonly optional: boolean;
}

/** A device of a resolved definition. */
export interface ResolvedDevice extends ResolvedPlugin {
  /** First port or address by region name. */
  readonly place: Readonly<Record<string, number>>;
  /** Interrupt request by line name. */
  readonly lines: Readonly<Record<string, number>>;
  /** Names in `backends` (a disk's back end has the disk's name) by the device's name for what it uses. */
  readonly connect: Readonly<Record<string, string>>;
}

/** A back end of a resolved definition. */
export interface ResolvedBackend extends ResolvedPlugin {
  /** By placeholder what the owner wrote: a path, `host:port` or `unix:PATH`. What it comes to is in the grant. */
  readonly bind: Readonly<Record<string, string>>;
  /** Files that it would read and write are given for reading only: it is a disk's whose image does not change. */
  readonly readOnly: boolean;
  /** Files that it would read and write are made, empty, where they are not there: it is a disk's overlay. */
  readonly make: boolean;
}

/** A disk of a resolved definition. */
export interface ResolvedDisk {
  /** Its name, and its back end's. */
  readonly name: string;
  /** What happens to its writes. */
  readonly mode: DiskMode;
  /** The back end that gets what is written to an undoable disk, by its name; null for other disks. */
  readonly overlay: string | null;
  /** The guest cannot write. */
  readonly readOnly: boolean;
  /** No device of the definition connects to it: the board gives it a virtio disk. */
  readonly virtio: boolean;
}

/** A step as it crosses compartments. */
export type ResolvedStep =
  | { readonly kind: "expect"; readonly source: string; readonly flags: string }
  | { readonly kind: "send"; readonly bytes: readonly number[] };
