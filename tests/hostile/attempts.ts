/**
 * What hostile devices try when the guest reads their register, and what is to come of it: a row each. They all run in every placement that a
 * stranger's device may have, many in one machine.
 *
 * `does` is the body of a function of the device's context; the device has a level line `done`, an alarm `later`, a DMA window `in` that
 * reads at most 16 bytes, the latch MASK, and nothing else. `plain` is what every row relies on: a device that neither throws nor returns what
 * is no number goes on, and the guest reads its number.
 *
 * @module
 */

/** What keeps something from happening. */
export type Mechanism = "Deno" | "SES" | "process" | "own check";

/** Where strangers' devices run. */
export const STRANGERS = ["confined", "worker", "process"] as const;

/** One of those. */
export type StrangersPlacement = typeof STRANGERS[number];

/** What comes of an attempt: the device is detached, and the sentence says so; or the guest reads this number, and nothing has happened. */
export type Outcome = RegExp | number;

/** One attempt. */
export interface Attempt {
  /** What it tries, for the table. */
  readonly tries: string;
  /** The body of a function. */
  readonly does: string;
  /** What comes of it. */
  readonly ends: Outcome | Readonly<Record<StrangersPlacement, Outcome>>;
  /** What holds it. */
  readonly by: Mechanism;
  /** What comes of it shows only where the device is alone in its compartment, as it will be detached for what it returns or throws. */
  readonly alone?: boolean;
}

