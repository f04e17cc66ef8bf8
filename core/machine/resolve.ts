/**
 * Checks machine definitions.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { CPU_MODELS } from "../x86/model_names.ts";
import {
  DEFINITION_VERSION,
  type MachineDefinition,
  type ResolvedDefinition,
  type ResolvedDevice,
  type ResolvedStep,
  type ScriptStep,
} from "./definition.ts";
import { parseMemorySize } from "./memory_size.ts";
import { nearestName } from "./nearest.ts";
import { ENGINES } from "./engines.ts";
import { TRACES } from "./trace.ts";

/**
 * Checks a definition and fills in what it leaves open. Files are not looked at.
 *
 * @param definition Anything: a machine file may export nonsense.
 * @param board URL of the module that assembles the board (see `core/machine/board.ts`).
 * @param base URL that relative module paths start from: the current folder.
 * @throws {BulkheadError} `bad-definition`, `memory-size` or `no-guest`, naming the field.
 */
export function resolveDefinition(
  definition: MachineDefinition,
  board: URL,
  base: URL,
): ResolvedDefinition {
  const machine = record(definition, "the machine definition", FIELDS.machine);
  if (machine.version !== undefined && machine.version !== DEFINITION_VERSION) {
    throw bad("version", `${DEFINITION_VERSION}, which this release reads`, machine.version);
  }
  checkBoot(machine.boot);
  const cpu = record(machine.cpu ?? {}, "cpu", FIELDS.cpu);
  const clock = record(machine.clock ?? {}, "clock", FIELDS.clock);
  const mode = choice(clock.mode, "clock.mode", ["realtime", "deterministic"]);
  return {
    version: DEFINITION_VERSION,
    memory: memorySize(machine.memory),
    cpu: choice(cpu.model, "cpu.model", CPU_MODELS),
    engine: choice(machine.engine, "engine", ENGINES),
    translateAfter: machine.translateAfter === undefined
      ? TRANSLATE_AFTER
      : count(machine.translateAfter, "translateAfter", 0xffff),
    countRegions: boolean(machine.countRegions, "countRegions"),
    clock: { mode, date: clockDate(clock.date, mode) },
    firmware: Object.hasOwn(Object(machine.boot), "rom"),
    board: board.href,
    devices: devices(list(machine.devices, "devices"), base),
    reset: choice(machine.reset, "reset", ["restart", "stop"]),
    script: list(machine.script, "script").map(step),
    stopAt: machine.stopAt === undefined ? null : count(machine.stopAt, "stopAt"),
    trace: list(machine.trace, "trace").map((what, index) => traceKind(choice(what, `trace[${index}]`, TRACES))),
  };
}

/** A step of a script in the form that crosses compartments. @throws {BulkheadError} `bad-definition`. */
export function resolveStep(given: ScriptStep): ResolvedStep {
  return step(given, 0);
}

/** Executions after which code is translated, unless the definition says otherwise. */
const TRANSLATE_AFTER = 1000;

const FIELDS = {
  machine: [
    "version",
    "boot",
    "memory",
    "cpu",
    "engine",
    "translateAfter",
    "countRegions",
    "clock",
    "devices",
    "reset",
    "serial",
    "script",
    "stopAt",
    "trace",
  ],
  cpu: ["model"],
  clock: ["mode", "date"],
  device: ["name", "module", "config", "place", "lines"],
  kernel: ["kernel", "initrd", "append", "overlay"],
  rom: ["rom"],
  multiboot: ["multiboot", "append", "modules"],
} as const;

/** The date of a deterministic machine that names none. */
const DETERMINISTIC_DATE = Date.UTC(2000, 0, 1);

/** One name for what has two. */
function traceKind(what: (typeof TRACES)[number]): string {
  return what === "io" ? "devices" : what;
}

function checkBoot(boot: unknown): void {
  const found = ["kernel", "rom", "multiboot"].filter((key) => Object.hasOwn(Object(boot), key));
  if (boot === undefined || (typeof boot === "object" && boot !== null && found.length === 0)) {
    throw new BulkheadError({
      code: "no-guest",
      subject: "the machine definition",
      where: "boot",
      expected: "a guest: kernel, rom or multiboot",
      found: "none",
    });
  }
  if (found.length > 1) throw bad("boot", "one guest", found.join(" and "));
  const kind = found[0] as "kernel" | "rom" | "multiboot";
  const fields = record(boot, "boot", kind === undefined ? [] : FIELDS[kind]);
  file(fields[kind], `boot.${kind}`);
  for (const key of ["initrd", "modules"]) list(fields[key], `boot.${key}`).forEach((f) => file(f, `boot.${key}`));
  if (fields.overlay !== undefined) file(fields.overlay, "boot.overlay");
  if (fields.append !== undefined && typeof fields.append !== "string") throw bad("boot.append", "text", fields.append);
}

