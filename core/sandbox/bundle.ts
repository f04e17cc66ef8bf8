/**
 * Makes of a plugin's one TypeScript file the one text that runs, in whatever placement: a JavaScript expression, a function from the contract
 * to the file's default export.
 *
 * The file may import nothing but the contract. That is found by reading the text, not by running it: what is not written down as an import
 * cannot be imported, because the function has none.
 *
 * @module
 */
// deno-lint-ignore no-import-prefix
import type * as acorn from "npm:acorn@8.15.0";
import * as contract from "../bus/mod.ts";
import { BulkheadError } from "../bus/error.ts";
import { type Describer, withDescriber } from "./describe.ts";
import type { PluginManifest } from "./description.ts";
import { loadPackage } from "./packages.ts";

/** A plugin, ready to be agreed to and to run. */
export interface Bundle {
  /** What it is. */
  readonly kind: "device" | "backend";
  /** Author and name. */
  readonly id: string;
  /** Its version. */
  readonly version: number;
  /** Where its file came from: a URL. */
  readonly origin: string;
  /** What runs: an expression whose value is a function from the contract to the plugin. */
  readonly text: string;
  /** What it declares: plain JSON. */
  readonly manifest: PluginManifest;
  /** SHA-256 of the text and the manifest, in lower-case hexadecimal. */
  readonly hash: string;
}

/** Most characters of a plugin's file. */
const LONGEST = 4 << 20;

/** Names by which the contract is imported where Bulkhead is a package. */
const PACKAGE = /^(?:jsr:|npm:)?@bulkhead\/bulkhead(?:@[^/]*)?$/;

/** The contract's own modules, as a file in a checkout names them. */
const CHECKOUT = [new URL("../../mod.ts", import.meta.url).href, new URL("../bus/", import.meta.url).href] as const;

/**
 * Bundles a plugin, and learns what it declares by running it once in a process without rights.
 *
 * @param source The file's text, TypeScript.
 * @param origin The file's URL, for sentences and relative imports of the contract.
 * @throws {BulkheadError} `plugin-import`, `plugin-syntax`, `plugin-export` naming the line; or what is wrong with the definition.
 */
export async function bundlePlugin(source: string, origin: string): Promise<Bundle> {
  checkLength(source, origin);
  const { text, manifest } = await withDescriber(origin, async (describer) => {
    const text = await rewritten(source, origin, describer);
    return { text, manifest: await describer.describe(text) };
  });
  return {
    kind: manifest.kind,
    id: manifest.id,
    version: manifest.version,
    origin,
    text,
    manifest,
    hash: await contentHash(text, manifest),
  };
}

/** The hash by which a plugin is agreed to. */
export async function contentHash(text: string, manifest: PluginManifest): Promise<string> {
  const bytes = new TextEncoder().encode(`${text}\0${canonicalJson(manifest)}`);
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) =>
    byte.toString(16).padStart(2, "0")
  ).join("");
}

/** JSON with sorted keys: equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

/** The text alone, without running it. @throws {BulkheadError} As {@linkcode bundlePlugin}. */
export async function bundleText(source: string, origin: string): Promise<string> {
  checkLength(source, origin);
  return await withDescriber(origin, (describer) => rewritten(source, origin, describer));
}

function checkLength(source: string, origin: string): void {
  if (source.length <= LONGEST) return;
  throw refusal("plugin-syntax", origin, undefined, `a file of at most ${LONGEST} characters`, `${source.length}`);
}

async function rewritten(source: string, origin: string, describer: Describer): Promise<string> {
  // deno-lint-ignore no-import-prefix
  const load = () => import("npm:acorn@8.15.0");
  const { parse } = await loadPackage("acorn@8.15.0", "reads the texts of plugins", load);
  const script = await describer.strip(source);
  const tokens: acorn.Token[] = [], comments: acorn.Comment[] = [];
  try {
    const program = parse(script, {
      ecmaVersion: "latest",
      sourceType: "module",
      locations: true,
      onToken: tokens,
      onComment: comments,
    });
    return new Rewriter(script, origin, program).text(tokens, comments);
  } catch (error) {
    // Nesting that is too deep for us ends in a RangeError.
    throw error instanceof BulkheadError ? error : syntaxError(origin, error);
  }
}

