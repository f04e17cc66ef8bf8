/**
 * Reads a snapshot into a machine that is being built.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import type { Json } from "../../sandbox/frame.ts";
import type { LoadedPiece } from "../pieces.ts";
import { type ByteSource, Container } from "./container_reader.ts";
import { decodeFirmware } from "./firmware.ts";
import { SECTION } from "./layout.ts";
import type { MachineImageJson } from "./machine_image.ts";
import { decodeMemoryMap } from "./memory_map.ts";
import { MemoryReader } from "./memory_reader.ts";
import { decodeMachine, type SavedMachine } from "./saved_machine.ts";

/** A snapshot that is being read: first what a machine is built of, then its memory. */
export class Snapshot {
  readonly #container: Container;

  private constructor(
    container: Container,
    /** Which machine was saved. */
    readonly machine: SavedMachine,
    /** The machine without its memory. */
    readonly image: MachineImageJson,
    /** The pieces of its guest: ROMs with their bytes, the others without. */
    readonly pieces: readonly LoadedPiece[],
  ) {
    this.#container = container;
  }

  /**
   * Reads and checks everything but the memory.
   *
   * @param digest The checksum that the whole must have: that of the snapshot which was agreed on.
   * @throws {BulkheadError} `snapshot-damaged`, `snapshot-version`, `snapshot-changed`.
   */
  static async open(source: ByteSource, digest: string): Promise<Snapshot> {
    const container = await Container.open(source);
    const { subject } = container;
    if (container.digest !== digest) {
      const sentence = `${subject} was changed while it was being read: read it again`;
      throw new BulkheadError({ code: "snapshot-changed", subject, sentence });
    }
    const machine = await decodeMachine(subject, await container.readJson(SECTION.MACHINE));
    const json = async (name: string) => await container.readJson(name) as Json;
    const image = {
      processor: await json(SECTION.PROCESSOR),
      bus: await json(SECTION.BUS),
      monitor: await json(SECTION.MONITOR),
      disks: container.has(SECTION.DISKS) ? await json(SECTION.DISKS) : { disks: [] },
    };
    const pieces = await decodeFirmware(subject, await container.read(SECTION.FIRMWARE), machine.identity.pieces);
    return new Snapshot(container, machine, image, pieces);
  }

  /**
   * Fills RAM, which is zero, and checks all that is left of the snapshot. The guest must not run before this has succeeded.
   *
   * @throws {BulkheadError} `snapshot-damaged`.
   */
  async fill(ram: Uint8Array): Promise<void> {
    const container = this.#container, { subject } = container;
    const map = decodeMemoryMap(subject, await container.read(SECTION.MEMORY), ram.length);
    const memory = new MemoryReader(subject, ram, map);
    // A part is used before the checksum of the whole is known, and the machine only afterwards.
    for await (const part of container.parts(SECTION.PAGES)) await memory.write(part);
    await memory.finish();
    await container.verify(new Set(Object.values(SECTION)));
  }
}

/** Says which snapshot could not be taken over. */
export function refusal(subject: string, error: unknown): BulkheadError {
  const cause = BulkheadError.from(error, "taking over its state");
  if (cause.code.startsWith("snapshot-")) return cause;
  const sentence = `${subject} cannot be restored: ${cause.message}`;
  return new BulkheadError({ code: "snapshot-refused", subject, sentence }, { cause: error });
}
