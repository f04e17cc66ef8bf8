/**
 * A plugin's documentation as Markdown: what it declares and what its wiring says, nothing that its author would have to repeat.
 *
 * @module
 */
import type { BooleanField, ConfigSchema, NumberField, TextField } from "../../core/bus/config.ts";
import type { BackendManifest, DeviceManifest, PluginManifest } from "../../core/sandbox/description.ts";
import type { TrialAnswer } from "../../core/sandbox/trial/questions.ts";
import type { HandlerDescription, RegisterDescription } from "../../core/sandbox/wiring.ts";

/** What is documented. */
export interface Documented {
  /** What it declares. */
  readonly manifest: PluginManifest;
  /** SHA-256 of its text and manifest. */
  readonly content: string;
  /** What its file says before anything else. */
  readonly comment?: string;
  /** A device's wiring and what its registers give at power-on. */
  readonly wired?: Pick<TrialAnswer, "wiring" | "initial">;
}

/** The documentation. */
export function markdown({ manifest, content, comment, wired }: Documented): string {
  const parts = [
    `# ${manifest.id}`,
    ...comment === undefined ? [] : [comment],
    `Version ${manifest.version}, for version ${manifest.api} of the contract. Content \`${content}\`.`,
    ...manifest.kind === "device" ? device(manifest, wired ?? {}) : backend(manifest),
    ...configuration(manifest.config),
  ];
  return `${parts.join("\n\n")}\n`;
}

function device(manifest: DeviceManifest, { wiring, initial = {} }: NonNullable<Documented["wired"]>): string[] {
  const { needs, latches, migrates } = manifest;
  const parts: string[] = [];
  for (const [name, region] of Object.entries(wiring?.regions ?? {})) {
    const port = needs.ports?.[name], claim = port ?? needs.mmio?.[name];
    const where = claim?.base === undefined ? "where the machine puts them" : `from ${hex(claim.base)}`;
    parts.push(`## ${port === undefined ? "Memory" : "Ports"}: ${name}`);
    parts.push(`${claim?.size} ${port === undefined ? "bytes" : "ports"}, ${where}.`);
    if ("registers" in region) {
      const rows = [...region.registers].sort((a, b) => a.at - b.at).map((register) => [
        hex(register.at),
        register.name,
        `${register.width * 8}`,
        register.kind,
        direction(register),
        resetValue(register, latches, initial[`${name}/${register.name}`]),
        notes(register),
      ]);
      parts.push(table(["offset", "register", "bits", "kind", "access", "reset", "notes"], rows));
    } else parts.push(handler(region.handler));
  }
  const claims = [
    ...Object.entries(needs.lines ?? {}).map(([name, kind]) => ["output line", name, kind]),
    ...(needs.inputs ?? []).map((name) => ["input", name, ""]),
    ...(needs.alarms ?? []).map((name) => ["alarm", name, ""]),
    ...Object.entries(needs.dma ?? {}).map((
      [name, { direction, maxBytes }],
    ) => ["DMA", name, `${direction}, at most ${maxBytes} bytes at a time`]),
    ...Object.entries(needs.memory ?? {}).map((
      [name, { size, access }],
    ) => ["memory", name, `${size} bytes, ${access}`]),
    ...needs.pci === undefined ? [] : [["PCI", `${id4(needs.pci.vendor)}:${id4(needs.pci.device)}`, ""]],
    ...needs.virtio === undefined ? [] : [["virtio", `type ${(needs.virtio as { type?: number }).type ?? "?"}`, ""]],
    ...Object.entries(needs.uses ?? {}).map(([name, { name: kind }]) => ["uses", name, kind]),
    ...Object.entries(needs.provides ?? {}).map(([name, { name: kind }]) => ["provides", name, kind]),
  ];
  parts.push("## Claims");
  parts.push(claims.length === 0 ? "None besides its registers." : table(["claim", "name", "what"], claims));
  parts.push("It has no right on the host.");
  parts.push(
    `State: version ${manifest.version}${
      migrates.length === 0 ? "" : `; it takes over states of version ${migrates.join(", ")}`
    }.`,
  );
  return parts;
}

function backend({ provides, host }: BackendManifest): string[] {
  const rights = Object.entries(host).map(([name, right]) => [
    `\`${name}\``,
    right.kind === "file" ? `file, ${right.access}` : right.kind,
    right.why,
  ]);
  return [
    `A back end of kind \`${provides}\`. It has no access to the guest.`,
    "## Rights on the host",
    rights.length === 0 ? "None." : table(["placeholder", "right", "why"], rights),
    ...rights.length === 0 ? [] : ["The owner binds each placeholder to one real thing; nothing else is given."],
  ];
}

function configuration(config: ConfigSchema): string[] {
  const rows = Object.entries(config).map(([name, field]) => [
    `\`${name}\``,
    `${JSON.stringify(field.default)}`,
    range(field),
    field.doc,
  ]);
  const title = "## Configuration";
  return rows.length === 0 ? [] : [title, table(["field", "default", "range", "what it is"], rows)];
}

function range(field: NumberField | BooleanField | TextField): string {
  if (typeof field.default === "boolean") return "true, false";
  if (typeof field.default === "string") return (field as TextField).choices?.join(", ") ?? "any text";
  const { min, max } = field as NumberField;
  if (min === undefined && max === undefined) return "any number";
  return `${min ?? ""} to ${max ?? ""}`;
}

function direction({ kind, reads, writes }: RegisterDescription): string {
  if (kind === "latch") return "read, write";
  if (kind === "status") return "read, clear";
  if (kind === "posted") return "write";
  return [...reads ? ["read"] : [], ...writes ? ["write"] : []].join(", ") || "none";
}

function resetValue(
  { name, kind }: RegisterDescription,
  latches: Readonly<Record<string, number>>,
  initial: number | undefined,
): string {
  if (kind === "latch" || kind === "status") return hex((latches[name] ?? 0) >>> 0);
  return initial === undefined ? "" : hex(initial);
}

function notes({ access, writable, readEffect, clear, line, enable }: RegisterDescription): string {
  return [
    ...access === undefined ? [] : [`accesses of ${access.map((width) => width * 8).join(", ")} bits`],
    ...writable === undefined ? [] : [`writable bits ${hex(writable >>> 0)}`],
    ...readEffect === true ? ["reading has an effect"] : [],
    ...clear === undefined ? [] : [`a one clears bits ${hex(clear >>> 0)}`],
    ...line === undefined ? [] : [`drives line ${line}${enable === undefined ? "" : `, enabled by ${enable}`}`],
  ].join("; ");
}

function handler(
  { widths, unaligned, readEffect, reads, writes, blockReads, blockWrites }: HandlerDescription,
): string {
  const can = [...reads ? ["read"] : [], ...writes ? ["written"] : []].join(" and ");
  return [
    `Answered as a whole: it can be ${can}, in accesses of ${widths.map((width) => width * 8).join(", ")} bits`,
    unaligned === true ? " at any offset" : "",
    blockReads === true || blockWrites === true ? ", also in blocks" : "",
    readEffect === true ? "; reading has an effect" : "",
    ".",
  ].join("");
}

/** A table whose columns are as wide as their contents, as `deno fmt` would have it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(cells[0]!), line(widths.map((width) => "-".repeat(width))), ...cells.slice(1).map(line)].join("\n");
}

function hex(value: number): string {
  return `${value.toString(16).toUpperCase()}h`;
}

function id4(value: number): string {
  return value.toString(16).padStart(4, "0");
}