type Node = acorn.Node & Record<string, unknown>;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Turns a module without imports into a function body, leaving every line where it was. */
class Rewriter {
  readonly #edits: Edit[] = [];
  readonly #imports: string[] = [];
  #default = "";

  constructor(readonly script: string, readonly origin: string, readonly program: acorn.Program) {}

  text(tokens: readonly acorn.Token[], comments: readonly acorn.Comment[]): string {
    for (const statement of this.program.body) this.#statement(statement as unknown as Node);
    walk(this.program as unknown as Node, false, (node, inFunction) => this.#inner(node, inFunction));
    if (this.#default === "") {
      throw refusal(
        "plugin-export",
        this.origin,
        undefined,
        "a default export made by device({...}) or backend({...})",
        "none",
        "write `export default device({ ... })`",
      );
    }
    for (const { start, end } of comments) this.#replace(start, end, blank(this.script.slice(start, end)));
    // What reads like the start or the end of an HTML comment is refused where the text is evaluated; spaces make it operators.
    for (const [index, { start, end }] of tokens.entries()) {
      const next = tokens[index + 1];
      if (next === undefined || next.start !== end) continue;
      const pair = this.script.slice(start, next.end);
      if (pair.startsWith("-->") || pair === "<!" || (pair.startsWith("--") && pair[2] === ">")) {
        this.#edits.push({ start: end, end, text: " " });
      }
    }
    const head = `(function (${CONTRACT}) { "use strict"; ${this.#imports.join(" ")} `;
    return `${head}${this.#edited()}\nreturn ${this.#default}; })`;
  }

  #statement(node: Node): void {
    switch (node.type) {
      case "ImportDeclaration":
        this.#import(node);
        this.#blank(node);
        break;
      case "ExportAllDeclaration":
        throw this.#foreign(node, (node.source as Node).value as string);
      case "ExportNamedDeclaration":
        this.#exportNamed(node);
        break;
      case "ExportDefaultDeclaration": {
        const declaration = node.declaration as Node;
        if (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration") {
          throw this.#bad(
            "plugin-export",
            node,
            "a default export made by device({...}) or backend({...})",
            "a function or a class",
          );
        }
        this.#default = DEFAULT;
        this.#edits.push({ start: node.start, end: declaration.start, text: `const ${DEFAULT} = (` });
        this.#edits.push({ start: declaration.end, end: node.end, text: ");" });
        break;
      }
    }
  }

  #import(node: Node): void {
    const source = (node.source as Node).value as string;
    if (!this.#isContract(source)) throw this.#foreign(node, source);
    if ((node.attributes as unknown[] | undefined)?.length) {
      throw this.#bad("plugin-import", node, "the contract imported without attributes", "an import with attributes");
    }
    const names: string[] = [];
    for (const specifier of node.specifiers as Node[]) {
      const local = (specifier.local as Node).name as string;
      if (specifier.type === "ImportNamespaceSpecifier") {
        this.#imports.push(`const ${local} = ${CONTRACT};`);
        continue;
      }
      const imported = specifier.type === "ImportDefaultSpecifier"
        ? "default"
        : ((specifier.imported as Node).name ?? (specifier.imported as Node).value) as string;
      if (!Object.hasOwn(contract, imported)) {
        throw this.#bad(
          "plugin-import",
          node,
          "a name that the contract exports",
          `"${imported}"`,
          "import a type with `import type`",
        );
      }
      names.push(imported === local ? local : `${imported}: ${local}`);
    }
    if (names.length > 0) this.#imports.push(`const { ${names.join(", ")} } = ${CONTRACT};`);
  }

  #exportNamed(node: Node): void {
    const source = node.source as Node | null;
    if (source !== null) throw this.#foreign(node, source.value as string);
    const declaration = node.declaration as Node | null;
    if (declaration !== null) {
      this.#replace(node.start, declaration.start, blank(this.script.slice(node.start, declaration.start)));
      return;
    }
    for (const { exported, local } of node.specifiers as { exported: Node; local: Node }[]) {
      if ((exported.name ?? exported.value) === "default") this.#default = local.name as string;
    }
    this.#blank(node);
  }

  #inner(node: Node, inFunction: boolean): void {
    if (node.type === "ImportExpression") {
      const { type, value } = node.source as Node;
      const what = type === "Literal" ? `import(${JSON.stringify(value)})` : "import() of a computed name";
      throw this.#bad("plugin-import", node, "no import but the contract's", what, REMEDY);
    }
    if (node.type === "MetaProperty" && (node.meta as Node).name === "import") {
      throw this.#bad(
        "plugin-import",
        node,
        "no import.meta, as the text runs from nowhere",
        "import.meta",
        "leave it out",
      );
    }
    if (!inFunction && (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await === true))) {
      throw this.#bad("plugin-syntax", node, "no await outside of functions", "one", "await in a back end's open()");
    }
  }

  #isContract(source: string): boolean {
    if (PACKAGE.test(source)) return true;
    if (!/^(?:\.{1,2}\/|file:|https:)/.test(source) || !URL.canParse(source, this.origin)) return false;
    const { href } = new URL(source, this.origin);
    return href === CHECKOUT[0] || (href.startsWith(CHECKOUT[1]) && href.endsWith(".ts"));
  }

  #foreign(node: Node, source: string): BulkheadError {
    return this.#bad("plugin-import", node, "no import but the contract's, @bulkhead/bulkhead", `"${source}"`, REMEDY);
  }

  #bad(code: string, node: Node, expected: string, found: string, remedy?: string): BulkheadError {
    return refusal(code, this.origin, (node.loc as acorn.SourceLocation).start.line, expected, found, remedy);
  }

  #blank({ start, end }: Node): void {
    this.#replace(start, end, blank(this.script.slice(start, end)));
  }

  #replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  #edited(): string {
    let text = "", at = 0;
    for (const { start, end, text: replacement } of this.#edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
      if (start < at) continue;
      text += this.script.slice(at, start) + replacement;
      at = end;
    }
    return text + this.script.slice(at);
  }
}

