import { assert, assertEquals } from "@std/assert";
import { DECODE, decode, MAXIMUM_LENGTH } from "./decode.ts";
import { formatInstruction } from "./disassemble.ts";
import { Instruction, OPERAND, REPEAT } from "./instruction.ts";
import { GPR, SEG } from "./registers.ts";

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** Decodes what must be one whole instruction. */
function one(hex: string, bits = 32): Instruction {
  const bytes = bytesOf(hex);
  const insn = new Instruction();
  assertEquals(decode(bytes, 0, bytes.length, bits === 32, insn), DECODE.OK, hex);
  assertEquals(insn.length, bytes.length, hex);
  return insn;
}

function result(hex: string, bits = 32, available = hex.replaceAll(" ", "").length / 2): number {
  return decode(bytesOf(hex), 0, available, bits === 32, new Instruction());
}

function random(seed: number): () => number {
  return () => (seed = Math.imul(seed, 1664525) + 1013904223) >>> 16 & 0xff;
}

Deno.test("an address of 32 bits: base, scaled index, displacement", () => {
  const insn = one("8B 84 8B 10 00 00 80");
  const [to, from] = insn.operands;
  assertEquals([insn.form?.mnemonic, insn.count, to.kind, to.register, to.size], ["mov", 2, OPERAND.GPR, GPR.AX, 4]);
  assertEquals([from.kind, from.size, from.base, from.index, from.scale], [OPERAND.MEMORY, 4, GPR.BX, GPR.CX, 2]);
  assertEquals([from.value, from.segment], [-0x7fff_fff0, SEG.DS]);
});

Deno.test("index 4 is no index, base 5 without displacement is no base", () => {
  const stack = one("8B 04 24").operands[1];
  assertEquals([stack.base, stack.index, stack.segment], [GPR.SP, -1, SEG.SS]);
  const scaled = one("8B 04 8D 00 10 00 00").operands[1];
  assertEquals([scaled.base, scaled.index, scaled.scale, scaled.value, scaled.segment], [
    -1,
    GPR.CX,
    2,
    0x1000,
    SEG.DS,
  ]);
  const absolute = one("8B 05 FF FF FF FF").operands[1];
  assertEquals([absolute.base, absolute.index, absolute.value, absolute.segment], [-1, -1, -1, SEG.DS]);
  const frame = one("8B 45 FC").operands[1];
  assertEquals([frame.base, frame.value, frame.segment], [GPR.BP, -4, SEG.SS]);
});

Deno.test("addresses of 16 bits: the eight forms and their default segments", () => {
  const expected = [
    [GPR.BX, GPR.SI, SEG.DS],
    [GPR.BX, GPR.DI, SEG.DS],
    [GPR.BP, GPR.SI, SEG.SS],
    [GPR.BP, GPR.DI, SEG.SS],
    [GPR.SI, -1, SEG.DS],
    [GPR.DI, -1, SEG.DS],
    [GPR.BP, -1, SEG.SS],
    [GPR.BX, -1, SEG.DS],
  ];
  for (const [rm, [base, index, segment]] of expected.entries()) {
    const { operands } = one(`8B ${(0x40 + rm).toString(16)} FE`, 16);
    assertEquals([operands[1].base, operands[1].index, operands[1].segment, operands[1].value], [
      base,
      index,
      segment,
      -2,
    ]);
  }
  const absolute = one("8B 06 FE FF", 16).operands[1];
  assertEquals([absolute.base, absolute.index, absolute.value, absolute.segment], [-1, -1, 0xfffe, SEG.DS]);
});

Deno.test("66 and 67 toggle the code's sizes, however often they stand there", () => {
  assertEquals([one("66 66 67 89 07").operandSize, one("66 66 67 89 07").addressSize], [2, 2]);
  assertEquals([one("66 67 89 07", 16).operandSize, one("66 67 89 07", 16).addressSize], [4, 4]);
  assertEquals(one("67 66 67 89 07", 16).operands[0].base, GPR.DI);
});

Deno.test("the last segment prefix wins, and the last repeat prefix", () => {
  assertEquals(one("26 2E 64 8B 07").operands[1].segment, SEG.FS);
  assertEquals(one("F3 F2 A6").repeat, REPEAT.F2);
  assertEquals(one("F2 26 F3 A6").repeat, REPEAT.F3);
});

Deno.test("a mandatory prefix is part of the opcode, in any order with the others", () => {
  for (const hex of ["F3 66 0F B8 C1", "66 F3 0F B8 C1", "66 F2 F3 0F B8 C1"]) {
    const insn = one(hex);
    assertEquals([insn.form?.mnemonic, insn.repeat, insn.operandSize], ["popcnt", REPEAT.NONE, 2]);
  }
  assertEquals([one("66 0F 38 F6 C1").form?.mnemonic, one("66 0F 38 F6 C1").operands[0].size], ["adcx", 4]);
  assertEquals(one("66 0F 38 F6 C1").operandSize, 4);
  assertEquals(one("66 F2 0F 38 F1 C1").form?.mnemonic, "crc32");
  assertEquals([one("F2 0F BC C1").form?.mnemonic, one("F3 0F BC C1").form?.mnemonic], ["bsf", "tzcnt"]);
  assertEquals([one("90").form?.mnemonic, one("F3 90").form?.mnemonic, one("93").form?.mnemonic], [
    "nop",
    "pause",
    "xchg",
  ]);
});

