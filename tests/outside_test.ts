import { assertEquals } from "@std/assert";
import { Folder } from "./command_line.ts";
import { program, rom } from "./roms.ts";

const DEVICE = `/** Answers 42. */
import { device } from "@bulkhead/bulkhead";

export default device({
  id: "acme/answer",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0x510, size: 1 } } },
  state: () => ({}),
  wire: () => ({ regions: { io: [{ name: "ANSWER", at: 0, width: 1, kind: "sync", read: () => 42 }] } }),
});
`;

const SCRIPT = `import { boot } from "@bulkhead/bulkhead";

await using vm = await boot({
  boot: { rom: "guest.rom" },
  memory: "2M",
  devices: [{ name: "answer", module: "answer.ts" }],
});
const { reason } = await vm.exit;
console.log(reason, vm.serial.text());
`;

Deno.test("a script of another project starts a machine with a plugin, with the rights that the README names", async () => {
  await using folder = await Folder.make();
  const contract = new URL("../mod.ts", import.meta.url).href;
  await folder.write("deno.json", JSON.stringify({ imports: { "@bulkhead/bulkhead": contract } }));
  await folder.write("script.ts", SCRIPT);
  await folder.write("answer.ts", DEVICE);
  // IN AL, DX from the device's port.
  const guest = program().openSerial().raw(0xba, 0x10, 0x05, 0xec).writeSerial().powerOff();
  await folder.write("guest.rom", rom(guest));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-lock", "--allow-read", "--allow-run", "--allow-write=.", "script.ts"],
    cwd: folder.path,
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stdout), decoder.decode(stderr)], [0, "powered-off *\n", ""]);
});
