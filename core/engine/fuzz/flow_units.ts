/**
 * Control flow and access patterns that a translator makes plans about: tangled jumps, returns that return elsewhere, pointers that walk.
 *
 * @module
 */
import { GPR, SEG } from "../../x86/registers.ts";
import { type Code, little } from "./code.ts";
import { FLAG_FORMS, INTEGER } from "./forms.ts";
import { AT } from "./layout.ts";

type Unit = (code: Code, depth: number) => void;

/** A dword (or word) of the data that the program counts in; returns `[opcode bytes]` of an instruction on it. */
export function counter(code: Code): (opcode: number, digit: number, ...immediate: number[]) => number[] {
  const address = AT.DATA + 0x3f00 + code.random.below(32) * 4 - code.mode.segments[SEG.DS]!.base;
  const { big } = code;
  return (opcode, digit, ...immediate) => [
    opcode,
    digit << 3 | (big ? 5 : 6),
    ...little(address, big ? 4 : 2),
    ...immediate,
  ];
}

/** Blocks that jump to each other as they like, so many times: loops with several entries among them. */
const tangle: Unit = (code) => {
  const { random } = code;
  const labels = Array.from({ length: random.between(3, 6) }, () => code.label());
  const end = code.label();
  const times = counter(code);
  code.put(
    ...times(0xc7, 0, ...little(random.chance(80) ? random.between(5, 60) : random.between(100, 500), code.width)),
  );
  for (const label of labels) {
    code.place(label);
    code.put(...times(0xff, 1));
    code.jump(0x74, end);
    for (let count = random.below(3); count > 0; count--) code.instruction(random.pick(INTEGER), random.chance(80));
    code.instruction(random.pick(FLAG_FORMS), true);
    if (random.chance(80)) code.jump(0x70 + random.below(16), random.pick(labels), random.chance(20));
    if (random.chance(20)) code.jump(0xeb, random.pick(labels));
  }
  code.jump(0xeb, random.pick(labels));
  code.place(end);
};

/** Returns without their calls, and calls without their returns. */
const oddReturn: Unit = (code) => {
  const { random } = code;
  const target = code.label();
  switch (random.below(3)) {
    case 0:
      code.loadLabel(GPR.AX, target);
      code.put(0x50);
      code.put(0xc3);
      code.data(() => [0xcc]);
      break;
    case 1:
      // CALL to the next instruction, and POP.
      code.jump(0xe8, target);
      code.place(target);
      code.put(0x58 + random.pick([GPR.AX, GPR.DX, GPR.BX]));
      return;
    default: {
      // The routine skips what follows its call.
      const over = code.label();
      code.jump(0xeb, over);
      const routine = code.label();
      code.place(routine);
      code.put(0x58);
      code.putAt(() => [0x83, 0xc0, 2]);
      code.put(0x50);
      code.put(0xc3);
      code.place(over);
      code.jump(0xe8, routine);
      code.data(() => [0x0f, 0x0b]);
      return;
    }
  }
  code.place(target);
};

/** A loop whose pointer walks through the data, over the ends of pages, with several accesses close to each other. */
const walk: Unit = (code) => {
  const { random, width, big } = code;
  const pointer = big ? random.pick([GPR.SI, GPR.DI, GPR.BX]) : GPR.SI;
  // ModRM.rm of the pointer.
  const rm = big ? pointer : 4;
  const step = random.pick([1, 2, 4, 4, 8, 60, -4, 127]);
  const head = code.label();
  code.load(pointer, code.offset(SEG.DS, 4));
  code.load(GPR.CX, random.chance(70) ? random.between(2, 40) : random.between(100, 900));
  code.place(head);
  for (let count = random.between(1, 4); count > 0; count--) {
    const displacement = random.pick([0, 4, 8, -4, 1, 64]) & 0xff;
    const register = random.pick([GPR.AX, GPR.DX, GPR.BP]);
    const opcode = random.pick([0x8b, 0x89, 0x03, 0x01, 0x33, 0x31, 0x3b, 0x8a, 0x88, 0x13, 0x87]);
    const prefix = random.chance(15) ? [0x66] : [];
    code.put(...prefix, opcode, 0x40 | register << 3 | rm, displacement);
  }
  if (random.chance(30)) code.instruction(random.pick(INTEGER), true);
  code.put(0x83, 0xc0 | pointer, step & 0xff);
  if (random.chance(50)) code.put(0x49);
  else code.put(...code.prefix(width), 0x83, 0xe9, 1);
  code.jump(0x75, head);
};

/** JCXZ and JECXZ. */
const counterZero: Unit = (code) => {
  const { random } = code;
  const after = code.label();
  const prefix = random.chance(30) ? [0x67] : [];
  code.putAt(({ here, at }) => {
    const distance = at(after) - here - 2 - prefix.length;
    return [...prefix, 0xe3, distance >= 0 && distance < 128 ? distance : 0];
  });
  for (let count = random.between(1, 2); count > 0; count--) code.instruction(random.pick(FLAG_FORMS), true);
  code.place(after);
};

/** Units by weight. */
export const FLOW_UNITS: readonly (readonly [weight: number, unit: Unit])[] = [
  [4, tangle],
  [2, oddReturn],
  [5, walk],
  [2, counterZero],
];
