import { assertEquals, assertThrows } from "@std/assert";
import type { Form } from "../form.ts";
import { BRANCH, buildDecodeTree, type DecodeTree, formEntry, UNDEFINED_ENTRY } from "./decode_tree.ts";
import { parseOpcode, SIMD } from "./opcode_notation.ts";
import { operandCode } from "./operand_codes.ts";
import { FORMS } from "./table.ts";

/** Forms of SSE and MMX, which have the shapes that the integer set lacks. */
function forms(...rows: [opcode: string, mnemonic: string, operands: string][]): Form[] {
  return rows.map(([opcode, mnemonic, operands], id) => ({
    id,
    mnemonic,
    opcode,
    operands: operands.split(" "),
    semantics: mnemonic,
    lock: false,
    ends: false,
    feature: "i386",
  }));
}

function find(tree: DecodeTree, map: number, opcode: number, simd: number, modrm: number): number {
  let entry = tree.roots[map << 10 | opcode << 2 | simd]!;
  while (entry >= 0) {
    assertEquals(tree.nodes[entry], BRANCH.MODRM);
    entry = tree.nodes[entry + 1 + (modrm < 0xc0 ? modrm >> 3 & 7 : 8 + (modrm & 0x3f))]!;
  }
  return entry === UNDEFINED_ENTRY ? UNDEFINED_ENTRY : formEntry(entry);
}

Deno.test("a mandatory prefix selects among forms of one opcode, and NP excludes all", () => {
  const tree = buildDecodeTree(forms(
    ["NP 0F 10 /r", "movups", "Vps Wps"],
    ["66 0F 10 /r", "movupd", "Vpd Wpd"],
    ["F3 0F 10 /r", "movss", "Vss Wss"],
    ["NP 0F 38 00 /r", "pshufb", "Pq Qq"],
    ["66 0F 3A 0F /r", "palignr", "Vdq Wdq Ib"],
  ));
  assertEquals(find(tree, 1, 0x10, SIMD.NONE, 0xc1), 0);
  assertEquals(find(tree, 1, 0x10, SIMD.P66, 0x01), 1);
  assertEquals(find(tree, 1, 0x10, SIMD.PF3, 0x01), 2);
  assertEquals(find(tree, 1, 0x10, SIMD.PF2, 0x01), UNDEFINED_ENTRY);
  assertEquals(find(tree, 2, 0x00, SIMD.NONE, 0x01), 3);
  assertEquals(find(tree, 2, 0x00, SIMD.P66, 0x01), UNDEFINED_ENTRY);
  assertEquals(find(tree, 3, 0x0f, SIMD.P66, 0x01), 4);
});

Deno.test("operands that are registers or memory only share an opcode", () => {
  const tree = buildDecodeTree(forms(
    ["NP 0F 12 /r", "movlps", "Vq Mq"],
    ["NP 0F 12 /r", "movhlps", "Vq Uq"],
    ["NP 0F 71 /2", "psrlw", "Nq Ib"],
  ));
  assertEquals(find(tree, 1, 0x12, SIMD.NONE, 0x08), 0);
  assertEquals(find(tree, 1, 0x12, SIMD.NONE, 0xc8), 1);
  assertEquals(find(tree, 1, 0x71, SIMD.NONE, 0xd3), 2);
  assertEquals(find(tree, 1, 0x71, SIMD.NONE, 0x13), UNDEFINED_ENTRY);
});

Deno.test("two forms of one encoding are refused", () => {
  const clash = forms(["0F 12 /r", "one", "Gv Ev"], ["0F 12 /r", "other", "Gv Ew"]);
  assertThrows(() => buildDecodeTree(clash), Error, "gives one encoding to");
});

Deno.test("a mistake in the notation is refused", () => {
  for (const opcode of ["", "0G", "80 /8", "80 /0 /1", "0F 0F 00 /r"]) {
    assertThrows(() => parseOpcode(opcode), Error, "not in its notation");
  }
  for (const code of ["", "e", "Eq2", "XYZ", "Hx"]) {
    assertThrows(() => operandCode(code), Error, "is not an operand code");
  }
});

Deno.test("every form of the table is in its notation, and its id is its place", () => {
  for (const [place, form] of FORMS.entries()) {
    assertEquals(form.id, place);
    parseOpcode(form.opcode);
    form.operands.forEach(operandCode);
  }
});

Deno.test("conditions are the low four bits of the opcode", () => {
  for (const form of FORMS) {
    if (form.condition === undefined) assertEquals(/^(?:jcc|setcc|cmovcc)$/.test(form.semantics), false);
    else assertEquals(form.condition, parseOpcode(form.opcode).byte & 15);
  }
});
