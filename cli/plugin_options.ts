/**
 * The options that give a machine devices, back ends and disks, and those that agree to what they may do.
 *
 * @module
 */
import type {
  BackendDefinition,
  DeviceDefinition,
  DiskDefinition,
  MachineDefinition,
  PluginDefinition,
} from "../core/machine/definition.ts";
import { DISK_MODES } from "../core/machine/resolve_plugins.ts";
import { PLACEMENTS } from "../core/sandbox/placement.ts";
import { type Arguments, choice, type OptionTable, usage } from "./options.ts";
import { parseAddress } from "./values.ts";

/** Plugins, what they are bound to, and agreement. */
export const PLUGIN_OPTIONS = {
  disk: {
    value: "FILE[,...]",
    repeat: true,
    doc:
      "Give the machine a disk: a raw image, or backend:NAME, a block back end. Behind it: name=NAME (disk0, disk1 and " +
      "so on); mode=persistent (the default), undoable (what is written goes to an overlay) or nonpersistent (what is " +
      "written is lost); overlay=FILE (the image's name with .overlay behind it); readonly; optional.",
  },
  device: {
    value: "MODULE[,...]",
    repeat: true,
    doc: "Give the machine the device of this module, a path or a URL. Behind it: name=NAME (the module's); " +
      "placement=PLACE, one of inline (the default of Bulkhead's own), confined, worker and process (the default); optional, " +
      "to start or go on without it when it fails; KEY=VALUE for its configuration; at.REGION=ADDRESS; line.LINE=IRQ; connect.USE=NAME, a back end or disk.",
  },
  backend: {
    value: "NAME=MODULE[,...]",
    repeat: true,
    doc:
      "Give the machine a back end, to which devices, disks and --serial connect by its name. Behind it: placement=PLACE " +
      "(process by default, worker for Bulkhead's own), optional, KEY=VALUE for its configuration.",
  },
  bind: {
    value: "NAME.RIGHT=VALUE",
    repeat: true,
    doc: "Bind what a back end asks for to a real thing: a file, HOST:PORT, or unix:PATH.",
  },
  agree: {
    doc:
      "Agree to the rights that plugins ask for where nothing else was agreed to before. Without it you are asked at the " +
      "terminal, once.",
  },
  "agree-content": {
    value: "HASH",
    repeat: true,
    doc:
      "Agree to the rights of the plugin with exactly this content, also where it has changed since it was agreed to.",
  },
  lock: {
    value: "FILE",
    doc: "Where agreements are recorded. Default bulkhead.lock beside the machine file, or in the current folder.",
  },
  audit: { value: "FILE", doc: "Append a line of JSON to this file for each access of a plugin to the host." },
} as const satisfies OptionTable;

/** What the options say, added to what a machine file says. @throws {BulkheadError} `usage`. */
export function pluginOptions(args: Arguments, file: MachineDefinition | undefined): Partial<MachineDefinition> {
  const devices = [...listOf(file?.devices), ...args.all("device").map(device)];
  const backends = [...listOf(file?.backends), ...args.all("backend").map(backend)];
  const disks = [...listOf(file?.disks)];
  for (const text of args.all("disk")) disks.push(disk(text, disks, backends));
  for (const text of args.all("bind")) bind(text, backends, disks);
  return {
    ...(args.has("device") ? { devices } : {}),
    ...(args.has("backend") || args.has("bind") ? { backends } : {}),
    ...(args.has("disk") || args.has("bind") ? { disks } : {}),
    ...(args.has("lock") ? { lock: fileName(args, "lock") } : {}),
    ...(args.has("audit") ? { audit: fileName(args, "audit") } : {}),
  };
}

/** Contents that are agreed to. @throws {BulkheadError} `usage`. */
export function agreedContents(args: Arguments): string[] {
  return args.all("agree-content").map((hash) => {
    if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase();
    throw usage(
      "--agree-content",
      "a content hash: 64 hexadecimal digits, as the table of rights shows them",
      `"${hash}"`,
    );
  });
}

/** What a machine file has in place of a list is reported with the definition. */
function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}

function fileName(args: Arguments, option: "lock" | "audit"): string {
  const name = args.get(option)!;
  if (name === "") throw usage(`--${option}`, "the name of a file", "nothing");
  return name;
}

interface Parts {
  readonly head: string;
  readonly settings: ReadonlyMap<string, string>;
}

/** `HEAD,key=value,switch`. */
function split(option: string, text: string, what: string): Parts {
  const [head, ...rest] = text.split(",");
  if (head === undefined || head === "") throw usage(option, what, `"${text}"`);
  const settings = new Map<string, string>();
  for (const setting of rest) {
    const [, key, value] = /^([^=]*)(?:=([\s\S]*))?$/.exec(setting)!;
    if (key === "") {
      throw usage(option, "settings such as placement=process behind commas", `"${setting}" in "${text}"`);
    }
    if (settings.has(key!)) throw usage(option, `"${key}" to be given once`, `it twice in "${text}"`);
    settings.set(key!, value ?? "");
  }
  return { head, settings };
}

