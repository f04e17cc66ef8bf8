import { assert, assertEquals } from "@std/assert";
import { Chance } from "../../../compat/testing/chance.ts";
import type { SystemBus } from "../../bus/system.ts";
import { allocateMemory, layoutMemory } from "../../memory/layout.ts";
import { assemble } from "../../x86/assemble.ts";
import { CR0, GPR, STATE } from "../../x86/registers.ts";
import type { VcpuOptions } from "../vcpu_interface.ts";
import { Vcpu } from "../vcpu.ts";
import type { RegionEvent } from "./region_watch.ts";

const RAM_BYTES = 4 << 20, CODE = 0x1_0000, STACK = 0x8_0000, DATA = 0x2_0000;

/** Beyond RAM: accesses go to the bus. */
const DEVICE = 0x4000_0000;

/** What a port or a device's memory answers. */
const ANSWER = 0x5a;

/** A clock whose time has more than 32 bits, and no whole number of nanoseconds an instruction. */
const COURSE = { time: 0x1_ffff_8000, retired: 0, rate: 1.37 };

/** A processor in flat protected mode at the code. */
class TestMachine {
  readonly vcpu: Vcpu;
  accesses = 0;

  constructor(source: string, translate?: VcpuOptions["translate"]) {
    const layout = layoutMemory(RAM_BYTES);
    const answer = () => (this.accesses++, ANSWER);
    const take = () => void this.accesses++;
    const bus: SystemBus = {
      portRead: answer,
      portWrite: take,
      portReadBlock: (_port, size, into) => into.length / size,
      portWriteBlock: (_port, size, from) => from.length / size,
      mmioRead: answer,
      mmioWrite: take,
    };
    this.vcpu = new Vcpu({
      memory: allocateMemory(layout),
      layout,
      bus,
      interrupts: { asserted: false, acknowledge: () => 0 },
      clock: {
        now: () => COURSE.time + Math.floor(this.vcpu.retired * COURSE.rate),
        course: () => COURSE,
        earlier: undefined,
      },
      ...(translate ? { translate } : {}),
    });
    this.write(CODE, source);
    const segment = { selector: 8, base: 0, limit: 0xffff_ffff };
    this.vcpu.start({
      kind: "protected",
      eip: CODE,
      registers: { esp: STACK },
      gdt: { base: 0, limit: 0 },
      code: { ...segment, attributes: 0xcf9b00 },
      data: { ...segment, attributes: 0xcf9300 },
    });
  }

  /** Puts code somewhere, as a device would; `origin` is where it will run. */
  write(address: number, source: string, origin = address): void {
    this.vcpu.physical.write(address, assemble(source, { origin }).bytes);
  }

  /** Runs until HLT; gives its own. */
  run(stretch = 1_000_000): this {
    for (let runs = 0; runs < 100_000; runs++) {
      const before = this.vcpu.retired;
      const { reason } = this.vcpu.run(stretch);
      if (reason === "dead") return this;
      assertEquals(reason, "budget");
      assertEquals(this.vcpu.retired, before + stretch);
    }
    throw new Error("the program does not end");
  }

  get state() {
    return { retired: this.vcpu.retired, accesses: this.accesses, hash: this.vcpu.stateHash() };
  }

  get eax(): number {
    return this.vcpu.cpu.gpr32(GPR.AX);
  }

  get share(): number {
    return this.vcpu.stats().translated! / this.vcpu.retired;
  }

  get counters() {
    return this.vcpu.stats().translator!;
  }
}

/** Runs a program under the interpreter and the translator, in long and short stretches; what the translator did in long ones. */
function both(source: string, after = 5): TestMachine {
  const expected = new TestMachine(source).run().state;
  for (const stretch of [997, 61]) {
    assertEquals(new TestMachine(source, { after }).run(stretch).state, expected, source);
  }
  const translated = new TestMachine(source, { after }).run();
  assertEquals(translated.state, expected, source);
  return translated;
}

