/**
 * Checks the plugins of a definition: devices, back ends and disks, and how they are joined.
 *
 * @module
 */
import type {
  DiskMode,
  ResolvedBackend,
  ResolvedDefinition,
  ResolvedDevice,
  ResolvedDisk,
  ResolvedPlugin,
} from "./definition.ts";
import { PLACEMENTS } from "../sandbox/placement.ts";
import { bad, boolean, choice, count, file, list, record } from "./definition_checks.ts";

/** What can happen to a disk's writes; the first is the default. */
export const DISK_MODES: readonly [DiskMode, ...DiskMode[]] = ["persistent", "undoable", "nonpersistent"];

const PLUGIN_FIELDS = ["module", "config", "placement", "optional"] as const;
const FIELDS = {
  device: ["name", ...PLUGIN_FIELDS, "place", "lines", "connect"],
  backend: ["name", ...PLUGIN_FIELDS, "bind"],
  diskBackend: [...PLUGIN_FIELDS, "bind"],
  disk: ["name", "image", "backend", "mode", "overlay", "readOnly"],
} as const;

const PLACEHOLDER = /^[a-zA-Z][a-zA-Z0-9_-]{0,31}$/;

/** What disks are made of. */
export interface DiskParts {
  /** The block back end of a disk that is an image. */
  readonly rawImage: URL;
  /** The block back end of an overlay. */
  readonly overlayFile: URL;
}

type Entry = Record<string, unknown>;

/**
 * The plugins of a definition.
 *
 * @param parts Our own back ends of disks.
 * @param base URL that relative paths start from.
 * @throws {BulkheadError} `bad-definition`, naming the field.
 */
export function resolvePlugins(
  machine: Readonly<Record<string, unknown>>,
  parts: DiskParts,
  base: URL,
): Pick<ResolvedDefinition, "devices" | "backends" | "disks" | "serial"> {
  const names = new Set<string>();
  const devices = list(machine.devices, "devices").map((given, index) =>
    device(given, `devices[${index}]`, names, base)
  );
  const backends = list(machine.backends, "backends").map((given, index) => {
    const where = `backends[${index}]`, entry = record(given, where, FIELDS.backend);
    return backend(entry, where, unique(entry.name, where, names), base);
  });
  const drives = list(machine.disks, "disks").map((given, index) => {
    return disk(given, `disks[${index}]`, names, parts, base);
  });
  const all = [...backends, ...drives.flatMap(({ backends }) => backends)];
  const known = new Set([...backends, ...drives.map(({ disk }) => disk)].map(({ name }) => name));
  const connected = new Map<string, string>();
  const connect = (target: string, where: string) => {
    const others = known.size === 0 ? "none is defined" : `there are ${[...known].join(", ")}`;
    if (!known.has(target)) throw bad(where, "the name of a back end or of a disk", target, others);
    const before = connected.get(target);
    if (before !== undefined) throw bad(where, "a back end that nothing else connects to", target, `see ${before}`);
    connected.set(target, where);
  };
  for (const [index, device] of devices.entries()) {
    for (const [use, target] of Object.entries(device.connect)) connect(target, `devices[${index}].connect.${use}`);
  }
  const serial = serialBackend(machine.serial);
  if (serial !== null) connect(serial, "serial");
  const disks = drives.map(({ disk }) => ({ ...disk, virtio: !connected.has(disk.name) }));
  return { devices, backends: all, disks, serial };
}

function device(given: unknown, where: string, names: Set<string>, base: URL): ResolvedDevice {
  const entry = record(given, where, FIELDS.device);
  const name = unique(entry.name, where, names);
  const common = plugin(entry, where, name, base);
  const place = record(entry.place ?? {}, `${where}.place`), lines = record(entry.lines ?? {}, `${where}.lines`);
  for (const [key, table] of Object.entries({ place, lines })) {
    for (const [item, value] of Object.entries(table)) count(value, `${where}.${key}.${item}`);
  }
  const connect = record(entry.connect ?? {}, `${where}.connect`);
  for (const [use, target] of Object.entries(connect)) {
    if (typeof target !== "string") throw bad(`${where}.connect.${use}`, "the name of a back end or of a disk", target);
  }
  return {
    ...common,
    place: place as Record<string, number>,
    lines: lines as Record<string, number>,
    connect: connect as Record<string, string>,
  };
}

