import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { relative, toFileUrl } from "@std/path";
import { assemble } from "../core/x86/assemble.ts";
import { boot, BulkheadError, type MachineDefinition } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { gone } from "./processes.ts";
import { kernel, type Program, program, rom } from "./roms.ts";

/** A machine with a ROM, in a folder of its own. */
async function machine(
  folder: Folder,
  code: Program,
  more: Partial<MachineDefinition> = {},
): Promise<MachineDefinition> {
  return { boot: { rom: await folder.write("rom", rom(code)) }, memory: "4M", ...more };
}

/** Prints a prompt, then reads a character and writes it, for ever. */
function prompt(): Program {
  const code = program().openSerial();
  const again = code.here;
  return code.print("> ").readSerial().writeSerial().jumpTo(again);
}

/** A kernel that prints a letter and waits for a character. */
function greeting(letter: string): Uint8Array {
  const { bytes } = assemble(`
    mov dx, 0x3f8
    mov al, '${letter}'
    out dx, al
    mov dx, 0x3fd
    wait: in al, dx
    test al, 1
    jz wait
    hlt`);
  return kernel(program().raw(...bytes));
}

const DETERMINISTIC = { clock: { mode: "deterministic" } } as const;

Deno.test("a script expects, sends and reads", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, prompt()));
  const match = await vm.serial.expect(/(?<mark>>) /);
  assertEquals([match[0], match[1], match.index, match.input], ["> ", ">", 0, "> "]);
  assertEquals(match.groups!.mark, ">");
  await vm.serial.send("x");
  await vm.serial.expect(/x> /);
  assertEquals(vm.serial.text(), "> x> ");
});

Deno.test("an expectation that is not met in time says what the guest wrote last", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, prompt()));
  await vm.serial.expect(/> /);
  await assertRejects(
    () => vm.serial.expect(/never/, { timeout: 50 }),
    BulkheadError,
    'expected text that matches /never/ within 0.05 s, found no such text; the last is ">"',
  );
  await vm.serial.send("y");
  await vm.serial.expect(/y/);
});

Deno.test("an expectation ends with the machine", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, program().openSerial().print("bye").powerOff()));
  await vm.serial.expect(/bye/);
  await assertRejects(() => vm.serial.expect(/more/), BulkheadError, "the guest powered the machine off");
  assertEquals((await vm.exit).reason, "powered-off");
});

Deno.test("an exit report says why and where", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, program().out8(0x190, 0x21).halt()));
  const { reason, cpu, post, retired } = await vm.exit;
  assertEquals([reason, cpu!.cs, cpu!.exception, post], ["halted", 0xf000, null, 0x21]);
  // The far jump, three instructions, CLI and HLT.
  assertEquals(retired, 6);
});

Deno.test("a paused machine stands still, and goes on where it was", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, prompt()));
  await vm.serial.expect(/> /);
  await vm.pause();
  const before = await vm.state({ hash: true });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(await vm.state({ hash: true }), before);
  assertEquals(before.life, "paused");
  assertMatch(before.hash!, /^[0-9a-f]+$/);
  await vm.resume();
  assertEquals((await vm.state()).life, "running");
  await vm.serial.send("z");
  await vm.serial.expect(/z/);
});

Deno.test("a reset starts the guest again", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, program().openSerial().print("hello").readSerial().halt()));
  await vm.serial.expect(/hello/);
  await vm.reset();
  await vm.serial.expect(/hello/);
});

Deno.test("a reset reads the guest's files again, from where they were, and ends the run if they have changed", async () => {
  await using folder = await Folder.make();
  const file = await folder.write("kernel", greeting("a"));
  await using vm = await boot({ boot: { kernel: relative(Deno.cwd(), file) }, memory: "4M", ...DETERMINISTIC });
  await vm.serial.expect(/a/);
  const first = await vm.state({ hash: true });
  const stood = Deno.cwd();
  try {
    Deno.chdir("/");
    await vm.reset();
    await vm.serial.expect(/a/);
  } finally {
    Deno.chdir(stood);
  }
  assertEquals((await vm.state({ hash: true })).cpu, first.cpu);
  await folder.write("kernel", greeting("b"));
  await vm.reset();
  const report = await vm.exit;
  assertEquals(report.reason, "failed");
  const { message } = BulkheadError.fromJSON(report.error);
  assertMatch(message, /^the guest cannot be started again: .*kernel.* is not what it was/);
});

Deno.test("a guest whose file is gone cannot be started again", async () => {
  await using folder = await Folder.make();
  const file = await folder.write("kernel", greeting("a"));
  await using vm = await boot({ boot: { kernel: file }, memory: "4M" });
  await vm.serial.expect(/a/);
  await Deno.remove(file);
  await vm.reset();
  assertMatch(BulkheadError.fromJSON((await vm.exit).error).message, /kernel.*nothing of that name/);
});

Deno.test("a stopped machine can still be asked", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, program().jumpTo(0)));
  assertEquals((await vm.stop()).reason, "stopped");
  const { life, retired } = await vm.state();
  assertEquals(life, "stopped");
  assertEquals((await vm.statistics()).retired, retired);
});

