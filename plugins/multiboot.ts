/**
 * The Multiboot protocol: puts a kernel, its modules and its boot information into memory.
 *
 * Follows the Multiboot Specification 0.6.96. Kernels are ELF32 executables or files with address fields in their header, either of them
 * plain or compressed with gzip.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { BulkheadError } from "../core/bus/error.ts";
import { flatStart } from "./flat_start.ts";
import type { GuestFile, GuestStart, Placement } from "./guest_start.ts";
import { type ImageSegment, readMultibootImage } from "./multiboot/image.ts";
import { buildInformation, informationSize, type LoadedModule } from "./multiboot/information.ts";
import { checkMemory, ramRanges } from "./pc_memory.ts";
import { hex, sizeText } from "./quantity.ts";

/** A module: a file that the kernel finds in memory. */
export interface MultibootModule {
  /** The file. */
  readonly file: GuestFile;
  /** The string that goes with it. Default: the file's name. */
  readonly text?: string;
}

/** A multiboot guest. */
export interface MultibootGuest {
  /** The kernel. */
  readonly kernel: GuestFile;
  /** The kernel's command line. Default: empty. */
  readonly commandLine?: string;
  /** Modules, in order. */
  readonly modules?: readonly MultibootModule[];
  /** Bytes of guest RAM: whole 4 KB pages from 2 MB to 3 GB. */
  readonly memory: number;
}

/** EAX at the entry: the loader keeps to the specification. */
const BOOTLOADER_MAGIC = 0x2bad_b002;

const PAGE = 0x1000;

/** The lowest address for what the loader itself adds: above the real-mode vectors and BIOS data. */
const LOWEST = 0x1_0000;

const STACK_SIZE = 0x1000;

/** Longest command line and module string, together. */
const MOST_TEXT = 0x1_0000;

/** Memory from `start` up to `end`. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Lays a multiboot guest out in memory.
 *
 * @param guest Kernel, modules, command line and the size of memory.
 * @returns Pieces in RAM, none overlapping, and the CPU at the kernel's entry. Modules start on page boundaries, above the kernel.
 * @throws {BulkheadError} A kernel that is none (`not-multiboot`, `multiboot-image`, `truncated-kernel`, `compressed-kernel`), one with
 * requirements that are not met (`multiboot-requirement`), too little memory (`memory-size`, `kernel-memory`, `module-memory`), text that
 * does not fit (`command-line`), an empty module (`empty-module`).
 */
export function multibootStart(guest: MultibootGuest): GuestStart {
  const { memory } = guest;
  checkMemory(memory);
  const subject = `multiboot kernel ${JSON.stringify(guest.kernel.name)}`;
  const image = readMultibootImage(decompress(guest.kernel.bytes, memory, subject), subject);
  const commandLine = guest.commandLine ?? "";
  const modules = (guest.modules ?? []).map(({ file, text }) => ({ file, text: text ?? file.name }));
  checkTexts([commandLine, ...modules.map(({ text }) => text)]);

  const taken: Span[] = image.segments.map((segment) => checkInRam(segment, memory, subject));
  const kernelEnd = Math.max(...taken.map(({ end }) => end), 0x10_0000);
  /** Takes `size` bytes of free RAM at or above `lowest`. */
  const take = (size: number, lowest: number, name: string): number => {
    const start = firstFit(taken, memory, size, lowest);
    if (start === undefined) {
      throw new BulkheadError({
        code: "module-memory",
        subject: name,
        expected: `room for ${sizeText(size)} beside the kernel in guest memory`,
        found: `${sizeText(memory)} of memory`,
        remedy: "give more --memory",
      });
    }
    taken.push({ start, end: start + size });
    return start;
  };

  const pieces: Placement[] = image.segments
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ address, bytes }) => ({ address, bytes, name: subject }));
  const loaded: LoadedModule[] = modules.map(({ file, text }) => {
    const name = `module ${JSON.stringify(file.name)}`;
    if (file.bytes.length === 0) {
      throw new BulkheadError({
        code: "empty-module",
        subject: name,
        expected: "a file with content",
        found: "an empty file",
        remedy: "give another module",
      });
    }
    const start = take(file.bytes.length, kernelEnd, name);
    pieces.push({ address: start, bytes: file.bytes, name });
    return { start, end: start + file.bytes.length, text };
  });
  const size = informationSize(commandLine, modules.map(({ text }) => text));
  const information = take(size, LOWEST, "multiboot information");
  pieces.push({
    address: information,
    bytes: buildInformation(information, { memory, commandLine, modules: loaded }),
    name: "multiboot information",
  });
  const { cpu, table } = flatStart({
    eip: image.entry,
    registers: {
      eax: BOOTLOADER_MAGIC,
      ebx: information,
      // ESP is undefined by the specification: this spares careless kernels a stack at the top of the address space.
      esp: take(STACK_SIZE, LOWEST, "stack") + STACK_SIZE,
    },
    gdtAddress: take(PAGE, LOWEST, "GDT"),
    codeSelector: 0x08,
    dataSelector: 0x10,
  });
  pieces.push(table);
  return { pieces, roms: [], cpu };
}

