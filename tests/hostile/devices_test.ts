import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { boot } from "../../mod.ts";
import { usePluginLimits } from "../../core/sandbox/plugin_limits.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";
import type { StrangersPlacement } from "./attempts.ts";
import { runRogues } from "./machines.ts";
import { DEVICES, type HostileDevice, placementsOf } from "./devices.ts";

/** Machines that run at once. */
const AT_ONCE = 3;

/** Limits for machines that wait for them. */
const LIMITS = {
  confined: 600,
  access: 600,
  process: 1200,
  wire: 1500,
  ownGrowth: 128 * 2 ** 20,
  pluginGrowth: 64 * 2 ** 20,
  held: 224 * 2 ** 20,
  heapMegabytes: 64,
};

/** Where ports of devices begin that share a machine. */
const PORTS = 0x1000;

/** The sentence with which a machine ended, or what its guest read. */
async function outcome(device: HostileDevice, placement: StrangersPlacement): Promise<string | readonly number[]> {
  const { text, saved, port = PORTS } = device;
  try {
    const rogue = { name: "rogue", text, placement, place: { io: port }, reads: [port] };
    const { report, read } = await runRogues([rogue], saved ? { stopAt: 5 } : {}, false);
    return report.reason === "powered-off" ? read : report.error?.sentence ?? report.reason;
  } catch (error) {
    return (error as Error).message;
  }
}

const CASES = DEVICES.flatMap((device) => placementsOf(device).map((placement) => ({ device, placement })));

/** A machine whose guest answers when it is typed to. */
async function bystander(folder: Folder) {
  const code = program().openSerial().readSerial().print("here").powerOff();
  return await boot({ boot: { rom: await folder.write("rom", rom(code)) }, memory: "2M" });
}

Deno.test("a machine with a hostile device stops in order, and says which it was; others go on", async (test) => {
  using _limits = usePluginLimits(LIMITS);
  await using folder = await Folder.make();
  await using other = await bystander(folder);
  const cases = CASES.filter(({ device }) => device.alone === true);
  const outcomes = cases.map(() => Promise.withResolvers<string | readonly number[]>());
  const waiting = cases.entries();
  const next = async () => {
    for (const [index, { device, placement }] of waiting) outcomes[index]!.resolve(await outcome(device, placement));
  };
  const all = Promise.all(Array.from({ length: AT_ONCE }, next));
  for (const [index, { device: { tries, ends }, placement }] of cases.entries()) {
    await test.step(`${tries}, ${placement}`, async () => {
      const found = await outcomes[index]!.promise;
      assertEquals(typeof found, "string", `${found}`);
      assertMatch(found as string, ends as RegExp);
      assertStringIncludes(found as string, 'device "rogue"');
    });
  }
  await all;
  await other.serial.send("?");
  assertEquals((await other.exit).reason, "powered-off");
  assertEquals(other.serial.text(), "here");
});

Deno.test("a machine goes on without hostile devices that it does not need, and says which and why", async (test) => {
  const cases = CASES.filter(({ device }) => device.alone !== true)
    .sort((a, b) => Number(a.device.last === true) - Number(b.device.last === true));
  const rogues = cases.map(({ device: { text, port }, placement }, index) => ({
    name: `rogue${index}`,
    text,
    placement,
    optional: true,
    place: { io: port ?? PORTS + index },
    reads: [PORTS + index],
  }));
  const { report, read, logs } = await runRogues(rogues);
  assertEquals(
    [report.reason, read.length, read.at(-1)],
    ["powered-off", cases.length + 1, 0x57],
    report.error?.sentence,
  );
  for (const [index, { device: { tries, ends }, placement }] of cases.entries()) {
    await test.step(`${tries}, ${placement}`, () => {
      const told = logs.filter(({ source, message }) =>
        source === `rogue${index}` && message.includes("goes on without")
      );
      if (typeof ends === "number") return assertEquals([read[index], told], [ends, []]);
      assertEquals([told.length, read[index]], [1, 0xff]);
      assertMatch(told[0]!.message, ends);
      assertMatch(told[0]!.message, new RegExp(`device "rogue${index}".*; the machine goes on without it$`));
    });
  }
});
