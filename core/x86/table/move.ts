/**
 * Data transfer, conversion and address instructions (Intel SDM volume 1, 7.3.1, 7.3.13 and 7.3.14).
 *
 * @module
 */
import { CONDITIONS } from "./conditions.ts";
import { hex, type Row, row } from "./row.ts";

/** A group of cache hints: the named ones take memory, every other encoding is a no-operation. */
function hints(opcode: number, names: readonly string[]): Row[] {
  return [
    ...Array.from(
      { length: 8 },
      (_, digit) =>
        row(`0F ${hex(opcode)} /${digit}`, names[digit] ?? "nop", digit < names.length ? "M" : "Ev", { feature: "p6" }),
    ),
    row(`0F ${hex(opcode)} /r`, "nop", "Rv", { feature: "p6" }),
  ];
}

/** Moves, exchanges, conversions, addresses, no-operations. */
export const move: readonly Row[] = [
  row("88 /r", "mov", "Eb Gb"),
  row("89 /r", "mov", "Ev Gv"),
  row("8A /r", "mov", "Gb Eb"),
  row("8B /r", "mov", "Gv Ev"),
  row("A0", "mov", "AL Ob"),
  row("A1", "mov", "eAX Ov"),
  row("A2", "mov", "Ob AL"),
  row("A3", "mov", "Ov eAX"),
  row("B0+r", "mov", "Zb Ib"),
  row("B8+r", "mov", "Zv Iv"),
  row("C6 /0", "mov", "Eb Ib"),
  row("C7 /0", "mov", "Ev Iz"),
  row("8C /r", "mov", "Rv/Mw Sw", { semantics: "mov_from_segment" }),
  row("8E /r", "mov", "Sw Ew", { semantics: "mov_to_segment", ends: true }),
  ...CONDITIONS.map(([name], condition) =>
    row(`0F ${hex(0x40 + condition)} /r`, `cmov${name}`, "Gv Ev", { semantics: "cmovcc", condition, feature: "cmov" })
  ),
  ...CONDITIONS.map(([name], condition) =>
    row(`0F ${hex(0x90 + condition)} /r`, `set${name}`, "Eb", { semantics: "setcc", condition })
  ),
  row("0F B6 /r", "movzx", "Gv Eb"),
  row("0F B7 /r", "movzx", "Gv Ew"),
  row("0F BE /r", "movsx", "Gv Eb"),
  row("0F BF /r", "movsx", "Gv Ew"),
  row("0F 38 F0 /r", "movbe", "Gv Mv", { feature: "movbe" }),
  row("0F 38 F1 /r", "movbe", "Mv Gv", { feature: "movbe" }),
  row("NP 0F C3 /r", "movnti", "My Gy", { feature: "sse2" }),
  row("90", "nop"),
  row("F3 90", "pause"),
  row("90+r", "xchg", "Zv eAX"),
  row("86 /r", "xchg", "Eb Gb", { lock: true }),
  row("87 /r", "xchg", "Ev Gv", { lock: true }),
  row("0F C8+r", "bswap", "Zv", { feature: "i486" }),
  row("o16 98", "cbw"),
  row("o32 98", "cwde", "", { semantics: "cbw" }),
  row("o16 99", "cwd"),
  row("o32 99", "cdq", "", { semantics: "cwd" }),
  row("8D /r", "lea", "Gv M"),
  row("D7", "xlatb", "BXb", { semantics: "xlat" }),
  row("C4 /r", "les", "Gv Mp", { semantics: "load_far_pointer", ends: true }),
  row("C5 /r", "lds", "Gv Mp", { semantics: "load_far_pointer", ends: true }),
  row("0F B2 /r", "lss", "Gv Mp", { semantics: "load_far_pointer", ends: true }),
  row("0F B4 /r", "lfs", "Gv Mp", { semantics: "load_far_pointer", ends: true }),
  row("0F B5 /r", "lgs", "Gv Mp", { semantics: "load_far_pointer", ends: true }),
  // 0F 18-1F are reserved no-operations of the P6; later manuals gave some of them names (SDM volume 2, NOP and PREFETCHh).
  ...[0x1f, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e].map((opcode) =>
    row(`0F ${hex(opcode)} /r`, "nop", "Ev", { feature: "p6" })
  ),
  ...hints(0x18, ["prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2"]),
  ...hints(0x0d, ["prefetch", "prefetchw"]),
];