/** Names that no plugin would use. */
const CONTRACT = "$bulkhead$contract", DEFAULT = "$bulkhead$default";

const REMEDY = "a plugin is one file: put what it needs into it";

/** Spaces in place of a text, with its line breaks. */
function blank(text: string): string {
  return text.replace(/[^\n\r\u2028\u2029]/g, " ");
}

/** Visits every node; `inFunction` tells whether it is inside of a function's body. */
function walk(node: Node, inFunction: boolean, visit: (node: Node, inFunction: boolean) => void): void {
  visit(node, inFunction);
  const inside = inFunction || /Function/.test(node.type);
  for (const value of Object.values(node)) {
    for (const part of Array.isArray(value) ? value : [value]) {
      if (typeof part === "object" && part !== null && typeof (part as Node).type === "string" && "start" in part) {
        walk(part as Node, inside, visit);
      }
    }
  }
}

function syntaxError(origin: string, error: unknown): BulkheadError {
  const { message, loc } = error as { message: string; loc?: { line: number } };
  // One parser says the line apart, the other at the end of a drawing of the place.
  const line = loc?.line ?? Number(/\.ts:(\d+):\d+\s*$/.exec(message)?.[1] ?? NaN);
  const [first = message] = message.split("\n").map((text) => text.trim()).filter((text) => text !== "");
  return refusal("plugin-syntax", origin, Number.isNaN(line) ? undefined : line, "TypeScript", first);
}

function refusal(
  code: string,
  origin: string,
  line: number | undefined,
  expected: string,
  found: string,
  remedy?: string,
): BulkheadError {
  const where = line === undefined ? undefined : `line ${line}`;
  return new BulkheadError({ code, subject: `plugin ${origin}`, where, expected, found, remedy });
}
