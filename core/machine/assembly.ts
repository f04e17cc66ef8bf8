/**
 * Puts a machine together: clock, devices, memory and processor, in the virtual CPU's thread.
 *
 * @module
 */
import type { AttachedDevice } from "../bus/attached.ts";
import { type CharacterBackend, characterBackend, entropySource, machineControl } from "../bus/backend.ts";
import type { Needs } from "../bus/claims.ts";
import { VirtualClock } from "../bus/clock.ts";
import { BulkheadError } from "../bus/error.ts";
import { DeviceHost } from "../bus/host.ts";
import type { LogSink } from "../bus/log.ts";
import type { InterruptAcknowledger, SystemBus } from "../bus/system.ts";
import type { RegionEvent } from "../engine/translator/region_watch.ts";
import { Vcpu, type VcpuOptions } from "../engine/vcpu.ts";
import { PAGE } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import { AssembledBackends } from "./assembled_backends.ts";
import type { Board, BoardParts, MachineSignals } from "./board.ts";
import type { ResolvedDevice } from "./definition.ts";
import { AssembledPlugins } from "./assembled_plugins.ts";
import { placeRoms } from "./pieces.ts";
import type { VcpuInit } from "./protocol.ts";
import { TracedCpu } from "./instruction_trace.ts";
import type { SteppableCpu } from "./run_loop.ts";
import { imageFromJson } from "./snapshot/machine_image.ts";
import { reportRegion } from "./region_trace.ts";
import { type Reporter, reporter, reportFault, TracedAcknowledger, TracedBus, tracedCallouts } from "./trace.ts";

/** The parts of a machine that run in the virtual CPU's thread. */
export interface Assembly {
  /** The processor. */
  readonly cpu: Vcpu;
  /** The processor as it is driven. */
  readonly runner: SteppableCpu;
  /** Virtual time. */
  readonly clock: VirtualClock;
  /** Devices. */
  readonly host: DeviceHost;
  /** What the board gives. */
  readonly board: BoardParts;
  /** The machine's plugins. */
  readonly plugins: AssembledPlugins;
  /** What they are as back ends: disks and character streams. */
  readonly backends: AssembledBackends;
}

/**
 * Assembles a machine.
 *
 * @throws {BulkheadError} A device that cannot be attached, or a piece that does not fit.
 */
export function assemble(
  init: VcpuInit,
  board: Board,
  signals: MachineSignals,
  log: LogSink,
): Assembly {
  const { definition } = init;
  // The clock counts the processor's instructions, and the processor is built last.
  const late: { cpu?: Vcpu } = {};
  const clock = new VirtualClock({ retired: () => late.cpu?.retired ?? 0 });
  const memory = {
    read: (address: number, into: Uint8Array) => transfer(late.cpu!.physical, "read", address, into),
    write: (address: number, from: Uint8Array) => transfer(late.cpu!.physical, "write", address, from),
  };
  const host = new DeviceHost({ clock, memory, log });
  // The first serial port may be at a back end, too, which is there later.
  const tee: { serial?: CharacterBackend } = {};
  const serial: CharacterBackend = {
    write: (bytes) => {
      signals.serial.write(bytes);
      tee.serial?.write(bytes);
    },
    ready: () => {
      signals.serial.ready();
      tee.serial?.ready();
    },
  };
  const parts = board(host, definition.serial === null ? signals : { ...signals, serial }, {
    memory: definition.memory,
    date: definition.clock.date,
    firmware: definition.firmware,
  });
  const plugins = new AssembledPlugins(init.plugins, definition.clock.mode === "deterministic", signals, log);
  const backends = new AssembledBackends(definition, parts, {
    clock,
    host,
    log,
    link: (name) => plugins.backend(name),
    without: (name, error) => plugins.without(name, error),
  });
  if (definition.serial !== null) tee.serial = backends.port(definition.serial, signals.typing);
  const leavable = init.image !== null && definition.devices.some(({ optional }) => optional);
  const saved = leavable ? imageFromJson(init.image!).bus.devices : undefined;
  for (const given of definition.devices) {
    const attached = attach(host, plugins, given, saved);
    if (attached !== undefined) connect(host, parts, signals, backends, given, attached);
  }
  plugins.started();

  const trace = (what: string) => definition.trace.includes(what) ? reporter(what, clock, log) : undefined;
  const instructions = trace("instructions"), interrupted = trace("interrupts");
  const faulted = trace("faults"), accessed = trace("devices"), regions = trace("regions");
  const bus: SystemBus = accessed ? new TracedBus(host, accessed) : host;
  const interrupts: InterruptAcknowledger = interrupted
    ? new TracedAcknowledger(parts.interrupts, () => late.cpu!.cpu, interrupted)
    : parts.interrupts;
  const cpu = late.cpu = new Vcpu({
    memory: init.memory,
    layout: init.layout,
    bus,
    clock,
    interrupts,
    model: definition.cpu,
    ...(definition.engine === "translator" ? { translate: translation(definition, regions) } : {}),
    fpuErrorPins: parts.fpuErrorPins,
    roms: placeRoms(init),
    ...(interrupted ? { callouts: tracedCallouts(interrupted) } : {}),
    ...(faulted ? { faulted: (fault) => reportFault(late.cpu!.cpu, fault, faulted) } : {}),
  });
  const runner = instructions ? new TracedCpu(cpu, instructions) : cpu;
  return { cpu, runner, clock, host, board: parts, plugins, backends };
}