function device(text: string): DeviceDefinition {
  const { head: module, settings } = split("--device", text, "a module: MODULE[,name=NAME][,placement=PLACE]");
  const place: Record<string, number> = {}, lines: Record<string, number> = {}, connect: Record<string, string> = {};
  let name = nameOf(module);
  const left = new Map<string, string>();
  for (const [key, value] of settings) {
    const [, group, item] = /^(at|line|connect)\.(.+)$/.exec(key) ?? [];
    if (group === "at") place[item!] = parseAddress(value, `--device ${key}`);
    else if (group === "line") lines[item!] = parseAddress(value, `--device ${key}`);
    else if (group === "connect") connect[item!] = value;
    else if (key === "name") name = value;
    else left.set(key, value);
  }
  return { name, module, place, lines, connect, ...pluginSettings("--device", left) };
}

/** A device's name, from its module's. */
function nameOf(module: string): string {
  const file = /([^/\\]*?)(?:\.[a-z]+)?$/i.exec(module.replace(/[?#].*$/, ""))![1]!;
  return file.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 32) || "device";
}

function backend(text: string): BackendDefinition {
  const { head, settings } = split("--backend", text, "NAME=MODULE");
  const [, name, module] = /^([^=]*)=([\s\S]+)$/.exec(head) ?? [];
  if (module === undefined) throw usage("--backend", "NAME=MODULE", `"${text}"`);
  return { name: name!, module, ...pluginSettings("--backend", settings) };
}

function pluginSettings(option: string, settings: ReadonlyMap<string, string>): Omit<PluginDefinition, "module"> {
  const config: Record<string, number | string | boolean> = {};
  let placement: PluginDefinition["placement"], optional = false;
  for (const [key, value] of settings) {
    if (key === "placement") placement = choice(value, `${option} placement`, PLACEMENTS);
    else if (key === "optional" && value === "") optional = true;
    else config[key] = configValue(value);
  }
  return { config, optional, ...(placement === undefined ? {} : { placement }) };
}

/** A number or a truth value where it reads as one; which of them it must be, the plugin's schema says. */
function configValue(value: string): number | string | boolean {
  if (value === "" || value === "true") return true;
  if (value === "false") return false;
  return /^(-?[0-9]+(\.[0-9]+)?|0x[0-9a-f]+)$/i.test(value) ? Number(value) : value;
}

/** A disk; a back end that is one is taken out of the others. */
function disk(text: string, disks: readonly DiskDefinition[], backends: BackendDefinition[]): DiskDefinition {
  const { head, settings } = split("--disk", text, "an image: FILE[,mode=MODE][,readonly]");
  const known = ["name", "mode", "overlay", "readonly", "optional"];
  for (const [key, value] of settings) {
    if (!known.includes(key)) throw usage("--disk", `settings among ${known.join(", ")}`, `"${key}" in "${text}"`);
    const isSwitch = key === "readonly" || key === "optional";
    if (isSwitch !== (value === "")) {
      throw usage("--disk", isSwitch ? `"${key}" without a value` : `a value for "${key}"`, `"${text}"`);
    }
  }
  const mode = settings.get("mode"), overlay = settings.get("overlay");
  const common = {
    ...(mode === undefined ? {} : { mode: choice(mode, "--disk mode", DISK_MODES) }),
    ...(overlay === undefined ? {} : { overlay }),
    readOnly: settings.has("readonly"),
  };
  const taken = /^backend:(.*)$/s.exec(head)?.[1];
  if (taken === undefined) {
    if (settings.has("optional")) {
      throw usage("--disk optional", "a disk that is a back end, backend:NAME", `"${text}"`);
    }
    return { name: settings.get("name") ?? freeName(disks), image: head, ...common };
  }
  const index = backends.findIndex(({ name }) => name === taken);
  if (index < 0) throw usage("--disk", "a back end that --backend names", `"${taken}"`);
  const [{ name, ...backend }] = backends.splice(index, 1) as [BackendDefinition];
  if (settings.has("name")) throw usage("--disk name", "nothing, as the disk has its back end's name", `"${text}"`);
  const optional = settings.has("optional") ? { optional: true } : {};
  return { name, backend: { ...backend, ...optional }, ...common };
}

function freeName(disks: readonly DiskDefinition[]): string {
  let number = 0;
  while (disks.some(({ name }) => name === `disk${number}`)) number++;
  return `disk${number}`;
}

function bind(text: string, backends: BackendDefinition[], disks: DiskDefinition[]): void {
  const [, name, placeholder, value] = /^([^.=]+)\.([^=]+)=([\s\S]+)$/.exec(text) ?? [];
  if (value === undefined) throw usage("--bind", "NAME.RIGHT=VALUE, such as tape.reel=reel.img", `"${text}"`);
  const bound = <P extends { readonly bind?: BackendDefinition["bind"] }>(plugin: P): P => {
    return { ...plugin, bind: { ...plugin.bind, [placeholder!]: value } };
  };
  const at = backends.findIndex((backend) => backend?.name === name);
  if (at >= 0) {
    backends[at] = bound(backends[at]!);
    return;
  }
  const drive = disks.findIndex((disk) => disk?.name === name && disk.backend !== undefined);
  if (drive < 0) {
    const names = [...backends, ...disks.filter(({ backend }) => backend !== undefined)].map(({ name }) => name);
    throw usage(
      "--bind",
      "the name of a back end",
      `"${name}"`,
      names.length > 0 ? `there are ${names.join(", ")}` : undefined,
    );
  }
  disks[drive] = { ...disks[drive]!, backend: bound(disks[drive]!.backend!) };
}
