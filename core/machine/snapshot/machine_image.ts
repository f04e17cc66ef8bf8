/**
 * A machine at a checkpoint, without its memory: what the virtual CPU's thread gives and takes, as JSON.
 *
 * @module
 */
import type { HostState } from "../../bus/host.ts";
import type { DiskState } from "../../disk/disk_state.ts";
import type { CpuImage } from "../../engine/cpu_image.ts";
import type { Json } from "../../sandbox/frame.ts";
import type { ResolvedStep } from "../definition.ts";
import type { ScriptState } from "../script.ts";
import { fromJson, toJson } from "./plain.ts";

/** The section `processor`. */
export interface ProcessorState extends CpuImage {
  /** Instructions retired since power-on. */
  readonly retired: number;
}

/** The section `monitor`. */
export interface MonitorState {
  /** The first serial port: what was typed and not yet taken by the port; bytes counted. */
  readonly serial: { readonly input: Uint8Array; readonly written: number; readonly read: number };
  /** The script: what it has seen of the output, and its steps that are left. */
  readonly script: ScriptState & { readonly steps: readonly ResolvedStep[]; readonly whole: readonly ResolvedStep[] };
  /** Virtual nanoseconds that the processor was halted. */
  readonly haltedTime: number;
}

/** The section `disks`. */
export interface DisksState {
  /** In the machine's order. */
  readonly disks: readonly DiskState[];
}

/** A machine without its memory. */
export interface MachineImage {
  readonly processor: ProcessorState;
  readonly bus: HostState;
  readonly monitor: MonitorState;
  readonly disks: DisksState;
}

/** A machine image as JSON, section by section. */
export type MachineImageJson = { readonly [K in keyof MachineImage]: Json };

/** The image as JSON. @throws {BulkheadError} `state-not-plain`: a device's state that is not. */
export function imageToJson({ processor, bus, monitor, disks }: MachineImage): MachineImageJson {
  return { processor: toJson(processor), bus: toJson(bus), monitor: toJson(monitor), disks: toJson(disks) };
}

/** The image again. What it says is checked by who takes it over. */
export function imageFromJson({ processor, bus, monitor, disks }: MachineImageJson): MachineImage {
  return {
    processor: fromJson(processor) as ProcessorState,
    bus: fromJson(bus) as HostState,
    monitor: fromJson(monitor) as MonitorState,
    disks: fromJson(disks) as DisksState,
  };
}
