import { assert, assertEquals } from "@std/assert";
import { assemble } from "../x86/assemble.ts";
import { DECODE, decode } from "../x86/decode.ts";
import { GuestFault } from "../x86/fault.ts";
import { Instruction } from "../x86/instruction.ts";
import { ARITHMETIC_FLAGS, CR4, FLAG, MSR_SLOT, SEG, STATE } from "../x86/registers.ts";
import { CALLOUTS } from "../x86/system/callouts.ts";
import { raise } from "../x86/system/interrupts.ts";
import { fractions as random, lonelyVcpu } from "./test_vcpu.ts";
import type { Vcpu } from "./vcpu.ts";

const CODE = 0x1000, SELECTOR = 0x2000, HANDLER = 0x3000, GDT = 0x4000, IDT = 0x5000, TSS = 0x6000, STACK = 0x8800;

/** GDT: code and data of DPL 0, code and data of DPL 3, a TSS, a small segment, and one that is anything. */
const TABLE = [
  [0, 0],
  [0xffff, 0x00cf_9b00],
  [0xffff, 0x00cf_9300],
  [0xffff, 0x00cf_fb00],
  [0xffff, 0x00cf_f300],
  [TSS << 16 | 0x67, 0x8b00],
  [0x7000_0123, 0x0040_f300],
  [0x1234_0fff, 0x00d1_f312],
] as const;
const TSS_SELECTOR = 0x28;

const TEXTS = [
  "int 0x40",
  "iret",
  "sysenter",
  "sysexit",
  "mov ds, ax",
  "mov es, ax",
  "mov fs, ax",
  "mov gs, ax",
  `mov fs, [${SELECTOR}]`,
  "pop ds",
  "pop fs",
  "verw ax",
];

/** Puts a machine into the state that a seed gives: mostly what a kernel would make, with something out of place now and then. */
function prepare(vcpu: Vcpu, seed: number, code: Uint8Array): void {
  const next = random(seed);
  const pick = <T>(...some: readonly T[]): T => some[Math.floor(next() * some.length)]!;
  const odd = (rate: number) => next() < rate;
  const bit = () => 1 << Math.floor(next() * 32);
  const { cpu, physical } = vcpu;
  const dwords = (at: number, ...values: readonly number[]) =>
    physical.write(at, new Uint8Array(Int32Array.from(values).buffer));
  const flat = { selector: 8, base: 0, limit: 0xffff_ffff };
  vcpu.start({
    kind: "protected",
    eip: CODE,
    registers: {},
    gdt: { base: GDT, limit: odd(0.05) ? Math.floor(next() * 64) : 63 },
    code: { ...flat, attributes: 0xc09b00 },
    data: { ...flat, selector: 16, attributes: 0xc09300 },
  });
  physical.write(CODE, code);
  physical.write(HANDLER, Uint8Array.of(0xeb, 0xfe));
  TABLE.forEach(([low, high], n) => {
    const changed = odd(0.08);
    dwords(GDT + n * 8, changed && odd(0.3) ? low ^ bit() : low, changed ? high ^ bit() : high);
  });
  const selector = () =>
    odd(0.1) ? Math.floor(next() * 72) : pick(0, 8, 0x10, 0x1b, 0x23, 0x23, 0x30, 0x33, 0x33, 0x3b, 0x2b);
  for (let vector = 0; vector < 0x48; vector++) {
    const user = vector === 0x40 && !odd(0.1) ? 0xe000 : 0x8000;
    const high = (vector === 0x40 && odd(0.3) ? 0xf00 : 0xe00) | user;
    dwords(
      IDT + vector * 8,
      (vector === 0x40 && odd(0.1) ? selector() : 8) << 16 | HANDLER,
      odd(0.03) ? high ^ bit() : high,
    );
  }
  dwords(TSS + 4, odd(0.05) ? 0x7008 : STACK - 0x400, odd(0.05) ? selector() : 0x10);
  const { u32 } = cpu;
  u32[STATE.IDTR_BASE >> 2] = IDT;
  u32[STATE.IDTR_LIMIT >> 2] = odd(0.05) ? 0x1ff : 0x23f;
  cpu.loadSegmentCache(SEG.TR, TSS_SELECTOR, TSS, odd(0.05) ? 8 : 0x67, odd(0.05) ? 0x8300 : 0x8b00);
  const user = odd(0.5);
  if (user) {
    cpu.setCpl(3);
    cpu.loadSegmentCache(SEG.CS, 0x1b, 0, 0xffff_ffff, 0xc0fb00);
    cpu.loadSegmentCache(SEG.SS, 0x23, 0, 0xffff_ffff, 0xc0f300);
  }
  for (const segment of [SEG.ES, SEG.DS, SEG.FS, SEG.GS]) {
    const open = user || !odd(0.2);
    cpu.loadSegmentCache(segment, open ? 0x23 : 0x10, 0, 0xffff_ffff, open ? 0xc0f300 : 0xc09300);
  }
  if (odd(0.5)) cpu.loadNullSegment(SEG.FS, 0);
  if (odd(0.05)) cpu.loadSegmentCache(SEG.DS, 0x23, 16, 0xffff_ffff, 0xc0f300);
  const msr = (slot: number) => (STATE.MSR >> 2) + slot * 2;
  u32[msr(MSR_SLOT.SYSENTER_CS)] = odd(0.1) ? 0 : 8;
  u32[msr(MSR_SLOT.SYSENTER_ESP)] = STACK;
  u32[msr(MSR_SLOT.SYSENTER_EIP)] = HANDLER;
  cpu.setGpr32(0, selector());
  cpu.setGpr32(1, STACK - 0x80);
  cpu.setGpr32(2, HANDLER);
  cpu.setGpr32(4, odd(0.03) ? 0x9004 : STACK);
  const flags = () => {
    const usual = Math.floor(next() * 0x1000) &
      (FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.IF | FLAG.DF | FLAG.OF);
    return (odd(0.1) ? usual | bit() : usual) & ~FLAG.VM & ~FLAG.TF | 2;
  };
  const outer = user || odd(0.6);
  const stacked = code[0] === 0xcf ? HANDLER : selector();
  dwords(
    STACK,
    stacked,
    odd(0.1) ? selector() : outer ? 0x1b : 8,
    flags(),
    STACK - 0x100,
    odd(0.1) ? selector() : 0x23,
  );
  dwords(SELECTOR, selector());
  const reserved =
    ~(ARITHMETIC_FLAGS | FLAG.IF | FLAG.DF | FLAG.IOPL | FLAG.NT | FLAG.AC | FLAG.ID | FLAG.VIF | FLAG.VIP);
  cpu.setEflags(flags() & ~reserved, ~reserved);
  // As if all of it had been accessed before.
  for (const page of [SELECTOR, GDT, IDT, TSS, 0x7000, 0x8000]) {
    if (odd(0.03)) continue;
    vcpu.memory.probeWrite(page, 1, false);
    vcpu.memory.probeWrite(page, 1, true);
  }
}

