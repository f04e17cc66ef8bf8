/**
 * A virtio entropy device.
 *
 * Virtual I/O Device 1.2 (OASIS), section 5.4. Its bytes are the host's where the machine lends a source; a deterministic machine lends none,
 * and they follow from the seed, by Blackman's and Vigna's xoshiro128** (_Scrambled Linear Pseudorandom Number Generators_, 2021).
 *
 * @module
 */

import { device, entropySource } from "../core/bus/mod.ts";

const QUEUE_SIZE = 16;
/** Most bytes of one answer: a driver that has room for more asks again. */
const ANSWER_BYTES = 1024;

/** A virtio entropy device. */
export const virtioRng = device({
  id: "bulkhead/virtio-rng",
  api: 1,
  version: 1,
  config: {
    seed: { default: 1, min: 0, max: 0xffffffff, doc: "what the bytes follow from in a deterministic machine" },
  },
  needs: {
    virtio: { type: 4, class: 0x00ff00, queues: { requestq: { size: QUEUE_SIZE, readableBytes: 0 } } },
    uses: { entropy: entropySource },
  },
  state: ({ seed }) => ({ words: spread(seed) }),
  wire({ state, use, virtio }) {
    const entropy = use("entropy"), requestq = virtio.queue("requestq");
    const follow = (into: Uint8Array) => {
      for (let at = 0; at < into.length; at += 4) {
        const word = next(state.words);
        for (let byte = 0; byte < 4 && at + byte < into.length; byte++) into[at + byte] = word >>> 8 * byte;
      }
    };
    return {
      virtio: {
        queues: {
          requestq({ tag, writable }) {
            const bytes = new Uint8Array(Math.min(writable, ANSWER_BYTES));
            if (entropy.available) entropy.fill(bytes);
            else follow(bytes);
            requestq.fill(tag, 0, bytes);
            requestq.complete(tag, bytes.length);
          },
        },
      },
    };
  },
});

/** Four words of state from a seed, by SplitMix32, as the generator's authors advise: the state must not be all zeros. */
function spread(seed: number): number[] {
  return [1, 2, 3, 4].map((step) => {
    let word = seed + Math.imul(step, 0x9e3779b9) | 0;
    word = Math.imul(word ^ word >>> 16, 0x21f0aaad);
    word = Math.imul(word ^ word >>> 15, 0x735a2d97);
    return (word ^ word >>> 15) >>> 0;
  });
}

/** The next 32 bits. */
function next(words: number[]): number {
  const [a, b, c, d] = words as [number, number, number, number];
  const rotate = (word: number, by: number) => word << by | word >>> 32 - by;
  const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
  const third = c ^ a, fourth = d ^ b;
  words[0] = (a ^ fourth) >>> 0;
  words[1] = (b ^ third) >>> 0;
  words[2] = (third ^ b << 9) >>> 0;
  words[3] = rotate(fourth, 11) >>> 0;
  return result;
}

export default virtioRng;
