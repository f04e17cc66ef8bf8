/**
 * A device's wiring taken apart and put together again: what its registers are, as plain data, and what answers them, as functions.
 *
 * What a plugin returned is looked at once, here: later changes of it, getters and strange values have no effect on the core.
 *
 * @module
 */
import type { Width } from "../bus/claims.ts";
import type { Region, RegionHandler, Register, ResetKind } from "../bus/contract.ts";
import type { VirtioChain, VirtioWiring } from "../bus/virtio.ts";
import type { NeedsManifest } from "./description.ts";

/** A register, without what answers it. */
export interface RegisterDescription {
  readonly name: string;
  readonly at: number;
  readonly width: number;
  readonly kind: string;
  readonly access?: readonly number[];
  readonly writable?: number;
  readonly readEffect?: boolean;
  readonly clear?: number;
  readonly line?: string;
  readonly enable?: string;
  readonly reads?: boolean;
  readonly writes?: boolean;
}

/** A region's handler, without what answers it. */
export interface HandlerDescription {
  readonly widths: readonly number[];
  readonly unaligned?: boolean;
  readonly readEffect?: boolean;
  readonly reads?: boolean;
  readonly writes?: boolean;
  readonly blockReads?: boolean;
  readonly blockWrites?: boolean;
}

/** A region. */
export type RegionDescription =
  | { readonly registers: readonly RegisterDescription[] }
  | { readonly handler: HandlerDescription };

/** A wiring as plain data. Regions, inputs and interfaces are in the order of the needs; slots count registers and handlers through. */
export interface WiringDescription {
  readonly regions: Readonly<Record<string, RegionDescription>>;
  readonly inputs: readonly string[];
  readonly provides: readonly string[];
  readonly resets: boolean;
  /** A virtio device's. */
  readonly virtio?: VirtioDescription;
}

/** A virtio device's answers. The configuration structure's slots follow those of the regions. */
export interface VirtioDescription {
  readonly offers: boolean;
  readonly started: boolean;
  readonly stopped: boolean;
  readonly queueStopped: boolean;
  readonly configuration?: RegionDescription;
}

/** What answers one register or handler. A register is always asked at offset 0. */
export interface Answer {
  read?(offset: number, width: number): unknown;
  write?(offset: number, width: number, value: number): unknown;
  readBlock?(offset: number, width: number, into: Uint8Array): unknown;
  writeBlock?(offset: number, width: number, from: Uint8Array): unknown;
}

/** What answers a wiring. */
export interface WiringAnswers {
  /** By slot. */
  readonly slots: readonly Answer[];
  /** By input. */
  readonly inputs: readonly ((level: boolean) => unknown)[];
  /** By interface. */
  readonly provides: readonly Readonly<Record<string, unknown>>[];
  /** If it has one. */
  readonly reset?: (kind: ResetKind) => unknown;
  /** By queue, in the order of the needs. */
  readonly queues: readonly ((chain: VirtioChain) => unknown)[];
  readonly offers?: (feature: number) => unknown;
  readonly started?: () => unknown;
  readonly stopped?: () => unknown;
  readonly queueStopped?: (queue: string) => unknown;
}

/** A wiring that a core attaches. */
export interface BuiltWiring {
  regions: Record<string, Region>;
  inputs: Record<string, (level: boolean) => void>;
  provides: Record<string, object>;
  reset?(kind: ResetKind): void;
  virtio?: VirtioWiring<string, string>;
}

type Any = Record<string, unknown>;

/**
 * Looks at what `wire` returned.
 *
 * @throws {TypeError} What is not as the contract has it.
 */