function stateOf({ cpu, physical }: Vcpu): unknown {
  const memory = new Uint8Array(STACK + 0x100 - SELECTOR);
  physical.read(SELECTOR, memory);
  return {
    registers: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => cpu.gpr32(n)),
    eip: cpu.eip,
    eflags: cpu.eflags & ~FLAG.RF,
    cpl: cpu.cpl,
    mode: cpu.i32[STATE.MODE >> 2],
    codeLimit: cpu.u32[STATE.CS_LIMIT >> 2],
    tlb: cpu.u32[STATE.TLB_SET >> 2]! - cpu.base,
    segments: cpu.u8.slice(STATE.SEGMENTS, STATE.MSR),
    shutdown: cpu.shutdown,
    memory,
  };
}

Deno.test("emitted transfers and segment loads equal the exact definitions", () => {
  const emitted = lonelyVcpu(), exact = lonelyVcpu();
  const instruction = new Instruction();
  const alone = new Map<string, number>();
  for (let seed = 1; seed <= 6000; seed++) {
    const text = TEXTS[seed % TEXTS.length]!;
    const { bytes } = assemble(text, { bits: 32 });
    prepare(emitted, seed, bytes);
    prepare(exact, seed, bytes);
    const before = emitted.stats();
    emitted.run(1);
    const after = emitted.stats();
    const faults = Object.values(after.exceptions).reduce((sum, n) => sum + n, 0);
    const quiet = after.callouts === before.callouts &&
      faults === Object.values(before.exceptions).reduce((sum, n) => sum + n, 0);
    if (quiet) alone.set(text, (alone.get(text) ?? 0) + 1);

    const { cpu } = exact;
    assertEquals(decode(bytes, 0, bytes.length, true, instruction), DECODE.OK);
    cpu.next = CODE + bytes.length;
    try {
      CALLOUTS[instruction.form!.semantics]!(cpu, instruction);
      cpu.eip = cpu.next;
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      raise(cpu, fault);
      // What faulted does not count: the other machine has carried out an instruction of the handler, too.
      exact.run(1);
    }
    assertEquals(stateOf(emitted), stateOf(exact), `${text}, seed ${seed}${quiet ? ", without a callout" : ""}`);
  }
  for (const text of TEXTS) assert((alone.get(text) ?? 0) > 20, `${text}: ${alone.get(text)} without a callout`);
});

Deno.test("code that FXSAVE writes over is seen", () => {
  const vcpu = lonelyVcpu();
  const flat = { selector: 8, base: 0, limit: 0xffff_ffff };
  vcpu.start({
    kind: "protected",
    eip: CODE,
    registers: { esp: STACK },
    gdt: { base: GDT, limit: 63 },
    code: { ...flat, attributes: 0xc09b00 },
    data: { ...flat, selector: 16, attributes: 0xc09300 },
  });
  vcpu.cpu.i32[STATE.CR4 >> 2] = CR4.OSFXSR;
  const assembled = (source: string) => assemble(source, { bits: 32 }).bytes;
  const before = assembled("mov eax, 1\nret"), after = assembled("mov eax, 2\nret");
  const AREA = 0x2100, REPLACED = AREA + 256;
  vcpu.physical.write(REPLACED, before);
  vcpu.cpu.u8.set(after, STATE.XMM + 6 * 16);
  // The store beside the code lets the TLB know the page.
  const program = `mov ecx, ${REPLACED}\ncall ecx\nmov byte [0x2ff0], 0\nfxsave [${AREA}]\ncall ecx`;
  vcpu.physical.write(CODE, assembled(program));
  vcpu.run(9);
  assertEquals(vcpu.cpu.gpr32(0), 2);
});
