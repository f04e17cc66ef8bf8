/**
 * Words of a line of assembly source.
 *
 * @module
 */
import { Mistake } from "./error.ts";

/** One word. */
export type Token =
  | { readonly kind: "number"; readonly text: string; readonly value: bigint }
  | { readonly kind: "float"; readonly text: string; readonly value: number }
  | { readonly kind: "string"; readonly text: string; readonly bytes: Uint8Array }
  | { readonly kind: "name" | "mark"; readonly text: string };

const FLOAT = /\d+\.\d+(?:[eE][-+]?\d+)?/y;
const NUMBER = /\d[\w]*/y;
const NAME = /[A-Za-z_.?@][\w.?@$]*/y;
const DIRECTIVE = /%[A-Za-z]+/y;
const STRING = /'[^']*'|"[^"]*"|`(?:[^`\\]|\\.)*`/y;
const MARK = /<<|>>|\$\$|[-+*\/%&|^~()[\],:$]/y;
const BLANK = /[ \t\r]+/y;

function take(pattern: RegExp, line: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0];
}

/** Reads a number: 0x1f, 1fh, 0b101, 101b, 0o17, 12, with underscores anywhere. */
function parseNumber(text: string): bigint {
  const digits = text.toLowerCase().replaceAll("_", "");
  if (/^(?:0x[0-9a-f]+|0b[01]+|0o[0-7]+|\d+)$/.test(digits)) return BigInt(digits.replace(/^0+(?=\d)/, ""));
  if (/^\d[0-9a-f]*h$/.test(digits)) return BigInt(`0x${digits.slice(0, -1)}`);
  if (/^[01]+b$/.test(digits)) return BigInt(`0b${digits.slice(0, -1)}`);
  throw new Mistake(`"${text}" is not a number`);
}

/** Characters of a backquoted string, which knows C escapes; the other quotes know none, as in NASM. */
function unquote(text: string): Uint8Array {
  let inside = text.slice(1, -1);
  if (text[0] === "`") {
    const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", 0: "\0", e: "\x1b" };
    inside = inside.replace(
      /\\x([0-9a-fA-F]{2})|\\(.)/g,
      (_, code: string | undefined, char: string) =>
        code !== undefined ? String.fromCharCode(parseInt(code, 16)) : escapes[char] ?? char,
    );
  }
  return new TextEncoder().encode(inside);
}

/**
 * Splits a line into words; a semicolon begins a comment.
 *
 * @throws {Mistake} A character that begins no word, or a number that is none.
 */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length && line[at] !== ";") {
    let text: string | undefined;
    if ((text = take(BLANK, line, at)) !== undefined) {
      // Blanks only separate.
    } else if ((text = take(FLOAT, line, at)) !== undefined) tokens.push({ kind: "float", text, value: Number(text) });
    else if ((text = take(NUMBER, line, at)) !== undefined) {
      tokens.push({ kind: "number", text, value: parseNumber(text) });
    } else if ((text = take(STRING, line, at)) !== undefined) {
      tokens.push({ kind: "string", text, bytes: unquote(text) });
    } else if (tokens.length === 0 && (text = take(DIRECTIVE, line, at)) !== undefined) {
      tokens.push({ kind: "name", text });
    } else if ((text = take(NAME, line, at)) !== undefined) tokens.push({ kind: "name", text });
    else if ((text = take(MARK, line, at)) !== undefined) tokens.push({ kind: "mark", text });
    else throw new Mistake(`"${line[at]}" does not begin a word of assembly language`);
    at += text.length;
  }
  return tokens;
}

/** Reads words one after the other. */
export class TokenReader {
  #at = 0;

  constructor(readonly tokens: readonly Token[]) {}

  /** The next word, without taking it. */
  peek(ahead = 0): Token | undefined {
    return this.tokens[this.#at + ahead];
  }

  /** Takes the next word. */
  next(): Token | undefined {
    return this.tokens[this.#at++];
  }

  /** Takes the next word if it is the mark or keyword named (in any case). */
  accept(text: string): boolean {
    const token = this.peek();
    if (token === undefined || (token.kind !== "mark" && token.kind !== "name")) return false;
    if (token.text.toLowerCase() !== text) return false;
    this.#at++;
    return true;
  }

  /** The next word in lower case if it is a name, else "". */
  keyword(ahead = 0): string {
    const token = this.peek(ahead);
    return token?.kind === "name" ? token.text.toLowerCase() : "";
  }

  /** Takes a mark that must be there. */
  expect(text: string): void {
    if (!this.accept(text)) throw new Mistake(`expected "${text}" and found ${this.describe()}`);
  }

  /** The next word as a message shows it. */
  describe(): string {
    const token = this.peek();
    return token === undefined ? "the end of the line" : `"${token.text}"`;
  }

  get atEnd(): boolean {
    return this.#at >= this.tokens.length;
  }

  /** Refuses words left over. */
  expectEnd(): void {
    if (!this.atEnd) throw new Mistake(`expected the end of the line and found ${this.describe()}`);
  }
}
