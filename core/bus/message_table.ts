/**
 * MSI-X: the table by which a PCI device's message lines become message interrupts.
 *
 * PCI Local Bus Specification 3.0, section 6.8.2; registers have its names.
 *
 * @module
 */
import { BulkheadError } from "./error.ts";
import type { MessageInterrupt, Output } from "./lines.ts";
import { RegionMap, RegisterStorage } from "./registers.ts";

/** Capability ID. */
export const MSIX_CAPABILITY = 0x11;
/** Bytes of the capability. */
export const MSIX_CAPABILITY_BYTES = 12;
/** Bytes of the region with the table and the pending bits. */
const REGION_BYTES = 0x1000;
/** Where the Pending Bit Array begins. */
const PBA = 0x800;
/** Bytes of a table entry: Message Address, Message Upper Address, Message Data, Vector Control. */
const ENTRY_BYTES = 16;
const MOST_VECTORS = PBA / ENTRY_BYTES;

/** Bits of Message Control. */
const CONTROL = { ENABLE: 1 << 15, FUNCTION_MASK: 1 << 14 } as const;
/** Words of an entry. */
const WORD = { ADDRESS: 0, UPPER_ADDRESS: 1, DATA: 2, VECTOR_CONTROL: 3 } as const;
/** Vector Control: the vector is masked, as it is after a reset. */
const MASKED = 1;

/** What of a table can change. */
export interface MessageTableState {
  /** Enable and function mask, as in Message Control. */
  readonly control: number;
  /** The table's words. */
  readonly words: readonly number[];
  /** Vectors that wait for being unmasked. */
  readonly pending: readonly boolean[];
}

/** The MSI-X table of a device. */
export class MessageTable {
  /** The table and the pending bits, to be mapped by a base address register. */
  readonly region: RegionMap;
  /** Message Control, in configuration space. */
  readonly control: RegionMap;

  readonly #vectors: number;
  readonly #send: (message: MessageInterrupt) => void;
  readonly #changed: () => void;
  #control = 0;
  #words: number[] = [];
  #pending: boolean[] = [];

  /**
   * A table as after a reset.
   *
   * @param device The device's name in its machine.
   * @param lines Its message lines: line n is vector n.
   * @param changed Told when MSI-X was enabled or disabled.
   * @throws {BulkheadError} `bad-pci`: more lines than the table has room for.
   */
  constructor(
    device: string,
    lines: readonly Output[],
    send: (message: MessageInterrupt) => void,
    changed: () => void,
  ) {
    if (lines.length > MOST_VECTORS) {
      const expected = `at most ${MOST_VECTORS} message lines`, found = `${lines.length}`;
      throw new BulkheadError({ code: "bad-pci", subject: `device "${device}"`, expected, found });
    }
    this.#vectors = lines.length;
    this.#send = send;
    this.#changed = changed;
    this.reset();
    lines.forEach((line, vector) => line.message = () => this.#raise(vector));
    const storage = new RegisterStorage(device, {});
    this.region = new RegionMap(device, "msi-x", REGION_BYTES, 0);
    this.region.fill({
      widths: [4],
      read: (offset) => this.#read(offset),
      write: (offset, _width, value) => this.#write(offset, value),
    }, storage);
    this.control = new RegionMap(device, "msi-x control", 2, 0);
    this.control.fill([{
      name: "MESSAGE_CONTROL",
      at: 0,
      width: 2,
      kind: "sync",
      // Table Size is one less than it is.
      read: () => this.#control | this.#vectors - 1,
      write: (value) => {
        this.#control = value & (CONTROL.ENABLE | CONTROL.FUNCTION_MASK);
        this.#changed();
        for (let vector = 0; vector < this.#vectors; vector++) this.#release(vector);
      },
    }], storage);
  }

  /** While it is true the device has no other interrupts (section 6.8.3.3). */
  get enabled(): boolean {
    return (this.#control & CONTROL.ENABLE) !== 0;
  }

  /** The capability's bytes behind ID and next pointer, where base address register `bar` maps the region. */
  capability(bar: number): number[] {
    // Message Control is a register; Table Offset and PBA Offset have the register's number in their low bits.
    return [0, 0, bar, 0, 0, 0, bar | PBA & 0xff, PBA >> 8, 0, 0];
  }

  /** Disabled, all vectors masked, nothing pending. */
  reset(): void {
    this.#control = 0;
    this.#words = Array.from({ length: 4 * this.#vectors }, (_, word) => word % 4 === WORD.VECTOR_CONTROL ? MASKED : 0);
    this.#pending = new Array<boolean>(this.#vectors).fill(false);
  }

  /** What can change, as plain data. */
  save(): MessageTableState {
    return { control: this.#control, words: [...this.#words], pending: [...this.#pending] };
  }

  /** Takes a saved state over; nothing is sent. */
  restore({ control, words, pending }: MessageTableState): void {
    this.#control = control;
    this.#words = [...words];
    this.#pending = [...pending];
  }

  #raise(vector: number): void {
    if (!this.enabled) return;
    this.#pending[vector] = true;
    this.#release(vector);
  }

  #release(vector: number): void {
    if (!this.#pending[vector] || (this.#control & (CONTROL.ENABLE | CONTROL.FUNCTION_MASK)) !== CONTROL.ENABLE) return;
    const word = (index: number) => this.#words[4 * vector + index]!;
    if ((word(WORD.VECTOR_CONTROL) & MASKED) !== 0) return;
    this.#pending[vector] = false;
    const address = word(WORD.ADDRESS) + word(WORD.UPPER_ADDRESS) * 2 ** 32;
    this.#send({ address, data: word(WORD.DATA) });
  }

  #read(offset: number): number {
    if (offset < PBA) return this.#words[offset >> 2] ?? 0;
    const first = 8 * (offset - PBA);
    return this.#pending.slice(first, first + 32).reduce((bits, one, bit) => one ? (bits | 1 << bit) >>> 0 : bits, 0);
  }

  #write(offset: number, value: number): void {
    const index = offset >> 2;
    if (index >= this.#words.length) return;
    const word = index % 4;
    this.#words[index] = word === WORD.VECTOR_CONTROL
      ? value & MASKED
      : word === WORD.ADDRESS
      ? (value & ~3) >>> 0
      : value;
    this.#release(index >> 2);
  }
}
