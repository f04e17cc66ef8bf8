/**
 * The options that describe a machine, and the definition that they make.
 *
 * @module
 */
import { BulkheadError } from "../core/bus/error.ts";
import type { BootSource, MachineDefinition, ScriptStep } from "../core/machine/definition.ts";
import { parseMemorySize } from "../core/machine/memory_size.ts";
import { CPU_MODELS } from "../core/x86/model_names.ts";
import { ENGINES } from "../core/machine/engines.ts";
import { TRACES } from "../core/machine/trace.ts";
import { type Arguments, choice, type OptionTable, usage } from "./options.ts";
import { pluginOptions } from "./plugin_options.ts";
import { parseCount, parseCountOrZero, parseEscapes, parsePattern } from "./values.ts";

/** What the guest is. */
export const GUEST_OPTIONS = {
  kernel: { value: "FILE", doc: "Start this Linux kernel (a bzImage)." },
  initrd: {
    value: "FILE",
    repeat: true,
    doc:
      "Give the kernel this initial RAM disk; several are put one after the other. A multiboot kernel gets them as modules.",
  },
  append: { value: "TEXT", doc: "The kernel's command line, such as 'console=ttyS0 rdinit=/bin/sh'." },
  overlay: { value: "FOLDER", doc: "Lay the content of this folder over the initial RAM disk's root." },
  rom: {
    value: "FILE",
    doc:
      "Map this ROM at the top of memory and below 1 MB, and start at its reset vector. Its POST port is 190h, where FFh ends the run.",
  },
  multiboot: { value: "FILE", doc: "Start this multiboot kernel." },
} as const satisfies OptionTable;

/** What it runs on, and for how long. */
export const MACHINE_OPTIONS = {
  memory: { value: "SIZE", doc: "Guest memory, 2M to 3G. Default 256M." },
  cpu: { value: "MODEL", doc: `The processor: ${CPU_MODELS.join(", ")}. Default max, everything that is built.` },
  clock: {
    value: "MODE",
    doc:
      "realtime follows the host's clock (the default); deterministic counts instructions, so that equal runs are equal.",
  },
  engine: {
    value: "NAME",
    doc:
      "What runs guest code: translator (the default), which makes WebAssembly of what is run often, or interpreter.",
  },
  "translate-after": {
    value: "COUNT",
    doc: "Translate code that was reached this often, 0 to 65535; 0: when it is first met. Default 1000.",
  },
  "no-reboot": { doc: "End the run when the guest resets the machine, instead of starting it again." },
  "stop-at": { value: "INSTRUCTIONS", doc: "End the run when this many instructions have been retired." },
  expect: {
    value: "REGEX",
    repeat: true,
    doc:
      "Wait until the guest writes text to its first serial port that matches. Runs in order with --send; each sees only text after the previous match. As the last step it ends the run.",
  },
  send: {
    value: "TEXT",
    repeat: true,
    doc: "Type this text, with C escapes such as \\n and \\x03. As the last step it lets the machine run on.",
  },
  trace: {
    value: "WHAT",
    repeat: true,
    doc:
      "Report to the standard error: instructions, interrupts, faults, devices (or io), regions (of translated code), log (the devices' own, in full).",
  },
} as const satisfies OptionTable;

/** The definition that the options make, over what a machine file says. @throws {BulkheadError} `usage`, `memory-size`. */
export function machineDefinition(args: Arguments, file: MachineDefinition | undefined): MachineDefinition {
  return { ...file, ...machineOptions(args, file), boot: bootSource(args, file?.boot) };
}

/** What the options say, where they need not say what the guest is: the machine is restored. @throws {BulkheadError} As above. */
export function restoreDefinition(args: Arguments, file: MachineDefinition | undefined): Partial<MachineDefinition> {
  const guest = file !== undefined || Object.keys(GUEST_OPTIONS).some((name) => args.has(name));
  return guest ? machineDefinition(args, file) : machineOptions(args, file);
}

function machineOptions(args: Arguments, file: MachineDefinition | undefined): Partial<MachineDefinition> {
  const steps = scriptOf(args);
  const clock = args.get("clock");
  return {
    ...(args.has("memory") ? { memory: parseMemorySize(args.get("memory")!, "--memory") } : {}),
    ...(args.has("cpu") ? { cpu: { model: choice(args.get("cpu")!, "--cpu", CPU_MODELS) } } : {}),
    ...(clock === undefined
      ? {}
      : { clock: { ...file?.clock, mode: choice(clock, "--clock", ["realtime", "deterministic"]) } }),
    ...(args.has("engine") ? { engine: choice(args.get("engine")!, "--engine", ENGINES) } : {}),
    ...(args.has("translate-after")
      ? { translateAfter: parseCountOrZero(args.get("translate-after")!, "--translate-after") }
      : {}),
    ...(args.has("regions") ? { countRegions: true } : {}),
    ...(args.has("no-reboot") ? { reset: "stop" } : {}),
    ...(args.has("stop-at") ? { stopAt: parseCount(args.get("stop-at")!, "--stop-at") } : {}),
    ...(args.has("trace") ? { trace: args.all("trace").map((what) => choice(what, "--trace", TRACES)) } : {}),
    ...(steps.length > 0 ? { script: steps } : {}),
    ...(args.has("serial") ? { serial: args.get("serial")! } : {}),
    ...pluginOptions(args, file),
  };
}

function scriptOf(args: Arguments): ScriptStep[] {
  return args.given.flatMap(({ name, value }): ScriptStep[] => {
    if (name === "expect") return [{ expect: parsePattern(value, "--expect") }];
    return name === "send" ? [{ send: parseEscapes(value, "--send") }] : [];
  });
}

function bootSource(args: Arguments, file: BootSource | undefined): BootSource {
  const kinds = (["kernel", "rom", "multiboot"] as const).filter((kind) => args.has(kind));
  if (kinds.length > 1) throw usage("the command line", "one guest", kinds.map((kind) => `--${kind}`).join(" and "));
  const kind = kinds[0] ?? (["kernel", "rom", "multiboot"] as const).find((kind) => Object.hasOwn(Object(file), kind));
  if (kind === undefined && file === undefined) {
    throw new BulkheadError({
      code: "no-guest",
      subject: "the command line",
      expected: "a guest: --kernel, --rom, --multiboot or a machine file",
      found: "none",
      remedy: "see `bulkhead run --help`",
    });
  }
  // A definition without a guest, or with one of a wrong form, is reported with the definition.
  if (kind === undefined) return file!;
  const own = kinds.length > 0 ? { [kind]: args.get(kind)! } : { ...file };
  const initrd = args.all("initrd"), append = args.get("append"), overlay = args.get("overlay");
  const misplaced = kind === "rom"
    ? (["initrd", "append", "overlay"] as const).find((name) => args.has(name))
    : kind === "multiboot" && overlay !== undefined
    ? "overlay"
    : undefined;
  if (misplaced !== undefined) throw usage(`--${misplaced}`, "to be given with --kernel", `it with --${kind}`);
  return {
    ...own,
    ...(initrd.length > 0 ? { [kind === "multiboot" ? "modules" : "initrd"]: initrd } : {}),
    ...(append === undefined ? {} : { append }),
    ...(overlay === undefined ? {} : { overlay }),
  } as BootSource;
}
