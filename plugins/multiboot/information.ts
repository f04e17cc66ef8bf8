/**
 * The multiboot information structure: what a kernel finds at EBX.
 *
 * Multiboot Specification 0.6.96, section 3.3.
 *
 * @module
 */

import { ramRanges } from "../pc_memory.ts";

/** Bits of `flags` that say which fields are valid. */
const FLAG = { MEMORY: 1 << 0, CMDLINE: 1 << 2, MODS: 1 << 3, MMAP: 1 << 6, BOOT_LOADER_NAME: 1 << 9 } as const;

const INFO = {
  FLAGS: 0,
  MEM_LOWER: 4,
  MEM_UPPER: 8,
  CMDLINE: 16,
  MODS_COUNT: 20,
  MODS_ADDR: 24,
  MMAP_LENGTH: 44,
  MMAP_ADDR: 48,
  BOOT_LOADER_NAME: 64,
  SIZE: 116,
} as const;

const MODULE = { START: 0, END: 4, STRING: 8, SIZE: 16 } as const;

/** An entry of the memory map; `SIZE_FIELD` does not count itself. */
const MMAP = { SIZE_FIELD: 0, BASE: 4, LENGTH: 12, TYPE: 20, SIZE: 24, AVAILABLE: 1 } as const;

const LOADER_NAME = "Bulkhead";

/** A module in memory. */
export interface LoadedModule {
  /** First byte. */
  readonly start: number;
  /** First byte after it. */
  readonly end: number;
  /** Its string, usually a name and arguments. */
  readonly text: string;
}

/** What the structure says. */
export interface Information {
  /** Bytes of guest RAM. */
  readonly memory: number;
  /** The kernel's command line. */
  readonly commandLine: string;
  /** Modules, in the order in which they were given. */
  readonly modules: readonly LoadedModule[];
}

/** Bytes that {@linkcode buildInformation} needs: they do not depend on addresses. */
export function informationSize(commandLine: string, moduleTexts: readonly string[]): number {
  const texts = [commandLine, LOADER_NAME, ...moduleTexts];
  const fixed = INFO.SIZE + ramRanges(0x20_0000).length * MMAP.SIZE + moduleTexts.length * MODULE.SIZE;
  return texts.reduce((sum, text) => sum + encode(text).length, fixed);
}

/**
 * Builds the structure, and after it the tables and strings that it points to.
 *
 * @param address Where it will lie.
 * @param information What it says.
 */
export function buildInformation(address: number, information: Information): Uint8Array {
  const { memory, commandLine, modules } = information;
  const bytes = new Uint8Array(informationSize(commandLine, modules.map(({ text }) => text)));
  const view = new DataView(bytes.buffer);
  const ranges = ramRanges(memory);
  const mmap = INFO.SIZE;
  const mods = mmap + ranges.length * MMAP.SIZE;
  let free = mods + modules.length * MODULE.SIZE;
  const append = (text: string): number => {
    const encoded = encode(text);
    bytes.set(encoded, free);
    free += encoded.length;
    return address + free - encoded.length;
  };
  const put = (offset: number, value: number) => view.setUint32(offset, value, true);

  put(INFO.FLAGS, FLAG.MEMORY | FLAG.CMDLINE | FLAG.MODS | FLAG.MMAP | FLAG.BOOT_LOADER_NAME);
  put(INFO.MEM_LOWER, ranges[0].size / 1024);
  put(INFO.MEM_UPPER, ranges[1].size / 1024);
  put(INFO.CMDLINE, append(commandLine));
  put(INFO.BOOT_LOADER_NAME, append(LOADER_NAME));
  put(INFO.MMAP_LENGTH, ranges.length * MMAP.SIZE);
  put(INFO.MMAP_ADDR, address + mmap);
  ranges.forEach((range, index) => {
    const entry = mmap + index * MMAP.SIZE;
    put(entry + MMAP.SIZE_FIELD, MMAP.SIZE - 4);
    view.setBigUint64(entry + MMAP.BASE, BigInt(range.address), true);
    view.setBigUint64(entry + MMAP.LENGTH, BigInt(range.size), true);
    put(entry + MMAP.TYPE, MMAP.AVAILABLE);
  });
  put(INFO.MODS_COUNT, modules.length);
  put(INFO.MODS_ADDR, address + mods);
  modules.forEach((module, index) => {
    const entry = mods + index * MODULE.SIZE;
    put(entry + MODULE.START, module.start);
    put(entry + MODULE.END, module.end);
    put(entry + MODULE.STRING, append(module.text));
  });
  return bytes;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
