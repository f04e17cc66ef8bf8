// deno-lint-ignore-file no-explicit-any -- the reference is untyped
import { assert, assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli";
import { parseArgs as genuine } from "deno-std/cli/parse_args.js";
import { Chance } from "../testing/chance.ts";

/** Words that a command line is made of: flags of each form, values that look like flags, numbers, switches. */
const WORDS = [
  ...["run", "x", "", "-", "--", "true", "false", "5", "-5", "1e3", "0x20", " ", "a=b", "="],
  ...["--a", "--a=1", "--a=", "--a=x=y", "--b", "--b=false", "--b=true", "--b=0", "--c=1", "--c", "--no-a", "--no-b"],
  ...["--no-n", "--n", "--no-n=1", "--n=false", "--name", "--name=5", "--long-flag", "--a.b=1", "--a.b.c", "--a.b"],
  ...[
    "-a",
    "-b",
    "-ab",
    "-ba",
    "-n5",
    "-a5",
    "-a-5",
    "-a=x",
    "-ab=x",
    "-abc",
    "-a1.5e3",
    "-x-",
    "-ab-",
    "-b/c",
    "-a=",
    "-1",
  ],
  ...["--=", "---", "---a", "-=", "-a=b=c", "--constructor=1", "--toString", "--__proto__.x=1", "--a\nb=1", "-é"],
] as const;

const NAMES = ["a", "b", "c", "n", "name", "long-flag", "x", "a.b"] as const;
const VALUES = [false, true, 0, 1, "", "5", "text", ["q"]] as const;

/** An arbitrary set of options. The same seed gives the same. */
function options(chance: Chance): Record<string, unknown> {
  const names = () => chance.of([chance.pick(NAMES), chance.some(NAMES), chance.some(NAMES)]);
  const given: Record<string, unknown> = {};
  const maybe = (key: string, value: () => unknown) => {
    if (chance.happens(0.4)) given[key] = value();
  };
  maybe("boolean", () => chance.happens(0.2) ? true : names());
  maybe("string", () => chance.happens(0.2) ? "_" : names());
  maybe("collect", names);
  maybe("negatable", names);
  maybe("stopEarly", () => true);
  maybe("--", () => true);
  maybe("alias", () => Object.fromEntries(chance.some(NAMES).map((name) => [name, names()])));
  maybe("default", () => Object.fromEntries(chance.some(NAMES).map((name) => [name, chance.pick(VALUES)])));
  return given;
}

/** The result, or that it threw. */
function outcome(parse: (args: string[], options: any) => unknown, args: string[], given: Record<string, unknown>) {
  try {
    return parse(args, structuredClone(given));
  } catch {
    return "threw";
  }
}

Deno.test("parseArgs reads 20,000 command lines as the genuine one does", () => {
  const chance = new Chance(0x5eed);
  for (let line = 0; line < 20_000; line++) {
    const given = options(chance);
    const args = Array.from({ length: chance.below(7) }, () => chance.pick(WORDS));
    const message = `${JSON.stringify(args)} with ${JSON.stringify(given)}`;
    assertEquals(outcome(parseArgs, args, given), outcome(genuine, args, given), message);
  }
});

Deno.test("parseArgs asks `unknown` about the same arguments as the genuine one does", () => {
  const chance = new Chance(0xa5c);
  for (let line = 0; line < 5_000; line++) {
    const given = options(chance);
    const args = Array.from({ length: chance.below(7) }, () => chance.pick(WORDS));
    const ask = (parse: (args: string[], options: any) => unknown) => {
      const asked: unknown[] = [];
      const unknown = (...question: unknown[]) => {
        asked.push(question);
        return asked.length % 3 !== 0;
      };
      try {
        return { result: parse(args, { ...structuredClone(given), unknown }), asked };
      } catch {
        return { result: "threw", asked };
      }
    };
    assertEquals(ask(parseArgs), ask(genuine), `${JSON.stringify(args)} with ${JSON.stringify(given)}`);
  }
});

Deno.test("the result's type follows from the declared names", () => {
  const args = parseArgs(["--help", "--kernel=k", "-i", "a", "-i", "b", "--serial", "none"], {
    boolean: ["help", "stats"],
    string: ["kernel", "serial", "initrd", "memory"],
    collect: ["initrd"],
    alias: { initrd: "i" },
    default: { memory: "256M" },
    "--": true,
  });
  const help: boolean = args.help;
  const kernel: string | undefined = args.kernel;
  const memory: string = args.memory;
  const initrd: string[] = args.initrd;
  const alias: string[] = args.i;
  const rest: string[] = args["--"];
  assert(help);
  assertEquals({ kernel, memory, initrd, alias, rest }, {
    kernel: "k",
    memory: "256M",
    initrd: ["a", "b"],
    alias: ["a", "b"],
    rest: [],
  });
});

Deno.test("declared flags are typed without aliases", () => {
  const flags = parseArgs(["--rounds", "3"], {
    string: ["rounds", "name"],
    boolean: ["json"],
    default: { rounds: "5" },
  });
  const rounds: string = flags.rounds;
  const name: string | undefined = flags.name;
  const json: boolean = flags.json;
  assertEquals([rounds, name, json], ["3", undefined, false]);
});
