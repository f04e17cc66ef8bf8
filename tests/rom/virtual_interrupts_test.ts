import { assertEquals } from "@std/assert";
import { AT, Bench, type Event, onException, REPORT, SEL, setCr4, summary, toRing3 } from "./bench.ts";

const VME = 1, PVI = 2;
const IF = 0x200, IOPL = 0x3000, VM = 0x2_0000, VIF = 0x8_0000, VIP = 0x10_0000, TF = 0x100;

const GP: [number, number] = [13, 0];

/**
 * Runs 16-bit code in virtual-8086 mode (CS 0800h, IP relative to 8000h; SS:SP 0500h:0800h) that ends with INT3. Gives the exceptions
 * before it, then EFLAGS of its frame.
 */
function v86(code: string, options: { flags: number; cr4?: number; prepare?: (bench: Bench) => void }) {
  const bench = new Bench(`
    ${setCr4(options.cr4 ?? VME)}
    ${onException("end_of_program")}
    push dword 0
    push dword 0
    push dword 2000h
    push dword 2000h
    push dword 500h
    push dword 800h
    push dword ${VM | 2 | options.flags}
    push dword ${AT.CODE >> 4}
    push dword v86_code - ${AT.CODE}
    iretd
    bits 16
    v86_code:
    ${code}
    int3
    bits 32`);
  options.prepare?.(bench);
  const event: Event = bench.run()[0]!;
  if (typeof event === "number") throw new Error("a number");
  return { bench, fault: event.vector === 3 ? undefined : [event.vector, event.error], flags: event.eflags, event };
}

const interruptFlags = (flags: number) => flags & (IF | VIF | VIP | IOPL);

Deno.test("without VME: CLI, STI, PUSHF, POPF, INT n and IRET need IOPL 3", () => {
  for (const code of ["cli", "sti", "pushf", "popf", "int 40h", "iret", "o32 pushf", "o32 popf"]) {
    assertEquals(v86(code, { flags: 0, cr4: 0 }).fault, GP, code);
  }
  for (const code of ["cli", "sti", "pushf\n popf", "o32 pushf\n o32 popf"]) {
    assertEquals(v86(code, { flags: IOPL, cr4: 0 }).fault, undefined, code);
  }
  assertEquals(interruptFlags(v86("sti", { flags: IOPL, cr4: 0 }).flags), IF | IOPL);
});

Deno.test("VME: CLI and STI change VIF instead of IF; STI with VIP set is #GP(0)", () => {
  assertEquals(interruptFlags(v86("sti", { flags: IF }).flags), IF | VIF);
  assertEquals(interruptFlags(v86("cli", { flags: IF | VIF }).flags), IF);
  assertEquals(interruptFlags(v86("cli", { flags: IF | VIF | VIP }).flags), IF | VIP);
  assertEquals(v86("sti", { flags: IF | VIP }).fault, GP);
  // With IOPL 3 they are the ordinary ones.
  assertEquals(interruptFlags(v86("cli", { flags: IF | VIF | IOPL }).flags), VIF | IOPL);
});

Deno.test("VME: PUSHF shows VIF as IF, and IOPL 3", () => {
  const shown = (flags: number) => {
    const { bench } = v86("pushf", { flags });
    return bench.read16(0x5000 + 0x800 - 2) & (IF | IOPL);
  };
  assertEquals(shown(VIF), IF | IOPL);
  assertEquals(shown(IF), IOPL);
  assertEquals(v86("o32 pushf", { flags: IF }).fault, GP);
});

Deno.test("VME: POPF loads VIF from IF and leaves IF and IOPL; TF, and IF with VIP, are #GP(0)", () => {
  const popped = (image: number, flags: number) => v86(`push word ${image}\n popf`, { flags });
  assertEquals(interruptFlags(popped(IF | IOPL, 0).flags), VIF);
  assertEquals(interruptFlags(popped(0, IF | VIF).flags), IF);
  assertEquals(popped(1, IF).flags & 1, 1);
  assertEquals(popped(TF, IF).fault, GP);
  assertEquals(popped(IF, IF | VIP).fault, GP);
  assertEquals(popped(0, IF | VIP).fault, undefined);
  assertEquals(v86("push dword 0\n o32 popf", { flags: IF }).fault, GP);
});

