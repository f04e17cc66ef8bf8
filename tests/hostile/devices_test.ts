import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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
    const { report, read } = await runRogues([rogue], saved ? { stopAt: 20 } : {});
    return report.reason === "powered-off" ? read : report.error?.sentence ?? report.reason;
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("a machine with a hostile device stops in order, and says which it was, or goes on", async (test) => {
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
      if (typeof ends === "number") return assertEquals(found, [ends, 0x57]);
      assertEquals(typeof found, "string", `${found}`);
      assertMatch(found as string, ends);
      assertStringIncludes(found as string, 'device "rogue"');
    });
  }
  await all;
});
