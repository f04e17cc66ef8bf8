/**
 * Command-line options: a table of them, and the parser that it makes.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import { nearestName } from "../core/machine/nearest.ts";

/** An option. */
export interface OptionSpec {
  /** What its value is, for help: `FILE`. Absent: it is a switch. */
  readonly value?: string;
  /** May be given more than once. */
  readonly repeat?: boolean;
  /** What it does. */
  readonly doc: string;
}

/** Options by name, without the leading hyphens. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** An option as it was given. */
export interface GivenOption {
  /** Its name. */
  readonly name: string;
  /** Its value; empty for a switch. */
  readonly value: string;
}

/** A parsed command line. */
export class Arguments {
  /** Options in the order in which they were given. */
  readonly given: readonly GivenOption[];
  /** What is no option. */
  readonly operands: readonly string[];

  /** Use `parseArguments`. */
  constructor(given: readonly GivenOption[], operands: readonly string[]) {
    this.given = given;
    this.operands = operands;
  }

  /** The value of an option, if it was given. */
  get(name: string): string | undefined {
    return this.given.find((option) => option.name === name)?.value;
  }

  /** The values of an option that may be repeated, in order. */
  all(name: string): string[] {
    return this.given.filter((option) => option.name === name).map(({ value }) => value);
  }

  /** Whether an option was given. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
}

/** Options of every command. */
export const COMMON_OPTIONS = {
  help: { doc: "Show this help." },
  debug: { doc: "Show where in Bulkhead an error arose, and the machine's log." },
} as const satisfies OptionTable;

/**
 * Parses what follows a command's name. `--name value` and `--name=value` mean the same; after `--` nothing is an option.
 *
 * @param operands The most operands that the command takes.
 * @throws {BulkheadError} `usage`: an unknown option, a missing or unexpected value, an option given twice, too many operands.
 */
export function parseArguments(args: readonly string[], table: OptionTable, operands: number): Arguments {
  const options: OptionTable = { ...table, ...COMMON_OPTIONS };
  const given: GivenOption[] = [], rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!;
    if (argument === "--") {
      rest.push(...args.slice(at + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      rest.push(argument);
      continue;
    }
    const [, name, inline] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(argument === "-h" ? "--help" : argument)!;
    const spec = argument.startsWith("--") || argument === "-h" ? own(options, name!) : undefined;
    if (spec === undefined) throw unknown(argument, name!, options);
    if (spec.repeat !== true && given.some((option) => option.name === name)) {
      throw usage(`--${name}`, "to be given once", "it twice");
    }
    if (spec.value === undefined) {
      if (inline !== undefined) throw usage(`--${name}`, "no value", `"${inline}"`);
      given.push({ name: name!, value: "" });
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw usage(`--${name}`, `a value: ${spec.value}`, "the end of the command line");
    given.push({ name: name!, value });
  }
  if (rest.length > operands) {
    const most = operands === 0
      ? "options only"
      : operands === 1
      ? "at most one operand"
      : `at most ${operands} operands`;
    throw usage("the command line", most, `"${rest[operands]}"`);
  }
  return new Arguments(given, rest);
}

/** The table as text, for help. */
export function optionHelp(table: OptionTable): string {
  const rows = Object.entries({ ...table, ...COMMON_OPTIONS } as OptionTable).map(([name, { value, repeat, doc }]) =>
    [`--${name}${value === undefined ? "" : ` ${value}`}${repeat ? " ..." : ""}`, doc] as const
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return "Options:\n" + rows.map(([left, doc]) => `  ${left.padEnd(width)}  ${wrap(doc, width + 4)}\n`).join("");
}

/** An error in the command line. */
export function usage(subject: string, expected: string, found: string, remedy?: string): BulkheadError {
  return new BulkheadError({ code: "usage", subject, expected, found, remedy });
}

/** One of several words. @throws {BulkheadError} `usage`. */
export function choice<const T extends string>(value: string, option: string, choices: readonly T[]): T {
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) throw usage(option, choices.join(" or "), `"${value}"`);
  return chosen;
}

function unknown(argument: string, name: string, options: OptionTable): BulkheadError {
  const meant = nearestName(name, Object.keys(options));
  const remedy = meant === undefined ? "see --help" : `did you mean --${meant}?`;
  return usage("the command line", "a known option", `"${argument.split("=")[0]}"`, remedy);
}

function own(options: OptionTable, name: string): OptionSpec | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > 118) {
      lines.push(line);
      line = word;
    } else line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].join("\n" + " ".repeat(indent));
}