function decompress(bytes: Uint8Array, memory: number, subject: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: memory }));
  } catch (thrown) {
    throw new BulkheadError({
      code: "compressed-kernel",
      subject,
      expected: "a whole gzip file that unpacks into guest memory",
      found: `a damaged, cut off or too large one (${thrown instanceof Error ? thrown.message : String(thrown)})`,
      remedy: "get the file again",
    }, { cause: thrown });
  }
}

function checkTexts(texts: readonly string[]): void {
  let total = 0;
  for (const text of texts) {
    total += new TextEncoder().encode(text).length + 1;
    if (!text.includes("\0") && total <= MOST_TEXT) continue;
    throw new BulkheadError({
      code: "command-line",
      subject: "multiboot command line",
      expected: `with the strings of the modules at most ${MOST_TEXT} bytes, without NUL characters`,
      found: text.includes("\0") ? "a NUL character" : "more",
      remedy: "shorten it",
    });
  }
}

function checkInRam(segment: ImageSegment, memory: number, subject: string): Span {
  const span = { start: segment.address, end: segment.address + segment.memorySize };
  if (ramSpans(memory).some(({ start, end }) => span.start >= start && span.end <= end)) return span;
  const short = span.start >= 0x10_0000 && span.end <= 0xc000_0000;
  const megabytes = Math.ceil(span.end / 0x10_0000);
  throw new BulkheadError({
    code: "kernel-memory",
    subject,
    where: `the segment from ${hex(span.start)} to ${hex(span.end)}`,
    expected: `addresses of RAM: ${
      ramSpans(memory).map(({ start, end }) => `${hex(start)} to ${hex(end)}`).join(", ")
    }`,
    found: short ? `a need for ${megabytes} MB` : "addresses without RAM",
    remedy: short ? `give --memory ${megabytes}M or more` : "link the kernel to load at 1 MB or above",
  });
}

/** First page boundary with `size` free bytes of RAM after it. */
function firstFit(taken: readonly Span[], memory: number, size: number, lowest: number): number | undefined {
  for (const ram of ramSpans(memory)) {
    let start = alignToPage(Math.max(ram.start, lowest));
    for (const span of taken.toSorted((left, right) => left.start - right.start)) {
      if (span.start < start + size && span.end > start) start = alignToPage(span.end);
    }
    if (start + size <= ram.end) return start;
  }
  return undefined;
}

function ramSpans(memory: number): Span[] {
  return ramRanges(memory).map(({ address, size }) => ({ start: address, end: address + size }));
}

function alignToPage(address: number): number {
  return Math.ceil(address / PAGE) * PAGE;
}
