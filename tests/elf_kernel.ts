/**
 * A Multiboot kernel as an ELF file with symbols, from assembler text.
 *
 * @module
 */
import { assemble } from "../core/x86/assemble.ts";

/** Where the kernel is loaded. */
export const KERNEL_ADDRESS = 0x10_0000;

/** Sizes of ELF's headers and entries (System V ABI, chapter 4). */
const SIZE = { HEADER: 52, PROGRAM: 32, SECTION: 40, SYMBOL: 16 } as const;

const CODE_OFFSET = 0x1000;

/** Global symbols: a function, or data. */
const SYMBOL_INFO = { function: 0x12, data: 0x11 } as const;

/** Magic number, no flags, checksum (Multiboot 0.6.96, 3.1.1). */
const MULTIBOOT_HEADER = "dd 0x1badb002, 0, -0x1badb002 & 0xffffffff";

/** Section types (System V ABI, figure 4-9). */
const SECTION = { CODE: 1, SYMBOLS: 2, STRINGS: 3, NO_BITS: 8 } as const;

/** What `elfKernel` makes. */
export interface ElfKernel {
  readonly bytes: Uint8Array;
  /** Addresses of the labels. */
  readonly labels: ReadonlyMap<string, number>;
}

/**
 * Builds the kernel. It starts at the label `start`; labels that begin with `data_` are data of four bytes, others functions.
 *
 * @param source 32-bit code.
 */
export function elfKernel(source: string): ElfKernel {
  const text = `${MULTIBOOT_HEADER}\n${source}`;
  const { bytes: code, labels } = assemble(text, { bits: 32, origin: KERNEL_ADDRESS });
  return { bytes: elfFile(KERNEL_ADDRESS, code, code.length, labels, labels.get("start")!), labels };
}

/** A file for a debugger that names addresses from `address` on, and holds nothing else. */
export function symbolFile(address: number, size: number, labels: ReadonlyMap<string, number>): Uint8Array {
  return elfFile(address, new Uint8Array(0), size, labels, address);
}

function elfFile(
  address: number,
  code: Uint8Array,
  size: number,
  labels: ReadonlyMap<string, number>,
  entry: number,
): Uint8Array {
  const names = [...labels.keys()];
  const strings = "\0" + names.map((name) => `${name}\0`).join("");
  const sectionNames = "\0.text\0.symtab\0.strtab\0.shstrtab\0";
  const symbolsAt = align(CODE_OFFSET + code.length);
  const symbolBytes = (names.length + 1) * SIZE.SYMBOL;
  const stringsAt = symbolsAt + symbolBytes;
  const sectionNamesAt = stringsAt + strings.length;
  const sectionsAt = align(sectionNamesAt + sectionNames.length);

  const bytes = new Uint8Array(sectionsAt + 5 * SIZE.SECTION);
  const view = new DataView(bytes.buffer);
  const words = (at: number, values: readonly number[]) =>
    values.forEach((value, index) => view.setUint32(at + index * 4, value, true));
  const chars = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);

  // 32-bit, least significant byte first, version 1; an executable for the 386.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  words(16, [2 | 3 << 16, 1, entry, SIZE.HEADER, sectionsAt, 0]);
  words(40, [SIZE.HEADER | SIZE.PROGRAM << 16, 1 | SIZE.SECTION << 16, 5 | 4 << 16]);
  words(SIZE.HEADER, [1, CODE_OFFSET, address, address, code.length, size, 7, 0x1000]);
  bytes.set(code, CODE_OFFSET);
  names.forEach((name, index) => {
    const at = symbolsAt + (index + 1) * SIZE.SYMBOL;
    words(at, [strings.indexOf(`\0${name}\0`) + 1, labels.get(name)!, name.startsWith("data_") ? 4 : 0]);
    view.setUint8(at + 12, name.startsWith("data_") ? SYMBOL_INFO.data : SYMBOL_INFO.function);
    view.setUint16(at + 14, 1, true);
  });
  chars(stringsAt, strings);
  chars(sectionNamesAt, sectionNames);
  // Name, type, flags, address, offset, size, link, info, alignment, entry size.
  const sections = [
    [".text", code.length > 0 ? SECTION.CODE : SECTION.NO_BITS, 7, address, CODE_OFFSET, size, 0, 0, 16, 0],
    [".symtab", SECTION.SYMBOLS, 0, 0, symbolsAt, symbolBytes, 3, 1, 4, SIZE.SYMBOL],
    [".strtab", SECTION.STRINGS, 0, 0, stringsAt, strings.length, 0, 0, 1, 0],
    [".shstrtab", SECTION.STRINGS, 0, 0, sectionNamesAt, sectionNames.length, 0, 0, 1, 0],
  ] as const;
  sections.forEach(([name, ...fields], index) =>
    words(sectionsAt + (index + 1) * SIZE.SECTION, [sectionNames.indexOf(name), ...fields])
  );
  return bytes;
}

function align(offset: number): number {
  return Math.ceil(offset / 16) * 16;
}
