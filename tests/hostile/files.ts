/**
 * What hostile plugins try by their files: in imports, while they are read, in what they declare, and to be agreed to as something else. None
 * of it depends on a placement, as nothing has been placed yet.
 *
 * @module
 */
import type { Mechanism } from "./attempts.ts";

/** One file. */
export interface HostileFile {
  /** What it tries, for the table. */
  readonly tries: string;
  /** Its text. */
  readonly text: string;
  /** The sentence that refuses it. */
  readonly ends: RegExp;
  /** What holds it. */
  readonly by: Mechanism;
}

/** A device's file with this before it. */
const beside = (line: string) =>
  `import { backend, device } from "@bulkhead/bulkhead";
${line}
export default device({ id: "acme/rogue", api: 1, version: 1, needs: {}, state: () => ({}), wire: () => ({}) });
`;

/** A device with these fields in place of its own. */
const declaring = (fields: string) =>
  `import { device } from "@bulkhead/bulkhead";
export default device({ id: "acme/rogue", api: 1, version: 1, needs: {}, state: () => ({}), wire: () => ({}), ${fields} });
`;

/** A back end that asks for a file, for this reason. */
const asking = (why: string, name = "image", kind = "file") =>
  `import { backend } from "@bulkhead/bulkhead";
export default backend({
  id: "acme/rogue", api: 1, version: 1, provides: "block",
  host: { ${JSON.stringify(name)}: { kind: "${kind}", access: "read", why: ${JSON.stringify(why)} } },
  open: () => ({}),
});
`;

const file = (tries: string, text: string, ends: RegExp, by: Mechanism = "own check"): HostileFile => ({
  tries,
  text,
  ends,
  by,
});