Deno.test("translated code reads the time stamp counter that the clock has, and control registers", () => {
  const { share, vcpu } = both(`
    mov ecx, 5000
again: rdtsc
    add ebx, eax
    rol ebx, 5
    add esi, edx
    mov eax, cr0
    xor ebx, eax
    dec ecx
    jnz again
    hlt`);
  assert(share > 0.9, `${share}`);
  // Calling out for each would be 10,000.
  assert(vcpu.stats().callouts < 200, `${vcpu.stats().callouts}`);
});

const LOOP = "mov ecx, 20000\nagain: add eax, ecx\nrol eax, 3\ndec ecx\njnz again\nhlt";

Deno.test("a loop is translated, and counted to the instruction", () => {
  const { share, counters } = both(LOOP);
  assert(share > 0.98, `${share}`);
  assert(counters.regions > 0 && counters.instructions >= counters.regions && counters.bytes > 0);
});

Deno.test("a stretch of translated code ends at exactly the instruction that was asked for", () => {
  const chance = new Chance(3);
  const interpreter = new TestMachine(LOOP), translator = new TestMachine(LOOP, { after: 5 });
  for (let at = 0; at < 60_000;) {
    const stretch = 1 + chance.below(chance.pick([3, 100, 5000]));
    at += stretch;
    for (const { vcpu } of [interpreter, translator]) assertEquals(vcpu.run(stretch).reason, "budget");
    assertEquals(translator.vcpu.retired, at);
    assertEquals(translator.eax, interpreter.eax);
  }
});

Deno.test("calls, returns, computed jumps and other pages are followed without the interpreter", () => {
  const { share } = both(`
    mov ecx, 20000
    again: mov ebx, table
    mov edx, ecx
    and edx, 3
    call [ebx + edx * 4]
    call far_away
    dec ecx
    jnz again
    hlt
    one: inc eax
    ret
    two: add eax, 5
    ret
    three: jmp two
    table: dd one, two, three, one
    align 4096
    far_away: xor eax, ecx
    ret`);
  assert(share > 0.98, `${share}`);
});

Deno.test("random control flow is the interpreter's", () => {
  for (let seed = 0; seed < 16; seed++) {
    const chance = new Chance(seed);
    const blocks = 2 + chance.below(12);
    const label = () => `b${chance.below(blocks)}`;
    const body = Array.from({ length: blocks }, (_, block) => {
      const bit = chance.below(32);
      const work = Array.from({ length: chance.below(4) }, () =>
        chance.pick([
          "rol eax, 5",
          "add eax, 0x12345",
          "xor eax, ecx",
          "imul eax, eax, 69069",
          "sub ebx, eax",
          `mov [${DATA} + ecx * 4], eax`,
          `add eax, [${DATA + 64}]`,
          "push eax\npop edx",
          "adc edx, eax",
          "call leaf0",
          "call leaf1",
        ]));
      const end = chance.pick([
        `jc ${label()}`,
        `jmp ${label()}`,
        `jnc ${label()}\njmp ${label()}`,
        `mov edx, eax\nand edx, 3\njmp [edx * 4 + table]`,
      ]);
      return `b${block}: dec ecx\njs done\n${work.join("\n")}\nadd eax, 1\nbt eax, ${bit}\n${end}`;
    });
    const source = `mov ecx, 3000\nmov eax, ${seed}\n${body.join("\n")}\njmp ${label()}\ndone: hlt
      leaf0: rol ebx, 1
      ret
      leaf1: test eax, 4
      jz leaf0
      add ebx, eax
      ret
      align 4
      table: dd ${[label(), label(), label(), label()].join()}`;
    both(source, chance.pick([0, 3, 20]));
  }
});

Deno.test("code that was written is translated anew", () => {
  const { counters } = both(`
    mov edx, 8
    round: inc byte [patched + 1]
    mov ecx, 3000
    align 64
    again: nop
    patched: mov al, 0
    add ebx, eax
    dec ecx
    jnz again
    dec edx
    jnz round
    hlt`);
  assert(counters.invalidated > 2, `${counters.invalidated}`);
});

