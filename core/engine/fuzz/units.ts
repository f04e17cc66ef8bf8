/**
 * What random programs are made of: straight code, branches, loops, calls, strings, stores to code.
 *
 * @module
 */
import { GPR, SEG } from "../../x86/registers.ts";
import type { Code } from "./code.ts";
import { little } from "./code.ts";
import { ALL, FLAG_FORMS, FLOATING, INTEGER, STACK_FORMS, STRING_FORMS, VECTORS } from "./forms.ts";
import { counter, FLOW_UNITS } from "./flow_units.ts";
import { AT, PAGES } from "./layout.ts";
import { stackTop } from "./mode.ts";
import { SYSTEM_UNITS } from "./system_units.ts";

/** Writes one part of a program; `depth` is how many bodies it is inside of. */
export type Unit = (code: Code, depth: number) => void;

/** Bodies inside bodies. */
const DEEPEST = 3;

/** A few units. */
export function body(code: Code, depth: number, most = 4): void {
  const { random } = code;
  for (let count = random.between(1, most); count > 0; count--) {
    const units = depth < DEEPEST ? UNITS : UNITS.filter(([, unit]) => !NESTING.has(unit));
    random.weighted(units)(code, depth + 1);
  }
}

/** The instructions whose immediates are overwritten: placed somewhere, aimed at from anywhere. */
export interface Victims {
  readonly labels: readonly number[];
  placed: number;
}

const victims = new WeakMap<Code, Victims>();

/** Makes the labels of a program's victims. */
export function makeVictims(code: Code): void {
  victims.set(code, { labels: Array.from({ length: 6 }, () => code.label()), placed: 0 });
}

/** Places what has not been placed. */
export function placeVictims(code: Code): void {
  while (victims.get(code)!.placed < 6) victim(code);
}

const integer: Unit = (code) => code.instruction(code.random.pick(INTEGER));

const flags: Unit = (code) => {
  for (let count = code.random.between(2, 7); count > 0; count--) {
    code.instruction(code.random.pick(FLAG_FORMS), code.random.chance(85));
  }
  if (code.random.chance(30)) code.put(0x9c, 0x58 + code.random.below(4));
};

const floating: Unit = (code) => {
  const { random } = code;
  if (random.chance(30)) code.put(0xdb, 0xe3);
  for (let count = random.between(1, 6); count > 0; count--) {
    // A value to work with: FLD1 and its kin.
    if (random.chance(30)) code.put(0xd9, 0xe8 + random.below(7));
    code.instruction(random.pick(FLOATING));
  }
};

const vectors: Unit = (code) => {
  for (let count = code.random.between(1, 5); count > 0; count--) code.instruction(code.random.pick(VECTORS));
  if (code.random.chance(30)) code.put(0x0f, 0x77);
};

const wild: Unit = (code) => code.instruction(code.random.pick(ALL));

const bytes: Unit = (code) =>
  code.put(...Array.from({ length: code.random.between(1, 4) }, () => code.random.below(256)));

const forward: Unit = (code, depth) => {
  const { random } = code;
  const after = code.label();
  if (random.chance(60)) code.instruction(random.pick(FLAG_FORMS), random.chance(70));
  // Jcc, JCXZ or JMP.
  code.jump(random.chance(85) ? 0x70 + random.below(16) : 0xeb, after, random.chance(30));
  body(code, depth, 3);
  if (random.chance(25)) {
    const other = code.label();
    code.jump(0xeb, other);
    code.place(after);
    body(code, depth, 2);
    code.place(other);
  } else code.place(after);
};

const loop: Unit = (code, depth) => {
  const { random } = code;
  const head = code.label();
  const times = random.weighted<() => number>([[6, () => random.between(1, 8)], [3, () => random.between(9, 60)], [
    1,
    () => random.between(100, 600),
  ]])();
  const { width } = code;
  const kind = random.below(3);
  if (kind === 2) {
    // Counted in memory, where the body seldom gets at it.
    const memory = counter(code);
    code.put(...memory(0xc7, 0, ...little(times, width)));
    code.place(head);
    body(code, depth, 3);
    code.put(...memory(0xff, 1));
    code.jump(0x75, head);
    return;
  }
  code.load(GPR.CX, times);
  code.place(head);
  body(code, depth, 3);
  if (kind === 1) {
    code.put(0x49);
    code.jump(0x75, head);
    return;
  }
  const opcode = random.weighted([[6, 0xe2], [1, 0xe1], [1, 0xe0]]);
  code.putAt(({ here, at }) => {
    const distance = at(head) - here - 2;
    // Out of LOOP's reach: DEC and JNZ.
    return distance >= -128 ? [opcode, distance & 0xff] : [0x49, 0x0f, 0x85, ...little(distance - 1 - width, width)];
  });
};

