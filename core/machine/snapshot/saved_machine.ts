/**
 * The section `machine`: which machine was saved, so that no other one takes over its state.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import type { CpuStart } from "../../engine/cpu_start.ts";
import { PAGE } from "../../memory/layout.ts";
import type { CpuModelName, MachineDefinition, ResolvedDefinition, ResolvedDevice } from "../definition.ts";
import type { Piece } from "../pieces.ts";
import { damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import { sha256Hex } from "./sha256.ts";

/** The most bytes of ROM beside a guest's pieces in RAM. */
const MOST_ROM = 64 * 1024 * 1024;

/** A device that was added to the board; which module it comes from, and where it runs, is the restoring definition's part. */
export type SavedDevice = Pick<ResolvedDevice, "name" | "config" | "place" | "lines">;

/** A piece of the guest, by its content. */
export interface IdentifiedPiece extends Piece {
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly sha256: string;
}

/** What makes a machine the machine it is: what may not differ between save and restore. */
export interface MachineIdentity {
  /** Bytes. */
  readonly memory: number;
  /** CPU model. */
  readonly cpu: string;
  /** Virtual time. */
  readonly clock: ResolvedDefinition["clock"];
  /** The guest is a ROM. */
  readonly firmware: boolean;
  /** Devices besides those of the board. */
  readonly devices: readonly SavedDevice[];
  /** How its processor started. */
  readonly start: CpuStart;
  /** Its guest. */
  readonly pieces: readonly IdentifiedPiece[];
}

/** The section's content. */
export interface SavedMachine {
  /** Which machine it is. */
  readonly identity: MachineIdentity;
  /** What a reset does, as the machine was saved. */
  readonly reset: "restart" | "stop";
}

/** A machine's identity. */
export function machineIdentity(
  { memory, cpu, clock, firmware, devices }: ResolvedDefinition,
  start: CpuStart,
  pieces: readonly IdentifiedPiece[],
): MachineIdentity {
  return {
    memory,
    cpu,
    clock: { mode: clock.mode, date: clock.date },
    firmware,
    devices: devices.map(({ name, config, place, lines }) => ({ name, config, place, lines })),
    start,
    pieces,
  };
}

/** A hash over all that is in an identity; what a piece is called does not count. */
export function identityDigest(identity: MachineIdentity): Promise<string> {
  return sha256Hex(canonical({ ...identity, pieces: identity.pieces.map((piece) => ({ ...piece, name: "" })) }));
}

/** The section. */
export async function encodeMachine(machine: SavedMachine): Promise<string> {
  return JSON.stringify({ ...machine, digest: await identityDigest(machine.identity) });
}

/** The section's content, checked. @throws {BulkheadError} `snapshot-damaged`. */
export async function decodeMachine(subject: string, json: Record<string, unknown>): Promise<SavedMachine> {
  const { identity, reset, digest } = json as Partial<Record<string, never>> & {
    identity?: MachineIdentity;
  };
  const bad = (where: string, expected: string, found: unknown): never => {
    throw damaged(
      subject,
      `section "${SECTION.MACHINE}", ${where}`,
      expected,
      JSON.stringify(found)?.slice(0, 80) ?? "none",
    );
  };
  if (typeof identity !== "object" || identity === null) return bad("identity", "an object", identity);
  if (!isCount(identity.memory)) bad("memory", "a number of bytes", identity.memory);
  for (const list of ["pieces", "devices"] as const) {
    const value: unknown = identity[list];
    if (!Array.isArray(value) || !value.every((item) => typeof item === "object" && item !== null)) {
      bad(list, "a list of objects", value);
    }
  }
  let rom = 0, ram = 0;
  for (const [index, piece] of identity.pieces.entries()) {
    const where = `piece ${index}`;
    if (
      !isCount(piece.address) || !isCount(piece.size) || typeof piece.rom !== "boolean" ||
      typeof piece.name !== "string"
    ) {
      bad(where, "an address, a size and a name", piece);
    }
    if (typeof piece.sha256 !== "string" || !/^[0-9a-f]{64}$/.test(piece.sha256)) bad(where, "a SHA-256", piece.sha256);
    if (piece.rom) rom += piece.size;
    else ram += piece.size;
    const lastPage = piece.rom ? 2 ** 32 : identity.memory;
    if (piece.address + piece.size > lastPage) bad(where, "a place in the machine's memory", piece.address);
    if (piece.rom && (piece.address % PAGE !== 0 || piece.size % PAGE !== 0)) bad(where, "whole pages", piece.size);
  }
  if (rom > MOST_ROM || ram > identity.memory) bad("pieces", "no more than fits into the machine", rom + ram);
  if (typeof identity.clock !== "object" || identity.clock === null) bad("clock", "a mode and a date", identity.clock);
  if (reset !== "restart" && reset !== "stop") bad("reset", '"restart" or "stop"', reset);
  const computed = await identityDigest(identity);
  if (digest !== computed) bad("digest", computed, digest);
  return { identity, reset: reset! };
}

