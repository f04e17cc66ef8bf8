/**
 * Holds back what a compartment tells of its uses of the host, so that a plugin that is refused without end does not fill its machine's
 * channels: the first uses of a second are told as they come, those beyond together, with their number.
 *
 * @module
 */
import type { HostAudit, HostUse } from "./host_uses.ts";

/** Milliseconds in which uses beyond the limit are told together. */
const TOGETHER = 1000;

/** Uses that are told one by one within that time. */
const MOST = 64;

/** Characters of each text that a plugin chose. */
const LONGEST = 256;

/** What stands for uses of several kinds. */
const SEVERAL = "(several)";

/** Bounds what is told to an audit. */
export class UseTally {
  readonly #audit: HostAudit;
  readonly #now: () => number;
  readonly #beyond = new Map<HostUse["outcome"], { uses: number; bytes: number }>();
  #since = -Infinity;
  #told = 0;

  /** @param now Milliseconds from any point. */
  constructor(audit: HostAudit, now: () => number = () => performance.now()) {
    this.#audit = audit;
    this.#now = now;
  }

  /** Something was used. */
  tell(use: HostUse): void {
    if (this.#now() - this.#since >= TOGETHER) this.flush();
    if (this.#told < MOST) {
      this.#told++;
      const { cause } = use;
      this.#audit({
        ...use,
        right: use.right.slice(0, LONGEST),
        ...(cause === undefined ? {} : { cause: cause.slice(0, LONGEST) }),
      });
      return;
    }
    let sum = this.#beyond.get(use.outcome);
    if (sum === undefined) this.#beyond.set(use.outcome, sum = { uses: 0, bytes: 0 });
    sum.uses += use.uses;
    sum.bytes += use.bytes;
  }

  /** Tells what was held back. */
  flush(): void {
    this.#since = this.#now();
    this.#told = 0;
    const cause = "more uses than are told one by one";
    for (const [outcome, { uses, bytes }] of this.#beyond) {
      this.#audit({ right: SEVERAL, value: "", action: SEVERAL, uses, bytes, outcome, cause });
    }
    this.#beyond.clear();
  }
}
