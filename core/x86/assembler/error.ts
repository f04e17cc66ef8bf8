/**
 * How the assembler refuses.
 *
 * @module
 */

/** A mistake in assembly source. Its message is a sentence that begins with the line: `line 3: the label "x" is not defined`. */
export class AssemblyError extends Error {
  /**
   * @param line Line of the source, from 1.
   * @param problem What is wrong, without the line.
   */
  constructor(
    /** Line of the source, from 1. */
    readonly line: number,
    /** What is wrong, without the line. */
    readonly problem: string,
  ) {
    super(`line ${line}: ${problem}`);
    this.name = "AssemblyError";
  }
}

/** A mistake found where the line is not known; the statement that holds it adds the line. */
export class Mistake extends Error {
  override name = "Mistake";
}
