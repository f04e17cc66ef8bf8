import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type BackendCounters, boot, BulkheadError, type LogRecord, type MachineDefinition } from "../mod.ts";
import { usePluginLimits } from "../core/sandbox/plugin_limits.ts";
import { commandLine, Folder } from "./command_line.ts";
import { childrenOf, kill } from "./processes.ts";
import { type Program, program, rom } from "./roms.ts";
import { DRIVE, sectorGuest } from "./sector_guest.ts";

const PLACEMENTS = ["worker", "process"] as const;

/** One of our back ends as a stranger's. */
async function strangers(folder: Folder, name: string, change: (text: string) => string = (text) => text) {
  const text = await Deno.readTextFile(new URL(`../plugins/${name}.ts`, import.meta.url));
  const theirs = text.replace('"../core/bus/mod.ts"', '"@bulkhead/bulkhead"').replace('id: "bulkhead/', 'id: "acme/');
  return await folder.write(`${name}.ts`, change(theirs));
}

/** A machine whose disk is a stranger's back end. */
async function disk(
  folder: Folder,
  guest: Program,
  placement: typeof PLACEMENTS[number],
  { change, more }: { change?: (text: string) => string; more?: object } = {},
): Promise<MachineDefinition> {
  const sectors = new Uint8Array(2048).fill(0x2e);
  sectors.set(new TextEncoder().encode("ok"), 512);
  return {
    boot: { rom: await folder.write("guest.rom", rom(guest)) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices: [{
      name: "drive",
      module: await folder.write("drive.ts", DRIVE),
      placement: "confined",
      connect: { disk: "data" },
    }],
    disks: [{
      name: "data",
      backend: {
        module: await strangers(folder, "raw_image", change),
        bind: { image: await folder.write("disk.img", sectors) },
        placement,
        ...more,
      },
    }],
  };
}

async function run(definition: MachineDefinition) {
  const logs: LogRecord[] = [];
  await using vm = await boot(definition, { log: (record) => void logs.push(record) });
  const { reason, error } = await vm.exit;
  const counted: Readonly<Record<string, BackendCounters>> = reason === "failed"
    ? {}
    : (await vm.statistics()).backends;
  return { reason, sentence: error?.sentence ?? "", text: vm.serial.text(), logs, counted };
}

for (const placement of PLACEMENTS) {
  Deno.test(`a stranger's block back end in placement ${placement} reads and writes its image`, async () => {
    for (const mode of ["realtime", "deterministic"] as const) {
      await using folder = await Folder.make();
      const definition = await disk(folder, sectorGuest().powerOff(), placement);
      const { reason, text, sentence, counted } = await run({ ...definition, clock: { mode } });
      assertEquals([reason, text, sentence], ["powered-off", "111ok", ""]);
      const { requests, failures } = counted.data!;
      assertEquals([requests.write, requests.read, failures], [1, 1, 0]);
      const image = await Deno.readFile(folder.file("disk.img"));
      assertEquals(image.subarray(0, 512), new Uint8Array(512).fill(0x57));
      assertEquals(image[600], 0x2e);
    }
  });

  Deno.test(`a stranger's character back end in placement ${placement} gets what the guest sends`, async () => {
    await using folder = await Folder.make();
    const output = await folder.write("output", "");
    const { reason } = await run({
      boot: { rom: await folder.write("guest.rom", rom(program().openSerial().print("hello, file").powerOff())) },
      memory: "2M",
      agree: true,
      lock: folder.file("lock"),
      serial: "backend:log",
      backends: [{ name: "log", module: await strangers(folder, "character_file"), bind: { file: output }, placement }],
    });
    assertEquals(reason, "powered-off");
    assertEquals(await Deno.readTextFile(output), "hello, file");
  });
}

/** Says in its file that it was closed. */
const CLOSING = (text: string) =>
  text.replace("close: () => output.flush()", `close: () => output.write(at, new TextEncoder().encode("|closed"))`)
    .replace("return {", "const spare = [1]; return {");

const ENDS = {
  "power-off": { guest: () => program().powerOff(), args: [] },
  "a met expectation": { guest: () => program().print("x").jumpTo(0), args: ["--expect", "x"] },
  "an instruction count": { guest: () => program().jumpTo(0), args: ["--stop-at", "100000"] },
  "a triple fault": { guest: () => program().tripleFault(), args: [] },
  "a time limit": { guest: () => program().jumpTo(0), args: ["--timeout", "3s"] },
};

async function closing(folder: Folder, placement: string, guest: Program) {
  return {
    rom: await folder.write("guest.rom", rom(program().openSerial().print("out").raw(...guest.bytes))),
    output: await folder.write("output", ""),
    module: await strangers(folder, "character_file", CLOSING),
    placement,
  };
}

for (const placement of PLACEMENTS) {
  Deno.test(`a back end in placement ${placement} closes at every orderly end of its machine`, async () => {
    for (const [end, { guest, args }] of Object.entries(ENDS)) {
      await using folder = await Folder.make();
      await closing(folder, placement, guest());
      const back = ["--backend", `log=character_file.ts,placement=${placement}`, "--bind", "log.file=output"];
      const { stderr } = await commandLine(folder, [
        ...["run", "--rom", "guest.rom", "--serial", "backend:log", "--agree", ...back],
        ...args,
      ]);
      assertMatch(await Deno.readTextFile(folder.file("output")), /^out.*\|closed$/, `${end}: ${stderr}`);
    }
  });

  Deno.test(`a back end in placement ${placement} closes when its machine is stopped, or let go of`, async () => {
    for (const stop of [true, false]) {
      await using folder = await Folder.make();
      const { rom, output, module } = await closing(folder, placement, program().jumpTo(0));
      {
        await using vm = await boot({
          boot: { rom },
          memory: "2M",
          agree: true,
          lock: folder.file("lock"),
          serial: "backend:log",
          backends: [{ name: "log", module, bind: { file: output }, placement }],
        });
        await vm.serial.expect(/out/);
        if (stop) await vm.stop();
      }
      assertEquals(await Deno.readTextFile(output), "out|closed");
    }
  });
}

/** The process of a machine's only back end in a process: a child of ours that stays, besides the machine's. */
async function backendOf({ pid }: { readonly pid: number }): Promise<number> {
  const [before, after] = [await childrenOf(Deno.pid), await childrenOf(Deno.pid)];
  return after.find((child) => child !== pid && before.includes(child))!;
}

const ignore = Deno.build.os !== "linux";

Deno.test({ name: "a killed process of a back end stops its machine, which names it", ignore }, async () => {
  await using folder = await Folder.make();
  // The guest asks for one sector after the other.
  const definition = await disk(folder, loop(), "process");
  await using vm = await boot(definition);
  await vm.serial.expect(/11/);
  await kill(await backendOf(vm));
  const { reason, error } = await vm.exit;
  assertEquals(reason, "failed");
  assertStringIncludes(
    error?.sentence ?? "",
    'back end "data" (acme/raw-image) was detached: its compartment has ended',
  );
});

Deno.test({ name: "a machine goes on without a killed optional back end", ignore }, async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await disk(folder, loop(), "process", { more: { optional: true } }));
  await vm.serial.expect(/11/);
  await kill(await backendOf(vm));
  // Its requests fail from now on.
  await vm.serial.expect(/222/);
  assertEquals((await vm.stop()).reason, "stopped");
});