Deno.test("VME: IRET does as POPF does", () => {
  const returned = (image: number, flags: number) =>
    v86(`push word ${image}\n push cs\n push word there - ${AT.CODE}\n iret\n there:`, { flags });
  assertEquals(interruptFlags(returned(IF, 0).flags), VIF);
  assertEquals(interruptFlags(returned(0, IF | VIF).flags), IF);
  assertEquals(returned(TF, IF).fault, GP);
  assertEquals(returned(IF, IF | VIP).fault, GP);
  assertEquals(v86("o32 iret", { flags: IF }).fault, GP);
  assertEquals(interruptFlags(returned(0, IF | IOPL).flags), IOPL);
});

/** A handler at `service` in the program's own table, which INT3 ends. */
function own(flags: number, map = 0) {
  return v86("int 40h\n nop\n service:", {
    flags,
    prepare: (bench) => {
      bench.write32(0x40 * 4, (bench.at("service") - AT.CODE) | (AT.CODE >> 4) << 16);
      bench.write8(AT.TSS + 0x68 + 8, map);
    },
  });
}

Deno.test("VME: a clear redirection bit sends INT n to the program's own table", () => {
  // Method 5: IOPL 3.
  let { bench, flags } = own(IF | IOPL);
  const top = 0x5000 + 0x800 - 6;
  assertEquals(interruptFlags(flags), IOPL);
  assertEquals(bench.read16(top), bench.at("service") - 1 - AT.CODE);
  assertEquals([bench.read16(top + 2), bench.read16(top + 4) & (IF | IOPL)], [AT.CODE >> 4, IF | IOPL]);
  // Method 6: IOPL below 3.
  ({ bench, flags } = own(IF | VIF));
  assertEquals(interruptFlags(flags), IF);
  assertEquals(bench.read16(top + 4) & (IF | IOPL), IF | IOPL);
  ({ bench, flags } = own(IF));
  assertEquals(bench.read16(top + 4) & (IF | IOPL), IOPL);
});

Deno.test("VME: a set redirection bit leaves INT n to IOPL", () => {
  // Method 3: #GP(0); method 4: the gate, here one that is not there.
  assertEquals(own(IF, 1).fault, GP);
  assertEquals(own(IF | IOPL, 1).fault, [13, 0x40 * 8 + 2]);
});

Deno.test("VME: INT3 and INTO are not redirected and need no IOPL", () => {
  assertEquals(v86("", { flags: 0 }).event.vector, 3);
});

Deno.test("interrupts out of virtual-8086 mode save VIF and VIP as they are", () => {
  assertEquals(interruptFlags(v86("", { flags: VIF | VIP }).flags), VIF | VIP);
});

Deno.test("PVI: CLI and STI of CPL 3 change VIF; STI with VIP set is #GP(0)", () => {
  const ring3 = (code: string, flags: number, cr4 = PVI) => {
    const bench = new Bench(`
      ${setCr4(cr4)}
      ${onException("end_of_program")}
      ${toRing3("code", flags | 2)}
      code: ${code}
      int3`);
    const [event] = bench.run();
    if (typeof event !== "object") throw new Error("a number");
    return event.vector === 3 ? interruptFlags(event.eflags) : [event.vector, event.error];
  };
  assertEquals(ring3("sti", IF), IF | VIF);
  assertEquals(ring3("cli", IF | VIF), IF);
  assertEquals(ring3("sti", IF | VIP), GP);
  assertEquals(ring3("sti", IF, 0), GP);
  // PUSHF, POPF and INT n know nothing of it.
  assertEquals(ring3("push dword 0\n popfd", IF | VIF), IF | VIF);
  assertEquals(ring3("int 40h", IF), [13, 0x202]);
});

Deno.test("IRET at CPL 0 loads VIF and VIP; POPF never changes them", () => {
  const bench = new Bench(`
    push dword ${VIF | VIP | 2}
    push dword ${SEL.CODE0}
    push dword there
    iretd
    there: pushfd
    pop eax
    ${REPORT}
    push dword 2
    popfd
    pushfd
    pop eax
    ${REPORT}`);
  assertEquals(summary(bench.run()), [VIF | VIP | 2, VIF | VIP | 2]);
});
