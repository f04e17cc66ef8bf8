/**
 * The modes in which random programs run.
 *
 * @module
 */
import { SEG } from "../../x86/registers.ts";
import { AT, S } from "./layout.ts";

/** A segment register's hidden part. */
export interface Segment {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

/** A mode of the processor. */
export interface Mode {
  readonly name: string;
  readonly kind: "real" | "protected" | "virtual-8086";
  /** CS.D. */
  readonly big: boolean;
  readonly cpl: 0 | 3;
  readonly paging: boolean;
  /** In SEG order: ES, CS, SS, DS, FS, GS. */
  readonly segments: readonly Segment[];
}

const ACCESS = { CODE: 0x9b00, DATA: 0x9300 };
const BIG = 0x40_0000, GRANULARITY = 0x80_0000;

function dpl(cpl: number): number {
  return cpl << 13;
}

/** Attributes of the segments by selector, as the descriptor table has them: base, limit in bytes, attributes. */
export function descriptors(cpl: number): ReadonlyMap<number, Omit<Segment, "selector">> {
  const flat = { base: 0, limit: 0xffff_ffff };
  const whole = BIG | GRANULARITY, user = dpl(3), own = dpl(cpl);
  return new Map([
    [S.CODE0, { ...flat, attributes: ACCESS.CODE | whole }],
    [S.DATA0, { ...flat, attributes: ACCESS.DATA | whole }],
    [S.CODE3, { ...flat, attributes: ACCESS.CODE | whole | user }],
    [S.DATA3, { ...flat, attributes: ACCESS.DATA | whole | user }],
    [S.TSS, { base: AT.TSS, limit: 0x68 + 0x40, attributes: 0x8b00 }],
    [S.CODE16_0, { ...flat, attributes: ACCESS.CODE | GRANULARITY }],
    [S.CODE16_3, { ...flat, attributes: ACCESS.CODE | GRANULARITY | user }],
    [S.SMALL_CODE, { base: AT.CODE, limit: 0x7fff, attributes: ACCESS.CODE | BIG | own }],
    [S.SMALL_DATA, { base: AT.DATA, limit: 0x5fff, attributes: ACCESS.DATA | BIG | own }],
    [S.EXPAND_DOWN, { base: AT.DATA, limit: 0x1fff, attributes: ACCESS.DATA | 0x400 | BIG | own }],
    [S.SMALL_STACK, { base: AT.STACK, limit: 0x1fff, attributes: ACCESS.DATA | BIG | own }],
    [S.CODE16, { base: AT.CODE, limit: 0xffff, attributes: ACCESS.CODE | own }],
    [S.DATA16, { base: AT.DATA, limit: 0xffff, attributes: ACCESS.DATA | own }],
    [S.STACK16, { base: AT.STACK, limit: 0x1fff, attributes: ACCESS.DATA | own }],
    [S.READ_ONLY, { base: AT.DATA, limit: 0xffff, attributes: 0x9100 | BIG | own }],
    [S.ABSENT, { base: AT.DATA, limit: 0xffff, attributes: 0x1300 | BIG | own }],
    [S.CODE_AS_DATA, { base: AT.CODE, limit: 0x7fff, attributes: ACCESS.DATA | BIG | own }],
  ]);
}

function protectedMode(
  name: string,
  big: boolean,
  cpl: 0 | 3,
  paging: boolean,
  [cs, ss, ds, es, fs, gs]: readonly [number, number, number, number, number, number],
): Mode {
  const table = descriptors(cpl);
  const segment = (selector: number): Segment => ({
    selector: (selector & ~3) | cpl,
    ...(table.get(selector) ?? table.get(selector & ~3))!,
  });
  return { name, kind: "protected", big, cpl, paging, segments: [es, cs, ss, ds, fs, gs].map(segment) };
}

function segmented(name: string, kind: Mode["kind"], paging: boolean, attributes: number): Mode {
  const at = (base: number): Segment => ({ selector: base >> 4, base, limit: 0xffff, attributes });
  const segments = [AT.DATA + 0x800, AT.CODE, AT.STACK, AT.DATA, AT.CODE, AT.DATA + 0x3ff0].map(at);
  return { name, kind, big: false, cpl: kind === "real" ? 0 : 3, paging, segments };
}

const FLAT0 = [S.CODE0, S.DATA0, S.DATA0, S.DATA0, S.DATA0, S.SMALL_DATA] as const;
const FLAT3 = [S.CODE3, S.DATA3, S.DATA3, S.DATA3, S.SMALL_DATA, S.CODE_AS_DATA] as const;
const SMALL = [S.SMALL_CODE, S.SMALL_STACK, S.SMALL_DATA, S.DATA16, S.EXPAND_DOWN, S.CODE_AS_DATA] as const;
const NARROW = [S.CODE16, S.STACK16, S.DATA16, S.DATA16, S.CODE_AS_DATA, S.READ_ONLY] as const;

/** All modes, by weight. */
export const MODES: readonly (readonly [weight: number, mode: Mode])[] = [
  [5, protectedMode("32-bit flat, CPL 0, no paging", true, 0, false, FLAT0)],
  [5, protectedMode("32-bit flat, CPL 0, paging", true, 0, true, FLAT0)],
  [5, protectedMode("32-bit flat, CPL 3, paging", true, 3, true, FLAT3)],
  [1, protectedMode("32-bit flat, CPL 3, no paging", true, 3, false, FLAT3)],
  [2, protectedMode("32-bit segments, CPL 0, no paging", true, 0, false, SMALL)],
  [1, protectedMode("32-bit segments, CPL 3, paging", true, 3, true, SMALL)],
  [2, protectedMode("16-bit protected, CPL 0, no paging", false, 0, false, NARROW)],
  [1, protectedMode("16-bit protected, CPL 3, paging", false, 3, true, NARROW)],
  [3, segmented("16-bit real", "real", false, 0x9300)],
  [1, segmented("virtual-8086, paging", "virtual-8086", true, 0xf300)],
];

/** EIP of the code's first byte. */
export function codeOffset({ segments }: Mode): number {
  return AT.CODE - segments[SEG.CS]!.base;
}

/** ESP of an empty stack. */
export function stackTop({ segments }: Mode): number {
  return AT.STACK + 0x1fc0 - segments[SEG.SS]!.base;
}