/** How the translator works, and what is to be seen of it. */
function translation(
  { translateAfter: after, countRegions: count }: VcpuInit["definition"],
  report: Reporter | undefined,
): NonNullable<VcpuOptions["translate"]> {
  if (!count && report === undefined) return { after };
  const observe = report && ((event: RegionEvent) => reportRegion(event, report));
  return { after, watch: { count, ...(observe ? { observe } : {}) } };
}

/**
 * Attaches a device of the definition; undefined if it is optional and the machine goes on without it.
 *
 * @param saved The devices of the machine that is restored.
 */
function attach(
  host: DeviceHost,
  plugins: AssembledPlugins,
  { name, config, place, optional }: ResolvedDevice,
  saved: Readonly<Record<string, unknown>> | undefined,
): AttachedDevice | undefined {
  const subject = `device "${name}"`;
  try {
    if (optional && saved !== undefined && !Object.hasOwn(saved, name)) {
      const sentence = `${subject} was not in the machine that was saved`;
      throw new BulkheadError({ code: "device-mismatch", subject, sentence });
    }
    return host.attach(plugins.device(name), { name, config, at: place }) as unknown as AttachedDevice;
  } catch (error) {
    if (!optional) throw error;
    plugins.without(name, BulkheadError.from(error, subject));
    return undefined;
  }
}

/** Joins a device to the board and to back ends, as its definition says. */
function connect(
  host: DeviceHost,
  parts: BoardParts,
  signals: MachineSignals,
  backends: AssembledBackends,
  given: ResolvedDevice,
  attached: AttachedDevice,
): void {
  const needs: Needs = attached.needs;
  for (const [use, kind] of Object.entries(needs.uses ?? {})) {
    if (kind.name === machineControl.name) host.connect(attached.uses(use as never), signals.control as never);
    else if (kind.name === entropySource.name) host.connect(attached.uses(use as never), signals.entropy as never);
    else if (kind.name === characterBackend.name) host.connect(attached.uses(use as never), signals.debug as never);
  }
  backends.connect(attached, given);
  for (const [line, number] of Object.entries(given.lines)) {
    const request = parts.request(number);
    if (request === undefined) {
      throw new BulkheadError({
        code: "no-such-interrupt",
        subject: `device "${given.name}"`,
        where: `line "${line}"`,
        expected: "an interrupt request that the board has free",
        found: `${number}`,
      });
    }
    attached.line(line as never).join(request);
  }
}

/** Copies page by page as far as there is memory; returns the number of bytes that were. */
function transfer(memory: PhysicalMemory, how: "read" | "write", address: number, bytes: Uint8Array): number {
  let count = 0;
  while (count < bytes.length) {
    const at = address + count;
    if (at >= 2 ** 32 || memory.lookup(Math.floor(at / PAGE)) === 0) break;
    count += PAGE - at % PAGE;
  }
  count = Math.min(count, bytes.length);
  memory[how](address, bytes.subarray(0, count));
  return count;
}