/** Reads a sector again and again, and prints how that went. */
function loop(): Program {
  const code = program().openSerial();
  const start = code.here;
  code.out8(0x513, 1).out8(0x510, 1).raw(0xba, 0x11, 0x05, 0xec, 0x84, 0xc0, 0x74, 0xfb, 0x04, 0x30).writeSerial();
  return code.jumpTo(start);
}

/** How our image's code begins. */
const OPEN = "open: ({ config, file }) => {";

const MISDEEDS = {
  "an error": {
    change: (text: string) => text.replace("read: (", 'read: () => { throw new TypeError("no"); }, old: ('),
    says: /./,
  },
  "an endless loop": {
    change: (text: string) => text.replace("read: (", "read: () => { for (;;); }, old: ("),
    says: /did not answer a request within/,
  },
  "no answer": {
    change: (text: string) => text.replace("read: (", "read: () => new Promise(() => {}), old: ("),
    says: /did not answer a request within/,
  },
} as const;

for (const placement of PLACEMENTS) {
  Deno.test(`a back end that misbehaves in placement ${placement} is named, or gone on without`, async () => {
    using _limits = usePluginLimits({ request: 3000 });
    await Promise.all(
      Object.entries(MISDEEDS).flatMap(([misdeed, { change, says }]) =>
        [true, false].map(async (optional) => {
          await using folder = await Folder.make();
          const definition = await disk(folder, sectorGuest().powerOff(), placement, { change, more: { optional } });
          const { reason, sentence, text } = await run(definition);
          if (optional || misdeed === "an error") {
            return assertEquals([reason, text.slice(0, 3)], ["powered-off", "112"], misdeed);
          }
          assertEquals(reason, "failed", misdeed);
          assertStringIncludes(sentence, 'back end "data" (acme/raw-image)');
          assertMatch(sentence, says);
        })
      ),
    );
  });

  Deno.test(`a back end that cannot be opened in placement ${placement} is named, and nothing is left`, async () => {
    using _limits = usePluginLimits({ start: 5000 });
    const opens = {
      throws: ['throw new TypeError("no");', /TypeError: no/],
      hangs: ["for (;;);", /it was not up after/],
    } as const;
    await Promise.all(
      Object.values(opens).map(async ([misdeed, says]) => {
        await using folder = await Folder.make();
        const change = (text: string) => text.replace(OPEN, `${OPEN} ${misdeed}`);
        const definition = await disk(folder, sectorGuest().powerOff(), placement, { change });
        const error = await boot(definition).then((vm) => vm[Symbol.asyncDispose](), (error) => error);
        assert(error instanceof BulkheadError);
        assertStringIncludes(error.message, 'back end "data" (acme/raw-image) was stopped while it was starting');
        assertMatch(error.message, says);
      }),
    );
  });

  Deno.test(`a machine starts without optional back ends that cannot be opened in placement ${placement}`, async () => {
    await using folder = await Folder.make();
    const change = (text: string) => text.replace(OPEN, `${OPEN} throw new TypeError("no");`);
    const guest = program().openSerial().print("on").powerOff();
    const definition = await disk(folder, guest, placement, { change, more: { optional: true } });
    const { reason, text, logs } = await run({
      ...definition,
      serial: "backend:log",
      backends: [{
        name: "log",
        module: await strangers(
          folder,
          "character_file",
          (text) => text.replace("({ file }) => {", "({ file }) => { throw new TypeError('no');"),
        ),
        bind: { file: await folder.write("output", "") },
        placement,
        optional: true,
      }],
    });
    assertEquals([reason, text], ["powered-off", "on"]);
    const told = logs.filter(({ message }) => message.includes("the machine goes on without it"));
    assertEquals(told.map(({ source }) => source).sort(), ["data", "log"]);
  });
}
