import { assertEquals } from "@std/assert";
import type { Region } from "./region.ts";
import { type PageOptions, regionOf } from "./test_support.ts";

/** Each block, by offset: its instructions, those that are not inline marked, then where it leads, `!` where that is outside. */
function told(region: Region): string[] {
  const { blocks } = region;
  return blocks.toSorted((x, y) => x.start - y.start).map(({ start, instructions, taken, next, targets }) => {
    const names = instructions.map(({ instruction, how }) =>
      instruction.form!.mnemonic + (how === "inline" ? "" : ` (${how})`)
    );
    const known = [taken, next].flatMap((edge) => {
      if (edge === undefined) return [];
      return edge.to === "block" ? [`${blocks[edge.block]!.start}`] : [`${edge.target}!`];
    });
    if (known.length === 0) known.push(...targets.map((to) => `${blocks[to]!.start}`), "anywhere");
    return `${start}: ${names.join(", ")} -> ${known.join(", ")}`;
  });
}

function blocks(source: string, options?: PageOptions): string[] {
  return told(regionOf(source, options)!);
}

Deno.test("a region has the blocks to which control flows, each once", () => {
  assertEquals(
    blocks(`
      again: dec ecx
      je out
      add eax, ecx
      jmp again
      out: ret`),
    ["0: dec, je -> 7, 3", "3: add, jmp -> 0", "7: ret -> anywhere"],
  );
});

Deno.test("a jump into the middle of what was found divides it", () => {
  const source = "xor eax, eax\nagain: inc eax\ncmp eax, 9\njb again\nret";
  assertEquals(blocks(source), ["0: xor -> 2", "2: inc, cmp, jb -> 2, 8", "8: ret -> anywhere"]);
});

Deno.test("the entry's block is the first, wherever it stands", () => {
  const region = regionOf("again: dec ecx\nje out\nentry: nop\njmp again\nout: ret", { entry: 3 })!;
  assertEquals(region.blocks[0]!.start, 3);
});

Deno.test("what the interpreter has never met is outside", () => {
  const source = "test eax, eax\nje there\ninc eax\nret\nthere: dec eax\nret";
  assertEquals(blocks(source, { unreached: [6] }), ["0: test, je -> 6!, 4", "4: inc, ret -> anywhere"]);
  assertEquals(blocks(source, { unreached: [4] }), ["0: test, je -> 6, 4!", "6: dec, ret -> anywhere"]);
});

Deno.test("a computed jump ends its path", () => {
  assertEquals(blocks("inc eax\njmp eax\nnop"), ["0: inc, jmp -> anywhere"]);
});

Deno.test("a call of code in the page is followed, and returns go to behind it or anywhere", () => {
  const source = "call there\nnop\nhlt\nthere: inc eax\nret";
  assertEquals(blocks(source), ["0: call -> 7", "5: nop -> 6!", "7: inc, ret -> 5, anywhere"]);
  assertEquals(blocks(source, { unreached: [5] }), ["0: call -> 7!"]);
});

Deno.test("a jump through a table goes to what the table names, or anywhere", () => {
  const source = "jmp [eax * 4 + 0x1000]\nhlt\none: inc eax\nret\ntwo: dec eax\nret";
  assertEquals(blocks(source, { table: [8, 10] }), [
    "0: jmp -> 8, 10, anywhere",
    "8: inc, ret -> anywhere",
    "10: dec, ret -> anywhere",
  ]);
});

Deno.test("what is translated already is gone on with, unless it is short", () => {
  const source = "inc eax\njmp there\nnop\nthere: dec eax\nret";
  assertEquals(blocks(source, { translated: new Map([[4, 200]]) }), ["0: inc, jmp -> 4!"]);
  assertEquals(blocks(source, { translated: new Map([[4, 2]]) }), ["0: inc, jmp -> 4", "4: dec, ret -> anywhere"]);
});

Deno.test("what lies in another page is outside, and so is an instruction that straddles", () => {
  assertEquals(blocks("inc eax\nje 0x1010\njmp -8", { at: 16 }), ["16: inc, je -> 4112!, 23", "23: jmp -> -8!"]);
  assertEquals(blocks("inc eax\ninc ecx", { at: 4094 }), ["4094: inc, inc -> 4096!"]);
  assertEquals(blocks("inc eax\ndb 0xb8, 1", { at: 4093 }), ["4093: inc -> 4094!"]);
});

Deno.test("an instruction whose fast path does not serve is called where the region can go on behind it", () => {
  assertEquals(blocks("mov eax, [ebx]\nmov [ebx], eax\nret", { slow: [2] }), ["0: mov, mov (called), ret -> anywhere"]);
  assertEquals(blocks("mov eax, [ebx]\nret", { calledOut: ["mov"] }), ["0: mov (called), ret -> anywhere"]);
});

Deno.test("a region ends before what the interpreter alone can do; there is none where that comes first", () => {
  assertEquals(blocks("inc eax\nhlt"), ["0: inc -> 1!"]);
  assertEquals(regionOf("hlt"), undefined);
  assertEquals(regionOf("db 0x0f, 0xff"), undefined);
});

Deno.test("a region is not longer than it may be, and knows how long it is", () => {
  const region = regionOf("times 100 inc eax", { limit: 40 })!;
  assertEquals([region.length, told(region)[0]!.endsWith("-> 40!")], [40, true]);
  const loop = regionOf("again: inc eax\ndec ecx\njne again\nret")!;
  assertEquals(loop.length, loop.blocks.reduce((sum, { instructions }) => sum + instructions.length, 0));
});
