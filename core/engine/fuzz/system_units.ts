/**
 * What random programs do with the system around them: interrupts, segments, paging, modes.
 *
 * @module
 */
import { FLAG, GPR, SEG } from "../../x86/registers.ts";
import { type Code, little } from "./code.ts";
import { INTEGER } from "./forms.ts";
import { AT, EXTERNAL, PAGES, PORT, S } from "./layout.ts";
import { SERVICE } from "./handlers.ts";

type Unit = (code: Code, depth: number) => void;

/** A few instructions with general registers. */
function filler(code: Code, most: number): void {
  for (let count = code.random.below(most + 1); count > 0; count--) {
    code.instruction(code.random.pick(INTEGER), code.random.chance(80));
  }
}

const flags: Unit = (code) => {
  const { random } = code;
  random.weighted<() => void>([
    [4, () => code.put(0xfb)],
    [3, () => code.put(0xfa)],
    // PUSHF, a change, POPF.
    [4, () => {
      const changed = random.pick([
        FLAG.IF,
        FLAG.DF,
        FLAG.CF | FLAG.ZF | FLAG.OF,
        FLAG.NT,
        FLAG.AC,
        FLAG.ID,
        FLAG.IOPL,
      ]);
      push(code, changed);
    }],
    [1, () => {
      push(code, FLAG.TF);
      filler(code, 3);
    }],
  ])();
  filler(code, 2);
};

function push(code: Code, changed: number): void {
  const { random, width } = code;
  code.put(0x9c);
  const operation = random.pick([1, 6]) << 3;
  const stack = code.big ? [0x81, 0x04 | operation, 0x24] : [0x67, 0x81, 0x04 | operation, 0x24];
  code.put(...stack, ...little(changed, width));
  code.put(0x9d);
}

/** Asks for an interrupt, now or soon. */
const request: Unit = (code) => {
  const { random } = code;
  if (random.chance(60)) code.put(0xfb);
  const port = random.chance(50) ? PORT.INTERRUPT + random.below(8) : PORT.ALARM;
  code.put(0xb0, random.below(64));
  if (random.chance(70)) code.put(0xe6, port);
  else {
    code.load(GPR.DX, port);
    code.put(...random.pick([[0xee], [0xef], [0x6e], [0xf3, 0x6e]]));
  }
  filler(code, 3);
  if (port === PORT.ALARM && random.chance(25)) code.put(0xfb, 0xf4);
};

/** MOV and POP of a segment register; the program's own selectors mostly. */
const segment: Unit = (code) => {
  const { random, mode } = code;
  const register = random.pick([SEG.ES, SEG.DS, SEG.FS, SEG.GS, SEG.SS]);
  const own = mode.segments[register]!.selector;
  const selector = random.chance(60)
    ? own
    : mode.kind !== "protected"
    ? random.pick([AT.DATA >> 4, (AT.DATA >> 4) + 0xff, AT.CODE >> 4])
    : random.chance(50)
    ? random.pick(mode.segments).selector
    : random.pick(Object.values(S)) | mode.cpl;
  code.load(GPR.AX, selector, 2);
  if (random.chance(70)) code.put(0x8e, 0xc0 | register << 3);
  else {
    code.put(0x50);
    code.put(...register >= SEG.FS ? [0x0f, 0xa1 + (register - SEG.FS) * 8] : [[0x07, 0x0f, 0x17, 0x1f][register]!]);
  }
  filler(code, 3);
  if (selector !== own && random.chance(85)) {
    code.load(GPR.AX, own, 2);
    code.put(0x8e, 0xc0 | register << 3);
  }
};

/** INT n, INT3, INTO, BOUND; the handlers' services among them. */
const trap: Unit = (code) => {
  const { random } = code;
  random.weighted<() => void>([
    [8, () => code.put(0xcd, random.pick(Object.values(SERVICE)))],
    [2, () => code.put(0xcd, random.pick([0x30, 0x80, EXTERNAL, 0xff, 3, 4]))],
    [1, () => code.put(0xcc)],
    [1, () => code.put(0xce)],
    [1, () => code.put(0xf1)],
    [1, () => code.put(0x0f, 0x0b)],
  ])();
};

