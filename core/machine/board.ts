/**
 * How a board - the standard devices of a machine and the wires between them - meets the machine.
 *
 * The core knows no device: a board is a module outside of it, named in the resolved definition, whose default export is a `Board`.
 *
 * @module
 */
import type {
  BlockDisk,
  BlockFrontEnd,
  CharacterBackend,
  CharacterFrontEnd,
  EntropySource,
  FpuErrorPins,
  MachineControl,
} from "../bus/backend.ts";
import type { BulkheadError } from "../bus/error.ts";
import type { DeviceHost } from "../bus/host.ts";
import type { Socket } from "../bus/interface.ts";
import type { LineSink, Net } from "../bus/lines.ts";
import type { InterruptAcknowledger } from "../bus/system.ts";

/** What the machine does for its board. */
export interface MachineSignals {
  /** The A20 gate: high lets address bit 20 through. */
  readonly a20: LineSink;
  /** A rising edge resets the machine. */
  readonly reset: LineSink;
  /** The processor's INTR pin changed. */
  readonly intr: LineSink;
  /** A part of the machine has failed for good: the run ends, and says so. */
  readonly failed: (error: BulkheadError) => void;
  /** A plugin, by its name, was detached: its compartment is to be ended. */
  readonly detached: (plugin: string) => void;
  /** Power off, exit with a status. */
  readonly control: MachineControl;
  /** Where the first serial port's characters go. */
  readonly serial: CharacterBackend;
  /** Takes what is to be typed there. */
  readonly typing: Pick<CharacterFrontEnd, "receive">;
  /** A debug console's characters. */
  readonly debug: CharacterBackend;
  /** The host's random bytes; none in a deterministic machine. */
  readonly entropy: EntropySource;
}

/** What a board is told. */
export interface BoardOptions {
  /** Bytes of guest memory. */
  readonly memory: number;
  /** The clock chip's date at power-on, milliseconds since 1970. */
  readonly date: number;
  /** The guest is a ROM, which may be a test of the processor: the board has what such ROMs report to. */
  readonly firmware: boolean;
}

/** A chip in front of a disk. */
export interface Drive {
  /** To be connected to the disk. */
  readonly disk: Socket<BlockDisk>;
  /** To be told of answers. */
  readonly frontEnd: BlockFrontEnd;
}

/** What the machine uses of its board. */
export interface BoardParts {
  /** Who answers the processor's interrupt acknowledge. */
  readonly interrupts: InterruptAcknowledger;
  /** Where the FPU's errors go while CR0.NE is clear. */
  readonly fpuErrorPins: FpuErrorPins;
  /** The first serial port's receiver. */
  readonly serial: CharacterFrontEnd;
  /** Interrupt requests by number, to be joined by devices that are added; undefined where the board takes none. */
  request(number: number): Net | undefined;
  /** Adds the board's kind of disk drive, by a name that no other device has. The guest sees drives in the order of these calls. */
  drive(name: string): Drive;
  /** The last power-on self-test code, if one was written. */
  postCode(): number | undefined;
}

/** Attaches a board's devices to the machine's host and wires them. */
export type Board = (host: DeviceHost, signals: MachineSignals, options: BoardOptions) => BoardParts;
