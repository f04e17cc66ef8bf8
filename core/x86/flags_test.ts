import { assertEquals } from "@std/assert";
import { arithmeticFlags, readEflags, writeEflags } from "./flags.ts";
import { ARITHMETIC_FLAGS, FLAG, STATE } from "./registers.ts";

const BITS = [FLAG.CF, FLAG.PF, FLAG.AF, FLAG.ZF, FLAG.SF, FLAG.OF];

Deno.test("every combination of the six arithmetic flags is kept, also those that no arithmetic gives", () => {
  const state = new Int32Array(STATE.SIZE / 4);
  for (let combination = 0; combination < 64; combination++) {
    let flags = 2 | FLAG.IF;
    BITS.forEach((bit, i) => flags |= (combination >> i) & 1 ? bit : 0);
    writeEflags(state, flags);
    assertEquals(readEflags(state), flags);
    assertEquals(state[STATE.EFLAGS / 4], 2 | FLAG.IF);
    assertEquals(state[STATE.RESULT / 4] === 0, (flags & FLAG.ZF) !== 0);
  }
});

Deno.test("bits other than the arithmetic flags are stored as they are, bit 1 set", () => {
  const state = new Int32Array(STATE.SIZE / 4);
  for (let bit = 0; bit < 22; bit++) {
    writeEflags(state, 1 << bit);
    assertEquals(readEflags(state), (1 << bit) | 2);
  }
});

Deno.test("the lazy form of a 32-bit subtraction gives the flags of the subtraction", () => {
  const state = new Int32Array(STATE.SIZE / 4);
  const samples = [0, 1, 2, 7, 8, 15, 16, 17, 127, 128, 255, 256, 0x7fff_fffe, 0x7fff_ffff, -0x8000_0000, -16, -2, -1];
  for (const a of samples) {
    for (const b of samples) {
      const result = (a - b) | 0;
      state[STATE.RESULT / 4] = result;
      state[STATE.PATCH / 4] = 0;
      state[STATE.OX / 4] = state[STATE.CX / 4] = a;
      state[STATE.OY / 4] = state[STATE.CY / 4] = b;
      const flags = arithmeticFlags(state);
      let ones = 0;
      for (let i = 0; i < 8; i++) ones += (result >> i) & 1;
      assertEquals((flags & FLAG.CF) !== 0, (a >>> 0) < (b >>> 0));
      assertEquals((flags & FLAG.PF) !== 0, ones % 2 === 0);
      assertEquals((flags & FLAG.AF) !== 0, (a & 15) < (b & 15));
      assertEquals((flags & FLAG.ZF) !== 0, a === b);
      assertEquals((flags & FLAG.SF) !== 0, result < 0);
      assertEquals((flags & FLAG.OF) !== 0, a - b !== result);
      assertEquals(flags & ~ARITHMETIC_FLAGS, 0);
    }
  }
});
