/**
 * `@std/cli/parse-args`.
 *
 * @module
 */
import type { Args, Values } from "./args_type.ts";

export type { Args } from "./args_type.ts";

/** What `parseArgs` is told about the flags. */
export interface ParseOptions<
  B extends boolean | string | undefined = boolean | string | undefined,
  S extends string | undefined = string | undefined,
  C extends string | undefined = string | undefined,
  N extends string | undefined = string | undefined,
  D extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  A extends Record<string, string | readonly string[]> | undefined =
    | Record<string, string | readonly string[]>
    | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Put what follows `--` into the result's `--` rather than at the end of `_`. */
  "--"?: DD;
  /** Other names of a flag. */
  alias?: A;
  /** Flags without a value; `true` makes every `--flag` without `=` one. */
  boolean?: B | ReadonlyArray<Extract<B, string>>;
  /** Values of flags that are not given. */
  default?: D;
  /** Everything from the first positional argument on is positional. */
  stopEarly?: boolean;
  /** Flags whose value stays a string; `_` keeps numbers among the positional arguments as strings. */
  string?: S | ReadonlyArray<Extract<S, string>>;
  /** Flags that may be repeated; the result is a list. */
  collect?: C | ReadonlyArray<Extract<C, string>>;
  /** Flags that `--no-flag` turns off. */
  negatable?: N | ReadonlyArray<Extract<N, string>>;
  /** Called for each argument that was not declared; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

const FLAG = /^-(?:(?<long>-)(?<no>no-)?)?(?<key>.+?)(?:=(?<value>.*))?$/s;
const LETTER = /[A-Za-z]/;

/** What looks like a number becomes one: `-n5`, `1e3`, `0x20`. */
function number(text: unknown): unknown {
  return typeof text === "string" && /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}

function list(names: unknown): string[] {
  return typeof names === "boolean" ? [] : [names].flat().filter(Boolean) as string[];
}

/** The other names of each flag: with `{ help: ["h", "?"] }`, those of `h` are `help` and `?`. */
class Names {
  readonly #others = new Map<string, Set<string>>();

  constructor(alias: Record<string, string | readonly string[]>) {
    for (const [name, given] of Object.entries(alias)) {
      const aliases = [given].flat();
      this.#others.set(name, new Set(aliases));
      for (const one of aliases) this.#others.set(one, new Set([name, ...aliases.filter((other) => other !== one)]));
    }
  }

