/**
 * SSE: packed and scalar single-precision floating point (Intel SDM volume 1, 10.4), with the forms for double precision that SSE2 laid
 * beside them (11.4.1).
 *
 * @module
 */
import type { Feature } from "../form.ts";
import { hex, type Row, row } from "./row.ts";

/** The four element types in the order of their prefixes. */
const TYPES: readonly (readonly [prefix: string, suffix: string, feature: Feature])[] = [
  ["NP", "ps", "sse"],
  ["66", "pd", "sse2"],
  ["F3", "ss", "sse"],
  ["F2", "sd", "sse2"],
];

/** The first `count` types of an operation. */
function typed(opcode: number, name: string, count: 2 | 4, immediate = ""): Row[] {
  return TYPES.slice(0, count).map(([prefix, suffix, feature]) =>
    row(`${prefix} 0F ${hex(opcode)} /r`, name + suffix, `V${suffix} W${suffix}${immediate}`, { feature })
  );
}

/** Single precision only: packed and scalar. */
function singles(opcode: number, name: string): Row[] {
  return [
    row(`NP 0F ${hex(opcode)} /r`, `${name}ps`, "Vps Wps", { feature: "sse" }),
    row(`F3 0F ${hex(opcode)} /r`, `${name}ss`, "Vss Wss", { feature: "sse" }),
  ];
}

/** The moves that have a load and a store of each type. */
function moves(): Row[] {
  return TYPES.flatMap(([prefix, suffix, feature]) => {
    const name = suffix.startsWith("p") ? `movu${suffix}` : `mov${suffix}`;
    return [
      row(`${prefix} 0F 10 /r`, name, `V${suffix} W${suffix}`, { feature }),
      row(`${prefix} 0F 11 /r`, name, `W${suffix} V${suffix}`, { feature }),
    ];
  });
}

/** Moves of packed values to and from aligned memory, of halves, and past the caches. */
function packedMoves(): Row[] {
  return TYPES.slice(0, 2).flatMap(([prefix, suffix, feature]) => [
    row(`${prefix} 0F 28 /r`, `mova${suffix}`, `V${suffix} W${suffix}`, { feature }),
    row(`${prefix} 0F 29 /r`, `mova${suffix}`, `W${suffix} V${suffix}`, { feature }),
    row(`${prefix} 0F 12 /r`, `movl${suffix}`, "Vq Mq", { feature }),
    row(`${prefix} 0F 13 /r`, `movl${suffix}`, "Mq Vq", { feature }),
    row(`${prefix} 0F 16 /r`, `movh${suffix}`, "Vq Mq", { feature }),
    row(`${prefix} 0F 17 /r`, `movh${suffix}`, "Mq Vq", { feature }),
    row(`${prefix} 0F 2B /r`, `movnt${suffix}`, `Mdq V${suffix}`, { feature }),
    row(`${prefix} 0F 50 /r`, `movmsk${suffix}`, `Gd U${suffix}`, { feature }),
  ]);
}

/** SSE, and the double-precision counterpart of each of its operations. */
export const sse: readonly Row[] = [
  ...moves(),
  ...packedMoves(),
  row("NP 0F 12 /r", "movhlps", "Vq Uq", { feature: "sse" }),
  row("NP 0F 16 /r", "movlhps", "Vq Uq", { feature: "sse" }),
  ...typed(0x14, "unpckl", 2),
  ...typed(0x15, "unpckh", 2),
  ...typed(0x51, "sqrt", 4),
  ...singles(0x52, "rsqrt"),
  ...singles(0x53, "rcp"),
  ...typed(0x54, "and", 2),
  ...typed(0x55, "andn", 2),
  ...typed(0x56, "or", 2),
  ...typed(0x57, "xor", 2),
  ...typed(0x58, "add", 4),
  ...typed(0x59, "mul", 4),
  ...typed(0x5c, "sub", 4),
  ...typed(0x5d, "min", 4),
  ...typed(0x5e, "div", 4),
  ...typed(0x5f, "max", 4),
  ...typed(0xc2, "cmp", 4, " Ib"),
  ...typed(0xc6, "shuf", 2, " Ib"),
  row("NP 0F 2E /r", "ucomiss", "Vss Wss", { feature: "sse" }),
  row("66 0F 2E /r", "ucomisd", "Vsd Wsd", { feature: "sse2" }),
  row("NP 0F 2F /r", "comiss", "Vss Wss", { feature: "sse" }),
  row("66 0F 2F /r", "comisd", "Vsd Wsd", { feature: "sse2" }),
  row("NP 0F 2A /r", "cvtpi2ps", "Vq Qq", { feature: "sse" }),
  row("F3 0F 2A /r", "cvtsi2ss", "Vss Ed", { feature: "sse" }),
  row("NP 0F 2C /r", "cvttps2pi", "Pq Wq", { feature: "sse" }),
  row("F3 0F 2C /r", "cvttss2si", "Gd Wss", { feature: "sse" }),
  row("NP 0F 2D /r", "cvtps2pi", "Pq Wq", { feature: "sse" }),
  row("F3 0F 2D /r", "cvtss2si", "Gd Wss", { feature: "sse" }),
  row("NP 0F AE /2", "ldmxcsr", "Md", { feature: "sse" }),
  row("NP 0F AE /3", "stmxcsr", "Md", { feature: "sse" }),
];
