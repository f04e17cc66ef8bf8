/**
 * The configuration space of one PCI device: its header, which the core answers, its capabilities, and registers of its own.
 *
 * PCI Local Bus Specification 3.0, section 6; registers have its names.
 *
 * @module
 */
import type { Needs, PciCapability, Width } from "./claims.ts";
import { BulkheadError } from "./error.ts";
import { defineInterface, type Interface } from "./interface.ts";
import { type MessageInterrupt, Net, Output } from "./lines.ts";
import { MessageTable, type MessageTableState, MSIX_CAPABILITY, MSIX_CAPABILITY_BYTES } from "./message_table.ts";
import type { RegionMap, Slot } from "./registers.ts";
import { MmioSpace } from "./spaces.ts";

/** Registers of a header of type 0 (section 6.1, figure 6-2). */
export const HEADER = {
  VENDOR_ID: 0x00,
  DEVICE_ID: 0x02,
  COMMAND: 0x04,
  STATUS: 0x06,
  REVISION_ID: 0x08,
  CLASS_CODE: 0x09,
  CACHE_LINE_SIZE: 0x0c,
  LATENCY_TIMER: 0x0d,
  BASE_ADDRESS_0: 0x10,
  SUBSYSTEM_VENDOR_ID: 0x2c,
  CAPABILITIES_POINTER: 0x34,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
  /** Where the header ends. */
  END: 0x40,
} as const;

/** Bits of the Command register (section 6.2.2). */
export const COMMAND = {
  IO_SPACE: 1 << 0,
  MEMORY_SPACE: 1 << 1,
  BUS_MASTER: 1 << 2,
  PARITY_ERROR_RESPONSE: 1 << 6,
  SERR_ENABLE: 1 << 8,
  INTERRUPT_DISABLE: 1 << 10,
} as const;

/** Bits of the Status register (section 6.2.3). */
const STATUS = { INTERRUPT: 1 << 3, CAPABILITIES_LIST: 1 << 4 } as const;

/** Bit 0 of a base address register of I/O ports (section 6.2.5.1). */
const BAR_IO = 1;
/** The smallest ranges that a base address register can tell (section 6.2.5.1). */
const SMALLEST = { MEMORY: 16, IO: 4 } as const;
const REGISTERS = 6;
const CONFIGURATION_BYTES = 0x100;

/** What of a header can change. */
export interface PciState {
  /** Command. */
  readonly command: number;
  /** Cache Line Size. */
  readonly cacheLineSize: number;
  /** Latency Timer. */
  readonly latencyTimer: number;
  /** Base address registers, without the bits that tell their kind. */
  readonly bars: readonly number[];
  /** Interrupt Line. */
  readonly interruptLine: number;
  /** MSI-X, where the machine takes message interrupts. */
  readonly messages?: MessageTableState;
}

/** A base address register that stands for a region. */
interface BaseAddress {
  readonly region: RegionMap;
  readonly io: boolean;
  /** Bytes that it decodes, a power of 2. */
  readonly size: number;
}

/** Maps a region where the guest wants it, or nowhere. */
export type RegionMover = (region: RegionMap, base: number | null) => void;

/** A device's way into its own base address registers' regions, wherever they are mapped. */
export interface PciBars {
  /** Reads at a region's offset. All ones where nothing takes this width. */
  read(bar: number, offset: number, width: Width): number;
  /** Writes at a region's offset. */
  write(bar: number, offset: number, width: Width, value: number): void;
}

/** {@linkcode PciBars}: for the core's own devices, whose function the host connects. */
export const pciBars: Interface<PciBars> = defineInterface("pci-bars/1", {
  read: (_bar: number, _offset: number, width: Width): number => 2 ** (8 * width) - 1,
  write: () => {},
});

/** The configuration space of a device. */
export class PciFunction {
  /** INTA#, as the bus sees it: what the device drives, unless the guest disabled it. */
  readonly interrupt = new Output("level");
  /** Registers of the device's own. */
  readonly space = new MmioSpace();

