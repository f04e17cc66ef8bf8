/**
 * A hash of what a guest can see of its processor and memory, to compare runs.
 *
 * @module
 */
import type { Cpu } from "../x86/cpu.ts";
import { STATE } from "../x86/registers.ts";

/** Parts of the state block that are the architecture's, as offset and size: the rest is the engine's own. */
const ARCHITECTURAL: readonly (readonly [number, number])[] = [
  [STATE.GPR, 128],
  [STATE.RIP, 8],
  [STATE.CPL, 4],
  [STATE.A20, 4],
  [STATE.CR0, 16],
  [STATE.DR, 64],
  [STATE.GDTR_BASE, 32],
  [STATE.SEGMENTS, 256],
  [STATE.MSR, 48],
  [STATE.FPU_ST, 172],
];

/**
 * Hashes a processor and its memory: 128 bits in hexadecimal, not cryptographic. About 0.4 ms a megabyte.
 *
 * @param ram The guest's RAM, by words.
 */
export function stateHash(cpu: Cpu, ram: Int32Array): string {
  const hash = new Hash();
  for (const [offset, size] of ARCHITECTURAL) hash.add(cpu.i32.subarray(offset >> 2, (offset + size) >> 2));
  // The six arithmetic flags are kept lazily, in more than one form.
  hash.add(Int32Array.of(cpu.eflags));
  hash.add(ram);
  return hash.digest();
}

/** Four lanes, each as MurmurHash3's 32-bit variant mixes: lane n takes every fourth word from the nth on. */
class Hash {
  readonly #lanes = Int32Array.of(0x243f6a88, 0x85a308d3 | 0, 0x13198a2e, 0x03707344);
  #words = 0;

  add(words: Int32Array): void {
    let [a, b, c, d] = this.#lanes as unknown as [number, number, number, number];
    let at = 0;
    for (; at + 4 <= words.length; at += 4) {
      a = mix(a, words[at]!);
      b = mix(b, words[at + 1]!);
      c = mix(c, words[at + 2]!);
      d = mix(d, words[at + 3]!);
    }
    for (; at < words.length; at++) a = mix(a, words[at]!);
    this.#lanes.set([a, b, c, d]);
    this.#words += words.length;
  }

  digest(): string {
    const [a, b, c, d] = this.#lanes as unknown as [number, number, number, number];
    const sum = (a + b + c + d + this.#words) | 0;
    return [a, b, c, d].map((lane) => hex(finish(lane ^ Math.imul(sum, 5)))).join("");
  }
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(lane: number): number {
  let h = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
