import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { Cpu } from "../x86/cpu.ts";
import { CPU_BLOCK, FLAG, SEG, STATE } from "../x86/registers.ts";
import { reset } from "../x86/reset.ts";
import { type CpuImage, cpuImage, restoreCpu } from "./cpu_image.ts";
import { architecturalState } from "./cpu_start.ts";

function processor(): Cpu {
  const cpu = new Cpu(new ArrayBuffer(CPU_BLOCK), 0);
  reset(cpu);
  return cpu;
}

/** A processor in which no field is what it is after RESET. */
function used(): Cpu {
  const cpu = processor();
  cpu.u8.set(Uint8Array.from({ length: 128 }, (_, index) => index + 1), STATE.GPR);
  cpu.u8.set(Uint8Array.from({ length: STATE.WIDE - STATE.MSR }, (_, index) => index * 7), STATE.MSR);
  cpu.eip = 0x1234_5678;
  cpu.setEflags(FLAG.CF | FLAG.AF | FLAG.OF | FLAG.IF | FLAG.DF, ~0);
  cpu.setCpl(3);
  cpu.i32[STATE.SHADOW >> 2] = 2;
  cpu.i32[STATE.CR0 >> 2] = 0x8000_0011 | 0;
  cpu.i32[STATE.CR3 >> 2] = 0x5000;
  cpu.loadSegmentCache(SEG.CS, 0x1b, 0x1000, 0xffff_ffff, 0xc0fb00);
  cpu.refreshSegments();
  cpu.halted = true;
  cpu.lastVector = 14;
  cpu.lastError = 4;
  return cpu;
}

/** Through text, as a snapshot keeps it. */
function stored(cpu: Cpu): CpuImage {
  return JSON.parse(JSON.stringify(cpuImage(cpu)));
}

Deno.test("a processor comes back with every field of its architecture", () => {
  const cpu = used(), other = processor();
  restoreCpu(other, stored(cpu));
  assertEquals(architecturalState(other), architecturalState(cpu));
  assertEquals([other.halted, other.lastVector, other.lastError], [true, 14, 4]);
  assertEquals(other.i32[STATE.TLB_SET >> 2], cpu.i32[STATE.TLB_SET >> 2]);
  assertEquals(other.i32[STATE.MODE >> 2], cpu.i32[STATE.MODE >> 2]);
});

Deno.test("an image with fields missing, unknown, of another size or with impossible values is refused", () => {
  const image = stored(used());
  const { RIP: _rip, ...missing } = image.fields;
  const bad: Record<string, unknown>[] = [
    missing,
    { ...image.fields, RSP9: "00" },
    { ...image.fields, CR3: "00" },
    { ...image.fields, CR3: "zz005000" },
    { ...image.fields, CR3: 5 },
    { ...image.fields, CPL: "04000000" },
    { ...image.fields, A20: "02000000" },
    { ...image.fields, SHADOW: "ffffffff" },
  ];
  for (const fields of bad) {
    assertThrows(() => restoreCpu(processor(), { ...image, fields } as never), BulkheadError, "the saved processor");
  }
  assertThrows(() => restoreCpu(processor(), { ...image, halted: 1 } as never), BulkheadError, "halted");
});
