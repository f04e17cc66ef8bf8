/**
 * Linux's 32-bit boot protocol: puts a bzImage, its command line and its initial RAM disks into memory.
 *
 * Follows the kernel's Documentation/arch/x86/boot.rst, "32-bit Boot Protocol". Other programs that present themselves as a bzImage with a
 * 32-bit entry, such as memtest86+, start the same way.
 *
 * @module
 */

import { BulkheadError } from "../../core/bus/error.ts";
import { flatStart } from "../flat_start.ts";
import type { GuestFile, GuestStart, Placement } from "../guest_start.ts";
import { checkMemory } from "../pc_memory.ts";
import { hex, sizeText } from "../quantity.ts";
import { buildBootParams } from "./boot_params.ts";
import { identifyInitrd, joinInitrds } from "./initrd.ts";
import { readSetupHeader, type SetupHeader } from "./setup_header.ts";

/** A Linux guest. */
export interface LinuxGuest {
  /** The bzImage. */
  readonly kernel: GuestFile;
  /** Initial RAM disks, unpacked in this order. */
  readonly initrds?: readonly GuestFile[];
  /** The kernel's command line. Default: empty. */
  readonly commandLine?: string;
  /** Bytes of guest RAM: whole 4 KB pages from 2 MB to 3 GB. */
  readonly memory: number;
  /** True if the CPU has long mode. Without it x86-64 kernels are refused. Default: false. */
  readonly longMode?: boolean;
}

/** Low memory, away from the real-mode vectors and BIOS data that a kernel may look at. The stack grows down from BOOT_PARAMS. */
const LOW = { BOOT_PARAMS: 0x1_0000, GDT: 0x1_1000, COMMAND_LINE: 0x2_0000, COMMAND_LINE_END: 0x9_0000 } as const;

/** Selectors that the protocol prescribes: __BOOT_CS and __BOOT_DS. */
const SELECTOR = { BOOT_CS: 0x10, BOOT_DS: 0x18 } as const;

const PAGE = 0x1000;

/**
 * Lays a Linux guest out in memory.
 *
 * @param guest Kernel, initrds, command line and the size of memory.
 * @returns Pieces in RAM, none overlapping, and the CPU at the kernel's 32-bit entry.
 * @throws {BulkheadError} A kernel that is none (`not-a-kernel`, `truncated-kernel`, `old-boot-protocol`, `low-kernel`, `kernel-needs-bios`,
 * `kernel-64-bit`), an initrd that is none (`not-an-initrd`, `truncated-initrd`), too little memory (`memory-size`, `kernel-memory`,
 * `initrd-memory`), a command line that does not fit (`command-line`).
 */
export function linuxStart(guest: LinuxGuest): GuestStart {
  const { memory } = guest;
  checkMemory(memory);
  const header = readSetupHeader(guest.kernel);
  if (header.kernel64 && guest.longMode !== true) {
    throw new BulkheadError({
      code: "kernel-64-bit",
      subject: header.subject,
      expected: "a 32-bit kernel, because the machine's CPU has no long mode",
      found: "an x86-64 kernel",
      remedy: "give an i386 or i686 kernel",
    });
  }
  const commandLine = encodeCommandLine(guest.commandLine ?? "", header);
  const { loadAddress, end } = placeKernel(header, memory);
  const initrds = guest.initrds ?? [];
  const initrd = placeInitrds(initrds, header, end, memory);

  const { cpu, table } = flatStart({
    eip: loadAddress,
    // ESP is not the protocol's: it spares programs less careful than Linux a stack at the top of the address space.
    registers: { esi: LOW.BOOT_PARAMS, ebp: 0, edi: 0, ebx: 0, esp: LOW.BOOT_PARAMS },
    gdtAddress: LOW.GDT,
    codeSelector: SELECTOR.BOOT_CS,
    dataSelector: SELECTOR.BOOT_DS,
  });
  const bootParams = buildBootParams(header, {
    memory,
    loadAddress,
    commandLineAddress: LOW.COMMAND_LINE,
    ...(initrd && { initrd: { address: initrd.address, size: initrd.bytes.length } }),
  });
  const pieces: Placement[] = [
    { address: LOW.BOOT_PARAMS, bytes: bootParams, name: "boot_params" },
    table,
    { address: LOW.COMMAND_LINE, bytes: commandLine, name: "command line" },
    { address: loadAddress, bytes: header.protectedMode, name: header.subject },
  ];
  if (initrd !== undefined) pieces.push(initrd);
  return { pieces, roms: [], cpu };
}

