import { assert, assertEquals, assertRejects } from "@std/assert";
import { boot, BulkheadError, type GdbOptions, restore } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { GdbClient } from "./gdb_client.ts";
import { program, rom } from "./roms.ts";

const EIP = 8;

/** A machine whose ROM prints a prompt and then does nothing, for ever. */
async function definition(folder: Folder) {
  const code = program().openSerial().print("> ");
  return { boot: { rom: await folder.write("rom", rom(code.jumpTo(code.here))) }, memory: "2M" };
}

Deno.test("a script's machine waits for gdb, which lets it run", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await definition(folder), { gdb: { port: 0 } });
  assertEquals(vm.gdb!.hostname, "127.0.0.1");
  using gdb = await GdbClient.connect(vm.gdb!.port);
  assertEquals(await gdb.ask("?"), "T02thread:1;");
  assertEquals([await gdb.register(EIP), (await vm.state()).retired, vm.serial.text()], [0xfff0, 0, ""]);
  await gdb.send("c");
  await vm.serial.expect(/> /);
  assertEquals(await gdb.interrupt(), "T02thread:1;");
  const { retired } = await vm.state();
  assert(retired > 0);
  assertEquals((await vm.state()).retired, retired);
});

Deno.test("with hold: false it runs, and stops when gdb connects; so does a restored one", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await definition(folder), { gdb: { port: 0, hold: false } });
  await vm.serial.expect(/> /);
  {
    using gdb = await GdbClient.connect(vm.gdb!.port);
    assertEquals(await gdb.ask("?"), "T02thread:1;");
    await gdb.ask("D");
  }
  await using restored = await restore(await vm.snapshot(), { gdb: { hostname: "127.0.0.1", port: 0 } });
  assert(restored.gdb!.port !== vm.gdb!.port);
  const { retired } = await restored.state();
  using gdb = await GdbClient.connect(restored.gdb!.port);
  assertEquals(await gdb.ask("s"), "T05thread:1;");
  assertEquals((await restored.state()).retired, retired + 1);
});

Deno.test("a deterministic machine runs under gdb while the script waits", async () => {
  await using folder = await Folder.make();
  await using vm = await boot({ ...await definition(folder), clock: { mode: "deterministic" } }, { gdb: { port: 0 } });
  using gdb = await GdbClient.connect(vm.gdb!.port);
  await gdb.send("c");
  await vm.serial.expect(/> /);
});

Deno.test("without the option nothing listens", async () => {
  await using folder = await Folder.make();
  await using vm = await boot(await definition(folder));
  assertEquals(vm.gdb, undefined);
});

Deno.test("an address that is none is a sentence, and so is one that is taken", async () => {
  await using folder = await Folder.make();
  const machine = await definition(folder);
  const refused = (gdb: unknown, sentence: string) =>
    assertRejects(() => boot(machine, { gdb: gdb as GdbOptions }), BulkheadError, sentence);
  await refused({}, "the option gdb, port: expected a port from 0 to 65535, found nothing");
  await refused({ port: 70000 }, "found 70000");
  await refused({ port: 0, hostname: "a,b" }, 'hostname: expected an address of this host, found "a,b"');
  await refused({ port: 0, hold: "no" }, 'hold: expected true or false, found "no"');
  await refused(1234, "expected an object with a port, found 1234");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await refused({ port: taken.addr.port }, `the gdb listener, 127.0.0.1:${taken.addr.port}: expected an address`);
});
