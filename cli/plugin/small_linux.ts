/**
 * The small Linux machine in which an author sees a device: BusyBox, a program for I/O ports, and a transcript of what the device answers.
 *
 * @module
 */
import type { DeviceManifest } from "../../core/sandbox/description.ts";
import type { RegisterDescription, WiringDescription } from "../../core/sandbox/wiring.ts";
import { PORT_COMMANDS, portProgram } from "./guest_ports.ts";

/** Where the device is in the machine. */
export interface Placing {
  /** First port or address by region. */
  readonly place: Readonly<Record<string, number>>;
  /** Interrupt request by line. */
  readonly lines: Readonly<Record<string, number>>;
}

/** Interrupt requests that the standard PC has free, those without a PCI device first. */
const FREE_REQUESTS = [5, 10, 7, 6, 14, 15, 11, 9];

/** Where regions are put that claim no place of their own. */
const FIRST_PORT = 0x600, FIRST_ADDRESS = 0xd000_0000;

/** Places for what the device leaves open. */
export function placing({ needs }: DeviceManifest): Placing {
  const place: Record<string, number> = {};
  let port = FIRST_PORT, address = FIRST_ADDRESS;
  for (const [name, { base, size }] of Object.entries(needs.ports ?? {})) {
    place[name] = base ?? port;
    if (base === undefined) port += Math.ceil(size / 16) * 16;
  }
  for (const [name, { base, size }] of Object.entries(needs.mmio ?? {})) {
    place[name] = base ?? address;
    if (base === undefined) address += Math.ceil(size / 4096) * 4096;
  }
  if (needs.pci !== undefined) {
    // Its regions are where its base address registers say.
    for (const region of Object.values(needs.pci.bars ?? {})) delete place[String(region)];
    return { place: {}, lines: {} };
  }
  const lines = Object.keys(needs.lines ?? {}).slice(0, FREE_REQUESTS.length);
  return { place, lines: Object.fromEntries(lines.map((name, index) => [name, FREE_REQUESTS[index]!])) };
}

/** The guest's first program. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev; mount -t sysfs sys /sys
. /probe
`;

const SHELL = `
echo
echo "inb, inw, inl PORT and outb, outw, outl PORT VALUE reach its ports (numbers are hexadecimal), devmem ADDRESS"
echo "[BITS [VALUE]] its memory, irq NUMBER tells whether a line is high. Ctrl-A X leaves."
echo
PS1='# ' setsid cttyhack sh
`;

/** Whether a line is high: the interrupt request registers of the two 8259A controllers (OCW3). */
const IRQ = `#!/bin/sh
base=0x20; bit=$1
if [ "$1" -ge 8 ]; then base=0xa0; bit=$(($1 - 8)); fi
outb $base 0x0a
if [ $(( ($(inb $base) >> bit) & 1 )) = 1 ]; then echo "irq $1: high"; else echo "irq $1: low"; fi
`;

/** A file of the guest. */
export interface GuestProgram {
  /** Its path, without a slash at the beginning. */
  readonly path: string;
  /** Its content. */
  readonly content: string | Uint8Array;
}

/** Everything that the guest's root has besides BusyBox; and links to the program for I/O ports. */
export function guestPrograms(probe: string, shell: boolean): GuestProgram[] {
  const program = portProgram();
  return [
    { path: "init", content: INIT + (shell ? SHELL : "") + "reboot -f\n" },
    { path: "probe", content: probe },
    { path: "bin/irq", content: IRQ },
    ...PORT_COMMANDS.map((name) => ({ path: `bin/${name}`, content: program })),
  ];
}

/** A script that shows what a device answers: its commands with what they print, as somebody would have typed them. */
export function probeScript(manifest: DeviceManifest, wiring: WiringDescription, { place, lines }: Placing): string {
  const { needs } = manifest;
  const script = [
    `say() { echo "# $1"; }`,
    `try() { echo "# $1\${2:+    $2}"; eval "$1"; }`,
    // The kernel's last lines are out before ours.
    "sleep 0.2; echo",
  ];
  for (const [name, region] of Object.entries(wiring.regions)) {
    const base = place[name];
    if (base === undefined) continue;
    const isPort = needs.ports?.[name] !== undefined;
    const size = (needs.ports?.[name] ?? needs.mmio?.[name])!.size;
    const where = `${isPort ? "ports" : "addresses"} ${hex(base)} to ${hex(base + size - 1)}`;
    script.push(`echo "${manifest.id}: region ${name}, ${where}"`);
    if (!("registers" in region)) {
      const { readEffect, reads, widths } = region.handler;
      if (readEffect !== true && reads === true) {
        script.push(attempt(readCommand(base, Math.min(...widths), isPort), "its first item"));
      }
      continue;
    }
    for (const register of region.registers) script.push(...probeRegister(register, base, isPort));
  }
  for (const [name, number] of Object.entries(lines)) script.push(attempt(`irq ${number}`, `line ${name}`));
  if (needs.pci !== undefined) script.push(attempt("lspci", manifest.id));
  return `${script.join("\n")}\n`;
}

/** Reads a register, if that changes nothing; and shows that one with memory semantics keeps what is written. */
function probeRegister(register: RegisterDescription, base: number, isPort: boolean): string[] {
  const { name, at, width, kind, readEffect, reads, writable } = register;
  if (kind === "posted") return [];
  if (kind === "sync" && (readEffect === true || reads !== true)) return [];
  const read = readCommand(base + at, width, isPort);
  if (kind !== "latch") return [attempt(read, name)];
  const mask = (writable ?? 0xffffffff) >>> 0;
  if (mask === 0) return [attempt(read, name)];
  const value = ((0xa5a5a5a5 & mask) >>> 0) % 2 ** (8 * width);
  return [
    `old=$(${read})`,
    attempt(writeCommand(base + at, width, isPort, hex(value)), name),
    attempt(read, name),
    writeCommand(base + at, width, isPort, "$old"),
  ];
}

function attempt(command: string, what: string): string {
  return `try '${command}' '${what}'`;
}

const LETTER = ["", "b", "w", "", "l"] as const;

function readCommand(address: number, width: number, isPort: boolean): string {
  return isPort ? `in${LETTER[width]} ${hex(address)}` : `devmem ${hex(address)} ${width * 8}`;
}

function writeCommand(address: number, width: number, isPort: boolean, value: string): string {
  return isPort ? `out${LETTER[width]} ${hex(address)} ${value}` : `devmem ${hex(address)} ${width * 8} ${value}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
