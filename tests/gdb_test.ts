import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Folder, spawnCommandLine } from "./command_line.ts";
import { DebuggedRun, NO_GDB, realGdb } from "./debugged_run.ts";
import { elfKernel } from "./elf_kernel.ts";
import { GdbClient } from "./gdb_client.ts";

/** Numbers of registers. */
const EAX = 0, EIP = 8;

/** Counts in memory through a function, for ever. */
const COUNTER = elfKernel(`
start:
  mov esp, stack_top
  xor eax, eax
forever:
  call count
  jmp forever
count:
  mov eax, dword [data_counter]
  inc eax
  mov dword [data_counter], eax
  ret
align 4, 0
data_counter: dd 0
resb 256
stack_top:`);

/** Counts to 10,000, then leaves through the exit port. */
const FINITE = elfKernel(`
start:
  mov ecx, 10000
again:
  inc dword [data_counter]
  loop again
  mov al, 3
  out 0xf4, al
align 4, 0
data_counter: dd 0`);

const hex = (value: number) => value.toString(16);

Deno.test("a held machine stops at breakpoints and watchpoints, steps, and is interrupted", async () => {
  await using run = await DebuggedRun.multiboot(COUNTER.bytes);
  using gdb = await GdbClient.connect(run.port);
  const start = COUNTER.labels.get("start")!, count = COUNTER.labels.get("count")!;
  const counter = COUNTER.labels.get("data_counter")!;
  assertMatch(await gdb.ask("qSupported:swbreak+;hwbreak+"), /qXfer:features:read\+/);
  assertEquals(await gdb.ask("?"), "T02thread:1;");
  assertEquals(await gdb.register(EIP), start);

  assertEquals(await gdb.ask(`Z0,${hex(count)},1`), "OK");
  assertEquals(await gdb.ask("vCont;c"), "T05swbreak:;thread:1;");
  assertEquals(await gdb.register(EIP), count);
  assertEquals(await gdb.ask("vCont;c"), "T05swbreak:;thread:1;");
  assertEquals(await gdb.dword(counter), 1);
  assertEquals(await gdb.ask("vCont;s:1"), "T05thread:1;");
  assertEquals([await gdb.register(EIP), await gdb.register(EAX)], [count + 5, 1]);
  assertEquals(await gdb.ask(`z0,${hex(count)},1`), "OK");

  assertEquals(await gdb.ask(`M${hex(counter)},4:e8030000`), "OK");
  assertEquals(await gdb.ask(`Z2,${hex(counter)},4`), "OK");
  assertEquals(await gdb.ask("c"), `T05watch:${hex(counter)};thread:1;`);
  assertEquals(await gdb.dword(counter), 2);
  assertEquals(await gdb.ask("c"), `T05watch:${hex(counter)};thread:1;`);
  assertEquals(await gdb.dword(counter), 3);
  assertEquals(await gdb.ask(`z2,${hex(counter)},4`), "OK");

  await gdb.send("c");
  assertEquals(await gdb.interrupt(), "T02thread:1;");
  const reached = await gdb.dword(counter);
  assert(reached > 3);
  // While it is held nothing runs.
  assertEquals(await gdb.dword(counter), reached);
  assertEquals(await gdb.ask("k").catch(() => "closed"), "closed");
  assertEquals((await run.ended).code, 0);
});

Deno.test("registers can be set, and monitor resets the machine", async () => {
  await using run = await DebuggedRun.multiboot(COUNTER.bytes);
  using gdb = await GdbClient.connect(run.port);
  const start = COUNTER.labels.get("start")!;
  await gdb.ask("s");
  assertEquals(await gdb.ask("P0=efbeadde"), "OK");
  assertEquals(await gdb.register(EAX), 0xdead_beef);
  const registers = await gdb.ask("g");
  assertEquals(await gdb.ask(`G${registers}`), "OK");
  assertMatch(await gdb.ask(`qRcmd,${new TextEncoder().encode("reset").toHex()}`), /^[0-9a-f]{20,}$/);
  assertEquals(await gdb.register(EIP), start);
  assertEquals(await gdb.ask("s"), "T05thread:1;");
});

Deno.test("a machine whose gdb has detached runs on, and another gdb may come", async () => {
  await using run = await DebuggedRun.multiboot(COUNTER.bytes);
  const counter = COUNTER.labels.get("data_counter")!;
  {
    using gdb = await GdbClient.connect(run.port);
    await gdb.ask(`Z0,${hex(COUNTER.labels.get("count")!)},1`);
    await gdb.ask("c");
    assertEquals(await gdb.ask("D"), "OK");
  }
  let reached = 0;
  for (let attempt = 0; attempt < 100 && reached < 10; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    using gdb = await GdbClient.connect(run.port);
    reached = await gdb.dword(counter);
    await gdb.ask("D");
  }
  assert(reached >= 10);
});