Deno.test("a loop that writes its own code is left to the interpreter, which decodes little", () => {
  const ROUNDS = 3000;
  const { vcpu, counters } = both(`
    mov ecx, ${ROUNDS}
    again: inc byte [patched + 1]
    patched: mov al, 0
    add ebx, eax
    dec ecx
    jnz again
    hlt`);
  const { decoded, exits, codeInvalidations } = vcpu.stats();
  assertEquals(codeInvalidations, ROUNDS);
  assert(counters.regions < 20 && counters.deferred > 0, JSON.stringify(counters));
  assert(decoded < 12 * ROUNDS, `${decoded}`);
  assert((exits.storm ?? 0) + (exits.hot ?? 0) < 200, JSON.stringify(exits));
});

Deno.test("code beside a piece that is written again and again stays translated", () => {
  const { share, counters } = both(`
    mov ecx, 12000
    again: inc byte [patched + 1]
    call patched
    mov edx, 20
    inner: add ebx, edx
    rol ebx, 1
    dec edx
    jnz inner
    dec ecx
    jnz again
    hlt
    align 64
    patched: mov al, 0
    ret
    times 64 nop`);
  assert(share > 0.9, `${share}`);
  assert(counters.invalidated < 20, JSON.stringify(counters));
});

Deno.test("a device's write to translated code is seen", () => {
  const machine = new TestMachine("again: mov eax, 1\njmp again", { after: 0 });
  machine.vcpu.run(10_000);
  assert(machine.counters.live > 0);
  machine.write(CODE, "mov eax, 2");
  assertEquals(machine.counters.live, 0);
  machine.vcpu.run(10_000);
  assertEquals(machine.eax, 2);
});

Deno.test("data beside translated code can be written without a new translation", () => {
  const { counters } = both(`
    mov ecx, 20000
    again: inc dword [count]
    dec ecx
    jnz again
    hlt
    align 64
    times 64 db 0
    count: dd 0`);
  assertEquals(counters.invalidated, 0);
});

Deno.test("16 bytes are stored beside code in its page, and over it", () => {
  const { counters } = both(`
    mov eax, cr0
    and eax, ~4
    or eax, 2
    mov cr0, eax
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
    pcmpeqd xmm0, xmm0
    mov edx, 40
    round: movaps xmm1, [old]
    mov ecx, 100
    again: movaps [beside], xmm0
    psubd xmm0, xmm1
    call over
    dec ecx
    jnz again
    test edx, 1
    jz keep
    movaps xmm1, [new]
    keep: movaps [over], xmm1
    dec edx
    jnz round
    hlt
    align 64
    beside: times 64 db 0
    old: add ebx, 1
    ret
    align 16
    new: add ebx, 3
    ret
    align 64
    over: times 63 nop
    ret`);
  assert(counters.regions > 0);
});

Deno.test("what FXSAVE writes over code is run", () => {
  const { eax } = both(`
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
    movups xmm0, [seven]
    mov ecx, 100
    again: call area + 160
    dec ecx
    jnz again
    fxsave [area]
    call area + 160
    hlt
    seven: mov eax, 7
    ret
    times 10 nop
    align 64
    area: times 160 db 0
    mov eax, 1
    ret
    times 360 db 0`);
  assertEquals(eax, 7);
});

Deno.test("an instruction for which regions are often left is called from then on", () => {
  const { share, counters, accesses, vcpu } = both(`
    mov ecx, 40000
    again: mov al, [${DEVICE}]
    add ebx, eax
    mov [${DEVICE + 4}], ebx
    dec ecx
    jnz again
    hlt`);
  assertEquals(accesses, 80_000);
  assert(counters.slow >= 2, `${counters.slow}`);
  assert(share > 0.9, `${share}`);
  // Of 80,000 accesses, few have left a region.
  const { exits } = vcpu.stats();
  assert((exits.storm ?? 0) <= 8 && (exits.hot ?? 0) < 500, JSON.stringify(exits));
});

