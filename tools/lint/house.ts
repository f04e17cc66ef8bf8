/**
 * Which part of the house a file belongs to, and what each part may import.
 *
 * @module
 */

/** The repository's root folder, with a slash at its end. */
export const ROOT = new URL("../../", import.meta.url);

/** The parts with rules. Everything else - `mod.ts`, `host/`, `cli/`, tests, tools - stands above them and may import any. */
const PARTS = [
  "core/machine",
  "core/engine",
  "core/disk",
  "core/sandbox",
  "core/disk",
  "core/bus",
  "core/virtio",
  "core/memory",
  "core/x86",
  "core/wasm",
  "devices",
  "plugins",
] as const;

/** A part of the house with rules. */
export type Part = typeof PARTS[number];

/** What each part may import besides itself. Bus, memory and x86 are one floor: a CPU is all three. So are bus and virtio. */
const BELOW: Readonly<Record<Part, readonly Part[]>> = {
  "core/machine": ["core/engine", "core/disk", "core/sandbox", "core/bus", "core/memory", "core/x86", "core/wasm"],
  "core/engine": ["core/bus", "core/memory", "core/x86", "core/wasm"],
  "core/disk": ["core/sandbox", "core/bus"],
  "core/sandbox": ["core/bus", "core/memory", "core/x86", "core/wasm"],
  "core/bus": ["core/virtio", "core/memory", "core/x86", "core/wasm"],
  "core/virtio": ["core/bus"],
  "core/memory": ["core/bus", "core/x86", "core/wasm"],
  "core/x86": ["core/bus", "core/memory", "core/wasm"],
  "core/wasm": [],
  "devices": [],
  "plugins": [],
};

/** The public contract of `core/bus`: its `mod.ts`, and the files that are exported from it whole. */
export const CONTRACT: readonly string[] = [
  "core/bus/mod.ts",
  "core/bus/backend.ts",
  "core/bus/backend_contract.ts",
  "core/bus/backend_kinds.ts",
  "core/bus/claims.ts",
  "core/bus/config.ts",
  "core/bus/contract.ts",
  "core/bus/error.ts",
  "core/bus/host_rights.ts",
  "core/bus/interface.ts",
  "core/bus/log.ts",
  "core/bus/pci.ts",
  "core/bus/rate.ts",
  "core/bus/virtio.ts",
];

/** A file's path from the repository's root, or undefined when it lies outside. */
export function pathInHouse(file: URL): string | undefined {
  return file.href.startsWith(ROOT.href) ? file.href.slice(ROOT.href.length) : undefined;
}

/** The part that a path from the root belongs to; undefined for what stands above all parts. */
export function partOf(path: string): Part | undefined {
  return PARTS.find((part) => path.startsWith(`${part}/`));
}

/** Tests may import anything: they assemble what they test. */
export function isTest(path: string): boolean {
  return /(^|[/_])test\.ts$/.test(path) || /(^|\/)testing\//.test(path);
}

/** Why `from` may not import `to` (both paths from the root), or undefined when it may. */
export function refusal(from: string, to: string): string | undefined {
  const part = partOf(from);
  if (part === undefined || isTest(from)) return undefined;
  if (part === "devices" || part === "plugins") {
    if (to.startsWith(`${part}/`) || CONTRACT.includes(to)) return undefined;
    return `${part}/ may import only its own files and the public contract of core/bus, not ${to}`;
  }
  const target = partOf(to);
  if (target === part) return undefined;
  if (target !== undefined && BELOW[part].includes(target)) return undefined;
  const allowed = BELOW[part].length === 0 ? "nothing else" : BELOW[part].join(", ");
  return `${part} may import only downward (${allowed}), not ${to}`;
}

/** Files that only the owner's side loads, and the package that each of them needs. */
const OWNERS: Readonly<Record<string, string>> = {
  "core/sandbox/bundle.ts": "npm:acorn@8.15.0",
  "core/sandbox/ses.ts": "npm:ses@2.3.0/package.json",
};

/** Why `from` may not import a bare specifier (`node:path`, `@std/fs`), or undefined when it may. */
export function bareRefusal(from: string, specifier: string): string | undefined {
  const part = partOf(from);
  if (part === undefined || part === "plugins" || isTest(from)) return undefined;
  if (part === "devices") {
    return `a device runs without any right and imports only the contract of core/bus, not ${specifier}`;
  }
  if (specifier.startsWith("node:") || OWNERS[from] === specifier) return undefined;
  return `core/ runs in processes that are started without this repository's import map, so it cannot import ${specifier}`;
}