Deno.test("a debugged deterministic run ends as one that nobody looked at", async () => {
  const again = FINITE.labels.get("again")!;
  const hashes: string[] = [];
  for (const debugged of [false, true]) {
    await using run = await DebuggedRun.multiboot(FINITE.bytes, ["--clock", "deterministic"]);
    using gdb = await GdbClient.connect(run.port);
    if (debugged) {
      await gdb.ask(`Z1,${hex(again)},1`);
      await gdb.ask(`Z4,${hex(FINITE.labels.get("data_counter")!)},4`);
      for (let stop = 0; stop < 30; stop++) await gdb.ask(stop % 3 === 2 ? "s" : "c");
      await gdb.ask(`z1,${hex(again)},1`);
      await gdb.ask(`z4,${hex(FINITE.labels.get("data_counter")!)},4`);
    }
    assertEquals(await gdb.ask("c"), "W00");
    assertEquals((await run.ended).code, 7);
    hashes.push(/\d+ instructions retired, state hash \w+/.exec(run.stderr)![0]);
  }
  assertEquals(hashes[0], hashes[1]);
});

Deno.test("a guest that comes to an end can be looked at first", async () => {
  await using run = await DebuggedRun.multiboot(
    elfKernel("start: lidt [data_none]\nbad: ud2\nalign 4, 0\ndata_none: dd 0, 0").bytes,
  );
  using gdb = await GdbClient.connect(run.port);
  assertEquals(await gdb.ask("c"), "T0bthread:1;");
  assert(await gdb.register(EIP) > 0x10_0000);
  assertEquals(await gdb.ask("c"), "W00");
  assertEquals((await run.ended).code, 3);
});

Deno.test("a peer that speaks nonsense harms neither the machine nor the next one", async () => {
  await using run = await DebuggedRun.multiboot(COUNTER.bytes);
  let seed = 3;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24;
  for (let round = 0; round < 10; round++) {
    using gdb = await GdbClient.connect(run.port);
    await gdb.write(Uint8Array.from({ length: 2000 }, random));
  }
  using gdb = await GdbClient.connect(run.port);
  assert((await gdb.ask("g")).length > 300);
});

Deno.test("a port that is taken is a sentence, and a bad address is one", async () => {
  await using folder = await Folder.make();
  await folder.write("kernel", COUNTER.bytes);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const results = [];
  for (const address of [`:${taken.addr.port}`, "nowhere", ":9229"]) {
    const child = spawnCommandLine(folder, ["run", "--multiboot", "kernel", "--gdb", address]);
    const { code, stderr } = await child.output();
    await child.stdin.close().catch(() => {});
    results.push([code, new TextDecoder().decode(stderr)] as const);
  }
  assertEquals(results.map(([code]) => code), [2, 2, 2]);
  assertMatch(results[0]![1], /the gdb listener, 127\.0\.0\.1:\d+: expected an address of this host that is free/);
  assertMatch(results[1]![1], /--gdb: expected an address such as :1234/);
  assertMatch(results[2]![1], /port of the inspector/);
});

Deno.test({
  name: `the real gdb breaks by symbol, steps, reads, watches and kills${
    NO_GDB === undefined ? "" : ` (not here: ${NO_GDB})`
  }`,
  ignore: NO_GDB !== undefined,
  fn: async () => {
    await using run = await DebuggedRun.multiboot(COUNTER.bytes);
    const commands = [
      "file kernel",
      `target remote 127.0.0.1:${run.port}`,
      "print/x $eip == &start",
      "break count",
      "continue",
      "stepi",
      "info symbol $pc",
      "print $eax",
      "print $st0",
      "print $fctrl",
      "info registers eflags cr0",
      "x/2i $pc",
      "delete",
      "watch *(int *) &data_counter",
      "continue",
      "continue",
      "print *(int *) &data_counter",
      "set var *(int *) &data_counter = 41",
      "continue",
      "delete",
      "set var $ecx = 0x1234",
      "print $ecx",
      "backtrace 1",
      "monitor physical 0x100000 4",
      "kill",
    ];
    const text = await realGdb(run.folder, commands);
    for (
      const part of [
        "$1 = 0x1",
        "Breakpoint 1, 0x",
        "in count ()",
        "count + 5 in section .text",
        "$2 = 0",
        "$3 = 0",
        "$4 = 64",
        "[ PF ZF ]",
        "inc    %eax",
        "Hardware watchpoint 2: *(int *) &data_counter",
        "Old value = 0\nNew value = 1",
        "Old value = 1\nNew value = 2",
        "$5 = 2",
        "Old value = 41\nNew value = 42",
        "$6 = 4660",
        "#0  0x",
        "00100000  02 b0 ad 1b",
        "killed]",
      ]
    ) assertStringIncludes(text, part);
    assertEquals((await run.ended).code, 0);
  },
});
