import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { boot, BulkheadError, type MachineDefinition, restore } from "../mod.ts";
import { assemble } from "../core/x86/assemble.ts";
import { busyRom } from "./busy_guest.ts";
import { commandLine, Folder } from "./command_line.ts";
import { kill } from "./processes.ts";
import { kernel, type Program, program, rom } from "./roms.ts";

const DETERMINISTIC = { clock: { mode: "deterministic" } } as const;

/** A deterministic machine that is busy, to be run up to an instruction. */
async function busy(folder: Folder, more: Partial<MachineDefinition> = {}): Promise<MachineDefinition> {
  return { boot: { rom: await folder.write("busy.rom", busyRom()) }, memory: "2M", ...DETERMINISTIC, ...more };
}

/** Prints a prompt, then reads a character and writes it, for ever. */
function prompt(): Program {
  const code = program().openSerial();
  const again = code.here;
  return code.print("> ").readSerial().writeSerial().jumpTo(again);
}

/** How a run that ends at `stopAt` ended, with all that the guest wrote. */
async function outcome(vm: Awaited<ReturnType<typeof boot>>) {
  const { reason } = await vm.exit;
  const { retired, time, hash } = await vm.state({ hash: true });
  return { reason, retired, time, hash, text: vm.serial.text() };
}

Deno.test("a machine saved at many points goes on in another process as it would have, under either engine", async () => {
  const END = 200_000;
  const engines = [{ translateAfter: 0 }, { engine: "interpreter" }, {}] as const;
  await using folder = await Folder.make();
  const definition = await busy(folder, { stopAt: END });
  await using straight = await boot({ ...definition, engine: "interpreter" });
  const expected = await outcome(straight);
  assertEquals(expected.reason, "instructions");
  for (const [number, point] of [1, 777, 33_333, 123_456, END - 1].entries()) {
    await using saver = await boot({ ...definition, ...engines[number % 3], stopAt: point });
    const before = await outcome(saver);
    const snapshot = await saver.snapshot();
    await using restored = await restore(snapshot, { definition: { ...engines[(number + 1) % 3], stopAt: END } });
    assertEquals((await restored.state({ hash: true })).hash, before.hash);
    const after = await outcome(restored);
    assertEquals({ ...after, text: before.text + after.text }, expected, `saved at ${point}`);
  }
});

Deno.test("saving does not disturb the machine, and a snapshot of a restored machine is as good", async () => {
  const END = 3_000_000;
  await using folder = await Folder.make();
  const definition = await busy(folder, { stopAt: END });
  await using straight = await boot(definition);
  const expected = await outcome(straight);
  await using saver = await boot(definition);
  await saver.resume();
  // Wherever the guest happens to be.
  const file = folder.file("running.snapshot");
  await saver.save(file);
  await saver.save(file);
  assertEquals(await outcome(saver), expected);
  await using restored = await restore(file, { definition: { stopAt: END } });
  const again = await restored.snapshot();
  const { text, ...rest } = await outcome(restored);
  await using twice = await restore(again, { definition: { stopAt: END } });
  const { text: textTwice, ...restTwice } = await outcome(twice);
  assertEquals([restTwice, textTwice], [rest, text]);
  assertEquals(rest.hash, expected.hash);
  assert(expected.text.endsWith(text));
  assertEquals(await folder.names(), ["busy.rom", "running.snapshot"]);
});

Deno.test("a realtime machine goes on, and answers", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(prompt()));
  let snapshot: Uint8Array;
  {
    await using vm = await boot({ boot: { rom: folder.file("rom") }, memory: "4M" });
    await vm.serial.expect(/> /);
    snapshot = await vm.snapshot();
    // The machine that was saved is still there.
    await vm.serial.send("a");
    await vm.serial.expect(/a> /);
  }
  await using vm = await restore(snapshot);
  await vm.serial.send("b");
  await vm.serial.expect(/b> /);
  assertEquals(vm.serial.text(), "b> ");
});

