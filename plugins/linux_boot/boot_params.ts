/**
 * The zero page: what a Linux/x86 kernel knows of the machine when it starts.
 *
 * Offsets are those of the kernel's Documentation/arch/x86/zero-page.rst; values those of boot.rst.
 *
 * @module
 */

import { HIGH_RAM_START, ramRanges } from "../pc_memory.ts";
import { HEADER, LOADFLAGS, type SetupHeader } from "./setup_header.ts";

/** Bytes of boot_params. */
export const BOOT_PARAMS_SIZE = 0x1000;

/** Fields of screen_info, which opens boot_params. */
const SCREEN_INFO = {
  EXT_MEM_K: 0x02,
  ORIG_VIDEO_MODE: 0x06,
  ORIG_VIDEO_COLS: 0x07,
  ORIG_VIDEO_LINES: 0x0e,
  ORIG_VIDEO_ISVGA: 0x0f,
  ORIG_VIDEO_POINTS: 0x10,
} as const;

const ALT_MEM_K = 0x1e0;
const E820_ENTRIES = 0x1e8;

/** boot_e820_entry: address and size of 64 bits, type of 32. */
const E820_TABLE = { OFFSET: 0x2d0, ADDRESS: 0, SIZE: 8, TYPE: 16, ENTRY: 20 } as const;

/** E820 type of RAM (ACPI 6.5, table 15.5). */
const ADDRESS_RANGE_MEMORY = 1;

/** `type_of_loader` of a loader without an assigned number. */
const UNDEFINED_LOADER = 0xff;

/** `vid_mode`: the mode that is set already. */
const NORMAL_VGA = 0xffff;

/** What the loader decided. Addresses are guest-physical. */
export interface BootParams {
  /** Bytes of guest RAM. */
  readonly memory: number;
  /** Where the protected-mode code was loaded. */
  readonly loadAddress: number;
  /** Where the NUL-terminated command line is. */
  readonly commandLineAddress: number;
  /** Where the initrd is; absent without one. */
  readonly initrd?: {
    /** Its first byte. */
    readonly address: number;
    /** Its bytes. */
    readonly size: number;
  };
}

/** Builds boot_params for the image whose header is given. */
export function buildBootParams(header: SetupHeader, params: BootParams): Uint8Array {
  const bytes = new Uint8Array(BOOT_PARAMS_SIZE);
  const view = new DataView(bytes.buffer);
  // Everything but the header stays zero: the kernel takes a set `sentinel` byte for a loader that copied too much.
  bytes.set(header.bytes, HEADER.SETUP_SECTS);

  const highKilobytes = (params.memory - HIGH_RAM_START) / 1024;
  view.setUint16(SCREEN_INFO.EXT_MEM_K, Math.min(highKilobytes, 0xffff), true);
  view.setUint32(ALT_MEM_K, highKilobytes, true);
  // The text mode that a BIOS leaves behind: VGA mode 3, 80 by 25, 16 scan lines a character.
  view.setUint8(SCREEN_INFO.ORIG_VIDEO_MODE, 3);
  view.setUint8(SCREEN_INFO.ORIG_VIDEO_COLS, 80);
  view.setUint8(SCREEN_INFO.ORIG_VIDEO_LINES, 25);
  view.setUint8(SCREEN_INFO.ORIG_VIDEO_ISVGA, 1);
  view.setUint16(SCREEN_INFO.ORIG_VIDEO_POINTS, 16, true);

  const ranges = ramRanges(params.memory);
  view.setUint8(E820_ENTRIES, ranges.length);
  ranges.forEach(({ address, size }, index) => {
    const entry = E820_TABLE.OFFSET + index * E820_TABLE.ENTRY;
    view.setBigUint64(entry + E820_TABLE.ADDRESS, BigInt(address), true);
    view.setBigUint64(entry + E820_TABLE.SIZE, BigInt(size), true);
    view.setUint32(entry + E820_TABLE.TYPE, ADDRESS_RANGE_MEMORY, true);
  });

  view.setUint16(HEADER.VID_MODE, NORMAL_VGA, true);
  view.setUint8(HEADER.TYPE_OF_LOADER, UNDEFINED_LOADER);
  // No heap below 640 KB (CAN_USE_HEAP), segments to be reloaded (KEEP_SEGMENTS clear): the 32-bit entry runs no setup code.
  view.setUint8(HEADER.LOADFLAGS, LOADFLAGS.LOADED_HIGH);
  view.setUint32(HEADER.CODE32_START, params.loadAddress, true);
  view.setUint32(HEADER.RAMDISK_IMAGE, params.initrd?.address ?? 0, true);
  view.setUint32(HEADER.RAMDISK_SIZE, params.initrd?.size ?? 0, true);
  view.setUint32(HEADER.CMD_LINE_PTR, params.commandLineAddress, true);
  return bytes;
}
