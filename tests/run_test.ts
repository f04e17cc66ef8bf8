import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commandLine, type CommandLineResult, Folder, spawnCommandLine } from "./command_line.ts";
import { childrenOf, gone, kill } from "./processes.ts";
import { kernel, type Program, program, rom } from "./roms.ts";

const LIMIT = ["--timeout", "60s", "--memory", "4M"];

/** Runs a ROM with options. */
async function run(code: Program, options: readonly string[] = [], input = ""): Promise<CommandLineResult> {
  await using folder = await Folder.make();
  await folder.write("rom", rom(code));
  return await commandLine(folder, ["run", "--rom", "rom", ...LIMIT, ...options], input);
}

/** Reads a character and writes it, for ever. */
function echo(): Program {
  const code = program().openSerial();
  const again = code.here;
  return code.readSerial().writeSerial().jumpTo(again);
}

Deno.test("a guest that powers off ends with 0, and its output is all there", async () => {
  const { code, stdout, stderr } = await run(program().openSerial().print("Hello\r\n").powerOff());
  assertEquals([code, stdout, stderr], [0, "Hello\r\n", ""]);
});

Deno.test("the exit port gives the exit code (v << 1) | 1", async () => {
  for (const [value, expected] of [[0, 1], [3, 7], [0x40, 0x81]] as const) {
    assertEquals((await run(program().exit(value))).code, expected);
  }
});

Deno.test("a processor that halts with interrupts off ends with 4 and where it is", async () => {
  const { code, stderr } = await run(program().openSerial().halt());
  assertEquals(code, 4);
  assertMatch(stderr, /^bulkhead: .*halted.* with interrupts off at f000:0000[0-9a-f]{4} \(no exception before\).*\n$/);
});

Deno.test("a triple fault ends with 3, where it was and the last exception", async () => {
  const { code, stderr } = await run(program().tripleFault());
  assertEquals(code, 3);
  assertMatch(stderr, /^bulkhead: .*triple fault at f000:0000[0-9a-f]{4} \(last exception #(UD|GP|DF).*\).*\n$/);
});

Deno.test("a reset ends the run with 0 under --no-reboot, and starts the guest again without", async () => {
  const code = program().openSerial().print("*").reset();
  const once = await run(code, ["--no-reboot"]);
  assertEquals([once.code, once.stdout], [0, "*"]);
  const thrice = await run(code, ["--expect", "\\*", "--expect", "\\*", "--expect", "\\*"]);
  assertEquals([thrice.code, thrice.stdout], [0, "***"]);
});

Deno.test("success of a test ROM on POST port 190h ends with 0; another last code is reported", async () => {
  assertEquals((await run(program().out8(0x190, 0x01).out8(0x190, 0xff).halt())).code, 0);
  const failed = await run(program().out8(0x190, 0x17).halt());
  assertEquals(failed.code, 4);
  assertStringIncludes(failed.stderr, "its last POST code was 17h");
});

Deno.test("a run that takes too long ends with 124", async () => {
  await using folder = await Folder.make();
  const code = program();
  await folder.write("rom", rom(code.jumpTo(0)));
  const { code: exit, stderr } = await commandLine(folder, ["run", "--rom", "rom", "--timeout", "500ms"]);
  assertEquals([exit, stderr], [124, "bulkhead: the run took longer than 0.5 s\n"]);
});

Deno.test("a kernel starts in 32-bit protected mode at its entry", async () => {
  await using folder = await Folder.make();
  // cmp esp, 10000h; mov al, 5; jb/jae do not matter: out f4h, al (the same bytes in 16- and 32-bit code)
  await folder.write("kernel", kernel(program().raw(0xb0, 0x05, 0xe6, 0xf4, 0xf4)));
  assertEquals((await commandLine(folder, ["run", "--kernel", "kernel", ...LIMIT])).code, 11);
});

Deno.test("a script waits, types and ends with its last match", async () => {
  const { code, stdout } = await run(echo(), [
    "--send",
    "one\\n",
    "--expect",
    "one",
    "--send",
    "t\\x77o\\n",
    "--expect",
    "two",
  ]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "one\ntwo");
});

Deno.test("a script that ends in --send lets the machine run on", async () => {
  const code = program().openSerial().print("> ").readSerial().writeSerial().powerOff();
  const { code: exit, stdout } = await run(code, ["--expect", "> ", "--send", "x"]);
  assertEquals([exit, stdout], [0, "> x"]);
});

Deno.test("a run that ends before its script ends with 10 and names what was not met", async () => {
  const { code, stderr } = await run(program().openSerial().print("no\n").powerOff(), ["--expect", "yes"]);
  assertEquals([code, stderr], [10, "bulkhead: the guest powered the machine off, before /yes/ was met\n"]);
});

Deno.test("what comes through a pipe reaches the guest byte by byte, and its end ends the input only", async () => {
  await using folder = await Folder.make();
  // Echoes until it reads 'q', then powers off.
  const code = program().openSerial();
  const again = code.here;
  code.readSerial().writeSerial().raw(0x3c, 0x71, 0x74, 0x02).jumpTo(again);
  await folder.write("rom", rom(code.print(".").powerOff()));
  const child = spawnCommandLine(folder, ["run", "--rom", "rom", ...LIMIT]);
  const typed = Uint8Array.from([...Array(256).keys()].filter((byte) => byte !== 0x71).concat(0x71));
  const writer = child.stdin.getWriter();
  await writer.write(typed);
  await writer.close();
  const { code: exit, stdout } = await child.output();
  assertEquals([...stdout], [...typed, 0x2e]);
  assertEquals(exit, 0);
});

Deno.test("--serial file gets the output and nothing but the output", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("to the file\n").powerOff()));
  const { code, stdout, files } = await commandLine(folder, ["run", "--rom", "rom", "--serial", "file:out", ...LIMIT]);
  assertEquals([code, stdout, files], [0, "", ["out", "rom"]]);
  assertEquals(await Deno.readTextFile(folder.file("out")), "to the file\n");
});

