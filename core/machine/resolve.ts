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
  type ResolvedStep,
  type ScriptStep,
} from "./definition.ts";
import { bad, boolean, choice, count, file, list, record } from "./definition_checks.ts";
import { ENGINES } from "./engines.ts";
import { parseMemorySize } from "./memory_size.ts";
import { resolvePlugins } from "./resolve_plugins.ts";
import { TRACES } from "./trace.ts";

/** Modules that a machine is put together of; the core does not know where they are. */
export interface MachineParts {
  /** The module that assembles the board (see `core/machine/board.ts`). */
  readonly board: URL;
  /** The block back end of a disk that is an image. */
  readonly rawImage: URL;
  /** The block back end of an overlay. */
  readonly overlayFile: URL;
}

/**
 * Checks a definition and fills in what it leaves open. Files are not looked at.
 *
 * @param definition Anything: a machine file may export nonsense.
 * @param parts Our own modules of the machine.
 * @param base URL that relative paths start from: the current folder.
 * @throws {BulkheadError} `bad-definition`, `memory-size` or `no-guest`, naming the field.
 */
export function resolveDefinition(
  definition: MachineDefinition,
  parts: MachineParts,
  base: URL,
): ResolvedDefinition {
  const machine = record(definition, "the machine definition", FIELDS.machine);
  if (machine.version !== undefined && machine.version !== DEFINITION_VERSION) {
    throw bad("version", `${DEFINITION_VERSION}, which this release reads`, machine.version);
  }
  checkBoot(machine.boot);
  checkAgreement(machine);
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
    board: parts.board.href,
    ...resolvePlugins(machine, parts, base),
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
    "backends",
    "disks",
    "agree",
    "lock",
    "audit",
    "reset",
    "serial",
    "script",
    "stopAt",
    "trace",
  ],
  cpu: ["model"],
  clock: ["mode", "date"],
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

function checkAgreement({ agree, lock, audit }: Record<string, unknown>): void {
  for (const [key, value] of Object.entries({ lock, audit })) if (value !== undefined) file(value, key);
  if (agree === undefined || typeof agree === "boolean") return;
  for (const [index, hash] of list(agree, "agree").entries()) {
    if (typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash)) continue;
    throw bad(`agree[${index}]`, "a content hash: 64 hexadecimal digits, as the table of rights shows them", hash);
  }
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
