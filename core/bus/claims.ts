/**
 * What a device claims of its machine. The list is default-deny: what is not named is not given. A device has no rights on the host: those
 * are a back end's, which has no access to the guest.
 *
 * @module
 */

import type { Interface } from "./interface.ts";

/** Bytes of one access. Wider guest accesses arrive as several. */
export type Width = 1 | 2 | 4;

/** A range of I/O ports. */
export interface PortClaim {
  /** Number of ports, 1 to 65536. */
  readonly size: number;
  /** First port unless the machine places it elsewhere; without it the region starts unmapped. */
  readonly base?: number;
  /** Where ranges overlap, the higher priority answers; 0 if absent. Equal priorities must not overlap. */
  readonly priority?: number;
}

/** A range of guest-physical addresses whose accesses the device answers. */
export interface MmioClaim {
  /** Bytes, at least 1. */
  readonly size: number;
  /** First address, below 2^52, unless the machine places it elsewhere; without it the region starts unmapped. */
  readonly base?: number;
  /** As for {@linkcode PortClaim.priority}. */
  readonly priority?: number;
}

/** A page-aligned piece of the machine's one memory: VRAM, flash, an option ROM, a BAR's RAM. */
export interface MemoryClaim {
  /** Bytes, a multiple of 4096. */
  readonly size: number;
  /** First guest-physical address, a multiple of 4096; without it the piece starts unmapped. */
  readonly base?: number;
  /** `ram`: the guest reads and writes; `rom`: writes reach the device; `track`: as `ram`, with dirty pages. */
  readonly access: "ram" | "rom" | "track";
}

/** Who the device is on a PCI bus. */
export interface PciIdentity {
  /** Vendor ID, 16 bits. */
  readonly vendor: number;
  /** Device ID, 16 bits. */
  readonly device: number;
  /** Class code, 24 bits: base class, subclass, programming interface. */
  readonly class: number;
  /** Revision ID, 8 bits. */
  readonly revision?: number;
  /** Regions by BAR number, 0 to 5. */
  readonly bars?: Readonly<Record<number, string>>;
}

/** What an output line carries. `message`: a rising edge sends a message interrupt. */
export type LineKind = "level" | "edge" | "message";

/** A window through which the device reaches guest memory. */
export interface DmaClaim {
  /** As the device sees it: `read` takes from guest memory. */
  readonly direction: "read" | "write" | "both";
  /** Largest transfer, in bytes. */
  readonly maxBytes: number;
}

/** Everything a device may touch. */
export interface Needs {
  /** Port ranges by region name. */
  readonly ports?: Readonly<Record<string, PortClaim>>;
  /** Device memory by region name. */
  readonly mmio?: Readonly<Record<string, MmioClaim>>;
  /** Pieces of core-owned memory by name. */
  readonly memory?: Readonly<Record<string, MemoryClaim>>;
  /** Identity on a PCI bus. */
  readonly pci?: PciIdentity;
  /** Output lines by name. */
  readonly lines?: Readonly<Record<string, LineKind>>;
  /** Names of input pins. */
  readonly inputs?: readonly string[];
  /** Names of alarms. */
  readonly alarms?: readonly string[];
  /** DMA windows by name. */
  readonly dma?: Readonly<Record<string, DmaClaim>>;
  /** Interfaces the device calls, by the device's own name for them. */
  readonly uses?: Readonly<Record<string, Interface<object>>>;
  /** Interfaces the device answers. */
  readonly provides?: Readonly<Record<string, Interface<object>>>;
}

/** The names in one part of a device's needs; `never` where the part is absent. */
export type Named<Part> = Part extends readonly (infer Name)[] ? Name & string
  : Part extends object ? keyof Part & string
  : never;

/** Names of a device's regions, of ports and of device memory. */
export type RegionName<N extends Needs> = Named<N["ports"]> | Named<N["mmio"]>;

/** The interface type under a name. */
export type InterfaceOf<Part, Name extends string> = Part extends Readonly<Record<Name, Interface<infer T>>> ? T
  : never;
