/**
 * What must hold of every start, for the tests of the loaders.
 *
 * @module
 */

import { assert } from "@std/assert";
import { BulkheadError } from "../core/bus/error.ts";
import type { GuestStart, Placement } from "./guest_start.ts";
import { ramRanges } from "./pc_memory.ts";

/** Asserts that every piece lies in RAM and no two overlap, and that the GDT has the two segments that the CPU starts with. */
export function assertSoundLayout(start: GuestStart, memory: number): void {
  const sorted = start.pieces.toSorted((left, right) => left.address - right.address);
  sorted.forEach((piece, index) => {
    const end = piece.address + piece.bytes.length;
    const inRam = ramRanges(memory).some(({ address, size }) => piece.address >= address && end <= address + size);
    assert(inRam, `${piece.name} lies outside RAM: ${piece.address.toString(16)} to ${end.toString(16)}`);
    const next = sorted[index + 1];
    assert(next === undefined || end <= next.address, `${piece.name} overlaps ${next?.name}`);
  });
  if (start.cpu.kind !== "protected") return;
  for (const segment of [start.cpu.code, start.cpu.data]) {
    const { base, limit } = start.cpu.gdt;
    assert(segment.selector + 7 <= limit, "the selector lies outside the GDT");
    const [low, high] = [dword(start, base + segment.selector), dword(start, base + segment.selector + 4)];
    assert(low === 0xffff && (high & 0x000f_0000) === 0x000f_0000, "the descriptor's limit is not 4 GB");
    assert((high & 0x00f0_ff00) === segment.attributes, "the descriptor's attributes differ from the segment's");
  }
  const { eip } = start.cpu;
  assert(
    start.pieces.some(({ address, bytes }) => eip >= address && eip < address + bytes.length),
    "EIP is in no piece",
  );
}

/** The dword that a start puts at an address. */
export function dword(start: GuestStart, address: number): number {
  const piece = pieceAt(start, address);
  return new DataView(piece.bytes.buffer, piece.bytes.byteOffset).getUint32(address - piece.address, true);
}

/** The NUL-terminated text that a start puts at an address. */
export function textAt(start: GuestStart, address: number): string {
  const piece = pieceAt(start, address);
  const rest = piece.bytes.subarray(address - piece.address);
  return new TextDecoder().decode(rest.subarray(0, rest.indexOf(0)));
}

/** The piece of a start that covers an address. */
export function pieceAt(start: GuestStart, address: number): Placement {
  const piece = start.pieces.find((piece) => address >= piece.address && address < piece.address + piece.bytes.length);
  assert(piece !== undefined, `nothing is put at ${address.toString(16)}`);
  return piece;
}

/** The error that a call throws; anything but a {@linkcode BulkheadError} with a one-line sentence fails the test. */
export function refusal(call: () => unknown): BulkheadError {
  try {
    call();
  } catch (thrown) {
    assertSentence(thrown);
    return thrown;
  }
  throw new Error("the call succeeded");
}

/** The error of a call that may also succeed. */
export function refusalIfAny(call: () => unknown): BulkheadError | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    assertSentence(thrown);
    return thrown;
  }
}

/** Pseudo-random numbers below 2^32 that are the same in every run (xorshift32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>>= 0;
  };
}

function assertSentence(thrown: unknown): asserts thrown is BulkheadError {
  assert(thrown instanceof BulkheadError, `not a BulkheadError: ${thrown instanceof Error ? thrown.stack : thrown}`);
  assert(!thrown.message.includes("\n") && thrown.message.length > 20, thrown.message);
}