/**
 * The saved machine as a definition, to be checked and resolved like any other.
 *
 * @param devices Where the modules of its devices are: a snapshot never names code that is to be loaded.
 */
export function savedDefinition({ identity, reset }: SavedMachine): Omit<MachineDefinition, "boot" | "devices"> {
  const { memory, cpu, clock } = identity;
  return {
    version: 1,
    memory,
    cpu: { model: cpu as CpuModelName },
    clock: { mode: clock?.mode, date: isoDate(clock?.date) },
    reset,
  };
}

/**
 * Compares the machine of a snapshot with one that is to take over its state.
 *
 * @param given What is known of it: the pieces only where a guest was given.
 * @throws {BulkheadError} `snapshot-machine`, naming the first difference.
 */
export function checkSameMachine(subject: string, saved: MachineIdentity, given: Partial<MachineIdentity>): void {
  const differ = (what: string, expected: unknown, found: unknown): never => {
    throw new BulkheadError({
      code: "snapshot-machine",
      subject,
      where: what,
      expected: typeof expected === "string" ? expected : canonical(expected),
      found: typeof found === "string" ? found : canonical(found),
      remedy: "restore it with the machine definition that it was saved with, or with none",
    });
  };
  for (const key of ["memory", "cpu", "firmware"] as const) {
    if (given[key] !== undefined && given[key] !== saved[key]) differ(`the machine's ${key}`, saved[key], given[key]);
  }
  for (const key of ["mode", "date"] as const) {
    if (given.clock === undefined || given.clock[key] === saved.clock[key]) continue;
    differ(`the machine's clock ${key}`, saved.clock[key], given.clock[key]);
  }
  if (given.devices !== undefined) {
    const names = (devices: readonly SavedDevice[]) => devices.map(({ name }) => name).join(", ") || "none";
    if (names(given.devices) !== names(saved.devices)) {
      differ("the machine's added devices", names(saved.devices), names(given.devices));
    }
    for (const [index, device] of saved.devices.entries()) {
      const other = given.devices[index]!;
      if (canonical(device) !== canonical(other)) differ(`device "${device.name}"`, device, other);
    }
  }
  if (given.pieces !== undefined) {
    const describe = ({ name, address, size }: Piece) => `${name} of ${size} bytes at ${address.toString(16)}h`;
    const count = Math.max(saved.pieces.length, given.pieces.length);
    for (let index = 0; index < count; index++) {
      const one = saved.pieces[index], other = given.pieces[index];
      if (one === undefined || other === undefined) {
        differ("the guest", one ? describe(one) : "nothing more", other ? describe(other) : "nothing more");
      }
      const same = canonical({ ...one, name: "" }) === canonical({ ...other, name: "" });
      const content = one!.sha256 !== other!.sha256 ? " with other content" : "";
      if (!same) differ("the guest", describe(one!), describe(other!) + content);
    }
  }
  if (given.start !== undefined && canonical(given.start) !== canonical(saved.start)) {
    differ("the processor's start", saved.start, given.start);
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isoDate(date: unknown): string {
  return typeof date === "number" && Math.abs(date) <= 8.64e15 ? new Date(date).toISOString() : "no date";
}

/** JSON in which equal values are equal texts: keys in their order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