/** Far transfers that stay in the code segment. */
const far: Unit = (code) => {
  const { random, width, mode } = code;
  const { selector } = mode.segments[SEG.CS]!;
  if (code.big !== mode.big) return;
  const target = code.label(), after = code.label();
  switch (random.below(4)) {
    case 0:
      code.putAt(({ at }) => [0xea, ...little(at(target), width), ...little(selector, 2)]);
      break;
    case 1:
      // A routine behind the jump over it.
      code.putAt(({ at }) => [0x9a, ...little(at(target), width), ...little(selector, 2)]);
      code.jump(0xeb, after);
      code.place(target);
      filler(code, 3);
      code.put(0xcb);
      code.place(after);
      return;
    case 2:
      code.put(0x0e);
      code.loadLabel(GPR.AX, target);
      code.put(0x50);
      code.put(0xcb);
      break;
    default:
      code.put(0x9c);
      code.put(0x0e);
      code.loadLabel(GPR.AX, target);
      code.put(0x50);
      code.put(0xcf);
  }
  code.data(() => [0xcc]);
  code.place(target);
};

/** Code of the other width in the middle of 32-bit code. */
const narrow: Unit = (code) => {
  const { mode } = code;
  if (!mode.big || !code.big || mode.segments[SEG.CS]!.base !== 0) return filler(code, 2);
  const inside = code.label(), after = code.label();
  const selector = mode.cpl === 0 ? S.CODE16_0 : S.CODE16_3;
  code.putAt(({ at }) => [0xea, ...little(at(inside), 4), ...little(selector, 2)]);
  code.big = false;
  code.place(inside);
  filler(code, 5);
  code.putAt(({ at }) => [0x66, 0xea, ...little(at(after), 4), ...little(mode.segments[SEG.CS]!.selector, 2)]);
  code.big = true;
  code.place(after);
};

/** Control registers and page tables, at privilege level 0. */
const paging: Unit = (code) => {
  const { random, mode } = code;
  if (mode.cpl !== 0 || mode.kind !== "protected" || !code.big) return trap(code, 0);
  const flat = mode.segments[SEG.DS]!.base === 0;
  random.weighted<() => void>([
    [3, () => code.put(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8)],
    [3, () => {
      code.load(GPR.AX, random.pick([AT.DIRECTORY_A, AT.DIRECTORY_B]));
      code.put(0x0f, 0x22, 0xd8);
    }],
    // CR0: WP, TS, PG, and AM.
    [3, () => {
      const bit = random.pick([0x1_0000, 8, 4, 0x4_0000, ...mode.paging ? [0x8000_0000] : []]);
      code.put(0x0f, 0x20, 0xc0);
      code.put(0x35, ...little(bit, 4));
      code.put(0x0f, 0x22, 0xc0);
      if (bit < 16 && random.chance(70)) code.put(0x0f, 0x06);
    }],
    // CR4: PSE, PGE, TSD, OSFXSR.
    [1, () => {
      code.put(0x0f, 0x20, 0xe0);
      code.put(0x35, ...little(random.pick([0x10, 0x80, 4, 0x200]), 4));
      code.put(0x0f, 0x22, 0xe0);
    }],
    // A page table's entry, and INVLPG or CR3. Not of code, which would be fetched by the old entry or the new until then.
    [flat && mode.paging ? 5 : 0, () => {
      const page = random.pick([...Object.values(PAGES), AT.DATA]);
      const frame = random.pick([page, page, AT.OTHER_DATA, AT.OTHER_CODE, AT.DEVICE, AT.DATA, AT.CODE + 0x1000]);
      const window = random.pick([AT.TABLE_A_WINDOW, AT.TABLE_B_WINDOW]);
      code.put(
        0xc7,
        0x05,
        ...little(window + (page >> 12) * 4, 4),
        ...little(frame | random.pick([7, 5, 3, 1, 7, 7, 0]), 4),
      );
      if (random.chance(60)) code.put(0x0f, 0x01, 0x3d, ...little(page, 4));
      else code.put(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8);
    }],
  ])();
  filler(code, 2);
};