const call: Unit = (code, depth) => {
  const { random, width } = code;
  const over = code.label(), routine = code.label();
  const before = random.chance(50);
  const invoke = () => {
    if (random.chance(60)) return code.jump(0xe8, routine);
    const register = random.pick([GPR.AX, GPR.DX, GPR.BX, GPR.SI]);
    code.loadLabel(register, routine);
    code.put(0xff, 0xd0 + register);
  };
  const define = () => {
    code.jump(0xeb, over);
    code.place(routine);
    body(code, depth, 3);
    code.put(...random.chance(80) ? [0xc3] : [0xc2, width * random.below(2), 0]);
    code.place(over);
  };
  if (before) define();
  for (let count = random.between(1, 3); count > 0; count--) invoke();
  if (!before) define();
};

const table: Unit = (code, depth) => {
  const { random, width } = code;
  const labels = [code.label(), code.label(), code.label(), code.label()];
  const start = code.label(), end = code.label();
  if (code.big) {
    const register = random.pick([GPR.AX, GPR.CX, GPR.DX, GPR.BX, GPR.SI, GPR.DI]);
    code.put(0x83, 0xe0 + register, 3);
    code.putAt(({ at }) => [0x2e, 0xff, 0x24, 0x80 | register << 3 | 5, ...little(at(start), 4)]);
  } else {
    code.put(0x83, 0xe0 + GPR.BX, 3);
    code.put(0xd1, 0xe0 + GPR.BX);
    code.putAt(({ at }) => [0x2e, 0xff, 0xa7, ...little(at(start), 2)]);
  }
  code.place(start);
  code.data(({ at }) => labels.flatMap((label) => little(at(label), width)));
  for (const label of labels) {
    code.place(label);
    body(code, depth, 1);
    if (random.chance(70)) code.jump(0xeb, end);
  }
  code.place(end);
};

const string: Unit = (code) => {
  const { random } = code;
  const size = random.chance(90) ? code.width : (6 - code.width);
  code.load(GPR.SI, code.offset(SEG.DS, 4), size);
  code.load(GPR.DI, code.offset(SEG.ES, 4), size);
  if (random.chance(60)) code.load(GPR.CX, random.chance(90) ? random.below(40) : random.below(3000), size);
  if (random.chance(30)) code.load(GPR.DX, 0xe0 + random.below(12));
  if (random.chance(20)) code.put(0xfd);
  const form = random.pick(STRING_FORMS);
  const length = code.pieces.length;
  code.instruction(form);
  const piece = code.pieces[length]!;
  if (random.chance(70)) {
    code.pieces[length] = { ...piece, bytes: [random.pick([0xf2, 0xf3]), ...piece.bytes as number[]] };
  }
  if (random.chance(70)) code.put(0xfc);
};

const stack: Unit = (code) => {
  const { random } = code;
  if (random.chance(30)) {
    const odd = random.chance(40) ? random.below(8) : 0;
    const top = random.chance(20) ? 0x1000 + random.below(12) : stackTop(code.mode) & 0x1fff;
    code.load(GPR.SP, (stackTop(code.mode) & ~0x1fff) + top - odd);
  }
  for (let count = random.between(1, 6); count > 0; count--) {
    const form = random.pick(STACK_FORMS);
    if (form.semantics === "enter") code.put(0xc8, random.below(64), 0, random.below(random.chance(20) ? 32 : 3));
    else if (form.semantics === "leave") {
      code.load(GPR.BP, stackTop(code.mode) - random.below(64));
      code.put(0xc9);
    } else code.instruction(form);
  }
};

/** A segment through which the program can write its code. */
function codeWindow(code: Code): { segment: number; base: number } {
  const { segments } = code.mode;
  const segment =
    [SEG.DS, SEG.FS, SEG.GS].find((at) =>
      (segments[at]!.base === 0 && segments[at]!.limit === 0xffff_ffff) || segments[at]!.base === AT.CODE
    ) ?? SEG.DS;
  return { segment, base: segments[segment]!.base };
}

