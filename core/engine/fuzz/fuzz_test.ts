import { assert, assertEquals } from "@std/assert";
import { OPERAND } from "../../x86/instruction.ts";
import { GPR } from "../../x86/registers.ts";
import type { Callout } from "../../x86/system/callout.ts";
import { FORMS } from "../../x86/table/table.ts";
import { CALLOUT_TABLE } from "../callout_table.ts";
import { cut, Fuzzer, long, report } from "./fuzzer.ts";

/** Programs that every run of the tests makes. */
const CASES = 250;

/** Programs of each of two thresholds that are translated: compilation takes longer than most of them. */
const TRANSLATED_CASES = 60;

Deno.test("random programs do the same however they are cut into stretches", () => {
  const fuzzer = new Fuzzer(long(), cut("short"));
  for (let seed = 1; seed <= CASES; seed++) {
    const finding = fuzzer.run(seed);
    if (finding !== undefined) throw new Error(report(finding));
  }
});

Deno.test("random programs do the same interpreted and translated, however translated code is cut into stretches", () => {
  for (const after of [0, 2]) {
    const fuzzer = new Fuzzer(long(), cut("mixed", { after }));
    for (let seed = 1; seed <= TRANSLATED_CASES; seed++) {
      const finding = fuzzer.run(seed);
      if (finding !== undefined) throw new Error(report(finding));
    }
    assert(fuzzer.translated! > 10, `${fuzzer.translated} %`);
  }
});

Deno.test("a processor with a wrong instruction is found out, and the program shrunk to it", () => {
  // STR, which gives the task register's selector, in registers wrong by one.
  const wrong: Callout = (cpu, instruction) => {
    CALLOUT_TABLE[instruction.form!.id]!(cpu, instruction);
    if (instruction.operands[0].kind === OPERAND.GPR) cpu.setGpr32(GPR.BP, cpu.gpr32(GPR.BP) ^ 1);
  };
  const callouts = FORMS.map((form) => form.mnemonic === "str" ? wrong : CALLOUT_TABLE[form.id]);
  const fuzzer = new Fuzzer(long(), { ...long(), callouts });
  for (let seed = 1; seed <= CASES; seed++) {
    const finding = fuzzer.run(seed);
    if (finding === undefined) continue;
    const text = report(finding);
    assertEquals(finding.history, "none");
    assert(text.includes(" str ") && finding.scenario.pieces.length <= 4, text);
    return;
  }
  throw new Error("no program noticed");
});