/** Debug registers, at privilege level 0. */
const debug: Unit = (code) => {
  const { random, mode } = code;
  if (mode.cpl !== 0) return trap(code, 0);
  const slot = random.below(4);
  code.load(GPR.AX, AT.DATA + random.below(0x1000), 4);
  if (random.chance(40)) {
    const label = code.label();
    const { base } = mode.segments[SEG.CS]!;
    code.place(label);
    if (code.big) code.putAt(({ at }) => [0xb8, ...little(at(label) + base, 4)]);
  }
  code.put(0x0f, 0x23, 0xc0 | slot << 3);
  const condition = random.pick([0, 1, 3]) | random.pick([0, 1, 3]) << 2;
  code.load(GPR.AX, 2 << slot * 2 | condition << (16 + slot * 4), 4);
  code.put(0x0f, 0x23, 0xf8);
  filler(code, 4);
  code.load(GPR.AX, 0x400, 4);
  code.put(0x0f, 0x23, 0xf8);
};

/** SYSENTER: the handler returns with SYSEXIT. */
const system: Unit = (code) => {
  const { mode } = code;
  if (mode.cpl !== 3 || !code.big || mode.segments[SEG.CS]!.base !== 0) return trap(code, 0);
  const after = code.label();
  code.loadLabel(GPR.DX, after);
  code.put(0x89, 0xe1);
  code.put(0x0f, 0x34);
  code.place(after);
};

/** Far pointers from memory, and the tables' registers stored and loaded again. */
const pointers: Unit = (code) => {
  const { random, mode, big, width } = code;
  const at = AT.DATA + 0x3e00 + random.below(64) - mode.segments[SEG.DS]!.base;
  const operand = (digit: number, offset: number) => [digit << 3 | (big ? 5 : 6), ...little(offset, width)];
  if (random.chance(20) && mode.cpl === 0) {
    const digit = random.below(2);
    // SGDT or SIDT, and LGDT or LIDT of the same, with all 32 bits of the base.
    const prefix = code.prefix(4);
    code.put(...prefix, 0x0f, 0x01, ...operand(digit, at));
    code.put(...prefix, 0x0f, 0x01, ...operand(digit + 2, at));
    return;
  }
  const register = random.pick([SEG.ES, SEG.DS, SEG.SS, SEG.FS, SEG.GS]);
  const opcode = register === SEG.ES ? [0xc4] : register === SEG.DS ? [0xc5] : [0x0f, 0xb0 | register];
  code.put(0xc7, ...operand(0, at + width), ...little(mode.segments[register]!.selector, width));
  code.put(...opcode, ...operand(random.pick([GPR.AX, GPR.BX, GPR.SI]), at));
};

/** RDMSR and WRMSR of the same, RDTSC, and MOV from control registers. */
const specific: Unit = (code) => {
  const { random } = code;
  if (random.chance(50)) {
    code.put(0x0f, 0x31);
    filler(code, 3);
    code.put(0x0f, 0x20, 0xc3 | random.below(5) << 3);
    return;
  }
  code.load(GPR.CX, random.pick([0x174, 0x175, 0x176, 0x10, 0x1b, 0x277, 0xfe, random.next()]), 4);
  code.put(0x0f, 0x32);
  if (random.chance(70)) code.put(0x0f, 0x30);
};

/** Units by weight. */
export const SYSTEM_UNITS: readonly (readonly [weight: number, unit: Unit])[] = [
  [3, flags],
  [3, request],
  [2, segment],
  [2, trap],
  [2, far],
  [1, narrow],
  [3, paging],
  [1, system],
  [1, debug],
  [2, pointers],
  [1, specific],
];