export function readWiring(
  given: unknown,
  needs: NeedsManifest,
): { description: WiringDescription; answers: WiringAnswers } {
  const wiring = object(given, "what wire() returned");
  const regions: Record<string, RegionDescription> = {}, slots: Answer[] = [];
  const allRegions = part(wiring, "regions");
  for (const name of Object.keys({ ...needs.ports, ...needs.mmio, ...needs.configuration })) {
    const region = allRegions[name];
    if (region !== undefined) regions[name] = readRegion(region, `region "${name}"`, slots);
  }
  const virtio = needs.virtio === undefined ? undefined : readVirtio(object(wiring.virtio, "virtio"), needs, slots);
  const inputs = part(wiring, "inputs"), provides = part(wiring, "provides");
  const inputNames = (needs.inputs ?? []).filter((name) => inputs[name] !== undefined);
  const provided = Object.keys(needs.provides ?? {}).filter((name) => provides[name] !== undefined);
  const reset = callable(wiring.reset, "reset");
  // Names that the needs do not declare are named by the core, as for any device.
  const undeclared = (all: Any, known: readonly string[]) => Object.keys(all).filter((name) => !known.includes(name));
  for (const name of undeclared(allRegions, Object.keys(regions))) regions[name] = { registers: [] };
  return {
    description: {
      regions,
      inputs: [...inputNames, ...undeclared(inputs, inputNames)],
      provides: [...provided, ...undeclared(provides, provided)],
      resets: reset !== undefined,
      ...(virtio === undefined ? {} : { virtio: virtio.description }),
    },
    answers: {
      slots,
      queues: [],
      ...virtio?.answers,
      inputs: inputNames.map((name) => {
        const sink = callable(inputs[name], `input "${name}"`);
        return (level) => sink?.call(inputs, level);
      }),
      provides: provided.map((name) => {
        const peer = object(provides[name], `interface "${name}"`);
        const members: Record<string, unknown> = {};
        for (const [member, kind] of Object.entries(needs.provides![name]!.members)) {
          if (!("method" in kind)) {
            Object.defineProperty(members, member, { enumerable: true, get: () => peer[member] });
            continue;
          }
          const method = callable(peer[member], `${name}.${member}`);
          if (method !== undefined) members[member] = (...args: unknown[]) => method.apply(peer, args);
        }
        return members;
      }),
      ...(reset === undefined ? {} : { reset: (kind: ResetKind) => reset.call(wiring, kind) }),
    },
  };
}

function readRegion(region: unknown, where: string, slots: Answer[]): RegionDescription {
  if (!Array.isArray(region)) {
    const { description, answer } = handler(object(region, where));
    slots.push(answer);
    return { handler: description };
  }
  const registers: RegisterDescription[] = [];
  for (let index = 0; index < region.length; index++) {
    const { description, answer } = register(region[index], where);
    registers.push(description);
    slots.push(answer);
  }
  return { registers };
}

function readVirtio(
  given: Any,
  { virtio }: NeedsManifest,
  slots: Answer[],
): { description: VirtioDescription; answers: Omit<WiringAnswers, "slots" | "inputs" | "provides"> } {
  const queues = object(given.queues, "virtio.queues");
  const method = (name: string) => {
    const found = callable(given[name], `virtio.${name}`);
    return found === undefined ? undefined : (...args: unknown[]) => found.apply(given, args);
  };
  const configuration = given.configuration === undefined
    ? undefined
    : readRegion(given.configuration, "virtio.configuration", slots);
  const answers = {
    offers: method("offers"),
    started: method("started"),
    stopped: method("stopped"),
    queueStopped: method("queueStopped"),
  };
  return {
    description: {
      offers: answers.offers !== undefined,
      started: answers.started !== undefined,
      stopped: answers.stopped !== undefined,
      queueStopped: answers.queueStopped !== undefined,
      ...(configuration === undefined ? {} : { configuration }),
    },
    answers: {
      ...Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer !== undefined)),
      queues: Object.keys(virtio!.queues).map((name) => {
        const queue = callable(queues[name], `virtio.queues.${name}`);
        if (queue === undefined) throw wrong(`virtio.queues.${name}`, "a function", undefined);
        return (chain: VirtioChain) => queue.call(queues, chain);
      }),
    },
  };
}

function checkRegion(given: unknown, where: string): RegionDescription {
  const { registers, handler } = object(given, where);
  if (handler !== undefined) return { handler: checkHandler(object(handler, where)) };
  if (!Array.isArray(registers)) throw wrong(where, "registers or a handler", registers);
  return { registers: registers.map((one) => checkRegister(object(one, `a register of ${where}`))) };
}

function checkVirtio(given: Any): VirtioDescription {
  const { offers, started, stopped, queueStopped, configuration } = given;
  return {
    offers: offers === true,
    started: started === true,
    stopped: stopped === true,
    queueStopped: queueStopped === true,
    ...(configuration === undefined ? {} : { configuration: checkRegion(configuration, "virtio.configuration") }),
  };
}

/**
 * Checks a description that came from a compartment.
 *
 * @throws {TypeError} What is not as the contract has it.
 */