function devices(given: readonly unknown[], base: URL): ResolvedDevice[] {
  const names = new Set<string>();
  return given.map((entry, index) => {
    const device = record(entry, `devices[${index}]`, FIELDS.device);
    const { name, module } = device;
    if (typeof name !== "string" || !/^[a-z][a-z0-9-]*$/.test(name)) {
      throw bad(`devices[${index}].name`, "a name of lower-case letters, digits and hyphens", name);
    }
    if (names.has(name)) throw bad(`devices[${index}].name`, "a name that no other device has", name);
    names.add(name);
    file(module, `devices[${index}].module`);
    const table = (key: "config" | "place" | "lines") => record(device[key] ?? {}, `devices[${index}].${key}`);
    for (const key of ["place", "lines"] as const) {
      for (const [item, value] of Object.entries(table(key))) count(value, `devices[${index}].${key}.${item}`);
    }
    return {
      name,
      module: new URL(module as string | URL, base).href,
      config: table("config") as ResolvedDevice["config"],
      place: table("place") as Record<string, number>,
      lines: table("lines") as Record<string, number>,
    };
  });
}

function step(given: unknown, index: number): ResolvedStep {
  const where = `script[${index}]`;
  const { expect, send } = record(given, where, ["expect", "send"]);
  if ((typeof send === "string" || send instanceof Uint8Array) && expect === undefined) {
    return { kind: "send", bytes: [...typeof send === "string" ? new TextEncoder().encode(send) : send] };
  }
  if (send !== undefined || expect === undefined) throw bad(where, "either expect or send", given);
  if (expect instanceof RegExp) {
    return { kind: "expect", source: expect.source, flags: expect.flags.replace(/[gy]/g, "") };
  }
  if (typeof expect !== "string") throw bad(`${where}.expect`, "a regular expression", expect);
  try {
    return { kind: "expect", source: new RegExp(expect).source, flags: "" };
  } catch (error) {
    throw bad(`${where}.expect`, "a regular expression", `"${expect}" (${(error as Error).message})`);
  }
}

function memorySize(given: unknown): number {
  if (given !== undefined && typeof given !== "string" && typeof given !== "number") {
    throw bad("memory", "a size such as 256M", given);
  }
  return parseMemorySize(given ?? "256M", "memory");
}

function clockDate(given: unknown, mode: string): number {
  if (given === undefined) return mode === "deterministic" ? DETERMINISTIC_DATE : Date.now();
  const date = typeof given === "string" ? Date.parse(given) : NaN;
  if (Number.isNaN(date)) throw bad("clock.date", "a date such as 2026-01-31T12:00:00Z", given);
  return date;
}

function record(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(where, "an object", value);
  for (const key of known === undefined ? [] : Object.keys(value)) {
    if (known!.includes(key)) continue;
    const meant = nearestName(key, known!);
    const remedy = meant === undefined ? undefined : `did you mean "${meant}"?`;
    throw bad(where, `fields among ${known!.join(", ")}`, `"${key}"`, remedy);
  }
  return value as Record<string, unknown>;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw bad(where, "a list", value);
  return value;
}

function file(value: unknown, where: string): void {
  if (value instanceof URL || (typeof value === "string" && value !== "")) return;
  throw bad(where, "the name of a file", value);
}

function count(value: unknown, where: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw bad(
    where,
    most === Number.MAX_SAFE_INTEGER ? "a whole number, 0 or more" : `a whole number, 0 to ${most}`,
    value,
  );
}

function boolean(value: unknown, where: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw bad(where, "true or false", value);
}

function choice<T extends string>(value: unknown, where: string, options: readonly [T, ...T[]]): T {
  if (value === undefined) return options[0];
  if (options.includes(value as T)) return value as T;
  throw bad(where, options.map((option) => `"${option}"`).join(" or "), value);
}

function bad(where: string, expected: string, found: unknown, remedy?: string): BulkheadError {
  const subject = "the machine definition";
  return new BulkheadError({
    code: "bad-definition",
    subject,
    where: where === subject ? undefined : where,
    expected,
    found: typeof found === "string" ? found : describe(found),
    remedy,
  });
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
