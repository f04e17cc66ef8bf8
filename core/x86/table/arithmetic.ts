/**
 * Binary and decimal arithmetic, and the logical instructions (Intel SDM volume 1, 7.3.2, 7.3.3 and 7.3.4).
 *
 * @module
 */
import { hex, type Row, row } from "./row.ts";

/** The eight operations of opcodes 00-3F and 80-83, in encoding order. */
const OPERATIONS = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"];

function operationRows(): Row[] {
  const rows: Row[] = [];
  for (const [digit, name] of OPERATIONS.entries()) {
    const base = digit * 8;
    const traits = { lock: name !== "cmp" };
    rows.push(
      row(`${hex(base)} /r`, name, "Eb Gb", traits),
      row(`${hex(base + 1)} /r`, name, "Ev Gv", traits),
      row(`${hex(base + 2)} /r`, name, "Gb Eb"),
      row(`${hex(base + 3)} /r`, name, "Gv Ev"),
      row(hex(base + 4), name, "AL Ib"),
      row(`83 /${digit}`, name, "Ev Ibs", traits),
      row(hex(base + 5), name, "eAX Iz"),
      row(`80 /${digit}`, name, "Eb Ib", traits),
      row(`81 /${digit}`, name, "Ev Iz", traits),
      // An alias of 80 that the manuals leave out.
      row(`82 /${digit}`, name, "Eb Ib", traits),
    );
  }
  return rows;
}

/** Arithmetic and logic. */
export const arithmetic: readonly Row[] = [
  ...operationRows(),
  row("27", "daa"),
  row("2F", "das"),
  row("37", "aaa"),
  row("3F", "aas"),
  row("D4", "aam", "Ib"),
  row("D5", "aad", "Ib"),
  row("40+r", "inc", "Zv"),
  row("48+r", "dec", "Zv"),
  row("FE /0", "inc", "Eb", { lock: true }),
  row("FE /1", "dec", "Eb", { lock: true }),
  row("FF /0", "inc", "Ev", { lock: true }),
  row("FF /1", "dec", "Ev", { lock: true }),
  row("A8", "test", "AL Ib"),
  row("A9", "test", "eAX Iz"),
  row("84 /r", "test", "Eb Gb"),
  row("85 /r", "test", "Ev Gv"),
  row("F6 /0", "test", "Eb Ib"),
  row("F7 /0", "test", "Ev Iz"),
  // /1 decodes like /0 on every implementation, documented by AMD (APM volume 3, appendix A).
  row("F6 /1", "test", "Eb Ib"),
  row("F7 /1", "test", "Ev Iz"),
  row("F6 /2", "not", "Eb", { lock: true }),
  row("F7 /2", "not", "Ev", { lock: true }),
  row("F6 /3", "neg", "Eb", { lock: true }),
  row("F7 /3", "neg", "Ev", { lock: true }),
  row("F6 /4", "mul", "Eb"),
  row("F7 /4", "mul", "Ev"),
  row("F6 /5", "imul", "Eb"),
  row("F7 /5", "imul", "Ev"),
  row("0F AF /r", "imul", "Gv Ev"),
  row("6B /r", "imul", "Gv Ev Ibs"),
  row("69 /r", "imul", "Gv Ev Iz"),
  row("F6 /6", "div", "Eb"),
  row("F7 /6", "div", "Ev"),
  row("F6 /7", "idiv", "Eb"),
  row("F7 /7", "idiv", "Ev"),
  row("0F B0 /r", "cmpxchg", "Eb Gb", { lock: true, feature: "i486" }),
  row("0F B1 /r", "cmpxchg", "Ev Gv", { lock: true, feature: "i486" }),
  row("0F C0 /r", "xadd", "Eb Gb", { lock: true, feature: "i486" }),
  row("0F C1 /r", "xadd", "Ev Gv", { lock: true, feature: "i486" }),
  row("0F C7 /1", "cmpxchg8b", "Mq", { lock: true, feature: "cx8" }),
  row("66 0F 38 F6 /r", "adcx", "Gy Ey", { feature: "adx" }),
  row("F3 0F 38 F6 /r", "adox", "Gy Ey", { feature: "adx" }),
];
