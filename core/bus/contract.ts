/**
 * The device contract: what a device is, and what it is given.
 *
 * A device is a value made by {@linkcode device}. It names everything it touches; the core owns its state, its time and
 * its connections, and hands it exactly what it named. So save, restore, replay and placement in another compartment
 * are the core's work, once.
 *
 * @module
 */

import type { InterfaceOf, Named, Needs, QueueName, RegionName, Width } from "./claims.ts";
import type { ConfigOf, ConfigSchema } from "./config.ts";
import type { LogLevel } from "./log.ts";
import type { VirtioPort, VirtioWiring } from "./virtio.ts";

/** An output line. */
export interface Line {
  /** Drives the line. Repeating a level does nothing. */
  set(level: boolean): void;
  /** High, then low. */
  pulse(): void;
  /** What the device drives. */
  readonly level: boolean;
}

/** A callback at an exact virtual instant. */
export interface Alarm {
  /** Arms it for a virtual instant in nanoseconds, instead of any earlier arming. One in the past is due at once. */
  at(nanoseconds: number): void;
  /** Arms it for `nanoseconds` from now. */
  after(nanoseconds: number): void;
  /** Disarms it. */
  cancel(): void;
  /** Whether it is armed. */
  readonly armed: boolean;
  /** When it is due; Infinity if it is not armed. */
  readonly due: number;
}

/**
 * A window into guest memory. Data is copied. Bytes outside the guest's memory read as ones and swallow writes, and are
 * counted, as on a bus where nobody answers.
 */
export interface DmaWindow {
  /**
   * Copies from guest memory.
   *
   * @param address Guest-physical, below 2^52.
   * @returns The number of bytes that were memory.
   * @throws {BulkheadError} `dma-claim`: longer than the claim, or against its direction.
   */
  read(address: number, into: Uint8Array): number;
  /** Copies into guest memory; otherwise as {@linkcode DmaWindow.read}. */
  write(address: number, from: Uint8Array): number;
}

/** What all registers declare. */
export interface RegisterPlace {
  /** The datasheet's name. */
  readonly name: string;
  /** Offset of its first byte in the region. */
  readonly at: number;
  /** Its width in bytes. */
  readonly width: Width;
  /**
   * Widths of an access at `at` that reach the register as one access, with the value zero-extended; its own width if
   * absent. The core makes all other accesses of bytes of whole registers.
   */
  readonly access?: readonly Width[];
}

/** Memory semantics: the core answers, the device is not called. Its value is `ctx.regs[name]`. */
export interface LatchRegister<Latch extends string> extends RegisterPlace {
  /** Memory semantics. */
  readonly kind: "latch";
  /** A name among the device's `latches`. */
  readonly name: Latch;
  /** Bits that the guest can change; all if absent. */
  readonly writable?: number;
}

/** Write-only with an effect that the guest does not wait for. Reads give ones. */
export interface PostedRegister extends RegisterPlace {
  /** Writes may be batched. */
  readonly kind: "posted";
  /** The guest wrote. `value` is unsigned. */
  write(value: number): void;
}

/** The guest waits for the answer. Any register that lowers a line is of this kind or a status register. */
export interface SyncRegister extends RegisterPlace {
  /** The guest waits. */
  readonly kind: "sync";
  /** True if reading changes the device, so that the core never reads it to complete a narrower write. */
  readonly readEffect?: boolean;
  /** The guest reads. Absent: reads give ones. */
  read?(): number;
  /** The guest wrote. `value` is unsigned. Absent: writes are swallowed. */
  write?(value: number): void;
}

/** Write one to clear. Its value is `ctx.regs[name]`; the device sets bits there and the core drives the line. */
export interface StatusRegister<Latch extends string, LineName extends string> extends RegisterPlace {
  /** Write one to clear. */
  readonly kind: "status";
  /** A name among the device's `latches`. */
  readonly name: Latch;
  /** Bits that the guest clears by writing ones. */
  readonly clear: number;
  /** The line that is high while an enabled bit is set. */
  readonly line?: LineName;
  /** The latch that enables bits; without it all bits of `clear` are enabled. */
  readonly enable?: Latch;
}