  others(name: string): string[] {
    return [...this.#others.get(name) ?? []];
  }

  declared(name: string): boolean {
    return this.#others.has(name);
  }

  /** The set of the given flags under all their names. */
  set(names: unknown): Set<string> {
    return new Set(list(names).flatMap((name) => [name, ...this.others(name)]));
  }
}

type Tree = { [key: string]: unknown };

/** The object that holds the last part of a dotted key, made on the way. Never a prototype. */
function holder(tree: Tree, path: string[]): Tree | undefined {
  let at = tree;
  for (const part of path) {
    if (isPrototype(at, part)) return undefined;
    at = (at[part] ??= {}) as Tree;
  }
  return at;
}

function isPrototype(tree: Tree, key: string): boolean {
  return key === "__proto__" || (key === "constructor" && typeof tree[key] === "function");
}

function has(tree: Tree, path: string[]): boolean {
  let at: unknown = tree;
  for (const part of path) {
    if (at === null || at === undefined || !Object.hasOwn(at, part)) return false;
    at = (at as Tree)[part];
  }
  return true;
}

/** Parses a command line, normally `Deno.args`, into flags and positional arguments. */
export function parseArgs<
  const B extends boolean | string | undefined = undefined,
  const S extends string | undefined = undefined,
  const C extends string | undefined = undefined,
  const N extends string | undefined = undefined,
  const D extends Record<string, unknown> | undefined = undefined,
  const A extends Record<string, string | readonly string[]> | undefined = undefined,
  const DD extends boolean | undefined = undefined,
>(args: readonly string[], options: ParseOptions<B, S, C, N, D, A, DD> = {}): Args<Values<B, S, C, D, A>, DD> {
  const names = new Names(options.alias ?? {});
  const booleans = names.set(options.boolean);
  const strings = names.set(options.string);
  const collected = names.set(options.collect);
  const negatable = names.set(options.negatable);
  const everyFlagBoolean = options.boolean === true;
  const defaults: Record<string, unknown> = options.default ?? {};

  const positional: Array<string | number> = [];
  const flags: Tree = { _: positional };

  const emptyValue = (key: string) => strings.has(key) ? "" : true;

  const isSwitch = (key: string) => booleans.has(key) || names.others(key).some((other) => booleans.has(other));

  function store(key: string, value: unknown, collect: boolean): void {
    const path = key.split(".");
    const last = path.pop()!;
    const into = holder(flags, path);
    if (into === undefined || isPrototype(into, last)) return;
    if (!collect) into[last] = value;
    else if (Array.isArray(into[last])) into[last].push(value);
    else into[last] = into[last] ? [into[last], value] : [value];
  }

  function set(key: string, value: unknown, arg: string, collect = true): void {
    if (!isDeclared(key, arg) && options.unknown?.(arg, key, value) === false) return;
    const typed = strings.has(key) ? value : number(value);
    for (const name of [key, ...names.others(key)]) store(name, typed, collect && collected.has(key));
  }

  function isDeclared(key: string, arg: string): boolean {
    return booleans.has(key) || strings.has(key) || collected.has(key) || names.declared(key) ||
      (everyFlagBoolean && /^--[^=]+$/.test(arg));
  }

  const end = args.indexOf("--");
  const given = end < 0 ? args : args.slice(0, end);
  const rest = end < 0 ? [] : args.slice(end + 1);

  /** A flag without `=`: the next argument is its value unless the flag is a switch. Returns how many were taken. */
  function valued(key: string, arg: string, next: string | undefined, nextIsFlag: boolean, isSwitch: boolean): 1 | 2 {
    if (next && !isSwitch && !nextIsFlag) {
      set(key, next, arg);
      return 2;
    }
    if (next === "true" || next === "false") {
      set(key, next === "true", arg);
      return 2;
    }
    set(key, emptyValue(key), arg);
    return 1;
  }

  /** Parses `--key`, `--key=value`, `--key value`, `--no-key`. Returns how many arguments it took. */
  function long(arg: string, next: string | undefined, parts: Record<string, string | undefined>): 1 | 2 {
    const { no, value } = parts;
    let key = parts["key"]!;
    if (value !== undefined) {
      set(key, booleans.has(key) ? value !== "false" : value, arg);
      return 1;
    }
    if (no && negatable.has(key)) {
      set(key, false, arg, false);
      return 1;
    }
    if (no) key = no + key;
    return valued(key, arg, next, next?.startsWith("-") ?? false, everyFlagBoolean || isSwitch(key));
  }

  /** Parses `-abc`, `-n5`, `-k=value`, `-k value`. Returns how many arguments it took. */
  function short(arg: string, next: string | undefined): 1 | 2 {
    for (let at = 1; at < arg.length - 1; at++) {
      const letter = arg[at]!;
      const tail = arg.slice(at + 1);
      const value = tail === "=" ? "" : LETTER.test(letter) && tail.includes("=") ? /=(.+)/.exec(tail)?.[1] : undefined;
      if (tail === "-") {
        set(letter, tail, arg);
      } else if (value !== undefined) {
        set(letter, value, arg);
        return 1;
      } else if (
        (LETTER.test(letter) && /-?\d+(\.\d*)?(e-?\d+)?$/.test(tail)) || (tail.length > 1 && /\W/.test(tail[0]!))
      ) {
        set(letter, tail, arg);
        return 1;
      } else {
        set(letter, emptyValue(letter), arg);
      }
    }
    const letter = arg.slice(-1);
    if (letter === "-") return 1;
    return valued(letter, arg, next, /^--?[^-]/.test(next ?? ""), isSwitch(letter));
  }

  for (let at = 0; at < given.length;) {
    const arg = given[at]!;
    const parts = FLAG.exec(arg)?.groups;
    if (parts?.["long"]) {
      at += long(arg, given[at + 1], parts);
    } else if (parts) {
      at += short(arg, given[at + 1]);
    } else {
      at++;
      if (options.unknown?.(arg) !== false) {
        positional.push(strings.has("_") ? arg : number(arg) as string | number);
      }
      if (options.stopEarly) {
        positional.push(...given.slice(at));
        break;
      }
    }
  }

  for (const [key, value] of Object.entries(defaults)) {
    if (has(flags, key.split("."))) continue;
    for (const name of [key, ...names.others(key)]) store(name, value, false);
  }
  for (const key of [...booleans, ...strings]) {
    if (has(flags, key.split("."))) continue;
    if (collected.has(key)) store(key, [], false);
    else if (booleans.has(key)) store(key, false, false);
  }

  if (options["--"]) flags["--"] = [...rest];
  else positional.push(...rest);
  return flags as Args<Values<B, S, C, D, A>, DD>;
}