function backend(entry: Entry, where: string, name: string, base: URL): ResolvedBackend {
  const bind: Record<string, string> = {};
  for (const [placeholder, value] of Object.entries(record(entry.bind ?? {}, `${where}.bind`))) {
    const at = `${where}.bind.${placeholder}`;
    if (!PLACEHOLDER.test(placeholder)) throw bad(`${where}.bind`, "placeholders of letters and digits", placeholder);
    bind[placeholder] = text(value, at, "a path, host:port or unix:PATH");
  }
  return { ...plugin(entry, where, name, base), bind, readOnly: false, make: false };
}

function disk(
  given: unknown,
  where: string,
  names: Set<string>,
  parts: DiskParts,
  base: URL,
): { disk: Omit<ResolvedDisk, "virtio">; backends: ResolvedBackend[] } {
  const entry = record(given, where, FIELDS.disk);
  const name = unique(entry.name, where, names);
  const mode = choice(entry.mode, `${where}.mode`, DISK_MODES);
  const readOnly = boolean(entry.readOnly, `${where}.readOnly`);
  if ((entry.image === undefined) === (entry.backend === undefined)) {
    const found = entry.image === undefined ? "neither" : "both";
    throw bad(where, "either an image or a backend", found);
  }
  if (entry.overlay !== undefined && mode !== "undoable") {
    throw bad(`${where}.overlay`, 'a disk of mode "undoable"', `one of mode "${mode}"`);
  }
  if (readOnly && mode === "undoable") {
    throw bad(`${where}.readOnly`, "a disk that is written to, for there is a mode to undo it", "a read-only one");
  }
  const own = entry.backend === undefined, unchanged = readOnly || mode !== "persistent";
  const image = own ? text(entry.image, `${where}.image`, "the name of a file") : undefined;
  const made = own
    ? { module: parts.rawImage, bind: { image }, config: { readOnly: unchanged } }
    : record(entry.backend, `${where}.backend`, FIELDS.diskBackend);
  const lower = backend(made, own ? where : `${where}.backend`, name, base);
  const backends = [{ ...lower, readOnly: unchanged }];
  if (mode === "undoable") {
    if (entry.overlay === undefined && !own) {
      throw bad(`${where}.overlay`, "a file for what is written to an undoable disk", "none");
    }
    const overlay = entry.overlay === undefined
      ? `${image}.overlay`
      : text(entry.overlay, `${where}.overlay`, "a file");
    const file = backend({ module: parts.overlayFile, bind: { overlay } }, where, `${name}.overlay`, base);
    backends.push({ ...file, make: true });
  }
  const overlay = backends[1]?.name ?? null;
  return { disk: { name, mode, overlay, readOnly }, backends };
}

function plugin(entry: Entry, where: string, name: string, base: URL): ResolvedPlugin {
  file(entry.module, `${where}.module`);
  let module: string;
  try {
    module = new URL(entry.module as string | URL, base).href;
  } catch {
    throw bad(`${where}.module`, "a URL, or a path", entry.module);
  }
  return {
    name,
    module,
    config: record(entry.config ?? {}, `${where}.config`) as ResolvedPlugin["config"],
    placement: entry.placement === undefined ? null : choice(entry.placement, `${where}.placement`, PLACEMENTS),
    optional: boolean(entry.optional, `${where}.optional`),
  };
}

function unique(name: unknown, where: string, names: Set<string>): string {
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
    throw bad(`${where}.name`, "a name of lower-case letters, digits and hyphens", name);
  }
  if (names.has(name)) throw bad(`${where}.name`, "a name that no other device, back end or disk has", name);
  names.add(name);
  return name;
}

/** A path or an address. A `file:` URL becomes a path. */
function text(value: unknown, where: string, expected: string): string {
  const url = value instanceof URL ? value : typeof value === "string" && value.startsWith("file:") ? value : undefined;
  if (url !== undefined) {
    const path = filePath(url);
    if (path === undefined) throw bad(where, expected, String(value));
    return path;
  }
  if (typeof value !== "string" || value === "") throw bad(where, expected, value);
  return value;
}

function filePath(url: URL | string): string | undefined {
  try {
    const { protocol, host, pathname } = new URL(url);
    return protocol !== "file:" || host !== ""
      ? undefined
      : decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, "");
  } catch {
    return undefined;
  }
}

function serialBackend(serial: unknown): string | null {
  const name = typeof serial === "string" ? /^backend:(.*)$/s.exec(serial)?.[1] : undefined;
  return name ?? null;
}