/** A register of a region. */
export type Register<Latch extends string = string, LineName extends string = string> =
  | LatchRegister<Latch>
  | PostedRegister
  | SyncRegister
  | StatusRegister<Latch, LineName>;

/** Answers a whole region where a register list does not fit: a data port, a frame buffer. Offsets are the region's. */
export interface RegionHandler {
  /** Widths that the handler takes, at offsets that are multiples of them. The core makes the others of these. */
  readonly widths: readonly Width[];
  /** True if offsets need not be multiples of the width. */
  readonly unaligned?: boolean;
  /** True if reading changes the device, so that the core never reads to complete a write narrower than all widths. */
  readonly readEffect?: boolean;
  /** The guest reads. Absent: reads give ones. */
  read?(offset: number, width: Width): number;
  /** The guest wrote. `value` is unsigned. Absent: writes are swallowed. */
  write?(offset: number, width: Width, value: number): void;
  /**
   * A block read (`rep ins`) of `into.length / width` items from one offset.
   *
   * @returns How many items were given, at least 1. The core comes again for the rest.
   */
  readBlock?(offset: number, width: Width, into: Uint8Array): number;
  /** A block write (`rep outs`); otherwise as {@linkcode RegionHandler.readBlock}. `from` is valid during the call. */
  writeBlock?(offset: number, width: Width, from: Uint8Array): number;
}

/** Registers in any order, not overlapping, or a handler. */
export type Region<Latch extends string = string, LineName extends string = string> =
  | readonly Register<Latch, LineName>[]
  | RegionHandler;

/** Why a device is reset. `power-on`: everything; `hard`: the machine's reset line. */
export type ResetKind = "power-on" | "hard";

/** A part of the wiring that must be there exactly if something is named for it. */
export type Answers<Key extends string, Name extends string, Value> = [Name] extends [never]
  ? { readonly [K in Key]?: Record<never, never> }
  : { readonly [K in Key]: Value };

/** What `wire` returns: the answers to everything that the needs promise. */
export type Wiring<N extends Needs, Latch extends string> =
  & Answers<"regions", RegionName<N>, { readonly [R in RegionName<N>]: Region<Latch, Named<N["lines"]>> }>
  & Answers<"inputs", Named<N["inputs"]>, { readonly [I in Named<N["inputs"]>]: (level: boolean) => void }>
  & Answers<
    "provides",
    Named<N["provides"]>,
    { readonly [P in Named<N["provides"]>]: InterfaceOf<N["provides"], P> }
  >
  & Answers<"virtio", QueueName<N>, VirtioWiring<QueueName<N>, Latch>>
  & {
    /**
     * Power-on and reset, the only times besides accesses, alarms, inputs and interface calls when a device may act.
     * On `power-on` the state is fresh. On `hard` the core leaves the state, latches, alarms and lines to this function; a
     * device without one gets a fresh state, reset latches, no alarms and low lines.
     */
    reset?(kind: ResetKind): void;
  };

/** Refuses names in the wiring `W` that the needs do not declare. */
export interface Undeclared<W, N extends Needs> {
  /** Regions that are not among the needs. */
  readonly regions?: { readonly [R in Exclude<NamesIn<W, "regions">, RegionName<N>>]: never };
  /** Inputs that are not among the needs. */
  readonly inputs?: { readonly [I in Exclude<NamesIn<W, "inputs">, Named<N["inputs"]>>]: never };
  /** Interfaces that are not among the needs. */
  readonly provides?: { readonly [P in Exclude<NamesIn<W, "provides">, Named<N["provides"]>>]: never };
  /** Queues that are not among the needs. */
  readonly virtio?: {
    readonly queues?: { readonly [Q in Exclude<NamesIn<PartOf<W, "virtio">, "queues">, QueueName<N>>]: never };
  };
}

/** One part of the wiring `W`. */
export type PartOf<W, Part extends string> = W extends { readonly [K in Part]: infer Value } ? Value : never;

/** The names in one part of the wiring `W`. */
export type NamesIn<W, Part extends string> = W extends { readonly [K in Part]: infer Value } ? keyof Value & string
  : never;

