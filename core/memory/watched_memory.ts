/**
 * Guest memory whose accesses are reported: the processor's own among them, to stacks, descriptors and task states.
 *
 * @module
 */
import type { LinearMemory } from "./linear.ts";

/** Is told of each access before it is made. */
export type AccessWatcher = (linear: number, size: number, write: boolean) => void;

/** Passes everything on, and reports reads and writes. */
export class WatchedMemory implements LinearMemory {
  /** @param memory What is watched. @param watch Is told of each access. */
  constructor(readonly memory: LinearMemory, readonly watch: AccessWatcher) {}

  read8(linear: number, user: boolean): number {
    this.watch(linear, 1, false);
    return this.memory.read8(linear, user);
  }
  read16(linear: number, user: boolean): number {
    this.watch(linear, 2, false);
    return this.memory.read16(linear, user);
  }
  read32(linear: number, user: boolean): number {
    this.watch(linear, 4, false);
    return this.memory.read32(linear, user);
  }
  write8(linear: number, value: number, user: boolean): void {
    this.watch(linear, 1, true);
    this.memory.write8(linear, value, user);
  }
  write16(linear: number, value: number, user: boolean): void {
    this.watch(linear, 2, true);
    this.memory.write16(linear, value, user);
  }
  write32(linear: number, value: number, user: boolean): void {
    this.watch(linear, 4, true);
    this.memory.write32(linear, value, user);
  }
  probeWrite(linear: number, size: number, user: boolean): void {
    this.memory.probeWrite(linear, size, user);
  }
  probeRead(linear: number, size: number, user: boolean): void {
    this.memory.probeRead(linear, size, user);
  }
  isMemory(linear: number, write: boolean, user: boolean): boolean {
    return this.memory.isMemory(linear, write, user);
  }
  direct(): number {
    return -1;
  }
  get words(): Int32Array {
    return this.memory.words;
  }
  flush(keepGlobal: boolean): void {
    this.memory.flush(keepGlobal);
  }
  flushPage(linear: number): void {
    this.memory.flushPage(linear);
  }
  readPhysical32(physical: number): number {
    return this.memory.readPhysical32(physical);
  }
}