/** Globals of the host are undefined in a compartment: the sentence tells what was to be done with them. */
const lacking = (what: string) => new RegExp(`it threw at TRAP: TypeError: .*\\b${what}\\b`);
const frozen = /it threw at TRAP: TypeError: (Cannot|Invalid|Object|"|')/;
const noFunction =
  /it threw at TRAP: (TypeError: Function\.prototype\.constructor is not a valid constructor|ReferenceError: Deno is not)/;
const ses = (tries: string, does: string, ends: Attempt["ends"]): Attempt => ({ tries, does, ends, by: "SES" });
const own = (tries: string, does: string, ends: Attempt["ends"]): Attempt => ({ tries, does, ends, by: "own check" });

/** To reach the host. */
const REACHING: readonly Attempt[] = [
  ses("read a file", 'return Deno.readTextFileSync("/etc/passwd").length;', lacking("readTextFileSync")),
  ses("read a file through a link", 'Deno.symlinkSync("/etc/passwd", "/tmp/x");', lacking("symlinkSync")),
  ses("run a command", 'new Deno.Command("id").outputSync();', lacking("Command")),
  ses("end the process", "Deno.exit(0);", lacking("exit")),
  ses("signal its own process", 'Deno.kill(Deno.pid, "SIGUSR1");', lacking("kill")),
  ses("end the process in Node's way", "process.exit(0);", lacking("exit")),
  ses("read the environment", "return process.env.HOME.length;", lacking("env")),
  ses("read standard input", "return Deno.stdin.readSync(new Uint8Array(1));", lacking("stdin")),
  ses("require a module", 'return require("node:fs");', lacking("require")),
  ses("fetch from the loopback", 'fetch("http://127.0.0.1:80/");', lacking("fetch")),
  ses("reach the inspector's port", 'new WebSocket("ws://127.0.0.1:9229/");', lacking("WebSocket")),
  ses("open a socket", "Deno.connect({ port: 25 });", lacking("connect")),
  ses("start a Worker", 'new Worker("data:application/javascript,");', lacking("Worker")),
  ses("speak on a channel of other plugins", 'new BroadcastChannel("machine");', lacking("BroadcastChannel")),
  ses("post a message to whoever started it", "postMessage(1);", lacking("postMessage")),
  ses("take the messages of its thread", "self.onmessage = () => {};", lacking("onmessage")),
  ses("make shared memory", "return new SharedArrayBuffer(8).byteLength;", lacking("SharedArrayBuffer")),
  ses("make WebAssembly memory", "return new WebAssembly.Memory({ initial: 1 });", lacking("Memory")),
  ses("store something in the cache", "caches.open('x');", lacking("open")),
  ses("look at the machine's hardware", "return navigator.hardwareConcurrency;", lacking("hardwareConcurrency")),
  ses("measure time", "return performance.now();", lacking("now")),
  ses("ask for the date", "return Date.now();", /it threw at TRAP: TypeError: secure mode/),
  ses("ask for chance", "return Math.random();", /it threw at TRAP: TypeError: secure mode/),
  ses("wait for a timer", "setTimeout(() => {}, 0);", lacking("setTimeout")),
];

/** To get out of the compartment. */
const ESCAPING: readonly Attempt[] = [
  ses("make a function of text by a function's constructor", '(() => {}).constructor("return Deno")();', noFunction),
  ses("by an asynchronous one's", '(async () => {}).constructor("return Deno")();', noFunction),
  ses("by a generator's", '(function* () {}).constructor("return Deno")().next();', noFunction),
  ses("by Function", 'return Function("return typeof Deno")() === "undefined" ? 2 : 3;', 2),
  ses("by eval", 'const run = eval; return run("Deno.exit(0)");', lacking("exit")),
  ses("by indirect eval", 'return (0, eval)("typeof Deno + typeof process").length / 18;', 1),
  ses("by this of a sloppy function", 'Function("return this.Deno")();', lacking("Deno")),
  ses("by a constructor reached from the context", 'log.constructor("return Deno")();', noFunction),
  ses("from the configuration", 'config.constructor.constructor("return Deno")();', noFunction),
  ses("from a line", 'line.set.constructor("return Deno")();', noFunction),
  ses(
    "from a latch's accessor",
    'Object.getOwnPropertyDescriptor(regs, "MASK").get.constructor("return Deno")();',
    noFunction,
  ),
  ses(
    "from an error of the core's",
    'try { dma("all"); } catch (error) { error.constructor.constructor("return Deno")(); }',
    noFunction,
  ),
  ses(
    "from an error of the host's",
    'try { new TextDecoder("no"); } catch (error) { error.constructor.constructor("return Deno")(); }',
    noFunction,
  ),
  ses("from the contract", 'contract.device.constructor("return Deno")();', noFunction),
  ses("from a class of the contract", 'contract.BulkheadError.constructor("return Deno")();', noFunction),
  ses("by a compartment of its own", 'return new Compartment().evaluate("Deno.exit(0)");', lacking("exit")),
  ses(
    "by an import in text",
    'const run = eval; return run("im" + "port(\'node:fs\')");',
    /SyntaxError: Possible import expression/,
  ),
  ses(
    "by an import of a data: URL in text",
    'return Function("return im" + "port(\'data:application/javascript,\')")();',
    /SyntaxError: Possible import expression/,
  ),
  ses(
    "by the frames of a stack",
    "Error.prepareStackTrace = (_, frames) => frames; return new Error().stack[0].getThis();",
    /it threw at TRAP: TypeError/,
  ),
  ses(
    "by the function that called it",
    "return (function caller() { return caller.caller; })().arguments;",
    lacking("arguments"),
  ),
  ses("by a species of its own", "Object.defineProperty(Array, Symbol.species, { value: Object });", frozen),
];

/** To change what others use. */
const POLLUTING: readonly Attempt[] = [
  ["typed arrays", "Object.getPrototypeOf(Uint8Array.prototype).subarray = () => 0;"],
  [
    "a typed array's length",
    'Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), "length", { value: 0 });',
  ],
  ["arrays", "Array.prototype.push = () => 0;"],
  ["what every loop asks", "Array.prototype[Symbol.iterator] = () => 0;"],
  ["all objects", "Object.prototype.polluted = 1;"],
  ["all objects, by the back way", "({}).__proto__.__defineGetter__('polluted', () => 1);"],
  ["promises", "Promise.prototype.then = () => 0;"],
  ["functions", "Function.prototype.call = () => 0;"],
  ["errors", "Error.prototype.toString = () => 0;"],
  ["stack traces", "Error.stackTraceLimit = 1e9; Error.prototype.stack = 1;"],
  ["maps", "Map.prototype.get = () => 0;"],
  ["JSON", "JSON.stringify = () => 0;"],
  ["arithmetic", "Math.floor = () => 0;"],
  ["atomics", "Atomics.load = () => 0;"],
  ["text encoders", "TextEncoder.prototype.encode = () => 0;"],
  ["iterators", "Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())).next = () => 0;"],
  ["the contract", "contract.BulkheadError.from = () => 0;"],
  ["the contract's interfaces", "contract.characterBackend.unconnected.write = () => 0;"],
  ["its context", "line.set = () => 0;"],
  ["its latches", 'Object.defineProperty(regs, "MASK", { value: 1 });'],
].map(([what, does]) =>
  ses(`change ${what}`, does!, what === "atomics" ? /it threw at TRAP: (Reference|Type)Error/ : frozen)
);

/** To get at what was not declared. */
const CLAIMING: readonly Attempt[] = [
  own("drive a line that it did not declare", 'irq("nmi");', /expected a declared line: done, found "nmi"/),
  own(
    "arm an alarm that it did not declare",
    'alarm("other", () => {});',
    /expected a declared alarm: later, found "other"/,
  ),
  own("open a window that it did not declare", 'dma("all");', /expected a declared dma: in, found "all"|DMA/i),
  own(
    "call an interface that it did not declare",
    'use("disk");',
    /expected no interface, as its needs declare none, found "disk"/,
  ),
  own(
    "write through a window that reads",
    "window.write(0x7000, new Uint8Array(4));",
    /expected a read of at most 16 bytes, found a write/,
  ),
  own(
    "read more than its window moves",
    "window.read(0, new Uint8Array(17));",
    /expected a read of at most 16 bytes, found a read of 17/,
  ),
  own(
    "read before the beginning of memory",
    "window.read(-4096, new Uint8Array(4));",
    /expected an address, .* found -4096/,
  ),
  own("read behind the end of memory", "return 4 + window.read(2 ** 21, new Uint8Array(4));", 4),
  own(
    "read behind all addresses",
    "window.read(2 ** 53, new Uint8Array(4));",
    /expected an address, .* found 9007199254740992/,
  ),
  own("read nowhere", "window.read(NaN, new Uint8Array(4));", /expected an address, .* found NaN/),
  own(
    "have the core fill what is no array",
    "window.read(0, { length: 4, set() {}, buffer: 1 });",
    /moves a Uint8Array/,
  ),
  own(
    "have the core ask it for a length",
    "const lying = new Uint8Array(4); Object.defineProperty(lying, 'length', { value: 1e9 }); return 7 + 0 * window.read(0, lying);",
    7,
  ),
  own(
    "have a view of memory",
    "const bytes = new Uint8Array(4); window.read(0, bytes); return bytes.buffer.byteLength + 4;",
    8,
  ),
  own("arm an alarm for NaN", "later.at(NaN);", /an alarm is armed for a number/),
  own("arm an alarm for an object", "later.after({ valueOf: () => 1 });", /an alarm is armed for a number/),
];

/** To be misunderstood. */
const LYING = ([
  own("return a promise", "return Promise.resolve(1);", /returned an object, or a promise/),
  own("return what has then", "return { then(done) { done(1); } };", /returned an object, or a promise/),
  own("return NaN", "return NaN;", /returned NaN/),
  own("return text", 'return "1".repeat(1 << 20);', /returned a string/),
  own("return a big integer", "return 1n;", /returned a bigint/),
  own("return a symbol", "return Symbol.iterator;", /returned a symbol/),
  own("return nothing", "return;", /returned nothing/),
  own("return a function", "return () => 1;", /returned a function/),
  own("return an object with a number's value", "return { valueOf: () => 1 };", /returned an object, or a promise/),
  own("return more bits than were asked for", "return 2 ** 40 + 0x100 + 11;", 11),
  own("return a negative number", "return -(256 - 12);", 12),
  own("return a fraction", "return 13.9;", 13),
  own("return infinity", "return Infinity;", 0),
  own("throw text", 'throw "up";', /it threw at TRAP: up/),
  own("throw nothing", "throw undefined;", /it threw at TRAP: undefined/),
  own("throw a symbol", "throw Symbol('s');", /it threw at TRAP: Symbol\(s\)/),
  own(
    "throw what throws when it is looked at",
    "throw { get message() { throw 1; } };",
    /it threw at TRAP: something that cannot be put into words/,
  ),
  own(
    "throw what throws when its kind is asked for",
    "throw new Proxy({}, { getPrototypeOf() { throw 1; } });",
    /it threw at TRAP/,
  ),
  own(
    "throw what traps everything",
    "throw new Proxy({}, new Proxy({}, { get() { throw 1; } }));",
    /it threw at TRAP: something that cannot be put into words/,
  ),
  own(
    "throw an error of the core's in another's name",
    'throw new contract.BulkheadError({ code: "x", subject: "device \\"witness\\"", sentence: "device \\"witness\\" (acme/witness) was detached: lies" });',
    /it threw at TRAP: .*lies/,
  ),
  own(
    "throw an error of the core's that is a trap",
    "throw new (class extends contract.BulkheadError { get message() { throw 1; } toJSON() { throw 2; } })({ code: 'x', subject: 'y' });",
    /it threw at TRAP/,
  ),
  own(
    "write lines of its own to the terminal",
    'throw new Error("\\u001b[2J\\nbulkhead: all is well\\u202e");',
    /it threw at TRAP: Error: \\u\{1b\}\[2J\\u\{a\}bulkhead: all is well\\u\{202e\}/,
  ),
  own("throw very much", 'throw new Error("x".repeat(1 << 22));', /it threw at TRAP: Error: x{1900,2000}/),
  own("log lines of its own to the terminal", 'log("info", "\\u001b[2J\\nwitness: I give up"); return 14;', 14),
  own("log as nobody", 'log({ toString() { return "error"; } }, "x"); return 15;', 15),
  own(
    "log what cannot be copied",
    'log("info", "x", { get a() { throw new Error("looked at"); } });',
    /it threw at TRAP: Error: looked at/,
  ),
  own("count what is no number", 'count("x", NaN); count({}, Infinity); return 16;', 16),
  own("run out of stack", "return (function deeper() { return 1 + deeper(); })();", /RangeError: Maximum call stack/),
  own(
    "run out of stack in what it throws",
    "throw { get message() { return (function deeper() { return 1 + deeper(); })(); } };",
    /it threw at TRAP/,
  ),
] as const).map((attempt): Attempt => ({ ...attempt, alone: true }));

/** All of them. */
export const ATTEMPTS: readonly Attempt[] = [...REACHING, ...ESCAPING, ...POLLUTING, ...CLAIMING, ...LYING];

/** The name of the device that tries one after the other and tells what came of each, as far as it can itself. */
export const SURVEY = -1;

/** The one text that has them all: its configuration says which one an instance tries, or all. */
export function attemptsModule(): string {
  const bodies = ATTEMPTS.map(({ does }) =>
    `({ state, config, regs, irq, alarm, dma, use, log, count, line, later, window }) => { ${does} },`
  );
  return `
import * as contract from "@bulkhead/bulkhead";

const attempts = [
${bodies.join("\n")}
];

export default contract.device({
  id: "acme/rogue",
  api: 1,
  version: 1,
  config: { attempt: { default: 0, doc: "which" } },
  needs: {
    ports: { io: { base: 0x1000, size: 1 }, all: { base: 0x3000, size: ${ATTEMPTS.length} } },
    lines: { done: "level" },
    alarms: ["later"],
    dma: { in: { direction: "read", maxBytes: 16 } },
  },
  latches: { MASK: 0 },
  state: () => ({}),
  wire(ctx) {
    const given = { ...ctx, line: ctx.irq("done"), later: ctx.alarm("later", () => {}), window: ctx.dma("in") };
    const read = () => attempts[ctx.config.attempt](given);
    const survey = (offset) => {
      try {
        return attempts[offset](given);
      } catch (error) {
        ctx.log("info", offset + ": it threw at TRAP: " + error);
        return 0xff;
      }
    };
    return {
      regions: {
        io: [{ name: "TRAP", at: 0, width: 1, kind: "sync", read }],
        all: { widths: [1], read: survey },
      },
    };
  },
});
`;
}
