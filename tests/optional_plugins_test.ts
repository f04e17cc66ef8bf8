import { assert, assertEquals, assertMatch } from "@std/assert";
import { boot, BulkheadError, type LogRecord, type MachineDefinition } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { childrenOf } from "./processes.ts";
import { program, rom } from "./roms.ts";

function device(body: string): string {
  return `import { device } from "@bulkhead/bulkhead";
export default device({ id: "acme/rogue", api: 1, version: 1, ${body} });`;
}

const THROWS = device(`
  needs: { ports: { io: { base: 0x510, size: 1 } }, alarms: ["soon"] },
  state: () => ({}),
  wire: ({ alarm, now }) => { alarm("soon", () => {}).at(now() + 1000); throw new TypeError("no wire"); },
`);

/** Devices that cannot be started, and why. */
const DEVICES: readonly { name: string; text?: string; placement?: string; says: RegExp }[] = [
  { name: "gone", says: /gone\.ts.*found no such file/ },
  { name: "nosy", text: `import "node:fs"; ${device("state: () => ({}), wire: () => ({})")}`, says: /node:fs/ },
  { name: "nonsense", text: "export default }", says: /./ },
  { name: "other", text: "export default { open: 1 };", says: /expected/ },
  {
    name: "stateless",
    text: device(`needs: {}, state: () => { throw new TypeError("no state"); }, wire: () => ({})`),
    says: /no state/,
  },
  ...["inline", "confined", "worker", "process"].map((placement) => ({
    name: `threw-${placement}`,
    text: THROWS,
    placement,
    says: /no wire/,
  })),
];

/** Back ends that cannot be started, and why. */
const BACKENDS: readonly { name: string; text?: string; bind?: Record<string, string>; says: RegExp }[] = [
  { name: "away", says: /away\.ts.*found no such file/ },
  {
    name: "unbound",
    text: `import { backend } from "@bulkhead/bulkhead";
export default backend({
  id: "acme/log", api: 1, version: 1, provides: "character",
  host: { log: { kind: "file", access: "write", why: "it writes" } }, open: () => ({ write: () => {} }),
});`,
    says: /unbound.*log/,
  },
];

async function definition(
  folder: Folder,
  devices: readonly typeof DEVICES[number][],
  backends: readonly typeof BACKENDS[number][],
  optional: boolean,
): Promise<MachineDefinition> {
  const module = async ({ name, text }: { name: string; text?: string }) =>
    text === undefined ? folder.file(`${name}.ts`) : await folder.write(`${name}.ts`, text);
  return {
    boot: { rom: await folder.write("rom", rom(program().openSerial().print("on").powerOff())) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices: await Promise.all(devices.map(async ({ name, placement, ...more }) => ({
      name,
      optional,
      module: await module({ name, ...more }),
      ...placement === undefined ? {} : { placement: placement as "worker" },
    }))),
    backends: await Promise.all(backends.map(async ({ name, bind, ...more }) => ({
      name,
      optional,
      module: await module({ name, ...more }),
      ...bind === undefined ? {} : { bind },
    }))),
  };
}

Deno.test("a machine starts without optional plugins that cannot be started, and says which and why", async () => {
  await using folder = await Folder.make();
  const logs: LogRecord[] = [];
  const given = await definition(folder, DEVICES, BACKENDS, true);
  const disk = { name: "data", backend: { module: folder.file("lost.ts"), optional: true } };
  await using vm = await boot({ ...given, serial: "backend:away", disks: [disk] }, {
    log: (record) => void logs.push(record),
  });
  const { reason } = await vm.exit;
  assertEquals([reason, vm.serial.text()], ["powered-off", "on"]);
  for (const { name, says } of [...DEVICES, ...BACKENDS, { name: "data", says: /lost\.ts/ }]) {
    const told = logs.filter(({ source }) => source === name);
    assertEquals(told.map(({ level }) => level), ["warning"], `${name}: ${JSON.stringify(told)}`);
    assertMatch(told[0]!.message, says);
    assertMatch(told[0]!.message, new RegExp(`"${name}".*; the machine goes on without it$`));
  }
});

Deno.test("a machine does not start without the others, says which and why, and leaves nothing behind", async () => {
  const before = (await childrenOf(Deno.pid)).length;
  const starts = [
    ...DEVICES.map((device) => ({ ...device, devices: [device], backends: [] })),
    ...BACKENDS.map((backend) => ({ ...backend, devices: [], backends: [backend] })),
  ];
  for (const { name, says, devices, backends } of starts) {
    await using folder = await Folder.make();
    const error = await boot(await definition(folder, devices, backends, false)).then(
      (vm) => vm[Symbol.asyncDispose](),
      (error) => error,
    );
    assert(error instanceof BulkheadError, name);
    assertMatch(error.message, says);
    assertMatch(error.message, new RegExp(`"${name}"`));
  }
  assertEquals((await childrenOf(Deno.pid)).length, before);
});
