import { assert, assertEquals } from "@std/assert";
import { boot, type MachineDefinition, restore } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { probeRom } from "./probe_rom.ts";

const PLACEMENTS = ["inline", "confined", "worker", "process"] as const;

async function machine(folder: Folder, placement: typeof PLACEMENTS[number], stopAt: number) {
  const definition = {
    boot: { rom: await folder.write("probe.rom", probeRom()) },
    memory: "2M",
    clock: { mode: "deterministic" },
    stopAt,
    agree: true,
    lock: folder.file("lock"),
    devices: [{
      name: "probe",
      module: new URL("./placements/probe.ts", import.meta.url),
      placement,
      lines: { done: 5 },
      config: { step: 5 },
    }],
  } as const satisfies MachineDefinition;
  return definition;
}

async function outcome(vm: Awaited<ReturnType<typeof boot>>) {
  const { reason, error } = await vm.exit;
  const { retired, time, hash } = await vm.state({ hash: true });
  return { reason, error, retired, time, hash, text: vm.serial.text() };
}

Deno.test("one device text runs in every placement with the same trace, and goes on in another one", async () => {
  const MIDDLE = 20_000, END = 40_000;
  await using folder = await Folder.make();
  await using straight = await boot(await machine(folder, "inline", END));
  const expected = await outcome(straight);
  assertEquals([expected.reason, expected.error], ["instructions", undefined]);
  assert(new Set(expected.text).size > 20, expected.text);
  for (const [index, placement] of PLACEMENTS.entries()) {
    await using saver = await boot(await machine(folder, placement, MIDDLE));
    const first = await outcome(saver);
    const snapshot = await saver.snapshot();
    const next = PLACEMENTS[(index + 1) % PLACEMENTS.length]!;
    await using restored = await restore(snapshot, { definition: await machine(folder, next, END) });
    const { text, ...after } = await outcome(restored);
    assertEquals({ ...after, text: first.text + text }, expected, `${placement}, then ${next}`);
  }
});