Deno.test("--serial none connects nothing", async () => {
  const { code, stdout } = await run(
    program().openSerial().print("nobody hears").powerOff(),
    ["--serial", "none"],
    "x",
  );
  assertEquals([code, stdout], [0, ""]);
});

Deno.test("--stop-at stops at exactly that instruction", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().jumpTo(0)));
  const args = ["run", "--rom", "rom", "--stop-at", "100_003", "--stats", "stats.json", ...LIMIT];
  const { code, stderr } = await commandLine(folder, [...args, "--clock", "deterministic"]);
  assertEquals(code, 0);
  assertMatch(stderr, /^bulkhead: 100003 instructions retired, state hash [0-9a-f]+\n$/);
  assertEquals(JSON.parse(await Deno.readTextFile(folder.file("stats.json"))).retired, 100_003);
});

Deno.test("two deterministic runs are equal, with a script, a timer and everything", async () => {
  const code = program().openSerial().print("> ").readSerial().writeSerial().print("done");
  const again = code.here;
  code.jumpTo(again);
  const args = ["--clock", "deterministic", "--expect", "> ", "--send", "y", "--expect", "done"];
  const first = await run(code, args), second = await run(code, args);
  assertMatch(first.stderr, /^bulkhead: \d+ instructions retired, state hash [0-9a-f]+\n$/);
  assertEquals(first, second);
});

Deno.test("--stats writes what was counted", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("abc").powerOff()));
  await commandLine(folder, ["run", "--rom", "rom", "--stats", "stats.json", ...LIMIT]);
  const stats = JSON.parse(await Deno.readTextFile(folder.file("stats.json")));
  assertEquals(stats.exit, { code: 0, reason: "powered-off", cpu: stats.exit.cpu });
  assert(stats.retired > 10 && stats.vcpuCpuSeconds >= 0);
  assertEquals(stats.serial.written, 3);
  const [line] = stats.bus.devices.com1.registers.filter(({ register }: { register: string }) =>
    register === "RBR_THR"
  );
  assertEquals([line.kind, line.writes], ["sync", 3]);
  for (const key of ["exits", "tlb", "interrupts"]) assert(key in stats.cpu, key);
  assert("haltedSeconds" in stats);
});

Deno.test("--trace devices names what is accessed; io is the same", async () => {
  for (const name of ["devices", "io"]) {
    const { stderr } = await run(program().out8(0x3fb, 0x42).powerOff(), ["--trace", name]);
    assertMatch(stderr, /^\d+\.\d{9} info devices: com1 LCR \(port 3fbh\): write 42h$/m);
  }
});

Deno.test("--trace instructions reports time, count, place and text of each instruction", async () => {
  const code = program().out8(0x80, 0x42).powerOff();
  const { stderr } = await run(code, ["--trace", "instructions", "--clock", "deterministic"]);
  const lines = stderr.split("\n");
  assertEquals(lines.slice(0, 4), [
    "0.000000004 info instructions: 1 f000:0000fff0 jmp 0xf000:0x0",
    "0.000000008 info instructions: 2 f000:00000000 mov dx, 0x80",
    "0.000000012 info instructions: 3 f000:00000003 mov al, 0x42",
    "0.000000016 info instructions: 4 f000:00000005 out dx, al",
  ]);
});

