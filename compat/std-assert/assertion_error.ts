/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** @param message What did not hold. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Throws an `AssertionError`: the sentence, then the caller's own words if there are any. */
export function refuse(sentence: string, msg: string | undefined, below = ""): never {
  throw new AssertionError(`${sentence}${msg ? `: ${msg}` : "."}${below}`);
}
