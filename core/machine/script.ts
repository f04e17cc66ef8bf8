/**
 * Scripts at a serial port: wait for a pattern, type a text.
 *
 * A script runs inside the virtual CPU's thread and is tested at each byte that the guest writes, so that it acts at a virtual instant: the
 * same one in every deterministic run, and without a race against the host in real time. A pattern therefore matches as soon as it can
 * (`/\d+/` after the first digit, and `$` is always just there). It sees only text after the previous match.
 *
 * @module
 */
import type { ResolvedStep } from "./definition.ts";

/** Characters before a match that are kept; a pattern does not see further back. */
export const SCRIPT_WINDOW = 65536;

/** A match: what `RegExp.prototype.exec` gives, as plain data. */
export interface ScriptMatch {
  /** The whole match, then the capturing groups; null for a group that took no part. */
  readonly groups: readonly (string | null)[];
  /** Named groups. */
  readonly named: Readonly<Record<string, string | null>>;
  /** Where the match begins in `text`. */
  readonly index: number;
  /** What the guest wrote from the previous match to the end of this one (its last SCRIPT_WINDOW characters). */
  readonly text: string;
}

/** What a script does to its machine. */
export interface ScriptActions {
  /** Types bytes into the serial port. */
  type(bytes: Uint8Array): void;
  /** An expectation was met. Steps after it follow when this returns true; else `proceed` continues. */
  matched(id: number, match: ScriptMatch): boolean;
}

/** What a script has seen, as plain data. */
export interface ScriptState {
  /** What the guest wrote after the last match. */
  readonly text: string;
  /** The bytes so far of a character that the guest has not written whole. */
  readonly partial: readonly number[];
}

interface Step {
  readonly id: number;
  readonly action: { readonly text: Uint8Array } | { readonly pattern: Pattern };
  readonly step: ResolvedStep;
}

/** A queue of steps, fed with what the guest writes. */
export class SerialScript {
  readonly #actions: ScriptActions;
  readonly #steps: Step[] = [];
  readonly #characters = new TextDecoder();
  #partial: number[] = [];
  #text = "";
  #halted = false;

  /** An empty script. */
  constructor(actions: ScriptActions) {
    this.#actions = actions;
  }

  /** Whether steps are left. */
  get pending(): boolean {
    return this.#steps.length > 0;
  }

  /** The pattern that the script waits for, if it waits for one. */
  get unmet(): string | undefined {
    const action = this.#steps[0]?.action;
    return action !== undefined && "pattern" in action ? String(action.pattern.expression) : undefined;
  }

  /** Adds a step. One that can act on what the guest has written already does so before this returns. */
  add(id: number, step: ResolvedStep): void {
    const action = step.kind === "send"
      ? { text: Uint8Array.from(step.bytes) }
      : { pattern: new Pattern(step.source, step.flags) };
    this.#steps.push({ id, action, step });
    if (this.#steps.length === 1) this.#begin();
  }

  /** Takes back a step that has not acted yet. */
  remove(id: number): void {
    const index = this.#steps.findIndex((step) => step.id === id);
    if (index < 0) return;
    this.#steps.splice(index, 1);
    if (index === 0) this.#begin();
  }

  /** The guest wrote a byte. */
  byte(value: number): void {
    let text: string;
    if (value < 0x80 && this.#partial.length === 0) {
      text = ASCII[value]!;
    } else {
      text = this.#characters.decode(Uint8Array.of(value), { stream: true });
      if (text === "") {
        this.#partial.push(value);
        return;
      }
      // After bytes that are no character, the decoder may hold the first byte of the next.
      this.#partial = value >= 0xc2 && value <= 0xf4 ? [value] : [];
    }
    this.#text += text;
    if (this.#text.length > 2 * SCRIPT_WINDOW) this.#text = this.#text.slice(-SCRIPT_WINDOW);
    const action = this.#steps[0]?.action;
    if (this.#halted || action === undefined || !("pattern" in action)) return;
    if (action.pattern.feed(text)) this.#search(action.pattern);
  }

  /** What the script has seen. */
  save(): ScriptState {
    return { text: this.#text, partial: this.#partial };
  }

  /** Takes over what a script has seen, before any step is added. */
  restore({ text, partial }: ScriptState): void {
    this.#text = text;
    this.#partial = [...partial];
    this.#characters.decode(Uint8Array.from(partial), { stream: true });
  }

  /** Steps that have not acted, with their numbers. */
  get steps(): readonly { readonly id: number; readonly step: ResolvedStep }[] {
    return this.#steps;
  }

  /** Goes on after a match whose action asked to wait. */
  proceed(): void {
    if (!this.#halted) return;
    this.#halted = false;
    this.#begin();
  }

  /** Lets the first step act on what is there, and those after it. */
  #begin(): void {
    while (!this.#halted) {
      const step = this.#steps[0];
      if (step === undefined) return;
      if ("pattern" in step.action) {
        step.action.pattern.restart();
        if (!step.action.pattern.feed(this.#text)) return;
        this.#search(step.action.pattern);
        return;
      }
      this.#steps.shift();
      this.#actions.type(step.action.text);
    }
  }

  #search(pattern: Pattern): void {
    const text = this.#text.slice(-SCRIPT_WINDOW);
    const found = pattern.expression.exec(text);
    if (found === null) return;
    const end = found.index + found[0].length;
    this.#text = text.slice(end);
    const { id } = this.#steps.shift()!;
    this.#halted = !this.#actions.matched(id, {
      groups: [...found].map((group) => group ?? null),
      named: Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, group]) => [name, group ?? null])),
      index: found.index,
      text: text.slice(0, end),
    });
    this.#begin();
  }
}

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

/**
 * A regular expression that tells cheaply when it cannot match: without that, each byte of a long boot log would search the whole log anew.
 * A pattern of plain characters is followed by the automaton of Knuth, Morris and Pratt; any other is tried at each character.
 */
class Pattern {
  readonly expression: RegExp;
  readonly #literal: string | undefined;
  readonly #failure: number[] = [];
  #state = 0;

  constructor(source: string, flags: string) {
    this.expression = new RegExp(source, flags);
    if (flags !== "" || source === "" || /[\\^$.*+?()[\]{}|]/.test(source)) return;
    this.#literal = source;
    let length = 0;
    this.#failure.push(0);
    for (let i = 1; i < source.length; i++) {
      while (length > 0 && source[i] !== source[length]) length = this.#failure[length - 1]!;
      if (source[i] === source[length]) length++;
      this.#failure.push(length);
    }
  }

  /** Forgets the text so far. */
  restart(): void {
    this.#state = 0;
  }

  /** Follows the text; true when it may contain a match now. */
  feed(text: string): boolean {
    const literal = this.#literal;
    if (literal === undefined) return true;
    let found = false;
    for (let i = 0; i < text.length; i++) {
      while (this.#state > 0 && text[i] !== literal[this.#state]) this.#state = this.#failure[this.#state - 1]!;
      if (text[i] === literal[this.#state]) this.#state++;
      if (this.#state < literal.length) continue;
      found = true;
      this.#state = this.#failure[literal.length - 1]!;
    }
    return found;
  }
}