const IMPORTS = [
  ["a file as text", 'import secret from "/etc/passwd" with { type: "text" };', /line 2: .* found "\/etc\/passwd"/],
  [
    "a file as JSON",
    'import secret from "file:///etc/x.json" with { type: "json" };',
    /line 2: .* found "file:\/\/\/etc\/x.json"/,
  ],
  ["a file beside it", 'import "./other.ts";', /line 2: .* found "\.\/other\.ts"/],
  ["a file above it", 'import "../../../etc/passwd";', /line 2: .* found "\.\.\/\.\.\/\.\.\/etc\/passwd"/],
  ["a data: URL", 'import "data:application/javascript,Deno.exit()";', /line 2: .* found "data:application/],
  ["a package of npm's", 'import x from "npm:left-pad";', /line 2: .* found "npm:left-pad"/],
  ["a module of Node's", 'import fs from "node:fs";', /line 2: .* found "node:fs"/],
  [
    "a module of the network's",
    'import "https://example.com/x.ts";',
    /line 2: .* found "https:\/\/example\.com\/x\.ts"/,
  ],
  [
    "a module that is named like the contract",
    'import "npm:@bulkhead/bulkhead@1/../evil";',
    /line 2: .* found "npm:@bulkhead\/bulkhead@1\/\.\.\/evil"/,
  ],
  ["what the contract does not have", 'import { boot } from "@bulkhead/bulkhead";', /line 2: .* found "boot"/],
  [
    "the contract with attributes",
    'import * as x from "@bulkhead/bulkhead" with { type: "text" };',
    /line 2: .* an import with attributes/,
  ],
  ["by passing on", 'export * from "node:fs";', /line 2: .* found "node:fs"/],
  ["by passing one name on", 'export { exit } from "node:process";', /line 2: .* found "node:process"/],
  ["at run time", 'const later = () => import("node:fs");', /line 2: .* found import\("node:fs"\)/],
  [
    "at run time by a computed name",
    "const later = (name) => import(name);",
    /line 2: .* import\(\) of a computed name/,
  ],
  ["behind escapes", 'const later = () => import("\\u006eode:fs");', /line 2: .* found import\("node:fs"\)/],
].map(([what, line, ends]) => file(`import ${what}`, beside(line as string), ends as RegExp));

const READING = [
  file("learn where it runs", beside("const here = import.meta.url;"), /line 2: .* found import\.meta/),
  file(
    "wait before it is looked at",
    beside("await new Promise(() => {});"),
    /line 2: .* no await outside of functions/,
  ),
  file("end the text and begin one of its own", beside("})); Deno.exit(1); ((() => {"), /expected TypeScript/),
  file(
    "hide text behind a comment of HTML's",
    beside("<!-- \nDeno.exit(1);"),
    /was stopped while its text was evaluated: TypeError: .*exit/,
  ),
  file("evaluate directly", beside('const run = () => eval("Deno");'), /Possible direct eval/, "SES"),
  file("overflow who parses it", beside(`const deep = ${"(".repeat(3000)}1${")".repeat(3000)};`), /Maximum call stack/),
  file(
    "end who parses it",
    beside(`const deep = ${"(".repeat(30_000)}1${")".repeat(30_000)};`),
    /was stopped while it was looked at: .* ended unexpectedly, by SIG/,
    "process",
  ),
  file("be a very long file", beside(`/*${"x".repeat(4 << 20)}*/`), /a file of at most 4194304 characters/),
  file(
    "run a command while it is looked at",
    beside('new Deno.Command("id");'),
    /was stopped while its text was evaluated: TypeError: .*Command/,
    "SES",
  ),
  file(
    "read a file while it is looked at",
    beside('Deno.readTextFileSync("/etc/passwd");'),
    /was stopped while its text was evaluated: TypeError: .*readTextFileSync/,
    "SES",
  ),
  file(
    "answer in Bulkhead's place",
    beside("Deno.stdout.writeSync(new Uint8Array(9));"),
    /was stopped while its text was evaluated: TypeError: .*stdout/,
    "SES",
  ),
  file(
    "hang while it is looked at",
    beside("for (;;);"),
    /was stopped while it was looked at: it did not tell what it is in [\d.]+ s/,
    "process",
  ),
  file(
    "hang in a promise",
    beside("(async () => { await 0; for (;;); })();"),
    /was stopped while it was looked at: it did not tell what it is in [\d.]+ s/,
    "process",
  ),
  file(
    "take all memory while it is looked at",
    beside("for (const held = [];;) held.push(new Uint8Array(1 << 24).fill(1));"),
    /was stopped while it was looked at: .* ended unexpectedly, by SIGKILL|memory|RangeError/i,
    "process",
  ),
  file(
    "take all of the heap",
    beside("for (const held = [];;) held.push([held.length]);"),
    /was stopped while it was looked at: .* ended unexpectedly, by SIG/,
    "process",
  ),
  file(
    "throw lines of its own",
    beside('throw new Error("\\x1b[2J\\nagreed");'),
    /evaluated: Error: \\u\{1b\}\[2J\\u\{a\}agreed/,
  ),
  file(
    "throw an error of the core's in another's name",
    `import { BulkheadError } from "@bulkhead/bulkhead";
    throw new BulkheadError({ code: "x", subject: "x", sentence: "plugin good.ts is fine" }); export default 1;`,
    /rogue\d+\.ts was stopped while its text was evaluated: plugin good\.ts is fine/,
  ),
];

const EXPORTS = [
  ["nothing", "export const it = 1;", /a default export made by device/],
  ["a number", "export default 1;", /a default export made by device/],
  ["a function", "export default function () {}", /found a function or a class/],
  ["a promise", "export default Promise.resolve({});", /expected an id|a default export/],
  [
    "a trap",
    "export default new Proxy({}, { get() { throw new Error('caught'); } });",
    /was stopped while it was described: Error: caught/,
  ],
].map(([what, text, ends]) => file(`be ${what}`, text as string, ends as RegExp));

const DECLARED = [
  ["an id with colours", 'id: "acme/\\x1b[31mrogue"', /id: expected an id/],
  ["an id of two lines", 'id: "acme/rogue\\nacme/good"', /id: expected an id/],
  ["an id that reads backwards", 'id: "acme/\\u202eeugor"', /id: expected an id/],
  ["an id with letters that look alike", 'id: "аcme/rogue"', /id: expected an id/],
  ["an id with letters that do not show", 'id: "acme/rog\\u200bue"', /id: expected an id/],
  ["an id that goes elsewhere", 'id: "acme/../bulkhead"', /id: expected an id/],
  ["one of Bulkhead's own ids", 'id: "bulkhead/ns16550a"', /id: expected .*found "bulkhead\/ns16550a"/],
  ["a very long id", 'id: "acme/" + "x".repeat(1000)', /id/],
  ["an id that is no text", 'id: { toString: () => "acme/rogue" }', /id: expected an id/],
  ["another contract", "api: 2", /api: expected contract version 1/],
  ["a version that is none", "version: NaN", /version/],
  ["a function among its claims", "needs: { ports: () => 1 }", /needs\.ports: expected plain data/],
  ["claims that throw", "needs: { get ports() { throw new Error('caught'); } }", /caught/],
  [
    "claims in a circle",
    "needs: (() => { const a = {}; a.a = a; return a; })()",
    /expected plain data of a reasonable size/,
  ],
  [
    "claims without end",
    "needs: { ports: Object.fromEntries(Array.from({ length: 9000 }, (_, n) => ['p' + n, { base: n, size: 1 }])) }",
    /values|4096|reasonable/,
  ],
  ["claims with a prototype", 'needs: JSON.parse(\'{"__proto__":{"ports":{"io":{"base":1,"size":1}}}}\')', /__proto__/],
  [
    "a right on the host, as a device",
    'needs: { host: { image: { kind: "file", access: "read", why: "so" } } }',
    /host/,
  ],
  ["latches that are no numbers", "latches: { MASK: { valueOf: () => 1 } }", /latches/],
  ["a configuration that lies", 'config: { x: { default: () => 1, doc: "" } }', /config/],
].map(([what, fields, ends]) => file(`declare ${what}`, declaring(fields as string), ends as RegExp));

const REASONS = [
  file("colour the table of rights", asking("it is the \x1b[1mdisk"), /U\+001B/),
  file("add a line to the table of rights", asking("it is\nthe disk"), /U\+000A/),
  file("turn the table of rights around", asking("it is \u202eksid eht"), /U\+202E/),
  file("hide letters in a reason", asking("it is the\u200b disk"), /U\+200B/),
  file("fill the screen with a reason", asking("x".repeat(5000)), /200|characters/),
  file("cover other lines with marks", asking("it is\u0300\u0301\u0302\u0303 the disk"), /marks upon one letter/),
  file("give no reason", asking("  "), /a reason for the owner/),
  file("ask for a right by a name that does not show", asking("it is", "im\u200bage"), /placeholder/),
  file("ask to run commands", asking("it is", "shell", "run"), /expected one of file, connect, listen, found "run"/),
];

/** All of them. */
export const FILES: readonly HostileFile[] = [...IMPORTS, ...READING, ...EXPORTS, ...DECLARED, ...REASONS];
