/**
 * Small guests for whole-machine tests, in code written byte by byte: ROMs in 16-bit code, and a kernel.
 *
 * @module
 */

/** Bytes of a test ROM. */
const SIZE = 0x1_0000;

/** The offset of the reset vector. */
const VECTOR = 0xfff0;

/** The first serial port. */
const COM1 = 0x3f8;

/** Code that is being written. Each method adds instructions. */
export class Program {
  readonly #bytes: number[] = [];

  /** The code so far. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** Where the next instruction will be. */
  get here(): number {
    return this.#bytes.length;
  }

  raw(...bytes: number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  /** mov dx, port; mov al, value; out dx, al */
  out8(port: number, value: number): this {
    return this.raw(0xba, port & 0xff, port >> 8, 0xb0, value & 0xff, 0xee);
  }

  /** mov dx, port; mov ax, value; out dx, ax */
  out16(port: number, value: number): this {
    return this.raw(0xba, port & 0xff, port >> 8, 0xb8, value & 0xff, value >> 8, 0xef);
  }

  /** Eight data bits on the first serial port. */
  openSerial(): this {
    return this.out8(COM1 + 3, 0x03);
  }

  print(text: string): this {
    for (const byte of new TextEncoder().encode(text)) this.out8(COM1, byte);
    return this;
  }

  /** Waits for a character at the first serial port: in al, dx+5 until bit 0; then reads it into al. */
  readSerial(): this {
    // mov dx, 3fdh; again: in al, dx; test al, 1; jz again; mov dx, 3f8h; in al, dx
    return this.raw(0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0xec);
  }

  /** mov dx, 3f8h; out dx, al */
  writeSerial(): this {
    return this.raw(0xba, 0xf8, 0x03, 0xee);
  }

  /** jmp short to an earlier place. */
  jumpTo(target: number): this {
    return this.raw(0xeb, (target - (this.here + 2)) & 0xff);
  }

  /** cli; hlt */
  halt(): this {
    return this.raw(0xfa, 0xf4);
  }

  powerOff(): this {
    return this.out16(0x604, 0x2000).halt();
  }

  exit(value: number): this {
    return this.out8(0xf4, value).halt();
  }

  /** A reset through port 92h. */
  reset(): this {
    return this.out8(0x92, 0x01).halt();
  }

  /** Loads an interrupt table of no length and raises an exception: lidt cs:[0fff8h]; ud2 */
  tripleFault(): this {
    return this.raw(0x2e, 0x0f, 0x01, 0x1e, 0xf8, 0xff, 0x0f, 0x0b);
  }
}

/** An empty program. */
export function program(): Program {
  return new Program();
}

/** A 64 KB ROM whose reset vector jumps to F000:0000, where the program is. FFF8h holds zeros. */
export function rom(code: Program): Uint8Array {
  const image = new Uint8Array(SIZE);
  image.set(code.bytes);
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], VECTOR);
  return image;
}

/** A bzImage of Linux's boot protocol 2.10 whose 32-bit code, at 1 MB, is the program (of instructions that are the same in 32-bit code). */
export function kernel(code: Program): Uint8Array<ArrayBuffer> {
  const SETUP = 512 * 5;
  const image = new Uint8Array(SETUP + 4096);
  const view = new DataView(image.buffer);
  view.setUint8(0x1f1, 4); // setup_sects
  view.setUint32(0x1f4, 4096 / 16, true); // syssize
  view.setUint16(0x1fe, 0xaa55, true); // boot_flag
  view.setUint8(0x200, 0xeb); // jump
  view.setUint8(0x201, 0x66);
  image.set(new TextEncoder().encode("HdrS"), 0x202);
  view.setUint16(0x206, 0x20a, true); // version
  view.setUint8(0x211, 1); // loadflags: LOADED_HIGH
  view.setUint32(0x214, 0x10_0000, true); // code32_start
  view.setUint32(0x22c, 0x37ff_ffff, true); // initrd_addr_max
  view.setUint32(0x230, 0x1000, true); // kernel_alignment
  view.setUint32(0x238, 255, true); // cmdline_size
  view.setUint32(0x260, 0x10_0000, true); // init_size
  image.set(code.bytes, SETUP);
  return image;
}