Deno.test("a script goes on where it was, with what it had seen and what it had typed", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(prompt()));
  const machine = ["run", "--rom", "rom", "--memory", "4M", "--clock", "deterministic", "--timeout", "60s"];
  const script = ["--expect", "> ", "--send", "x", "--expect", "x> ", "--send", "yz", "--expect", "z> "];
  const straight = await commandLine(folder, [...machine, ...script]);
  assertEquals(straight.code, 0, straight.stderr);
  const [, total] = /(\d+) instructions/.exec(straight.stderr)!;
  for (const part of [0.2, 0.5, 0.8]) {
    const stopAt = ["--stop-at", `${Math.floor(Number(total) * part)}`];
    const saved = await commandLine(folder, [...machine, ...script, ...stopAt, "--save", "snapshot"]);
    assertEquals(saved.code, 0, saved.stderr);
    for (const again of [[], script]) {
      const { code, stdout, stderr } = await commandLine(folder, ["run", "--restore", "snapshot", ...again]);
      assertEquals([code, saved.stdout + stdout, stderr], [0, straight.stdout, straight.stderr]);
    }
  }
});

Deno.test("--save is written at --expect and --timeout, and --restore goes on with another script", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(prompt()));
  const machine = ["run", "--rom", "rom", "--memory", "4M"];
  assertEquals((await commandLine(folder, [...machine, "--expect", "> ", "--save", "a"])).code, 0);
  const { code, stdout } = await commandLine(folder, ["run", "--restore", "a", "--send", "q", "--expect", "q"]);
  assertEquals([code, stdout], [0, "q"]);
  const late = await commandLine(folder, [...machine, "--timeout", "2s", "--save", "b"]);
  assertEquals([late.code, late.files], [124, ["a", "b", "rom"]]);
  // Repeating the machine's definition is right, too; and another save takes the place of the first.
  const more = ["--send", "r", "--expect", "r> ", "--save", "b"];
  assertEquals((await commandLine(folder, [...machine, "--restore", "b", ...more])).stdout, "r> ");
  assertEquals((await commandLine(folder, ["run", "--restore", "b", "--send", "s", "--expect", "s"])).stdout, "s");
});

Deno.test("a run that cannot go on is not saved: a sentence, a code, and the old file", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(program().openSerial().print("x").powerOff()));
  await folder.write("old", "what was there");
  const { code, stderr, files } = await commandLine(folder, ["run", "--rom", "rom", "--memory", "4M", "--save", "old"]);
  assertEquals([code, files], [10, ["old", "rom"]]);
  assertStringIncludes(stderr, "old was not written: the guest powered the machine off");
  assertEquals(await Deno.readTextFile(folder.file("old")), "what was there");
});

Deno.test("a reset starts a guest again that was given; without it, it ends the run with a sentence", async () => {
  await using folder = await Folder.make();
  // Prints, waits for a character, and resets the machine through port 92h.
  const { bytes } = assemble(`
    mov dx, 0x3f8
    mov al, '*'
    out dx, al
    mov dx, 0x3fd
    wait: in al, dx
    test al, 1
    jz wait
    mov al, 1
    out 0x92, al
    hlt`);
  await folder.write("kernel", kernel(program().raw(...bytes)));
  const machine = ["run", "--kernel", "kernel", "--memory", "4M"];
  assertEquals((await commandLine(folder, [...machine, "--expect", "\\*", "--save", "a"])).code, 0);
  const go = ["--restore", "a", "--send", "x", "--expect", "\\*"];
  const given = await commandLine(folder, [...machine, ...go]);
  assertEquals([given.code, given.stdout, given.stderr], [0, "*", ""]);
  const alone = await commandLine(folder, ["run", ...go]);
  assertEquals(alone.code, 8);
  assertStringIncludes(alone.stderr, "a snapshot does not hold the guest's files; give them when you restore it");
  const stopping = await commandLine(folder, ["run", "--no-reboot", ...go]);
  assertEquals([stopping.code, stopping.stderr], [10, "bulkhead: the guest reset the machine, before /\\*/ was met\n"]);
});

