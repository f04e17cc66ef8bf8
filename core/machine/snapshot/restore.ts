/**
 * Reads a snapshot into a machine that is being built.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import type { Json } from "../../sandbox/frame.ts";
import type { LoadedPiece } from "../pieces.ts";
import { type ByteSource, Container, damaged } from "./container_reader.ts";
import { SECTION } from "./layout.ts";
import type { MachineImageJson } from "./machine_image.ts";
import { decodeMemoryMap, type MemoryMap } from "./memory_map.ts";
import { ramDestinations, readPages } from "./memory_reader.ts";
import { decodeMachine, type SavedMachine } from "./saved_machine.ts";

/** A snapshot that has been read and checked, except for what its compressed chunks give. */
export class Snapshot {
  /** Which machine was saved. */
  readonly machine: SavedMachine;
  /** The machine without its memory. */
  readonly image: MachineImageJson;
  /** The pieces of its guest: ROMs with their bytes, the others without. */
  readonly pieces: readonly LoadedPiece[];
  readonly #subject: string;
  readonly #pages: Uint8Array;
  readonly #map: MemoryMap;

  private constructor(
    subject: string,
    machine: SavedMachine,
    image: MachineImageJson,
    pages: Uint8Array,
    map: MemoryMap,
  ) {
    this.#subject = subject;
    this.machine = machine;
    this.image = image;
    this.#pages = pages;
    this.#map = map;
    const { pieces } = machine.identity;
    const stored = map.storedPages * 4096;
    for (const [index, { size, rom }] of pieces.entries()) {
      if (!rom) continue;
      const first = machine.firstPages[index]!;
      if (first * 4096 + size <= stored) continue;
      throw damaged(
        subject,
        `section "${SECTION.MACHINE}", piece ${index}`,
        `${size} stored bytes`,
        `${stored} in all`,
      );
    }
    this.pieces = pieces.map((piece) => ({ ...piece, bytes: new SharedArrayBuffer(piece.rom ? piece.size : 0) }));
    const roms = this.pieces.map(({ bytes }, index) => (
      { first: machine.firstPages[index]!, bytes: new Uint8Array(bytes) }
    ));
    readPages(subject, pages, map, roms);
  }

  /**
   * Reads a snapshot and checks everything in it, section by section.
   *
   * @param digest The checksum that the whole must have: that of the snapshot which was agreed on.
   * @throws {BulkheadError} `snapshot-damaged`, `snapshot-version`, `snapshot-changed`.
   */
  static async read(source: ByteSource, digest: string): Promise<Snapshot> {
    const container = await Container.open(source);
    const { subject } = container;
    if (container.digest !== digest) {
      const sentence = `${subject} was changed while it was being read: read it again`;
      throw new BulkheadError({ code: "snapshot-changed", subject, sentence });
    }
    const pages = await container.read(SECTION.PAGES);
    const json = async (name: string) => await container.readJson(name) as Json;
    const image = {
      processor: await json(SECTION.PROCESSOR),
      bus: await json(SECTION.BUS),
      monitor: await json(SECTION.MONITOR),
    };
    const machine = decodeMachine(subject, await container.readJson(SECTION.MACHINE));
    const memory = await container.read(SECTION.MEMORY);
    const map = decodeMemoryMap(subject, memory, machine.identity.memory, pages.length);
    await container.verify(new Set(Object.values(SECTION)));
    return new Snapshot(subject, machine, image, pages, map);
  }

  /** Fills RAM. @throws {BulkheadError} `snapshot-damaged`: a chunk that is not what it should be. */
  fill(ram: Uint8Array): void {
    readPages(this.#subject, this.#pages, this.#map, ramDestinations(ram, this.#map));
  }
}

/** Says which snapshot could not be taken over. */
export function refusal(subject: string, error: unknown): BulkheadError {
  const cause = BulkheadError.from(error, "taking over its state");
  if (cause.code.startsWith("snapshot-")) return cause;
  const sentence = `${subject} cannot be restored: ${cause.message}`;
  return new BulkheadError({ code: "snapshot-refused", subject, sentence }, { cause: error });
}
