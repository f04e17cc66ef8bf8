import { assertEquals } from "@std/assert";
import { cpuid } from "./cpuid.ts";
import { Cpu } from "./cpu.ts";
import { cpuModel } from "./models.ts";
import { CR0, GPR, SEG, STATE } from "./registers.ts";
import { reset } from "./reset.ts";

const MAX = cpuModel("max");

function characters(...values: number[]): string {
  return new TextDecoder().decode(new Uint32Array(values)).replace(/\0+$/, "");
}

/** Numbers of the bits that are set. */
function bits(value: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (value >>> bit) & 1);
}

Deno.test("CPUID names the vendor and the brand", () => {
  const [maximum, ebx, ecx, edx] = cpuid(MAX, 0, 0);
  assertEquals([maximum, characters(ebx, edx, ecx)], [0x15, "GenuineIntel"]);
  const brand = [0x8000_0002, 0x8000_0003, 0x8000_0004].flatMap((leaf) => [...cpuid(MAX, leaf, 0)]);
  assertEquals(characters(...brand), "Bulkhead Virtual CPU");
});

Deno.test("CPUID claims exactly the features that are built", () => {
  const [signature, , ecx, edx] = cpuid(MAX, 1, 0);
  assertEquals(signature, 0x683);
  assertEquals(bits(edx), [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 19, 23, 24, 25, 26]);
  assertEquals(bits(ecx), [0, 1, 9, 19, 20, 22, 23, 25]);
  assertEquals(bits(cpuid(MAX, 7, 0)[1]), [1, 19]);
  assertEquals(bits(cpuid(MAX, 0x8000_0001, 0)[2]), [5]);
  assertEquals(bits(cpuid(MAX, 0x8000_0001, 0)[3]), [20]);
});

Deno.test("CPUID of a model claims what that has", () => {
  const features = (name: "i486" | "pentium" | "pentium3") => bits(cpuid(cpuModel(name), 1, 0)[3]);
  assertEquals(features("i486"), [0]);
  assertEquals(features("pentium"), [0, 1, 2, 3, 4, 5, 7, 8]);
  assertEquals(features("pentium3"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25]);
  assertEquals(cpuid(cpuModel("pentium3"), 1, 0)[2], 0);
  // It has no extended leaves: the last basic one answers.
  assertEquals(cpuid(cpuModel("pentium3"), 0x8000_0000, 0), [1, 0, 0, 0]);
});

Deno.test("a leaf beyond the maximum returns the highest basic leaf", () => {
  // The last one says how fast the time-stamp counter is.
  const last = cpuid(MAX, 0x15, 0);
  assertEquals(last, [1, 1, 1_000_000_000, 0]);
  for (const leaf of [0x16, 0x4000_0000, 0x8000_0008, 0xffff_ffff]) assertEquals(cpuid(MAX, leaf, 0), last);
  assertEquals(cpuid(MAX, 4, 0), [0, 0, 0, 0]);
  assertEquals(cpuid(MAX, 7, 1), [0, 0, 0, 0]);
});

Deno.test("after reset the CPU is at FFFFFFF0h in real-address mode", () => {
  const cpu = new Cpu(new ArrayBuffer(STATE.SIZE), 0);
  cpu.u8.fill(0xa5);
  reset(cpu);
  assertEquals([cpu.selector(SEG.CS), cpu.segmentBase(SEG.CS), cpu.eip], [0xf000, 0xffff_0000, 0xfff0]);
  assertEquals([cpu.eflags, cpu.u32[STATE.CR0 >> 2], cpu.gpr32(GPR.DX)], [2, (CR0.CD | CR0.NW | CR0.ET) >>> 0, 0x683]);
  assertEquals([cpu.realMode, cpu.cpl, cpu.gpr32(GPR.SP)], [true, 0, 0]);
  assertEquals(cpu.linear(SEG.DS, 0xffff, 1, true), 0xffff);
});
