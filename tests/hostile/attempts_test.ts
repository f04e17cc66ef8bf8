import { assertEquals, assertMatch } from "@std/assert";
import {
  type Attempt,
  ATTEMPTS,
  attemptsModule,
  type Outcome,
  STRANGERS,
  type StrangersPlacement,
  SURVEY,
} from "./attempts.ts";
import { runRogues } from "./machines.ts";

/** Where ports begin: those of devices that try one thing, those of the one that tries all, and those that nobody reads. */
const PORTS = 0x1000, SURVEYED = 0x3000, UNUSED = 0x4000;

const numbered = ATTEMPTS.map((attempt, number) => ({ number, ...attempt }));

/** In the virtual CPU's thread a device costs nothing; elsewhere it has a thread or a process of its own. */
function devices(placement: StrangersPlacement) {
  const alone = numbered.filter((attempt) => placement === "confined" || attempt.alone === true);
  const together = numbered.filter((attempt) => !alone.includes(attempt));
  return { alone, together };
}

for (const placement of STRANGERS) {
  Deno.test(`what hostile devices try in placement ${placement} is held and told by their names, and the others go on`, async (test) => {
    const { alone, together } = devices(placement);
    const text = attemptsModule(), device = { text, placement, optional: true };
    const rogues = alone.map(({ number }) => ({
      ...device,
      name: `rogue${number}`,
      config: { attempt: number },
      place: { io: PORTS + number, all: UNUSED + ATTEMPTS.length * number },
      reads: [PORTS + number],
    }));
    const survey = {
      ...device,
      name: "survey",
      config: { attempt: SURVEY },
      place: { io: SURVEYED - 1, all: SURVEYED },
      reads: together.map(({ number }) => SURVEYED + number),
    };
    const { report, read, logs } = await runRogues(together.length === 0 ? rogues : [...rogues, survey]);
    assertEquals([report.reason, read.at(-1)], ["powered-off", 0x57], JSON.stringify(report.error));
    assertEquals(read.length, ATTEMPTS.length + 1);
    const told = (name: string) => logs.filter(({ source }) => source === name).map(({ message }) => message);
    for (const [index, { tries, number, ...attempt }] of [...alone, ...together].entries()) {
      await test.step(tries, () => {
        if (index >= alone.length) {
          const start = `${number}: `;
          const found = told("survey").filter((message) => message.startsWith(start));
          return check(endOf(attempt, placement), read[index]!, found, start);
        }
        const detached = told(`rogue${number}`).filter((message) => message.includes("was detached"));
        check(endOf(attempt, placement), read[index]!, detached, `device "rogue${number}" (acme/rogue) was detached: `);
      });
    }
  });
}

function endOf({ ends }: Pick<Attempt, "ends">, placement: StrangersPlacement): Outcome {
  return typeof ends === "number" || ends instanceof RegExp ? ends : ends[placement];
}

function check(end: Outcome, read: number, sentences: readonly string[], start: string): void {
  if (typeof end === "number") return assertEquals([sentences, read], [[], end]);
  assertEquals(sentences.length, 1, `read ${read}`);
  assertEquals(sentences[0]!.slice(0, start.length), start);
  assertMatch(sentences[0]!, end);
  assertEquals(read, 0xff);
}
