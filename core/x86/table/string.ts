/**
 * String instructions (Intel SDM volume 1, 7.3.9), and the port accesses among them.
 *
 * @module
 */
import { type Row, row } from "./row.ts";

/** One string operation in its three sizes. */
function sizes(opcode: number, name: string, bytes: string, words: string): Row[] {
  const traits = { semantics: name, ends: true };
  const digits = (value: number) => value.toString(16).toUpperCase();
  return [
    row(digits(opcode), `${name}b`, bytes, traits),
    row(`o16 ${digits(opcode + 1)}`, `${name}w`, words, traits),
    row(`o32 ${digits(opcode + 1)}`, `${name}d`, words, traits),
  ];
}

/** MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS. */
export const string: readonly Row[] = [
  ...sizes(0xa4, "movs", "Yb Xb", "Yv Xv"),
  ...sizes(0xa6, "cmps", "Xb Yb", "Xv Yv"),
  ...sizes(0xaa, "stos", "Yb AL", "Yv eAX"),
  ...sizes(0xac, "lods", "AL Xb", "eAX Xv"),
  ...sizes(0xae, "scas", "AL Yb", "eAX Yv"),
  ...sizes(0x6c, "ins", "Yb DX", "Yv DX"),
  ...sizes(0x6e, "outs", "DX Xb", "DX Xv"),
];