Deno.test("a snapshot of another machine, version or content is refused before anything runs", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(prompt()));
  await folder.write("other.rom", rom(prompt().halt()));
  const machine = ["run", "--rom", "rom", "--memory", "4M", "--clock", "deterministic"];
  await commandLine(folder, [...machine, "--stop-at", "5000", "--save", "good"]);
  const good = await Deno.readFile(folder.file("good"));
  const refuse = async (args: readonly string[], ...sentence: string[]) => {
    const { code, stdout, stderr } = await commandLine(folder, ["run", ...args, "--stop-at", "6000"]);
    assertEquals([code, stdout], [2, ""], stderr);
    assertMatch(stderr, /^bulkhead: [^\n]+\n$/);
    for (const part of sentence) assertStringIncludes(stderr, part);
  };
  const other = (...options: string[]) => ["--restore", "good", ...options];
  await refuse(other("--memory", "8M"), 'snapshot "good"', "memory: expected 4194304, found 8388608");
  await refuse(other("--clock", "realtime"), "clock mode: expected deterministic, found realtime");
  await refuse(other("--rom", "rom", "--memory", "4M"), "clock mode");
  await refuse(other("--rom", "other.rom", "--memory", "4M", "--clock", "deterministic"), "with other content");
  await refuse(["--restore", "gone"], 'snapshot "gone"', "nothing of that name");
  await refuse(["--restore", "."], "a folder");
  await refuse(["--restore", "rom"], "a snapshot of Bulkhead");

  // Each of these in the machine process too, which reads the file itself: see the tests of the format for many more.
  for (const cut of [0, 7, 100, good.length >> 1, good.length - 1]) {
    await folder.write("bad", good.subarray(0, cut));
    await refuse(["--restore", "bad"], 'snapshot "bad"');
  }
  for (const at of [9, 40, good.length >> 2, good.length >> 1, good.length - 200, good.length - 1]) {
    const flipped = good.slice();
    flipped[at]! ^= 4;
    await folder.write("bad", flipped);
    await refuse(["--restore", "bad"], 'snapshot "bad"');
  }
});

Deno.test("a snapshot in memory that is damaged anywhere is refused", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await busy(folder, { stopAt: 3000 }));
  await vm.exit;
  const good = await vm.snapshot();
  for (let index = 1; index < 8; index++) {
    const flipped = good.slice();
    flipped[Math.floor(good.length * index / 8)]! ^= 1 << index;
    await assertRejects(() => restore(flipped), BulkheadError, "the snapshot");
    await assertRejects(() => restore(good.subarray(0, Math.floor(good.length * index / 8))), BulkheadError);
  }
});

Deno.test("a file that cannot be written is named before the run", async () => {
  await using folder = await Folder.make();
  await folder.write("rom", rom(prompt()));
  for (const [file, found] of [["gone/a", "a folder that does not exist"], [".", "a folder"]] as const) {
    const { code, stderr } = await commandLine(folder, ["run", "--rom", "rom", "--memory", "4M", "--save", file]);
    assertEquals([code, stderr], [
      2,
      `bulkhead: snapshot "${file}": expected a file that can be written, found ${found}\n`,
    ]);
  }
});

Deno.test("a machine process that is killed while it saves leaves the old file", async () => {
  await using folder = await Folder.make();
  const file = await folder.write("old", "what was there");
  await using vm = await boot(await busy(folder, { memory: "64M" }));
  await vm.resume();
  // Stopped first, so that the save cannot be done before the kill arrives.
  await kill(vm.pid, "SIGSTOP");
  const saved = vm.save(file);
  const failed = assertRejects(() => saved, BulkheadError);
  await kill(vm.pid);
  await failed;
  assertEquals(await Deno.readTextFile(file), "what was there");
  assertEquals(await folder.names(), ["busy.rom", "old"]);
});

Deno.test("SIGKILL while a snapshot is written leaves the old file whole", async () => {
  await using folder = await Folder.make();
  const file = await folder.write("old", "what was there");
  const script = `
    import { SnapshotFile } from ${JSON.stringify(import.meta.resolve("../host/snapshot.ts"))};
    const file = await SnapshotFile.at(${JSON.stringify(file)});
    await file.write(async (sink) => { for (;;) await sink(new Uint8Array(1000)); });
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", await folder.write("write.ts", script)],
    stdout: "null",
    stderr: "null",
  }).spawn();
  while (!(await folder.names()).some((name) => name.endsWith(".partial"))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill("SIGKILL");
  await child.status;
  assertEquals(await Deno.readTextFile(file), "what was there");
});
