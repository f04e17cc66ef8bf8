import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BulkheadError } from "../core/bus/error.ts";
import { optionHelp, type OptionTable, parseArguments } from "./options.ts";

const table: OptionTable = {
  kernel: { value: "FILE", doc: "A kernel." },
  initrd: { value: "FILE", repeat: true, doc: "An initial RAM disk." },
  "no-reboot": { doc: "Stop at a reset." },
};
const parse = (...args: string[]) => parseArguments(args, table, 1);

Deno.test("options take their value after a blank or an equals sign", () => {
  const args = parse("--kernel", "a b", "--initrd=x=y", "machine.ts", "--no-reboot", "--initrd", "--help");
  assertEquals(args.get("kernel"), "a b");
  assertEquals(args.all("initrd"), ["x=y", "--help"]);
  assertEquals(args.operands, ["machine.ts"]);
  assertEquals(args.has("no-reboot"), true);
  assertEquals(args.has("help"), false);
});

Deno.test("the order of options is kept", () => {
  assertEquals(parse("--initrd", "1", "--kernel", "2", "--initrd", "3").given.map(({ value }) => value), [
    "1",
    "2",
    "3",
  ]);
});

Deno.test("after two hyphens nothing is an option", () => {
  assertEquals(parse("--", "--kernel").operands, ["--kernel"]);
});

Deno.test("help is asked for in two ways", () => {
  assertEquals(parse("-h").has("help"), true);
  assertEquals(parse("--help").has("help"), true);
});

Deno.test("what cannot be understood is named", () => {
  const cases: [string[], string][] = [
    [["--kernal", "x"], 'expected a known option, found "--kernal"; did you mean --kernel?'],
    [["--kernal=x"], 'found "--kernal"; did you mean --kernel?'],
    [["--frobnicate"], 'found "--frobnicate"; see --help'],
    [["-k"], 'found "-k"'],
    [["--__proto__", "x"], 'found "--__proto__"'],
    [["--kernel"], "--kernel: expected a value: FILE, found the end of the command line"],
    [["--kernel", "a", "--kernel", "b"], "--kernel: expected to be given once, found it twice"],
    [["--no-reboot=yes"], '--no-reboot: expected no value, found "yes"'],
    [["a", "b"], 'the command line: expected at most one operand, found "b"'],
  ];
  for (const [args, sentence] of cases) assertThrows(() => parse(...args), BulkheadError, sentence);
});

Deno.test("help lists every option with its value", () => {
  const help = optionHelp(table);
  for (const text of ["--kernel FILE", "--initrd FILE ...", "--no-reboot", "--help", "A kernel."]) {
    assertStringIncludes(help, text);
  }
});
