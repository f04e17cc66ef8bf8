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

/** Registers of the device's own in PCI configuration space, behind the header. */
export interface ConfigurationClaim {
  /** Their first byte in configuration space, 40h to FFh. */
  readonly at: number;
  /** Bytes, at least 1. */
  readonly size: number;
}

/** A capability in PCI configuration space (PCI Local Bus Specification 3.0, section 6.7). */
export interface PciCapability {
  /** Capability ID, 8 bits: 09h is vendor-specific. */
  readonly id: number;
  /** Its first byte, a multiple of 4 from 40h on. The core links the capabilities in this order. */
  readonly at: number;
  /** The bytes behind ID and next pointer. Where a {@linkcode ConfigurationClaim} covers them, its registers answer. */
  readonly body: readonly number[];
}

/**
 * Who the device is on a PCI bus: function 0 of a device with a header of type 0 (PCI Local Bus Specification 3.0, section 6.1). The core
 * answers the header; regions named in `bars` are wherever the guest maps them, and DMA reaches memory while the guest lets it.
 */
export interface PciIdentity {
  /** Vendor ID, 16 bits. */
  readonly vendor: number;
  /** Device ID, 16 bits. */
  readonly device: number;
  /** Class code, 24 bits: base class, subclass, programming interface. */
  readonly class: number;
  /** Revision ID, 8 bits. */
  readonly revision?: number;
  /** Subsystem vendor ID and subsystem ID, 16 bits each; 0 if absent. */
  readonly subsystem?: { readonly vendor: number; readonly device: number };
  /** Regions, of ports or of device memory, by base address register, 0 to 5. They have no base of their own. */
  readonly bars?: Readonly<Record<number, string>>;
  /** The output line, of kind `level`, that is the pin INTA#. */
  readonly interrupt?: string;
  /** Capabilities. */
  readonly capabilities?: readonly PciCapability[];
}

/** A virtqueue. */
export interface VirtqueueClaim {
  /** Entries that the device offers: a power of 2, at most 32768. The driver may use fewer. */
  readonly size: number;
  /** Most device-readable bytes of one chain; a driver that gives more has made a mistake. 0 for a queue that the device only fills. */
  readonly readableBytes: number;
}

/**
 * A virtio device (Virtual I/O Device 1.2). It gets buffers, never rings: the core is the transport, walks the queues and refuses what a
 * hostile driver puts there. Such a device is a PCI device without saying so in `pci`.
 */
export interface VirtioClaim {
  /** Device ID (section 5): 1 network, 2 block, 3 console, 4 entropy. */
  readonly type: number;
  /** PCI class code, 24 bits; FF0000h, which fits no class, if absent. */
  readonly class?: number;
  /** Numbers of the features that it may offer, of those that are a device's own: 0 to 23 and 50 to 127. */
  readonly features?: readonly number[];
  /** Queues by name, in the order of their numbers. */
  readonly queues: Readonly<Record<string, VirtqueueClaim>>;
  /** Bytes of its configuration structure. */
  readonly configurationBytes?: number;
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
  /** Registers in PCI configuration space by region name; only together with `pci`. */
  readonly configuration?: Readonly<Record<string, ConfigurationClaim>>;
  /** A virtio device. */
  readonly virtio?: VirtioClaim;
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

/** Names of a device's regions, of ports, of device memory and of configuration space. */
export type RegionName<N extends Needs> = Named<N["ports"]> | Named<N["mmio"]> | Named<N["configuration"]>;

/** Names of a virtio device's queues. */
export type QueueName<N extends Needs> = N["virtio"] extends { readonly queues: infer Queues } ? Named<Queues> : never;

/** The interface type under a name. */
export type InterfaceOf<Part, Name extends string> = Part extends Readonly<Record<Name, Interface<infer T>>> ? T
  : never;
