import { assertEquals } from "@std/assert";
import { assemble } from "../../x86/assemble.ts";
import { cut, Fuzzer, long } from "./fuzzer.ts";
import { LOG } from "./fuzz_machine.ts";
import { AT, PAGES, PORT } from "./layout.ts";
import { type Mode, MODES } from "./mode.ts";
import { type Scenario, scenario } from "./scenario.ts";

const FLAT = mode("32-bit flat, CPL 0, paging"), USER = mode("32-bit flat, CPL 3, no paging");

function mode(name: string): Mode {
  return MODES.map(([, mode]) => mode).find((mode) => mode.name === name)!;
}

const fuzzer = new Fuzzer(long(), cut("short"));

/** Runs a program, stopped by HLT, in long and in short stretches; what both did. */
function run(text: string, seed: number, mode = FLAT): readonly number[] {
  const bytes = assemble(`${text}\ncli\nhlt`).bytes;
  const made: Scenario = {
    ...scenario(1),
    seed,
    mode,
    origin: AT.CODE,
    instructions: 3000,
    events: [],
    eflags: 0x202,
    cr0: mode.paging ? 0x8000_0011 : 0x11,
    pieces: [{ big: true, bytes: [...bytes] }],
  };
  assertEquals(fuzzer.compare(made), undefined, text);
  return fuzzer.machines[0].log;
}

/** Instruction counts of one kind of entry. */
function counts(log: readonly number[], kind: number): number[] {
  return log.flatMap((value, at) => at % 4 === 0 && value === kind ? [log[at + 1]!] : []);
}

Deno.test("the items of a repeated port access are at the instruction counts of their iterations", () => {
  for (let seed = 1; seed < 10; seed++) {
    const log = run(`cld\nmov edi, ${AT.DATA}\nmov edx, 0x300\nmov ecx, 4\nstd\nrep insb`, seed);
    assertEquals(counts(log, LOG.PORT_READ), [5, 6, 7, 8]);
  }
});

Deno.test("a repeated port access that faults has retired the iterations before", () => {
  for (let seed = 1; seed < 10; seed++) {
    const log = run(
      `mov edi, ${PAGES.ABSENT - 3}\nmov edx, 0x300\nmov ecx, 9\nrep insb\nud2\nmov al, 1\nout 0x80, al`,
      seed,
    );
    assertEquals(counts(log, LOG.FAULT)[0], 6);
  }
});

Deno.test("a repeated port access lets in the interrupt that its own device asks for", () => {
  for (let seed = 1; seed < 10; seed++) {
    const log = run(`mov esi, ${AT.DATA}\nmov edx, ${PORT.INTERRUPT}\nmov ecx, 3\nsti\nrep outsb`, seed);
    assertEquals(counts(log, LOG.INTERRUPT)[0], counts(log, LOG.PORT_WRITE)[0]! + 1);
    const alarm = run(
      `mov byte [${AT.DATA}], 0\nmov esi, ${AT.DATA}\nmov edx, ${PORT.ALARM}\nmov ecx, 9\nsti\nrep outsb`,
      seed,
    );
    assertEquals(counts(alarm, LOG.INTERRUPT)[0], counts(alarm, LOG.PORT_WRITE)[0]! + 1);
  }
});

Deno.test("a repeated port access to or from device memory alternates between its two devices", () => {
  for (let seed = 1; seed < 10; seed++) {
    const log = run(`mov esi, ${PAGES.DEVICE}\nmov edx, 0x300\nmov ecx, 3\nrep outsb`, seed);
    const kinds = log.filter((_, at) => at % 4 === 0);
    assertEquals(kinds, [1, 2, 3].flatMap(() => [LOG.MMIO_READ, LOG.PORT_WRITE]));
  }
});

Deno.test("a repeated port access that takes its own permission away faults at the next iteration", () => {
  for (let seed = 1; seed < 10; seed++) {
    // Over the I/O map's base.
    const log = run(`mov edi, ${AT.TSS + 0x64}\nxor edx, edx\nmov ecx, 9\nrep insw`, seed, USER);
    assertEquals(counts(log, LOG.FAULT)[0], counts(log, LOG.PORT_READ)[0]! + 2);
  }
});
