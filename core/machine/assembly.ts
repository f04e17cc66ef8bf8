/**
 * Puts a machine together: clock, devices, memory and processor, in the virtual CPU's thread.
 *
 * @module
 */
import { VirtualClock } from "../bus/clock.ts";
import type { AnyDevice } from "../bus/contract.ts";
import { BulkheadError } from "../bus/error.ts";
import { DeviceHost } from "../bus/host.ts";
import type { LogSink } from "../bus/log.ts";
import type { InterruptAcknowledger, SystemBus } from "../bus/system.ts";
import { Vcpu } from "../engine/vcpu.ts";
import { PAGE } from "../memory/layout.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import type { Board, BoardParts, MachineSignals } from "./board.ts";
import type { ResolvedDevice } from "./definition.ts";
import type { VcpuInit } from "./protocol.ts";
import { TracedAcknowledger, TracedBus } from "./trace.ts";

/** The parts of a machine that run in the virtual CPU's thread. */
export interface Assembly {
  /** The processor. */
  readonly cpu: Vcpu;
  /** Virtual time. */
  readonly clock: VirtualClock;
  /** Devices. */
  readonly host: DeviceHost;
  /** What the board gives. */
  readonly board: BoardParts;
  /** Copies the guest's pieces into RAM, as at power-on. */
  load(): void;
}

/**
 * Assembles a machine.
 *
 * @param devices Devices of the definition by module URL.
 * @throws {BulkheadError} A device that cannot be attached, or a piece that does not fit.
 */
export function assemble(
  init: VcpuInit,
  board: Board,
  devices: ReadonlyMap<string, AnyDevice>,
  signals: MachineSignals,
  log: LogSink,
): Assembly {
  const { definition, layout } = init;
  // The clock counts the processor's instructions, and the processor is built last.
  const late: { cpu?: Vcpu } = {};
  const clock = new VirtualClock({ retired: () => late.cpu?.retired ?? 0 });
  const memory = {
    read: (address: number, into: Uint8Array) => transfer(late.cpu!.physical, "read", address, into),
    write: (address: number, from: Uint8Array) => transfer(late.cpu!.physical, "write", address, from),
  };
  const host = new DeviceHost({ clock, memory, log });
  const parts = board(host, signals, { memory: definition.memory, date: definition.clock.date });
  for (const device of definition.devices) attach(host, parts, device, devices.get(device.module));

  const trace = (what: string) => definition.trace.includes(what);
  const bus: SystemBus = trace("io") ? new TracedBus(host, clock, log) : host;
  const interrupts: InterruptAcknowledger = trace("interrupts")
    ? new TracedAcknowledger(parts.interrupts, clock, log)
    : parts.interrupts;
  const cpu = late.cpu = new Vcpu({
    memory: init.memory,
    ramBytes: layout.ramBytes,
    ramBase: layout.ram,
    cpuBase: layout.cpu,
    bus,
    clock,
    interrupts,
    roms: mapRoms(init),
  });
  return { cpu, clock, host, board: parts, load: () => loadPieces(cpu.physical, init) };
}

/** Puts the ROMs' bytes into the machine's device memory, and says where each is to be mapped. */
function mapRoms({ pieces, memory, layout }: VcpuInit): { physical: number; host: number; size: number }[] {
  const bytes = new Uint8Array(memory.buffer);
  let at = layout.device;
  return pieces.filter(({ rom }) => rom).map((piece) => {
    bytes.set(new Uint8Array(piece.bytes), at);
    const host = at;
    at += Math.ceil(piece.size / PAGE) * PAGE;
    return { physical: piece.address, host, size: piece.size };
  });
}

/** Bytes of device memory that a guest's ROMs take. */
export function romBytes(pieces: readonly { readonly rom: boolean; readonly size: number }[]): number {
  return pieces.filter(({ rom }) => rom).reduce((sum, { size }) => sum + Math.ceil(size / PAGE) * PAGE, 0);
}

function loadPieces(physical: PhysicalMemory, { pieces }: VcpuInit): void {
  for (const { rom, address, bytes } of pieces) if (!rom) physical.write(address, new Uint8Array(bytes));
}

function attach(host: DeviceHost, parts: BoardParts, given: ResolvedDevice, device: AnyDevice | undefined): void {
  if (typeof device !== "object" || device === null || typeof device.wire !== "function") {
    throw new BulkheadError({
      code: "no-device",
      subject: `device "${given.name}"`,
      where: given.module,
      expected: "a module whose default export is made by device({...})",
      found: device === undefined ? "no default export" : `a default export of type ${typeof device}`,
    });
  }
  const attached = host.attach(device, { name: given.name, config: given.config, at: given.place });
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
    host.join(attached.line(line as never), request);
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
