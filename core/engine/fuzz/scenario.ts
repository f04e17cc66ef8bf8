/**
 * A random program with everything that decides how it runs.
 *
 * @module
 */
import { CR0, CR4, FLAG, GPR, SEG } from "../../x86/registers.ts";
import { Code } from "./code.ts";
import { AT, EXTERNAL } from "./layout.ts";
import { codeOffset, type Mode, MODES, stackTop } from "./mode.ts";
import type { Piece } from "./program.ts";
import { Random } from "./random.ts";
import { body, makeVictims, placeVictims } from "./units.ts";

/** Something from outside, once so many instructions have retired: an interrupt request, or a device that writes memory. */
export type Event =
  | { readonly at: number; readonly vector: number }
  | { readonly at: number; readonly physical: number; readonly bytes: Uint8Array };

/** What decides a run. */
export interface Scenario {
  readonly seed: number;
  readonly mode: Mode;
  /** The program; it runs in a circle. */
  readonly pieces: readonly Piece[];
  /** EIP of its first byte. */
  readonly origin: number;
  /** Instructions after which the run ends. */
  readonly instructions: number;
  /** In order. */
  readonly events: readonly Event[];
  readonly registers: readonly number[];
  readonly eflags: number;
  readonly cr0: number;
  readonly cr4: number;
  readonly fpuControl: number;
  readonly mxcsr: number;
  /** Which data the program finds. */
  readonly data: number;
}

const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** Makes the scenario of a seed. */
export function scenario(seed: number): Scenario {
  const random = new Random(seed);
  const mode = random.weighted(MODES);
  const instructions = random.weighted<() => number>([
    [5, () => random.between(50, 600)],
    [6, () => random.between(600, 3000)],
    [1, () => random.between(3000, 20_000)],
  ])();
  // The first code page's end, or the second's, is not far.
  const origin = codeOffset(mode) + random.pick([0x000, 0xf00, 0xfc0, 0x1e00, 0x1fa0]) + random.below(64);
  return {
    seed,
    mode,
    instructions,
    origin,
    pieces: program(random, mode),
    events: events(random, instructions),
    registers: Array.from({ length: 8 }, (_, i) => i === GPR.SP ? stackTop(mode) : random.value()),
    eflags: 2 | (random.next() & ARITHMETIC) | (random.chance(60) ? FLAG.IF : 0) | (random.chance(10) ? FLAG.DF : 0) |
      (random.chance(50) || mode.kind === "virtual-8086" ? FLAG.IOPL : 0) | (random.chance(2) ? FLAG.AC : 0) |
      (mode.kind === "virtual-8086" ? FLAG.VM : 0),
    cr0:
      (CR0.ET | (random.chance(80) ? CR0.NE : 0) | (random.chance(60) ? CR0.WP : 0) | (random.chance(30) ? CR0.AM : 0) |
        (random.chance(50) ? CR0.MP : 0) | (random.chance(5) ? CR0.TS : 0) | (random.chance(3) ? CR0.EM : 0) |
        (mode.kind === "real" ? 0 : CR0.PE) | (mode.paging ? CR0.PG : 0)) >>> 0,
    cr4: (random.chance(95) ? CR4.OSFXSR : 0) | (random.chance(80) ? CR4.OSXMMEXCPT : 0) |
      (random.chance(50) ? CR4.PGE : 0) | (random.chance(50) ? CR4.PSE : 0) | (random.chance(20) ? CR4.VME : 0),
    fpuControl: random.chance(70) ? 0x37f : 0x040 | (random.next() & 0xf3f),
    mxcsr: random.chance(70) ? 0x1f80 : random.next() & 0xffc0,
    data: random.below(0x1_0000),
  };
}

function program(random: Random, mode: Mode): readonly Piece[] {
  const code = new Code(random, mode);
  const head = code.label();
  makeVictims(code);
  code.place(head);
  code.load(GPR.SP, stackTop(mode));
  const parts = random.weighted([[4, 1], [4, 3], [2, 6]]);
  for (let part = 0; part < parts; part++) body(code, 0, 4);
  if (mode.segments[SEG.CS]!.base === AT.CODE && mode.kind === "protected") code.place(code.label());
  placeVictims(code);
  code.jump(0xeb, head);
  return code.pieces;
}

function events(random: Random, instructions: number): readonly Event[] {
  const count = random.weighted([[4, 0], [4, random.between(1, 6)], [1, random.between(10, 60)]]);
  const vectors = Array.from({ length: count }, () => ({
    at: random.below(instructions),
    vector: random.chance(95) ? EXTERNAL + random.below(16) : random.below(256),
  }));
  const writes = random.chance(15)
    ? Array.from({ length: random.between(1, 5) }, () => transfer(random, instructions))
    : [];
  return [...vectors, ...writes].sort((a, b) => a.at - b.at);
}

/** A device's write to data or, as far as it may hit some, code. */
function transfer(random: Random, instructions: number): Event {
  const start = random.pick([AT.DATA, AT.DATA + 0xff0, AT.CODE, AT.CODE + 0xf00, AT.CODE + 0x1f00]);
  const bytes = Uint8Array.from(
    { length: random.between(1, 6) },
    () => random.pick([0x90, 0x40, 0x41, 0x42, 0x43, 0xf8]),
  );
  return { at: random.below(instructions), physical: start + random.below(0x180), bytes };
}
