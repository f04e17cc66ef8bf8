import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Chance } from "../../../compat/testing/chance.ts";
import { ModuleBuilder } from "../../wasm/mod.ts";
import {
  AREA,
  AREA_BYTES,
  CELL,
  CELLS,
  counterOffset,
  COUNTERS,
  emitEntryOffset,
  entryOffset,
  keyOf,
  TABLE,
} from "./area.ts";

const chance = new Chance(1);
/** Keys of places all over the memory for decoded code: records' indices are aligned to 16 bytes. */
const keys = Array.from(
  { length: 5000 },
  () => keyOf(chance.below(0x1000_0000) * 16 | 0, chance.below(4096), chance.happens(0.5)),
);

Deno.test("emitted code finds an entry where the translator puts it", () => {
  const module = new ModuleBuilder();
  const found = module.function("found", ["i32"], ["i32"], (b, key) => b.return(emitEntryOffset(key.get())));
  module.export("found", found);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  for (const key of keys) assertEquals((exports.found as (key: number) => number)(key), entryOffset(key));
});

Deno.test("entries and counters lie inside of their tables, each counter beside its entry", () => {
  for (const key of keys) {
    const entry = entryOffset(key);
    assert(entry % 8 === 0 && entry >= 0 && AREA.HASH + entry + 8 <= AREA.EMPTY);
    assertEquals(counterOffset(key), entry / 4);
    assert(counterOffset(key) + 2 <= COUNTERS * 2);
  }
});

Deno.test("page, mode, offset and privilege make the key", () => {
  const known = keyOf(0x100_0000, 5, false);
  for (const other of [keyOf(0x100_4000, 5, false), keyOf(0x100_0000, 6, false), keyOf(0x100_0000, 5, true)]) {
    assertNotEquals(other, known);
  }
});

Deno.test("the parts of the area do not overlap", () => {
  const counters = COUNTERS * 2;
  for (const table of [AREA.HASH, AREA.EMPTY]) {
    // What follows a table up to its own counters is the other table, or nothing.
    const others = [AREA.HASH, AREA.EMPTY].filter((other) => other !== table);
    const parts = [[table, AREA.EMPTY - AREA.HASH], [table + TABLE.COUNTERS, counters], [
      table + TABLE.SITES,
      counters,
    ]];
    for (const [start, size] of parts) {
      for (const other of others) assert(other >= start! + size! || other + (AREA.EMPTY - AREA.HASH) <= start!);
      assert(start! + size! <= AREA.CELLS);
    }
    assert(TABLE.COUNTERS + counters <= TABLE.SITES);
  }
  assert(AREA.EMPTY + TABLE.COUNTERS >= AREA.HASH + TABLE.SITES + counters);
  assert(AREA.CELLS + CELLS * CELL.SIZE <= AREA_BYTES);
});