Deno.test("two address spaces that share a page and differ in the next each go on in their own", () => {
  // Page tables at 300000h: linear 11000h is 12000h in the one, 13000h in the other; all else is itself.
  const machine = (translate?: VcpuOptions["translate"]) => {
    const made = new TestMachine(
      `
      mov ecx, 2000
      again: mov edx, 0x300000
      test ecx, 1
      jz first
      mov edx, 0x301000
      first: mov cr3, edx
      mov edx, 50
      inner: jmp 0x10ff0
      align 64
      dec edx
      jnz inner
      dec ecx
      jnz again
      hlt`,
      translate,
    );
    made.write(0x1_0ff0, "times 16 nop");
    made.write(0x1_2000, "add eax, 1\njmp 0x10040", 0x1_1000);
    made.write(0x1_3000, "add eax, 16\njmp 0x10040", 0x1_1000);
    for (const [directory, table, page] of [[0x30_0000, 0x30_2000, 0x1_2000], [0x30_1000, 0x30_3000, 0x1_3000]]) {
      const words = new Uint32Array(1024).map((_, number) => number * 4096 | 3);
      words[0x11] = page! | 3;
      made.vcpu.physical.write(table!, new Uint8Array(words.buffer));
      made.vcpu.physical.write(directory!, new Uint8Array(Uint32Array.of(table! | 3).buffer));
    }
    const { cpu } = made.vcpu;
    cpu.u32[STATE.CR3 >> 2] = 0x30_0000;
    cpu.u32[STATE.CR0 >> 2]! |= CR0.PG;
    made.vcpu.altered();
    return made;
  };
  const expected = machine().run();
  assertEquals(expected.eax, 1000 * 50 * 17);
  for (const after of [0, 7]) assertEquals(machine({ after }).run().state, expected.state);
});

Deno.test("a checkpoint in the middle of translated code goes on as if nothing had been, and so does another machine", () => {
  const expected = new TestMachine(LOOP).run().state;
  const machine = new TestMachine(LOOP, { after: 0 });
  for (let points = 0; points < 20; points++) {
    assertEquals(machine.vcpu.run(1 + points * 97).reason, "budget");
    const image = machine.vcpu.save(), { ram } = machine.vcpu.physical.layout;
    const other = new TestMachine(LOOP, { after: 3 });
    other.vcpu.physical.write(0, machine.vcpu.physical.bytes.slice(ram, ram + RAM_BYTES));
    other.vcpu.restore(image, machine.vcpu.retired);
    assertEquals(other.run().state, expected, `saved at ${machine.vcpu.retired}`);
  }
  assertEquals(machine.run().state, expected);
});

Deno.test("regions that are counted do the same, and count exactly what translated code retired", () => {
  const source = `
    mov ecx, 20000
    again: call work
    mov al, [${DEVICE}]
    test ecx, 0xff
    jnz more
    inc byte [patched + 1]
    patched: mov al, 0
    more: dec ecx
    jnz again
    hlt
    align 64
    work: add ebx, ecx
    rol ebx, 3
    ret`;
  const expected = new TestMachine(source).run().state;
  for (const stretch of [1_000_000, 333]) {
    const machine = new TestMachine(source, { after: 3, watch: { count: true } }).run(stretch);
    assertEquals(machine.state, expected);
    const { regions, retired, retiredByGone } = machine.vcpu.regions(3)!;
    assertEquals(retired + retiredByGone, machine.vcpu.stats().translated);
    assert(regions.length > 0 && regions.length <= 3 && retiredByGone > 0);
    const [hottest] = regions;
    assert(hottest!.retired >= hottest!.entries && hottest!.entries > 0);
    assertEquals([hottest!.bits, hottest!.flat, hottest!.user], [32, true, false]);
  }
});

Deno.test("a region's text has its instructions in order, each before the WebAssembly made of it", () => {
  const machine = new TestMachine(LOOP, { after: 3, watch: { count: true } }).run();
  const { text, linear, physical, instructions, bytes } = machine.vcpu.regions(1)!.regions[0]!;
  assertEquals(physical, linear);
  const lines = text.split("\n").map((line) => line.trim());
  const notes = lines.filter((line) => line.startsWith(";; 000"));
  assertEquals(
    notes.slice(0, 4).map((line) => line.slice(13)),
    ["add eax, ecx", "rol eax, 0x3", "dec ecx", "jne 0x10005"],
  );
  assertEquals(notes.length, instructions);
  const [add, rol] = [lines.indexOf(notes[0]!), lines.indexOf(notes[1]!)];
  assert(lines.slice(add, rol).includes("i32.add"));
  assert(bytes > instructions);
});