export function checkDescription(given: unknown): WiringDescription {
  const { regions, inputs, provides, resets, virtio } = object(given, "a wiring");
  const names = (value: unknown, what: string) => {
    if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) throw wrong(what, "names", value);
    return value as string[];
  };
  const checked: Record<string, RegionDescription> = {};
  for (const [name, region] of Object.entries(object(regions, "regions"))) {
    checked[name] = checkRegion(region, `region "${name}"`);
  }
  return {
    regions: checked,
    inputs: names(inputs, "inputs"),
    provides: names(provides, "provides"),
    resets: resets === true,
    ...(virtio === undefined ? {} : { virtio: checkVirtio(object(virtio, "virtio")) }),
  };
}

/** Puts a wiring together. `answers` has functions that may be called at any time and return what the contract says. */
export function buildWiring(description: WiringDescription, answers: CheckedAnswers): BuiltWiring {
  const built: BuiltWiring = { regions: {}, inputs: {}, provides: {} };
  const slots = { next: 0 };
  for (const [name, region] of Object.entries(description.regions)) {
    built.regions[name] = buildRegion(region, name, slots, answers);
  }
  const { virtio } = description;
  if (virtio !== undefined) {
    const { queues, event } = answers;
    built.virtio = {
      queues: Object.fromEntries(queues.map((name, index) => [name, (chain) => answers.queue(index, name, chain)])),
      ...(virtio.configuration === undefined ? {} : {
        configuration: buildRegion(virtio.configuration, "configuration", slots, answers) as Region<string, never>,
      }),
      ...(virtio.offers ? { offers: answers.offers } : {}),
      ...(virtio.started ? { started: () => event("started", -1) } : {}),
      ...(virtio.stopped ? { stopped: () => event("stopped", -1) } : {}),
      ...(virtio.queueStopped ? { queueStopped: (name) => event("queueStopped", queues.indexOf(name)) } : {}),
    };
  }
  description.inputs.forEach((name, index) => built.inputs[name] = answers.input(index, name));
  description.provides.forEach((name, index) => built.provides[name] = answers.provided(index, name));
  if (description.resets) built.reset = answers.reset;
  return built;
}

function buildRegion(
  region: RegionDescription,
  name: string,
  slots: { next: number },
  answers: CheckedAnswers,
): Region {
  if ("handler" in region) {
    const { widths, unaligned, readEffect, reads, writes, blockReads, blockWrites } = region.handler;
    const answer = answers.slot(slots.next++, name);
    return {
      widths,
      unaligned,
      readEffect,
      ...(reads ? { read: answer.read } : {}),
      ...(writes ? { write: answer.write } : {}),
      ...(blockReads ? { readBlock: answer.readBlock } : {}),
      ...(blockWrites ? { writeBlock: answer.writeBlock } : {}),
    } as RegionHandler;
  }
  return region.registers.map((register): Register => {
    const { reads, writes, ...place } = register;
    const { read, write, post } = answers.slot(slots.next++, register.name);
    const width = register.width as Width;
    if (register.kind === "posted") {
      return { ...place, write: post ?? ((value: number) => write(0, width, value)) } as unknown as Register;
    }
    if (register.kind !== "sync") return place as unknown as Register;
    return {
      ...place,
      ...(reads ? { read } : {}),
      ...(writes ? { write: (value: number) => write(0, width, value) } : {}),
    } as unknown as Register;
  });
}

/** Functions that answer for a device whatever it does. */
export interface CheckedAnswers {
  slot(index: number, name: string): {
    read(offset: number, width: Width): number;
    write(offset: number, width: Width, value: number): void;
    readBlock(offset: number, width: Width, into: Uint8Array): number;
    writeBlock(offset: number, width: Width, from: Uint8Array): number;
    /** For posted registers, where that differs from `write`. */
    post?(value: number): void;
  };
  input(index: number, name: string): (level: boolean) => void;
  provided(index: number, name: string): object;
  reset(kind: ResetKind): void;
  /** Names of a virtio device's queues. */
  readonly queues: readonly string[];
  queue(index: number, name: string, chain: VirtioChain): void;
  offers(feature: number): boolean;
  event(what: VirtioEvent, queue: number): void;
}

/** What the driver did to a virtio device. */
export type VirtioEvent = "started" | "stopped" | "queueStopped";

