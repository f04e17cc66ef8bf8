import { assert, assertEquals } from "@std/assert";
import { assemble } from "./assemble.ts";
import { DECODE, decode } from "./decode.ts";
import { Instruction } from "./instruction.ts";
import { CPU_MODELS, type CpuModelName } from "./model_names.ts";
import { type CpuModel, cpuModel } from "./models.ts";
import { CR0, CR4, FLAG, SEG } from "./registers.ts";
import { SEMANTICS } from "./semantics/mod.ts";
import { FORMS } from "./table/table.ts";

/** What a model makes of assembler text: the mnemonic, or undefined where it raises #UD. */
function known(name: CpuModelName, text: string): string | undefined {
  const { bytes } = assemble(text, { bits: 32 });
  const instruction = new Instruction();
  assertEquals(decode(bytes, 0, bytes.length, true, instruction), DECODE.OK, text);
  return cpuModel(name).forms[instruction.form!.id]?.mnemonic;
}

Deno.test("max knows every instruction of the table, and each model no more than the next", () => {
  const counts = CPU_MODELS.map((name) => cpuModel(name).forms.filter((form, id) => form === FORMS[id]).length);
  assertEquals(counts[0], FORMS.length);
  assertEquals(counts, counts.toSorted((a, b) => b - a));
  assertEquals(new Set(counts).size, counts.length);
});

Deno.test("an instruction is unknown before the processor that brought it", () => {
  const first: [text: string, first: CpuModelName][] = [
    ["mov eax, ebx", "i386"],
    ["fsin", "i386"],
    ["bswap eax", "i486"],
    ["cmpxchg [eax], ebx", "i486"],
    ["invlpg [eax]", "i486"],
    ["cmpxchg8b [eax]", "pentium"],
    ["rdtsc", "pentium"],
    ["cmovne eax, ebx", "pentium3"],
    ["fcomip st1", "pentium3"],
    ["paddb mm0, mm1", "pentium3"],
    ["paddq mm0, mm1", "max"],
    ["pminub mm0, mm1", "pentium3"],
    ["addps xmm0, xmm1", "pentium3"],
    ["fxsave [eax]", "pentium3"],
    ["addpd xmm0, xmm1", "max"],
    ["fisttp dword [eax]", "max"],
    ["pshufb mm0, mm1", "max"],
    ["aesenc xmm0, xmm1", "max"],
  ];
  const rising = CPU_MODELS.toReversed();
  for (const [text, since] of first) {
    const found = rising.find((name) => known(name, text) !== undefined);
    assertEquals(found, since, text);
  }
});

Deno.test("without their feature TZCNT and LZCNT are BSF and BSR", () => {
  assertEquals([known("max", "tzcnt eax, ebx"), known("pentium", "tzcnt eax, ebx")], ["tzcnt", "bsf"]);
  assertEquals([known("max", "lzcnt eax, ebx"), known("pentium3", "lzcnt eax, ebx")], ["lzcnt", "bsr"]);
  assertEquals([known("pentium3", "popcnt eax, ebx"), known("i386", "pause")], [undefined, "pause"]);
});

Deno.test("control registers and EFLAGS have the bits of the model", () => {
  const { cr0, cr4, eflags, leaves, calledOut } = cpuModel("i386");
  assertEquals([cr0 & CR0.WP, cr4, eflags & (FLAG.AC | FLAG.ID), leaves.size], [0, 0, 0, 0]);
  // What the emitted POPF would set regardless.
  assert(SEMANTICS.has("popf") && calledOut.has("popf"));
  assertEquals(cpuModel("i486").eflags & (FLAG.AC | FLAG.ID), FLAG.AC | FLAG.ID);
  assertEquals([cpuModel("pentium").cr4, cpuModel("pentium3").cr4], [
    0x5f & ~CR4.PAE,
    0x7ff,
  ]);
});

Deno.test("what sets an 80286 apart is no part of a model that machines can have", () => {
  const facts = ({ maximumLength, segmentRegisters, locksAnything, segmentOverrun }: CpuModel) => [
    maximumLength,
    segmentRegisters,
    locksAnything,
    segmentOverrun,
  ];
  for (const name of CPU_MODELS) assertEquals(facts(cpuModel(name)), [15, SEG.GS + 1, false, false], name);
  const model = cpuModel("i286-real");
  assertEquals(facts(model), [10, SEG.DS + 1, true, true]);
  assertEquals([model.features.has("fpu"), model.cr0 & CR0.PG, model.eflags & 0xf000, model.cr4], [false, 0, 0, 0]);
  assert(!(CPU_MODELS as readonly string[]).includes(model.name));
});