Deno.test("what happens to regions is told: made, written, left for an instruction, thrown away", () => {
  const events: RegionEvent[] = [];
  const machine = new TestMachine(
    `
    mov ecx, 40000
    again: mov al, [${DEVICE}]
    dec ecx
    jnz again
    hlt`,
    { after: 3, watch: { observe: (event) => events.push(event) } },
  ).run();
  const kinds = () => new Set(events.map((event) => event.kind === "gone" ? event.why : event.kind));
  assert(["made", "slow", "retranslated"].every((kind) => kinds().has(kind as never)), [...kinds()].join());
  const slow = events.find((event) => event.kind === "slow")!;
  assertEquals([slow.linear, slow.instruction], [CODE + 5, "mov al, byte [0x40000000]"]);
  machine.write(CODE, "nop");
  assert(kinds().has("written"));
  assertEquals(
    machine.counters.live,
    events.reduce((live, { kind }) => live + (kind === "made" ? 1 : kind === "gone" ? -1 : 0), 0),
  );
});

Deno.test("an instruction reads its registers as they were before it, whichever of them it writes", () => {
  both(`
    mov ecx, 3000
    mov ebx, 0x12345678
again: xchg eax, ebx
    xadd eax, ebx
    xadd ebx, ebx
    push esp
    pop edx
    sub esp, edx
    add esp, edx
    add [0x20000], eax
    xadd [0x20000], ecx
    xchg [0x20004], ebx
    mov ecx, [0x20010]
    test ecx, ecx
    jnz counted
    mov ecx, 3000
counted: cmp bl, bh
    cmovl eax, ebx
    sbb esi, eax
    shld edi, esi, cl
    imul ebx, ebx, 77
    pop ebp
    push ebp
    lea edx, [edx+edx*4+7]
    xchg dl, dh
    dec ecx
    mov [0x20010], ecx
    jnz again
    hlt`);
});

Deno.test("translated code that takes too much room makes room: the oldest goes, and comes back when it is hot again", () => {
  // Functions in many pages, all called in turns; the round begins anew until each has gone and come back.
  const FUNCTIONS = 120, FIRST = 0x2_0000;
  const calls = Array.from({ length: FUNCTIONS }, (_, k) => `call ${FIRST + k * 0x1040}`).join("\n");
  const program = `mov ecx, 300\nagain:\n${calls}\ndec ecx\njnz again\nhlt`;
  const machine = (translate?: VcpuOptions["translate"]) => {
    const made = new TestMachine(program, translate);
    for (let k = 0; k < FUNCTIONS; k++) {
      made.write(FIRST + k * 0x1040, `rol eax, 3\nxor eax, ${k * 77}\nadd ebx, eax\nret`);
    }
    return made.run();
  };
  const expected = machine().state;
  const MOST = 20_000;
  const bounded = machine({ after: 5, mostBytes: MOST });
  assertEquals(bounded.state, expected);
  assert(bounded.counters.evicted > FUNCTIONS, `${bounded.counters.evicted}`);
  assert(bounded.counters.liveBytes <= MOST, `${bounded.counters.liveBytes}`);
  assertEquals(machine({ after: 5 }).counters.evicted, 0);
});

Deno.test("a branch that cuts EIP to 16 bits leaves its page, even when its displacement does not", () => {
  const made = (translate?: VcpuOptions["translate"]) => {
    const machine = new TestMachine(
      "mov ecx, 2000\nagain: add eax, ecx\ndb 0x66, 0x73, 0x00\nadd ebx, 1\ndec ecx\njnz again\nhlt",
      translate,
    );
    // JAE ends at 1000Ah: where it is taken, at Ah.
    machine.write(0xa, `add edx, 7\njmp ${CODE + 0xd}`);
    return machine.run();
  };
  const { state, vcpu } = made();
  assert(vcpu.cpu.gpr32(GPR.DX) > 0);
  for (const after of [1, 5]) assertEquals(made({ after }).state, state);
});