Deno.test("implied operands appear; only the string source takes an override", () => {
  const [to, from] = one("26 A5").operands;
  assertEquals([to.kind, to.segment, to.base, to.size], [OPERAND.MEMORY, SEG.ES, GPR.DI, 4]);
  assertEquals([from.kind, from.segment, from.base, from.size], [OPERAND.MEMORY, SEG.ES, GPR.SI, 4]);
  assertEquals([one("64 AB").operands[0].segment, one("64 AB").operands[1].register], [SEG.ES, GPR.AX]);
  assertEquals([one("64 6E").operands[0].register, one("64 6E").operands[1].segment], [GPR.DX, SEG.FS]);
  assertEquals([one("2E D7").operands[0].base, one("2E D7").operands[0].segment], [GPR.BX, SEG.CS]);
  assertEquals([one("D3 E0").operands[1].register, one("D3 E0").operands[1].size], [GPR.CX, 1]);
  assertEquals([one("D1 E0").operands[1].kind, one("D1 E0").operands[1].value], [OPERAND.IMMEDIATE, 1]);
});

Deno.test("immediates: bytes are zero-extended unless the form extends the sign", () => {
  assertEquals(one("04 FF").operands[1].value, 255);
  assertEquals([one("83 C0 FF").operands[1].value, one("83 C0 FF").operands[1].size], [-1, 4]);
  assertEquals([one("66 83 C0 80").operands[1].value, one("66 83 C0 80").operands[1].size], [-128, 2]);
  assertEquals(one("66 05 FF FF").operands[1].value, 0xffff);
  assertEquals(one("05 FF FF FF FF").operands[1].value, -1);
  const enter = one("C8 34 12 05");
  assertEquals([enter.operands[0].value, enter.operands[1].value], [0x1234, 5]);
});

Deno.test("branches and far pointers", () => {
  assertEquals([one("75 FE").operands[0].kind, one("75 FE").operands[0].value], [OPERAND.RELATIVE, -2]);
  assertEquals(one("E9 FD FF", 16).operands[0].value, -3);
  assertEquals(one("0F 85 FA FF FF FF").operands[0].value, -6);
  assertEquals([one("0F 85 FA FF FF FF").form?.semantics, one("0F 85 FA FF FF FF").form?.condition], ["jcc", 5]);
  const far = one("EA 78 56 34 12 08 00").operands[0];
  assertEquals([far.kind, far.register, far.value, far.size], [OPERAND.FAR, 8, 0x1234_5678, 6]);
  assertEquals([one("EA 34 12 08 00", 16).operands[0].value, one("EA 34 12 08 00", 16).operands[0].size], [0x1234, 4]);
  assertEquals([one("FF 18").operands[0].size, one("66 FF 18").operands[0].size], [6, 4]);
});

Deno.test("segment, control and debug registers", () => {
  assertEquals([one("8C D8").operands[0].size, one("8C 18").operands[0].size, one("66 8C D8").operands[0].size], [
    4,
    2,
    2,
  ]);
  assertEquals([one("8E D0").operands[0].register, one("8E D0").operands[1].size], [SEG.SS, 2]);
  // MOV to and from control registers takes a register whatever ModRM.mod says.
  for (const hex of ["0F 20 D8", "0F 20 18", "0F 20 58", "0F 20 98"]) {
    const [to, from] = one(hex).operands;
    assertEquals([to.kind, to.register, to.size, from.kind, from.register], [OPERAND.GPR, 0, 4, OPERAND.CONTROL, 3]);
  }
  assertEquals([one("0F 23 F8").operands[0].kind, one("0F 23 F8").operands[0].register], [OPERAND.DEBUG, 7]);
});

Deno.test("encodings that do not exist are undefined", () => {
  const undefinedEncodings = [
    "0F 04",
    "0F 38 FF 00",
    "8E C8", // MOV CS
    "8E F0", // no such segment register
    "8C F8",
    "0F 20 C8", // CR1
    "0F 22 E8", // CR5
    "8D C0", // LEA of a register
    "C4 C0",
    "C5 C0",
    "62 C0",
    "0F B2 C0",
    "0F 01 D0",
    "0F 01 28",
    "0F C7 C8",
    "0F C7 00",
    "0F BA 00",
    "8F 08",
    "C6 08",
    "FE 10",
    "FF 38",
    "FF D8", // far CALL through a register
    "D9 08",
    "D9 D1",
    "DB 30",
    "DD 28",
    "0F B8 C1", // without F3
    "0F 38 F6 C1",
    "0F 38 F0 C1",
    "66 0F C3 00",
  ];
  for (const hex of undefinedEncodings) assertEquals(result(hex), DECODE.UNDEFINED, hex);
});

