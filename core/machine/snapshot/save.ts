/**
 * Writes a machine that stands still.
 *
 * @module
 */
import type { CpuStart } from "../../engine/cpu_start.ts";
import type { MemoryLayout } from "../../memory/layout.ts";
import type { ResolvedDefinition } from "../definition.ts";
import type { LoadedPiece } from "../pieces.ts";
import { type ByteSink, ContainerWriter } from "./container_writer.ts";
import { encodeFirmware } from "./firmware.ts";
import { SECTION } from "./layout.ts";
import type { MachineImageJson } from "./machine_image.ts";
import { encodeMemoryMap } from "./memory_map.ts";
import { MemoryWriter } from "./memory_writer.ts";
import { encodeMachine, type IdentifiedPiece, machineIdentity } from "./saved_machine.ts";
import { sha256Hex } from "./sha256.ts";

/** A machine at a checkpoint. */
export interface StandingMachine {
  readonly definition: ResolvedDefinition;
  readonly start: CpuStart;
  readonly pieces: readonly LoadedPiece[];
  readonly memory: WebAssembly.Memory;
  readonly layout: MemoryLayout;
  readonly image: MachineImageJson;
}

/** What a save came to. */
export interface SaveResult {
  /** Bytes of the snapshot. */
  readonly bytes: number;
  /** Bytes of guest memory that were not zero. */
  readonly touched: number;
}

/** Writes a snapshot, in one pass. */
export async function writeSnapshot(machine: StandingMachine, sink: ByteSink): Promise<SaveResult> {
  const { definition, start, pieces, memory, layout, image } = machine;
  const container = new ContainerWriter(sink);
  const writer = new MemoryWriter(memory.buffer, layout.ram, layout.ramBytes);
  const json = (value: unknown) => text(JSON.stringify(value));
  const { reset } = definition;
  const identity = machineIdentity(definition, start, await Promise.all(pieces.map(identifiedPiece)));
  // What a restored machine needs first comes first.
  await container.section(SECTION.MACHINE, text(await encodeMachine({ identity, reset })));
  await container.section(SECTION.PROCESSOR, json(image.processor));
  await container.section(SECTION.BUS, json(image.bus));
  await container.section(SECTION.MONITOR, json(image.monitor));
  if (machine.definition.disks.length > 0) await container.section(SECTION.DISKS, json(image.disks));
  await container.section(SECTION.FIRMWARE, encodeFirmware(pieces));
  await container.section(SECTION.PAGES, writer.pages());
  await container.section(SECTION.MEMORY, [encodeMemoryMap(writer.map())]);
  return { bytes: await container.finish(), touched: writer.touchedPages * 4096 };
}

/** A piece by its content: that of a restored machine may not be here, but is known. */
async function identifiedPiece({ address, size, rom, name, bytes, sha256 }: LoadedPiece): Promise<IdentifiedPiece> {
  return { address, size, rom, name, sha256: sha256 ?? await sha256Hex(new Uint8Array(bytes)) };
}

function text(text: string): Uint8Array[] {
  return [new TextEncoder().encode(text)];
}
