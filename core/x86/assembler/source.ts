/**
 * Reads assembly source, line by line, into statements at labels.
 *
 * @module
 */
import { AssemblyError, Mistake } from "./error.ts";
import { type Expression, parseExpression, symbolsOf } from "./expression.ts";
import { beginsStatement, type Emit, parseStatement } from "./statement.ts";
import { type Token, tokenize, TokenReader } from "./tokens.ts";

/** What a line contributes, in order. */
export type Item =
  | { readonly kind: "label"; readonly line: number; readonly name: string }
  | { readonly kind: "equ"; readonly line: number; readonly name: string; readonly value: Expression }
  | { readonly kind: "emit"; readonly line: number; readonly emit: Emit };

/** Source, read. */
export interface Program {
  readonly items: readonly Item[];
  /** What `org` said, if anything. */
  readonly origin: Expression | undefined;
}

/** Reads source: keeps what lasts from line to line. */
class SourceReader {
  readonly items: Item[] = [];
  origin: Expression | undefined;
  #big: boolean;
  #line = 0;
  /** The label that local labels belong to. */
  #parent = "";
  readonly #defines = new Map<string, readonly Token[]>();
  readonly #defined = new Set<string>();
  readonly #mentioned = new Map<string, number>();

  constructor(bits: number) {
    this.#big = bits === 32;
  }

  read(source: string): void {
    for (const [index, text] of source.split("\n").entries()) {
      this.#line = index + 1;
      try {
        this.#readLine(tokenize(text));
      } catch (error) {
        throw error instanceof Mistake ? new AssemblyError(this.#line, error.message) : error;
      }
    }
    for (const [name, line] of this.#mentioned) {
      if (!this.#defined.has(name)) throw new AssemblyError(line, `the name "${name}" is not defined`);
    }
  }

  #qualify = (name: string): string => name.startsWith(".") ? this.#parent + name : name;

  #mention = (expression: Expression): void => {
    for (const name of symbolsOf(expression)) if (!this.#mentioned.has(name)) this.#mentioned.set(name, this.#line);
  };

  /** Puts the words that %define gave in place of names, and of names in these, but of no name in itself. */
  #substitute(tokens: readonly Token[], inside: readonly string[] = []): Token[] {
    return tokens.flatMap((token) => {
      const replacement = token.kind === "name" ? this.#defines.get(token.text) : undefined;
      if (replacement === undefined || inside.includes(token.text)) return [token];
      return this.#substitute(replacement, [...inside, token.text]);
    });
  }

  #define(name: string): void {
    if (this.#defined.has(name)) throw new Mistake(`the name "${name}" is defined twice`);
    this.#defined.add(name);
  }

  #readLine(tokens: readonly Token[]): void {
    const [first, second] = tokens;
    if (first === undefined) return;
    if (first.kind === "name" && first.text.startsWith("%")) {
      if (first.text !== "%define" || second?.kind !== "name") {
        throw new Mistake('the only directive with a percent sign is "%define NAME value"');
      }
      this.#defines.set(second.text, tokens.slice(2));
      return;
    }
    const reader = new TokenReader(this.#substitute(tokens));
    this.#readLabel(reader);
    if (reader.atEnd) return;
    if (!this.#readDirective(reader)) {
      const context = { big: this.#big, qualify: this.#qualify, mention: this.#mention };
      this.items.push({ kind: "emit", line: this.#line, emit: parseStatement(reader, context) });
    }
    reader.expectEnd();
  }

  /** Takes a label: a name before a colon, or before a statement when it is none itself. */
  #readLabel(reader: TokenReader): void {
    const token = reader.peek();
    if (token?.kind !== "name") return;
    const next = reader.keyword(1);
    const colon = reader.peek(1)?.text === ":";
    const directive = next === "equ" || next === "times" || /^(?:d[bwdq]|res[bwdq])$/.test(next);
    if (!colon && (beginsStatement(token.text.toLowerCase()) || !directive)) return;
    reader.next();
    reader.accept(":");
    const name = this.#qualify(token.text);
    this.#define(name);
    if (reader.accept("equ")) {
      const value = parseExpression(reader, this.#qualify);
      this.#mention(value);
      this.items.push({ kind: "equ", line: this.#line, name, value });
      return;
    }
    if (!token.text.startsWith(".")) this.#parent = name;
    this.items.push({ kind: "label", line: this.#line, name });
  }

  /** Takes a directive that emits nothing; false if there is none. */
  #readDirective(reader: TokenReader): boolean {
    if (reader.accept("bits")) {
      const width = reader.next();
      if (width?.text !== "16" && width?.text !== "32") throw new Mistake('"bits" takes 16 or 32');
      this.#big = width.text === "32";
      return true;
    }
    if (reader.accept("org")) {
      if (this.origin !== undefined) throw new Mistake('"org" may stand only once');
      this.origin = parseExpression(reader, this.#qualify);
      return true;
    }
    return false;
  }
}

/**
 * Reads source.
 *
 * @param bits 16 or 32: the width of code before any `bits` directive.
 * @throws {AssemblyError} At the first mistake.
 */
export function parseSource(source: string, bits: number): Program {
  const reader = new SourceReader(bits);
  reader.read(source);
  return { items: reader.items, origin: reader.origin };
}