Deno.test("aliases that only implementations document", () => {
  const aliases = [
    ["82 C0 05", "add"],
    ["C1 F0 05", "shl"],
    ["D2 F0", "shl"],
    ["F6 C8 05", "test"],
    ["F7 C8 05 00 00 00", "test"],
    ["D6", "salc"],
    ["F1", "int1"],
    ["DF C1", "ffreep"],
    ["DC D1", "fcom"],
    ["0F 0D C0", "nop"],
    ["0F FF C0", "ud0"],
  ] as const;
  for (const [hex, mnemonic] of aliases) assertEquals(one(hex).form?.mnemonic, mnemonic);
});

Deno.test("LOCK is legal only for a read-modify-write of memory", () => {
  for (const hex of ["F0 01 07", "F0 0F B1 0F", "F0 87 07", "F0 0F C7 0F", "F0 0F BA 2F 05", "F0 FE 07", "F0 F7 17"]) {
    assertEquals([result(hex), one(hex).lock], [DECODE.OK, true]);
  }
  const refused = [
    "F0 01 C7",
    "F0 03 07",
    "F0 39 07",
    "F0 89 07",
    "F0 90",
    "F0 0F A3 07",
    "F0 0F BA 27 05",
    "F0 A5",
    "F0 0F 22 C0",
  ];
  for (const hex of refused) assertEquals(result(hex), DECODE.ILLEGAL_LOCK, hex);
});

Deno.test("an instruction that is cut short needs more, at every length", () => {
  for (
    const hex of [
      "66 67 81 84 24 00 00 01 00",
      "67 66 C7 84 4B 00 01 02 03 04 05",
      "EA 00 00 00 00 08 00",
      "0F 38 F0 45 00",
    ]
  ) {
    const whole = bytesOf(hex);
    const insn = new Instruction();
    const padded = new Uint8Array(32);
    padded.set(whole);
    const enough = decode(padded, 0, 32, true, insn) === DECODE.OK ? insn.length : 0;
    assert(enough > 0);
    for (let available = 0; available < enough; available++) {
      assertEquals(decode(padded, 0, available, true, insn), DECODE.NEED_MORE);
      assertEquals(insn.form, undefined);
    }
  }
});

Deno.test("more than fifteen bytes are too long; a page end before that only needs more", () => {
  const long = "66 ".repeat(14) + "05 01 00";
  assertEquals(result(long), DECODE.TOO_LONG);
  assertEquals(result("66 ".repeat(12) + "05 01 00"), DECODE.OK);
  assertEquals(result("26 ".repeat(20)), DECODE.TOO_LONG);
  assertEquals(result("26 ".repeat(14)), DECODE.NEED_MORE);
  assertEquals(result("26 ".repeat(14) + "90"), DECODE.OK);
});

Deno.test("decoding starts where it is told", () => {
  const insn = new Instruction();
  assertEquals(decode(bytesOf("FF FF 0F A2 FF"), 2, 3, true, insn), DECODE.OK);
  assertEquals([insn.form?.mnemonic, insn.length], ["cpuid", 2]);
});

Deno.test("any bytes decode without an exception, to at most fifteen bytes", () => {
  const next = random(1);
  const bytes = new Uint8Array(24);
  const insn = new Instruction();
  for (let trial = 0; trial < 200_000; trial++) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = next();
    if (trial % 3 === 0) bytes[0] = 0x0f;
    const available = next() % 25;
    const found = decode(bytes, 0, available, trial % 2 === 0, insn);
    assert(insn.length <= Math.min(available, MAXIMUM_LENGTH));
    if (found !== DECODE.OK && found !== DECODE.ILLEGAL_LOCK) assertEquals(insn.form, undefined);
    else {
      assert(insn.form !== undefined && insn.length > 0 && insn.count === insn.form.operands.length);
      formatInstruction(insn, 0, trial % 2 === 0);
    }
  }
});

Deno.test("code of the other width with both size prefixes is the same instruction", () => {
  const next = random(2);
  const prefixed = new Uint8Array(18);
  const plain = new Instruction();
  const toggled = new Instruction();
  let compared = 0;
  for (let trial = 0; trial < 50_000; trial++) {
    for (let i = 2; i < prefixed.length; i++) prefixed[i] = next();
    // With its own size prefixes the instruction would cancel ours; 66 may be mandatory.
    if (prefixed.some((byte, i) => i >= 2 && (byte === 0x66 || byte === 0x67))) continue;
    prefixed.set([0x66, 0x67]);
    if (decode(prefixed, 2, 13, true, plain) !== DECODE.OK) continue;
    const found = decode(prefixed, 0, 15, false, toggled);
    // An encoding of NP excludes the prefix.
    if (plain.form!.opcode.startsWith("NP") || toggled.form?.opcode.startsWith("66")) continue;
    assertEquals(found, DECODE.OK);
    assertEquals([toggled.form, toggled.length], [plain.form, plain.length + 2]);
    assertEquals([toggled.operandSize, toggled.addressSize], [plain.operandSize, plain.addressSize]);
    assertEquals(toggled.operands.slice(0, toggled.count), plain.operands.slice(0, plain.count));
    compared++;
  }
  assert(compared > 10_000);
});