Deno.test("equal scripts make equal deterministic runs, whatever the host does in between", async () => {
  await using folder = await Folder.make();
  const definition = await machine(folder, prompt(), DETERMINISTIC);
  const script = async (delay: number) => {
    const states: unknown[] = [];
    await using vm = await boot(definition);
    const dawdle = () => new Promise((resolve) => setTimeout(resolve, delay));
    await dawdle();
    for (const key of "abc") {
      await vm.serial.expect(/> /);
      await dawdle();
      await vm.serial.send(key);
      await dawdle();
      states.push(await vm.state({ hash: true }));
    }
    return states;
  };
  const [quick, slow] = [await script(0), await script(15)];
  assertEquals(quick, slow);
  assertEquals((quick[0] as { life: string }).life, "held");
  assert((quick[0] as { retired: number }).retired > 0);
});

Deno.test("a deterministic machine that is asked for its exit runs to it", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await machine(folder, program().openSerial().print("a").powerOff(), DETERMINISTIC));
  assertEquals((await vm.state()).retired, 0);
  assertEquals((await vm.exit).reason, "powered-off");
});

Deno.test("output is told as it comes", async () => {
  await using folder = await Folder.make();
  let heard = "";
  const output = (bytes: Uint8Array) => void (heard += new TextDecoder().decode(bytes));
  await using vm = await boot(await machine(folder, program().openSerial().print("abc").powerOff()), { output });
  await vm.exit;
  assertEquals(heard, "abc");
});

const TALLY = `
  import { device } from ${JSON.stringify(import.meta.resolve("../mod.ts"))};
  export default device({
    id: "acme/tally",
    api: 1,
    version: 1,
    config: { step: { default: 1, min: 1, max: 9, doc: "how much an access adds" } },
    needs: { ports: { io: { base: 0x510, size: 1 } }, lines: { full: "level" } },
    state: () => ({ count: 0x60 }),
    wire: ({ state, config }) => ({
      regions: { io: [{ name: "TALLY", at: 0, width: 1, kind: "sync", read: () => (state.count += config.step) }] },
    }),
  });
`;

Deno.test("a stranger's device works in a machine, placed and configured", async () => {
  await using folder = await Folder.make();
  const module = toFileUrl(await folder.write("tally.ts", TALLY));
  // mov dx, 520h; in al, dx; then the serial port
  const code = program().openSerial().raw(0xba, 0x20, 0x05, 0xec).writeSerial().raw(0xba, 0x20, 0x05, 0xec)
    .writeSerial();
  const devices = [{ name: "tally", module, config: { step: 2 }, place: { io: 0x520 }, lines: { full: 10 } }];
  await using vm = await boot(await machine(folder, code.powerOff(), { devices }));
  await vm.serial.expect(/bd/);
  const { bus } = await vm.statistics();
  assertEquals(bus.devices.tally!.registers[0]!.reads, 2);
});

Deno.test("a device that is wrongly placed or configured is refused with a sentence, and nothing is left", async () => {
  await using folder = await Folder.make();
  const module = toFileUrl(await folder.write("tally.ts", TALLY));
  const device = { name: "tally", module };
  for (
    const [more, sentence] of [
      [{ config: { step: 99 } }, "a number from 1 to 9"],
      [{ config: { stop: 1 } }, '"stop"'],
      [{ place: { io: 0x3f8 } }, "tally"],
      [{ lines: { full: 0 } }, "an interrupt request that the board has free"],
      [{ lines: { empty: 10 } }, '"empty"'],
    ] as const
  ) {
    const definition = await machine(folder, program().halt(), { devices: [{ ...device, ...more }] });
    await assertRejects(() => boot(definition), BulkheadError, sentence);
  }
});

Deno.test("a device's code sees nothing of the host when it is looked at, inline it has no rights, and it imports nothing", async () => {
  await using folder = await Folder.make();
  const secret = toFileUrl(await folder.write("secret.txt", "secret"));
  const attempts = {
    read: `Deno.readTextFileSync(${JSON.stringify(secret.pathname)})`,
    net: `Deno.listen({ port: 0 })`,
    env: `Deno.env.get("HOME")`,
    run: `new Deno.Command("true").outputSync()`,
  };
  const all = Object.entries(attempts).map(([name, code]) => `${name}: () => ${code}`).join(", ");
  // Where there is a Deno at all: in placement inline, which its owner has to agree to.
  const probe = TALLY + `
    if (typeof Deno !== "undefined") {
      const denied = [];
      for (const [name, attempt] of Object.entries({ ${all} })) {
        try { attempt(); } catch (error) { if (error instanceof Deno.errors.NotCapable) denied.push(name); }
      }
      if (denied.join() !== "read,net,env,run") throw new Error("not denied: " + denied);
    }
  `;
  const module = toFileUrl(await folder.write("probe.ts", probe));
  for (const placement of ["inline", "confined"] as const) {
    const agreed = {
      agree: true,
      lock: folder.file(`${placement}.lock`),
      devices: [{ name: "probe", module, placement }],
    };
    await using vm = await boot(await machine(folder, program().openSerial().print("ok").powerOff(), agreed));
    await vm.serial.expect(/ok/);
  }

  const thief = `import text from ${JSON.stringify(secret.href)} with { type: "text" };\nexport default text;\n`;
  const stolen = toFileUrl(await folder.write("thief.ts", thief));
  const definition = await machine(folder, program().halt(), { devices: [{ name: "thief", module: stolen }] });
  await assertRejects(() => boot(definition), BulkheadError, "no import but the contract's");
});

Deno.test("a machine ends with its scope", async () => {
  await using folder = await Folder.make();
  let pid: number;
  {
    await using vm = await boot(await machine(folder, program().jumpTo(0)));
    pid = vm.pid;
  }
  assertEquals(await gone([pid]), true);
});
