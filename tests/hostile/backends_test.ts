import { assert, assertMatch, assertStringIncludes } from "@std/assert";
import { boot, type LogRecord, type MachineDefinition } from "../../mod.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";
import { BACKENDS, type HostileBackend, placementsOf } from "./backends.ts";

/** Machines that run at once. */
const AT_ONCE = 4;

/** Sentences about the back end: its machine's last one, and its log. */
async function sentences({ text, rights }: HostileBackend, placement: string): Promise<string[]> {
  await using folder = await Folder.make();
  const logs: LogRecord[] = [];
  const code = program().openSerial();
  const waits = code.print("!").here;
  const definition = {
    boot: { rom: await folder.write("rom", rom(code.jumpTo(waits - 6))) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    serial: "backend:rogue",
    backends: [{
      name: "rogue",
      module: await folder.write("rogue.ts", text),
      placement,
      ...(rights ? { bind: { own: await folder.write("own", "mine") } } : {}),
    }],
  } as unknown as MachineDefinition;
  const told = () => logs.filter(({ source }) => source === "rogue").map(({ message }) => message);
  try {
    await using vm = await boot(definition, { log: (record) => void logs.push(record) });
    const limit = Promise.withResolvers<undefined>();
    const timer = setInterval(
      () => told().some((message) => message.startsWith("it got")) && limit.resolve(undefined),
      50,
    );
    const report = await Promise.race([vm.exit, limit.promise]);
    clearInterval(timer);
    return [...report === undefined ? [] : [report.error?.sentence ?? report.reason], ...told()];
  } catch (error) {
    return [(error as Error).message];
  }
}

Deno.test("a hostile back end is refused, or detached and named", async (test) => {
  const cases = BACKENDS.flatMap((backend) => placementsOf(backend).map((placement) => ({ backend, placement })));
  const outcomes = cases.map(() => Promise.withResolvers<string[]>());
  const waiting = cases.entries();
  const next = async () => {
    for (const [index, { backend, placement }] of waiting) {
      outcomes[index]!.resolve(await sentences(backend, placement));
    }
  };
  const all = Promise.all(Array.from({ length: AT_ONCE }, next));
  for (const [index, { backend: { tries, ends }, placement }] of cases.entries()) {
    await test.step(`${tries}, ${placement}`, async () => {
      const [sentence] = await outcomes[index]!.promise;
      assert(sentence !== undefined);
      assertMatch(sentence, ends);
      if (!sentence.startsWith("it got")) assertStringIncludes(sentence, 'back end "rogue"');
    });
  }
  await all;
});
