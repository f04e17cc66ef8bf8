/**
 * What a command of the command line is.
 *
 * @module
 */

/** A command: `bulkhead NAME ...`. */
export interface Command {
  /** What follows the name: `[machine.ts] [options]`. */
  readonly usage: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** Everything about it, after usage and summary. Ends with a line end. */
  readonly help: string;
  /**
   * Does it.
   *
   * @param args What follows the name.
   * @returns The exit code.
   * @throws {BulkheadError} What the user did wrong, or what went wrong; see `exit_codes.ts` for the exit code of either.
   */
  run(args: readonly string[]): Promise<number>;
}
