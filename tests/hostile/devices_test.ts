import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { boot } from "../../mod.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";
import type { StrangersPlacement } from "./attempts.ts";
import { runRogues } from "./machines.ts";
import { DEVICES, type HostileDevice, placementsOf } from "./devices.ts";

/** Machines that run at once. */
const AT_ONCE = 6;

/** The sentence with which a machine ended, or what its guest read. */
async function outcome(device: HostileDevice, placement: StrangersPlacement): Promise<string | readonly number[]> {
  const { text, saved, port = 0x1000 } = device;
  try {
    const rogue = { name: "rogue", text, placement, place: { io: port }, reads: [port] };
    const { report, read } = await runRogues([rogue], saved ? { stopAt: 5 } : {}, false);
    return report.reason === "powered-off" ? read : report.error?.sentence ?? report.reason;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A machine whose guest answers when it is typed to. */
async function bystander(folder: Folder) {
  const code = program().openSerial().readSerial().print("here").powerOff();
  return await boot({ boot: { rom: await folder.write("rom", rom(code)) }, memory: "2M" });
}

Deno.test("a machine with a hostile device stops in order, and says which it was, or goes on; others go on", async (test) => {
  await using folder = await Folder.make();
  await using other = await bystander(folder);
  const cases = DEVICES.flatMap((device) => placementsOf(device).map((placement) => ({ device, placement })));
  const outcomes = cases.map(() => Promise.withResolvers<string | readonly number[]>());
  const waiting = cases.entries();
  const next = async () => {
    for (const [index, { device, placement }] of waiting) outcomes[index]!.resolve(await outcome(device, placement));
  };
  const all = Promise.all(Array.from({ length: AT_ONCE }, next));
  for (const [index, { device: { tries, ends }, placement }] of cases.entries()) {
    await test.step(`${tries}, ${placement}`, async () => {
      const found = await outcomes[index]!.promise;
      if (typeof ends === "number") return assertEquals(found, [ends]);
      assertEquals(typeof found, "string", `${found}`);
      assertMatch(found as string, ends);
      assertStringIncludes(found as string, 'device "rogue"');
    });
  }
  await all;
  await other.serial.send("?");
  assertEquals((await other.exit).reason, "powered-off");
  assertEquals(other.serial.text(), "here");
});