  readonly #needs: Needs;
  readonly #bars: (BaseAddress | undefined)[];
  /** Header and capabilities as far as they never change. */
  readonly #fixed = new DataView(new ArrayBuffer(CONFIGURATION_BYTES));
  #writableCommand: number;
  #command = 0;
  #cacheLineSize = 0;
  #latencyTimer = 0;
  #interruptLine = 0;
  readonly #addresses = new Array<number>(REGISTERS).fill(0);
  #preset: PciState | undefined;
  #pin: Output | undefined;
  #move: RegionMover = () => {};
  #messages: MessageTable | undefined;

  /**
   * @param needs With `pci`. The caller has checked them.
   * @param regions The device's regions.
   */
  constructor(needs: Needs, regions: ReadonlyMap<string, RegionMap>) {
    this.#needs = needs;
    const identity = needs.pci!;
    const names = Array.from({ length: REGISTERS }, (_, index) => identity.bars?.[index]);
    this.#bars = names.map((name) => {
      if (name === undefined) return undefined;
      const region = regions.get(name)!, io = needs.ports?.[name] !== undefined;
      const least = Math.max(io ? SMALLEST.IO : SMALLEST.MEMORY, region.size);
      return { region, io, size: 2 ** Math.ceil(Math.log2(least)) };
    });
    this.#writableCommand = COMMAND.BUS_MASTER | COMMAND.PARITY_ERROR_RESPONSE | COMMAND.SERR_ENABLE |
      COMMAND.INTERRUPT_DISABLE | (this.#bars.some((bar) => bar?.io === true) ? COMMAND.IO_SPACE : 0) |
      (this.#bars.some((bar) => bar?.io === false) ? COMMAND.MEMORY_SPACE : 0);
    this.#fillFixed();
  }

  /** Base address registers in use: their numbers, kinds and sizes. */
  get bars(): readonly { readonly index: number; readonly io: boolean; readonly size: number }[] {
    return this.#bars.flatMap((bar, index) => bar === undefined ? [] : [{ index, io: bar.io, size: bar.size }]);
  }

  /** The way into the regions. */
  readonly barAccess: PciBars = {
    read: (bar, offset, width) => {
      const slot = this.#slotAt(bar, offset, width);
      return slot === undefined ? 2 ** (8 * width) - 1 : (slot.read(offset, width) >>> 0) % 2 ** (8 * width);
    },
    write: (bar, offset, width, value) => this.#slotAt(bar, offset, width)?.write(offset, width, value),
  };

  /** True while the guest lets the device reach memory. */
  get busMaster(): boolean {
    return (this.#command & COMMAND.BUS_MASTER) !== 0;
  }

  /**
   * Puts the device on its bus: what firmware would have set up, now and after each reset.
   *
   * @param move Maps regions from now on.
   */
  plug(preset: Pick<PciState, "bars" | "interruptLine">, move: RegionMover): void {
    this.#move = move;
    const pin = this.#needs.pci!.interrupt !== undefined;
    this.#preset = {
      command: this.#writableCommand & (COMMAND.IO_SPACE | COMMAND.MEMORY_SPACE),
      cacheLineSize: 0,
      latencyTimer: 0,
      bars: preset.bars,
      interruptLine: pin ? preset.interruptLine : 0,
    };
    this.reset();
  }

  /**
   * Offers MSI-X: message lines become message interrupts. Before {@linkcode PciFunction.plug}.
   *
   * @throws {BulkheadError} `bad-pci`: no base address register or no room for the capability is left.
   */
  offerMessages(device: string, lines: readonly Output[], send: (message: MessageInterrupt) => void): void {
    const { capabilities = [] } = this.#needs.pci!;
    const bar = this.#bars.lastIndexOf(undefined);
    const ends = [
      ...capabilities.map(({ at, body }) => at + 2 + body.length),
      ...Object.values(this.#needs.configuration ?? {}).map(({ at, size }) => at + size),
    ];
    const end = Math.max(HEADER.END, ...ends);
    const at = Math.ceil(end / 4) * 4;
    if (bar < 0 || at + MSIX_CAPABILITY_BYTES > CONFIGURATION_BYTES) {
      const expected = "a base address register and 12 bytes of configuration space for MSI-X", found = "none left";
      throw new BulkheadError({ code: "bad-pci", subject: `device "${device}"`, expected, found });
    }
    const table = this.#messages = new MessageTable(device, lines, send, () => this.#driveInterrupt());
    this.#bars[bar] = { region: table.region, io: false, size: table.region.size };
    this.#writableCommand |= COMMAND.MEMORY_SPACE;
    this.#fillCapabilities([...capabilities, { id: MSIX_CAPABILITY, at, body: table.capability(bar) }]);
    this.space.map(table.control, at + 2, true);
  }

  /** Connects the line that the device drives. */
  drivenBy(pin: Output): void {
    this.#pin = pin;
    const net = new Net();
    net.to(() => this.#driveInterrupt());
    pin.join(net);
  }

  /** The state in which firmware leaves it. */
  reset(): void {
    if (this.#preset === undefined) return;
    this.#load(this.#preset);
    this.#messages?.reset();
    this.#remap();
    this.#driveInterrupt();
  }

  /** What can change, as plain data. */
  save(): PciState {
    return {
      command: this.#command,
      cacheLineSize: this.#cacheLineSize,
      latencyTimer: this.#latencyTimer,
      bars: [...this.#addresses],
      interruptLine: this.#interruptLine,
      ...(this.#messages === undefined ? {} : { messages: this.#messages.save() }),
    };
  }

  /** Takes a saved state over, after the device's lines. Sinks are not told. */
  restore(saved: PciState): void {
    this.#load(saved);
    if (saved.messages !== undefined) this.#messages?.restore(saved.messages);
    this.#remap();
    this.interrupt.restore(this.#interruptLevel);
  }

  /** A configuration read; `register` is a multiple of `width`. */
  read(register: number, width: Width): number {
    if (this.#isOwn(register, width)) {
      if (width === 1 || this.#isWhole(register, width)) return this.space.read(register, width);
      const half = width / 2 as Width;
      return this.read(register, half) + this.read(register + half, half) * 2 ** (8 * half);
    }
    const dword = this.#readDword(register & ~3);
    return (dword >>> 8 * (register & 3)) % 2 ** (8 * width);
  }

  /** A configuration write. */
  write(register: number, width: Width, value: number): void {
    if (this.#isOwn(register, width)) {
      if (width === 1 || this.#isWhole(register, width)) return this.space.write(register, width, value);
      const half = width / 2 as Width;
      this.write(register, half, value % 2 ** (8 * half));
      return this.write(register + half, half, value >>> 8 * half);
    }
    const at = register & ~3, shift = 8 * (register & 3);
    const mask = width === 4 ? -1 : (1 << 8 * width) - 1 << shift;
    this.#writeDword(at, (this.#readDword(at) & ~mask | value << shift & mask) >>> 0, mask);
  }

  /** Whether a register of the device's own covers some of these bytes. */
  #isOwn(register: number, width: Width): boolean {
    for (let byte = register; byte < register + width; byte++) {
      if (this.space.rangeAt(byte) !== undefined) return true;
    }
    return false;
  }

  #isWhole(register: number, width: Width): boolean {
    return (this.space.rangeAt(register)?.end ?? 0) >= register + width;
  }

  #slotAt(bar: number, offset: number, width: Width): Slot | undefined {
    const region = this.#bars[bar]?.region;
    if (region === undefined || (region.directAt(offset) & width) === 0) return undefined;
    return region.slotAt(offset) ?? undefined;
  }

  #readDword(at: number): number {
    const fixed = this.#fixed.getUint32(at, true);
    if (at === HEADER.COMMAND) {
      const status = this.#pin?.level === true ? STATUS.INTERRUPT : 0;
      return (fixed | status << 16 | this.#command) >>> 0;
    }
    if (at === HEADER.CACHE_LINE_SIZE) return fixed | this.#latencyTimer << 8 | this.#cacheLineSize;
    if (at === HEADER.INTERRUPT_LINE) return fixed | this.#interruptLine;
    const index = at - HEADER.BASE_ADDRESS_0 >> 2;
    return index >= 0 && index < REGISTERS ? (fixed | this.#addresses[index]!) >>> 0 : fixed;
  }

  #writeDword(at: number, value: number, mask: number): void {
    if (at === HEADER.COMMAND) {
      // No bit of the Status register can be set, so that none is to be cleared.
      if ((mask & 0xffff) === 0) return;
      this.#command = value & this.#writableCommand;
      this.#remap();
      this.#driveInterrupt();
    } else if (at === HEADER.CACHE_LINE_SIZE) {
      this.#cacheLineSize = value & 0xff;
      this.#latencyTimer = value >>> 8 & 0xff;
    } else if (at === HEADER.INTERRUPT_LINE) {
      if (this.#needs.pci!.interrupt !== undefined) this.#interruptLine = value & 0xff;
    } else {
      const index = at - HEADER.BASE_ADDRESS_0 >> 2;
      const bar = index < 0 ? undefined : this.#bars[index];
      if (bar === undefined) return;
      // The bits below the size read as zero, which is how the guest learns it (section 6.2.5.1).
      this.#addresses[index] = (value & -bar.size) >>> 0;
      this.#remap();
    }
  }

  get #interruptLevel(): boolean {
    if (this.#messages?.enabled === true) return false;
    return this.#pin?.level === true && (this.#command & COMMAND.INTERRUPT_DISABLE) === 0;
  }

  #driveInterrupt(): void {
    this.interrupt.set(this.#interruptLevel);
  }

  /** Maps each region where its base address register says; one of 0 is not set up. */
  #remap(): void {
    this.#bars.forEach((bar, index) => {
      if (bar === undefined) return;
      const { region, io, size } = bar;
      const enabled = (this.#command & (io ? COMMAND.IO_SPACE : COMMAND.MEMORY_SPACE)) !== 0;
      const address = this.#addresses[index]!;
      const base = enabled && address !== 0 && (!io || address + size <= 0x10000) ? address : null;
      if (base !== (region.base < 0 ? null : region.base)) this.#move(region, base);
    });
  }

  #load(state: PciState): void {
    this.#command = state.command;
    this.#cacheLineSize = state.cacheLineSize;
    this.#latencyTimer = state.latencyTimer;
    state.bars.forEach((address, index) => this.#addresses[index] = address);
    this.#interruptLine = state.interruptLine;
  }

  #fillFixed(): void {
    const { vendor, device, class: code, revision, subsystem, capabilities, interrupt } = this.#needs.pci!;
    const view = this.#fixed;
    view.setUint16(HEADER.VENDOR_ID, vendor, true);
    view.setUint16(HEADER.DEVICE_ID, device, true);
    view.setUint32(HEADER.REVISION_ID, (code << 8) >>> 0, true);
    view.setUint8(HEADER.REVISION_ID, revision ?? 0);
    this.#bars.forEach((bar, index) => {
      if (bar?.io === true) view.setUint8(HEADER.BASE_ADDRESS_0 + 4 * index, BAR_IO);
    });
    view.setUint16(HEADER.SUBSYSTEM_VENDOR_ID, subsystem?.vendor ?? 0, true);
    view.setUint16(HEADER.SUBSYSTEM_VENDOR_ID + 2, subsystem?.device ?? 0, true);
    view.setUint8(HEADER.INTERRUPT_PIN, interrupt === undefined ? 0 : 1);
    this.#fillCapabilities(capabilities ?? []);
  }

  #fillCapabilities(capabilities: readonly PciCapability[]): void {
    if (capabilities.length === 0) return;
    const view = this.#fixed;
    view.setUint16(HEADER.STATUS, STATUS.CAPABILITIES_LIST, true);
    let pointer: number = HEADER.CAPABILITIES_POINTER;
    for (const { id, at, body } of capabilities) {
      view.setUint8(pointer, at);
      view.setUint8(at, id);
      pointer = at + 1;
      body.forEach((byte, index) => view.setUint8(at + 2 + index, byte));
    }
  }
}