/** Turns an EIP into an offset at which the code can be written; sometimes by another mapping of its page. */
function written(code: Code): (eip: number) => number {
  const { base } = codeWindow(code);
  const { base: from } = code.mode.segments[SEG.CS]!;
  const alias = code.mode.paging && base === 0 && code.random.chance(25);
  return (eip) => {
    const linear = eip + from;
    const inAlias = alias && (linear & ~0xfff) === AT.CODE + 0x1000;
    return (inAlias ? PAGES.CODE_ALIAS + (linear & 0xfff) : linear) - base;
  };
}

const SEGMENT_BYTES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** A store to code. */
const patch: Unit = (code) => {
  const { random, big } = code;
  const label = random.pick(victims.get(code)!.labels);
  const into = random.below(6);
  const { segment } = codeWindow(code);
  const place = written(code);
  const [opcode, digit, immediate] = random.pick(
    [[0xfe, 0, 0], [0x80, 6, 1], [0xc6, 0, 1], [0x88, random.below(8), 0], [0xc7, 0, code.width], [0x80, 0, 1], [
      0x89,
      random.below(8),
      0,
    ]] as const,
  );
  const value = little(random.chance(50) ? random.pick([0x40, 0x90, 0xc3, 0xeb, 0x41]) : random.next(), immediate);
  code.putAt(({ at }) => [
    ...segment === SEG.DS ? [] : [SEGMENT_BYTES[segment]!],
    opcode,
    digit << 3 | (big ? 5 : 6),
    ...little(place(at(label) + into), big ? 4 : 2),
    ...value,
  ]);
  if (random.chance(40) && victims.get(code)!.placed < 6) victim(code);
};

/** An instruction that is written to. */
function victim(code: Code): void {
  const { random } = code;
  const all = victims.get(code)!;
  const label = all.labels[all.placed];
  if (label === undefined) return code.put(0x90);
  all.placed++;
  code.place(label);
  random.weighted<() => void>([
    [3, () => code.load(random.pick([0, 1, 2, 3]), random.next(), 4)],
    [2, () => code.put(0x83, 0xc0 + random.below(4), random.below(128))],
    [1, () => code.put(0x40 + random.below(4), 0x90, 0x40 + random.below(4))],
    [1, () => code.put(0x80, 0xf0 + random.below(4), random.below(256))],
  ])();
}

/** Copies code over code. */
const copy: Unit = (code) => {
  const { random } = code;
  const [from, to] = [random.pick(victims.get(code)!.labels), random.pick(victims.get(code)!.labels)];
  const { base } = code.mode.segments[SEG.ES]!;
  if (base !== 0) return victim(code);
  const place = written(code);
  code.putAt(({ at }) => [0xbe, ...little(place(at(from)), 4)]);
  code.putAt(({ at }) => [0xbf, ...little(place(at(to)), 4)]);
  code.load(GPR.CX, random.between(1, 6));
  code.put(0xf3, random.pick([0xa4, 0xaa]));
};

/** Goes on at the end of a page, so that what follows straddles it. */
const straddle: Unit = (code) => {
  const { random } = code;
  const before = random.below(12);
  const over = code.label();
  const base = code.mode.segments[SEG.CS]!.base;
  if (code.pieces.filter(({ data }) => data).length > 8) return integer(code, 0);
  code.jump(0xeb, over, true);
  code.data(({ here }) => {
    const room = 0x1000 - ((here + base) & 0xfff);
    return new Array<number>(room > before ? room - before : 0).fill(0x90);
  });
  code.place(over);
  for (let count = random.between(1, 4); count > 0; count--) code.instruction(random.pick(INTEGER));
};

/** Units by weight. */
export const UNITS: readonly (readonly [weight: number, unit: Unit])[] = [
  [20, integer],
  [14, flags],
  [8, floating],
  [10, vectors],
  [1, wild],
  [1, bytes],
  [12, forward],
  [7, loop],
  [5, call],
  [4, table],
  [6, string],
  [5, stack],
  [6, patch],
  [1, victim],
  [1, copy],
  [2, straddle],
  ...FLOW_UNITS,
  ...SYSTEM_UNITS,
];

const NESTING = new Set<Unit>([forward, loop, call, table]);