function register(given: unknown, where: string): { description: RegisterDescription; answer: Answer } {
  const fields = object(given, `a register of ${where}`);
  const { name, at, width, kind, access, writable, readEffect, clear, line, enable } = fields;
  const read = callable(fields.read, `${name}.read`), write = callable(fields.write, `${name}.write`);
  const description = checkRegister({
    name,
    at,
    width,
    kind,
    ...given_({ access: Array.isArray(access) ? [...access] : access, writable, readEffect, clear, line, enable }),
    reads: read !== undefined,
    writes: write !== undefined,
  });
  return {
    description,
    answer: {
      // Bound, not wrapped: this is the way of every access.
      ...(read ? { read: read.bind(fields) } : {}),
      ...(write ? { write: (_offset, _width, value) => write.call(fields, value) } : {}),
    },
  };
}

function handler(fields: Any): { description: HandlerDescription; answer: Answer } {
  const { widths, unaligned, readEffect } = fields;
  const read = callable(fields.read, "read"), write = callable(fields.write, "write");
  const readBlock = callable(fields.readBlock, "readBlock"), writeBlock = callable(fields.writeBlock, "writeBlock");
  return {
    description: checkHandler({
      widths: Array.isArray(widths) ? [...widths] : widths,
      ...given_({ unaligned, readEffect }),
      reads: read !== undefined,
      writes: write !== undefined,
      blockReads: readBlock !== undefined,
      blockWrites: writeBlock !== undefined,
    }),
    answer: {
      ...(read ? { read: (offset, width) => read.call(fields, offset, width) } : {}),
      ...(write ? { write: (offset, width, value) => write.call(fields, offset, width, value) } : {}),
      ...(readBlock ? { readBlock: (offset, width, into) => readBlock.call(fields, offset, width, into) } : {}),
      ...(writeBlock ? { writeBlock: (offset, width, from) => writeBlock.call(fields, offset, width, from) } : {}),
    },
  };
}

const KINDS: readonly unknown[] = ["latch", "posted", "sync", "status"];
const isWidth = (value: unknown) => value === 1 || value === 2 || value === 4;

function checkRegister(given: Any): RegisterDescription {
  const { name, at, width, kind, access, writable, readEffect, clear, line, enable, reads, writes } = given;
  if (typeof name !== "string") throw wrong("a register", "a name", name);
  const bad = (field: string, expected: string, value: unknown) =>
    wrong(`register "${name}", ${field}`, expected, value);
  if (!KINDS.includes(kind)) throw bad("kind", "latch, posted, sync or status", kind);
  if (typeof at !== "number" || !Number.isSafeInteger(at) || at < 0) throw bad("at", "an offset", at);
  if (!isWidth(width)) throw bad("width", "1, 2 or 4", width);
  if (access !== undefined && (!Array.isArray(access) || !access.every(isWidth))) throw bad("access", "widths", access);
  for (const [field, value] of [["writable", writable], ["clear", clear]] as const) {
    if (value !== undefined && typeof value !== "number") throw bad(field, "a number", value);
  }
  for (const [field, value] of [["line", line], ["enable", enable]] as const) {
    if (value !== undefined && typeof value !== "string") throw bad(field, "a name", value);
  }
  return {
    name,
    at,
    width: width as number,
    kind: kind as string,
    ...given_({ access, writable, clear, line, enable }),
    ...(readEffect === true ? { readEffect } : {}),
    reads: reads === true,
    writes: writes === true,
  };
}

function checkHandler(given: Any): HandlerDescription {
  const { widths, unaligned, readEffect, reads, writes, blockReads, blockWrites } = given;
  if (!Array.isArray(widths) || !widths.every(isWidth)) {
    throw wrong("a handler, widths", "widths among 1, 2 and 4", widths);
  }
  return {
    widths: widths as number[],
    unaligned: unaligned === true,
    readEffect: readEffect === true,
    reads: reads === true,
    writes: writes === true,
    blockReads: blockReads === true,
    blockWrites: blockWrites === true,
  };
}

/** Without what is not there. */
function given_(fields: Any): Any {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function part(wiring: Any, name: string): Any {
  return wiring[name] === undefined ? {} : object(wiring[name], name);
}

function object(value: unknown, what: string): Any {
  if (typeof value !== "object" || value === null) throw wrong(what, "an object", value);
  if (typeof (value as { then?: unknown }).then === "function") throw wrong(what, "an object", "a promise");
  return value as Any;
}

// deno-lint-ignore ban-types
function callable(value: unknown, what: string): Function | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "function") throw wrong(what, "a function", value);
  return value;
}

function wrong(what: string, expected: string, value: unknown): TypeError {
  const found = typeof value === "string" ? `"${value}"` : typeof value === "object" ? "an object" : String(value);
  return new TypeError(`${what}: expected ${expected}, found ${found}`);
}
