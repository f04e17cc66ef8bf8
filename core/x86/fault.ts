/**
 * How the architecture's TypeScript half leaves an instruction early.
 *
 * @module
 */

/** An exception of the guest's CPU. Thrown by callouts and memory accesses before the instruction committed anything. */
export class GuestFault {
  /**
   * @param vector Exception vector, 0 to 31.
   * @param error Error code pushed with it, or -1 where the vector has none.
   */
  constructor(readonly vector: number, readonly error: number = -1) {}
}

/** A documented feature of the CPU that is not built: the machine stops and says so. */
export class UnbuiltFeature {
  /** @param feature The feature's name as the Intel or AMD manual has it. */
  constructor(readonly feature: string) {}
}