/** What a device is given: what it named, and nothing else. */
export interface Context<S extends object, C extends ConfigSchema, N extends Needs, Latch extends string> {
  /** The only mutable state. The core owns it. Closures must not hold any. */
  readonly state: S;
  /** The checked configuration. */
  readonly config: ConfigOf<C>;
  /** Values of latch and status registers. */
  readonly regs: Record<Latch, number>;
  /** An output line. */
  irq(name: Named<N["lines"]>): Line;
  /** An alarm. `ring` gets the instant for which it was armed: periodic devices add to that, so that nothing drifts. */
  alarm(name: Named<N["alarms"]>, ring: (due: number) => void): Alarm;
  /** A window into guest memory. */
  dma(name: Named<N["dma"]>): DmaWindow;
  /** An interface. Call through the object: it stays valid when the other end changes. */
  use<Name extends Named<N["uses"]>>(name: Name): InterfaceOf<N["uses"], Name>;
  /** Queues and features of a virtio device. */
  readonly virtio: VirtioPort<QueueName<N>>;
  /** Virtual nanoseconds since power-on, an integer. There is no other clock. */
  now(): number;
  /** Reports something. Cheap enough for what is rare, not for every access. */
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, number | string | boolean>>): void;
  /** Adds to a counter of the device's statistics. */
  count(metric: string, by?: number): void;
}

/** A device: what {@linkcode device} takes and returns. */
export interface Device<
  S extends object = object,
  C extends ConfigSchema = ConfigSchema,
  N extends Needs = Needs,
  L extends Readonly<Record<string, number>> = Readonly<Record<string, number>>,
> {
  /** Author and name, lower case: `acme/heartbeat`. */
  readonly id: string;
  /** Version of this contract. */
  readonly api: 1;
  /** Version of the device's state: raise it when `state` or the latches change shape, and add to `migrate`. */
  readonly version: number;
  /** What can be configured. */
  readonly config?: C;
  /** Everything the device touches. */
  readonly needs: N;
  /** Latch and status registers by name, with their reset values. */
  readonly latches?: L;
  /** The state at power-on: plain data only (objects, arrays, typed arrays, numbers, text, booleans, null). */
  state(config: ConfigOf<C>): S;
  /** By an old version: makes that version's state one of the next version. */
  readonly migrate?: Readonly<Record<number, (old: unknown) => unknown>>;
  /** Connects the device. Pure: runs again on restore; sets no line, arms no alarm and calls no interface. */
  wire(ctx: Context<S, C, N, keyof L & string>): Wiring<N, keyof L & string>;
}

/** Any device, whatever its types. */
// deno-lint-ignore no-explicit-any
export type AnyDevice = Device<any, any, any, any>;

/**
 * Defines a device. Names in the wiring that the needs do not declare are type errors here and run-time errors in a
 * machine.
 *
 * @example A counter of writes to a port
 * ```ts
 * import { device } from "./contract.ts";
 *
 * export default device({
 *   id: "acme/tally",
 *   api: 1,
 *   version: 1,
 *   needs: { ports: { io: { base: 0x510, size: 1 } }, lines: { full: "level" } },
 *   state: () => ({ writes: 0 }),
 *   wire({ state, irq }) {
 *     const full = irq("full");
 *     return {
 *       regions: {
 *         io: [{
 *           name: "TALLY",
 *           at: 0,
 *           width: 1,
 *           kind: "sync",
 *           read: () => state.writes,
 *           write: () => full.set(++state.writes > 9),
 *         }],
 *       },
 *     };
 *   },
 * });
 * ```
 */
export function device<
  S extends object,
  const N extends Needs,
  W extends Wiring<N, keyof L & string>,
  const C extends ConfigSchema = Record<never, never>,
  const L extends Readonly<Record<string, number>> = Record<never, never>,
>(
  definition: Omit<Device<S, C, N, L>, "wire"> & {
    /** As {@linkcode Device.wire}. */
    wire(ctx: Context<S, C, N, keyof L & string>): W & Undeclared<W, N>;
  },
): Device<S, C, N, L> {
  return definition;
}
