/**
 * The disks of a machine.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { Disk, DiskStatistics } from "./disk.ts";
import type { DiskState } from "./disk_state.ts";

/** All of a machine's disks, by name. */
export class Disks {
  readonly #disks = new Map<string, Disk>();

  /** Adds one. */
  add(disk: Disk): void {
    this.#disks.set(disk.name, disk);
  }

  /** One of them. */
  get(name: string): Disk | undefined {
    return this.#disks.get(name);
  }

  /** Takes what their stores have done: at an instruction boundary, when somebody called for attention. */
  poll(): void {
    for (const disk of this.#disks.values()) disk.poll();
  }

  /** Brings what was written to stable storage. @throws {BulkheadError} The first disk's that could not, when all have tried. */
  flush(): void {
    let failure: unknown;
    for (const disk of this.#disks.values()) {
      try {
        disk.flush();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** What they did. */
  statistics(): Readonly<Record<string, DiskStatistics>> {
    return Object.fromEntries([...this.#disks].map(([name, disk]) => [name, disk.statistics()]));
  }

  /** Their state, with everything on stable storage. @throws {BulkheadError} A disk that cannot be part of a snapshot. */
  save(): DiskState[] {
    return [...this.#disks.values()].map((disk) => disk.save());
  }

  /** Takes over saved states. @throws {BulkheadError} `disk-mismatch`, `disk-state`: other disks, or others' contents. */
  restore(states: readonly DiskState[]): void {
    const saved = states.map(({ name }) => name).join(", "), here = [...this.#disks.keys()].join(", ");
    if (saved !== here) {
      throw new BulkheadError({
        code: "disk-mismatch",
        subject: "the saved machine",
        where: "disks",
        expected: saved || "none",
        found: here || "none",
        remedy: "give the machine the disks that it was saved with",
      });
    }
    for (const state of states) this.#disks.get(state.name)!.restore(state);
  }
}