function encodeCommandLine(text: string, header: SetupHeader): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const limit = Math.min(header.cmdlineSize, LOW.COMMAND_LINE_END - LOW.COMMAND_LINE - 1);
  const nul = text.indexOf("\0");
  if (nul !== -1) {
    throw new BulkheadError({
      code: "command-line",
      subject: "kernel command line",
      where: `character ${nul + 1}`,
      expected: "text",
      found: "a NUL character",
      remedy: "leave it out",
    });
  }
  if (bytes.length - 1 > limit) {
    throw new BulkheadError({
      code: "command-line",
      subject: "kernel command line",
      expected: `at most ${limit} bytes, which is what ${header.subject} takes`,
      found: `${bytes.length - 1} bytes`,
      remedy: "shorten it",
    });
  }
  return bytes;
}

/** Where the image goes, and the end of all that the kernel touches before it knows the memory map. */
function placeKernel(header: SetupHeader, memory: number): { loadAddress: number; end: number } {
  const align = (address: number) => {
    const unit = header.relocatable ? header.kernelAlignment || 1 : 1;
    return Math.ceil(address / unit) * unit;
  };
  // A relocatable kernel never runs below pref_address; loaded there, it need not move itself. Another moves from code32_start by itself.
  const loadAddress = header.relocatable ? align(Math.max(header.prefAddress, header.code32Start)) : header.code32Start;
  const runAddress = header.relocatable ? loadAddress : header.prefAddress || loadAddress;
  const end = Math.max(loadAddress + header.protectedMode.length, runAddress + header.initSize);
  if (end <= memory) return { loadAddress, end };
  throw new BulkheadError({
    code: "kernel-memory",
    subject: header.subject,
    expected: `at least ${wholeMegabytes(end)} of guest memory (it runs at ${hex(runAddress)} and needs ${
      sizeText(end - runAddress)
    } there)`,
    found: sizeText(memory),
    remedy: `give --memory ${wholeMegabytes(end).replace(" MB", "M")} or more`,
  });
}

function placeInitrds(
  initrds: readonly GuestFile[],
  header: SetupHeader,
  kernelEnd: number,
  memory: number,
): Placement | undefined {
  if (initrds.length === 0) return undefined;
  for (const initrd of initrds) identifyInitrd(initrd);
  const names = initrds.map(({ name }) => JSON.stringify(name)).join(" + ");
  const name = `${initrds.length === 1 ? "initrd" : "initrds"} ${names}`;
  const bytes = joinInitrds(initrds);
  const lowest = Math.ceil(kernelEnd / PAGE) * PAGE;
  const top = Math.min(header.initrdAddrMax + 1, memory);
  const address = Math.floor((top - bytes.length) / PAGE) * PAGE;
  if (address >= lowest) return { address, bytes, name };

  const needed = wholeMegabytes(lowest + Math.ceil(bytes.length / PAGE) * PAGE);
  const limited = top < memory;
  throw new BulkheadError({
    code: "initrd-memory",
    subject: name,
    expected: `at most ${sizeText(Math.max(0, top - lowest))}, which is what lies between the kernel's end at ${
      hex(lowest)
    } and ${limited ? "the highest address that the kernel allows" : "the end of guest memory"} at ${hex(top)}`,
    found: sizeText(bytes.length),
    remedy: limited ? "give a smaller initrd" : `give --memory ${needed.replace(" MB", "M")} or more`,
  });
}

function wholeMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 0x10_0000)} MB`;
}