Deno.test("--trace interrupts and faults report vectors, sources and places", async () => {
  // int 21h through an empty table goes to 0000:0000 in RAM, which holds add [bx+si], al for ever; ud2 raises vector 6.
  const { stderr } = await run(program().raw(0xcd, 0x21), [
    "--trace",
    "interrupts",
    "--stop-at",
    "10",
  ]);
  assertMatch(stderr, /info interrupts: vector 21h from the instruction INT at f000:00000000$/m);
  const faults = await run(program().tripleFault(), ["--trace", "faults"]);
  assertMatch(faults.stderr, /info faults: #UD \(vector 6h\) at f000:0000[0-9a-f]{4}$/m);
});

/** Counts down from 60,000, twenty times, and powers off: long enough for the translator not to wait for other code. */
function countdown(): Program {
  // mov bx, 20; outer: mov cx, 60000; inner: add ax, cx; dec cx; jnz inner; dec bx; jnz outer
  return program().raw(0xbb, 20, 0, 0xb9, 0x60, 0xea, 0x01, 0xc8, 0x49, 0x75, 0xfb, 0x4b, 0x75, 0xf5).powerOff();
}

Deno.test("--trace regions tells of regions, and only then", async () => {
  const { stderr } = await run(countdown(), ["--trace", "regions"]);
  assertMatch(
    stderr,
    /info regions: 000f0006 \(physical 000f0006, 16-bit, segmented, supervisor\) made: \d+ instructions in \d blocks?, \d+ bytes/,
  );
  assertEquals((await run(countdown(), [])).stderr, "");
  assertEquals((await run(countdown(), ["--trace", "regions", "--engine", "interpreter"])).stderr, "");
});

Deno.test("--regions lists the hottest regions, guest code beside WebAssembly; --stats has the translator's share", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(countdown()));
  const args = ["run", "--rom", "rom", "--memory", "4M"];
  const { code, stderr } = await commandLine(folder, [...args, "--regions", "regions.txt", "--stats", "stats.json"]);
  assertEquals([code, stderr], [0, ""]);
  const text = await Deno.readTextFile(folder.file("regions.txt"));
  assertMatch(text, /^1\. 000f0006 .*: 3\d{6} instructions \(9\d\.\d %\), entered \d+ times/m);
  assertMatch(text, /;; 000f0006 {2}add ax, cx\n(?!.*;;)/);
  assertMatch(text, /i32\.add/);
  const { cpu, retired } = JSON.parse(await Deno.readTextFile(folder.file("stats.json")));
  assert(cpu.translated > 0.9 * retired && cpu.translated <= retired, `${cpu.translated} of ${retired}`);
  assert(cpu.translator.regions >= 1 && cpu.translator.bytes > 0);
  const refused = await commandLine(folder, [...args, "--regions", "r", "--engine", "interpreter"]);
  assertEquals([refused.code, refused.stderr], [
    2,
    "bulkhead: --regions: expected the engine translator, found interpreter\n",
  ]);
});

Deno.test("a machine file says what the machine is, and options override it", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("file\n").powerOff()));
  await folder.write("machine.ts", 'export default { boot: { rom: "rom" }, memory: "4M", serial: "file:out" };\n');
  const result = await commandLine(folder, ["run", "machine.ts"]);
  assertEquals([result.code, result.stdout], [0, ""]);
  assertEquals(await Deno.readTextFile(folder.file("out")), "file\n");
  assertEquals((await commandLine(folder, ["run", "machine.ts", "--serial", "stdio"])).stdout, "file\n");
});

Deno.test("an output that nobody takes holds the guest, but neither the timeout nor a signal", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("flood").jumpTo(6)));
  for (const [args, signal, expected] of [[["--timeout", "2s"], undefined, 124], [[], "SIGTERM", 143]] as const) {
    const child = spawnCommandLine(folder, ["run", "--rom", "rom", "--memory", "4M", ...args]);
    const reader = child.stdout.getReader();
    await reader.read();
    if (signal !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      child.kill(signal);
    }
    assertEquals((await child.status).code, expected);
    await Promise.all([reader.cancel(), child.stderr.cancel(), child.stdin.close().catch(() => {})]);
  }
});

for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} ends the run with ${expected} and leaves no process behind`, async () => {
    await using folder = await Folder.make();
    await folder.write("rom", rom(program().openSerial().print("up").jumpTo(6)));
    const child = spawnCommandLine(folder, ["run", "--rom", "rom", ...LIMIT]);
    const reader = child.stdout.getReader();
    await reader.read();
    const children = await childrenOf(child.pid);
    assertEquals(children.length, 1);
    child.kill(signal);
    const { code } = await child.status;
    assertEquals(code, expected);
    assertEquals(await gone(children), true);
    await Promise.all([reader.cancel(), child.stderr.cancel(), child.stdin.close().catch(() => {})]);
  });
}

Deno.test("a machine process that dies ends the run with 8 and a sentence", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("up").jumpTo(6)));
  const child = spawnCommandLine(folder, ["run", "--rom", "rom", "--expect", "never", ...LIMIT]);
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  for (const pid of await childrenOf(child.pid)) await kill(pid);
  const { code, stderr } = await child.output();
  assertEquals(code, 8);
  assertMatch(new TextDecoder().decode(stderr), /^bulkhead: the machine process ended unexpectedly, by SIGKILL\n$/);
  await child.stdin.close().catch(() => {});
});

Deno.test("a command line that is killed takes its machine process with it", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("up").jumpTo(6)));
  const child = spawnCommandLine(folder, ["run", "--rom", "rom", ...LIMIT]);
  const reader = child.stdout.getReader();
  await reader.read();
  const children = await childrenOf(child.pid);
  child.kill("SIGKILL");
  await child.status;
  assertEquals(await gone(children), true);
  await Promise.all([reader.cancel(), child.stderr.cancel(), child.stdin.close().catch(() => {})]);
});
