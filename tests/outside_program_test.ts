import { assertEquals, assertStringIncludes } from "@std/assert";
import { Folder } from "./command_line.ts";
import { program, rom } from "./roms.ts";

const BEEP = `import { device } from "@bulkhead/bulkhead";
export default device({
  id: "acme/beep", api: 1, version: 1,
  needs: { ports: { io: { base: 0x510, size: 1 } } },
  state: () => ({}),
  wire: () => ({ regions: { io: [{ name: "BEEP", at: 0, width: 1, kind: "sync", read: () => 0x42 }] } }),
});
`;

const PROGRAM = `import { boot } from ${JSON.stringify(import.meta.resolve("../mod.ts"))};
await using vm = await boot({
  boot: { rom: "guest.rom" },
  memory: "2M",
  devices: [
    { name: "beep", module: "beep.ts" },
    { name: "boop", module: "beep.ts", placement: "confined", place: { io: 0x520 } },
  ],
});
console.log((await vm.exit).reason, vm.serial.text());
`;

/** Runs a program in a folder of its own, which holds this configuration, and a lock and packages of its own. */
async function run(configuration: string | undefined) {
  await using folder = await Folder.make();
  await folder.write("beep.ts", BEEP);
  // mov dx, port; in al, dx; mov dx, 3f8h; out dx, al
  const guest = program().openSerial().raw(0xba, 0x10, 0x05, 0xec).writeSerial().raw(0xba, 0x20, 0x05, 0xec)
    .writeSerial();
  await folder.write("guest.rom", rom(guest.powerOff()));
  if (configuration !== undefined) await folder.write("deno.json", configuration);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // The rights that the README names.
    args: [
      ...["run", "--quiet", "--no-prompt", "--allow-read", "--allow-run", "--allow-write=."],
      await folder.write("main.ts", PROGRAM),
    ],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
  }).output();
  return { stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a program outside of this repository boots a machine with a stranger's device, whatever its own configuration", async () => {
  const outcomes = await Promise.all([undefined, "{}", '{ "imports": { "acorn": "./no-such-file.js" } }'].map(run));
  for (const { stdout, stderr } of outcomes) assertEquals([stdout, stderr], ["powered-off BB\n", ""]);
});

Deno.test("a program whose packages are its own and lack ours is told what to do", async () => {
  const { stdout, stderr } = await run('{ "nodeModulesDir": "manual" }');
  assertEquals(stdout, "");
  assertStringIncludes(stderr, "the package acorn@8.15.0, which reads the texts of plugins, cannot be loaded");
  assertStringIncludes(stderr, '"deno add npm:acorn@8.15.0"');
});
