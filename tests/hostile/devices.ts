/**
 * What hostile devices try that may cost them their machine, in every placement that a stranger's device may have. Those that wait for a limit
 * or are saved have a machine each, which does not start, or stops in order, and says which device it was. The others are optional devices of
 * one machine, which goes on.
 *
 * @module
 */
import { type Mechanism, STRANGERS, type StrangersPlacement } from "./attempts.ts";

/** One device. */
export interface HostileDevice {
  /** What it tries, for the table. */
  readonly tries: string;
  /** Its text. */
  readonly text: string;
  /** The sentence with which the machine ends; or, where the device does not succeed and the machine goes on, what the guest reads. */
  readonly ends: RegExp | number;
  /** What holds it, by placement; all three if absent. */
  readonly by: Mechanism | Readonly<Partial<Record<StrangersPlacement, Mechanism>>>;
  /** The machine is saved in the middle. */
  readonly saved?: boolean;
  /** Where its owner puts its port. */
  readonly port?: number;
  /** It waits for a limit, and has a machine of its own. */
  readonly alone?: boolean;
  /** It is read after the others, as it slows them down. */
  readonly last?: boolean;
}

/** Where it is tried. */
export function placementsOf({ by }: HostileDevice): readonly StrangersPlacement[] {
  return typeof by === "string" ? STRANGERS : STRANGERS.filter((placement) => by[placement] !== undefined);
}

interface Parts {
  /** Statements before the device. */
  readonly before?: string;
  /** The state, an expression. */
  readonly state?: string;
  /** Statements of wire(), which may return something else. */
  readonly wire?: string;
  /** Statements of the register that the guest reads. */
  readonly read?: string;
  /** Fields of the register. */
  readonly register?: string;
  /** Fields of the wiring. */
  readonly wiring?: string;
  /** Fields of the definition. */
  readonly fields?: string;
  /** Claims. */
  readonly needs?: string;
}

function rogue({ before, state, wire, read, register, wiring, fields, needs }: Parts): string {
  return `import { device } from "@bulkhead/bulkhead";
${before ?? ""}
export default device({
  id: "acme/rogue", api: 1, version: 1,
  needs: { ports: { io: { base: 0x1000, size: 1 } }, alarms: ["later"], ${needs ?? ""} },
  state: () => { return ${state ?? "({})"}; },
  wire(ctx) {
    const { state, log, count, alarm, dma, regs } = ctx;
    ${wire ?? ""}
    const read = () => { ${read ?? "return 1;"} };
    const io = [{ name: "TRAP", at: 0, width: 1, kind: "sync", read, ${register ?? ""} }];
    return { regions: { io }, ${wiring ?? ""} };
  },
  ${fields ?? ""}
});
`;
}

const thread = { confined: "process", worker: "own check", process: "process" } as const;
const saved = (device: HostileDevice): HostileDevice => ({ ...device, saved: true, alone: true });
const last = (device: HostileDevice): HostileDevice => ({ ...device, last: true });
const row = (
  tries: string,
  parts: Parts,
  ends: HostileDevice["ends"],
  by: HostileDevice["by"] = "own check",
): HostileDevice => ({
  tries,
  text: rogue(parts),
  ends,
  by,
  alone: ends === stuck || ends === large,
});

const HANG = "for (;;);";
const stuck = /did not return within [\d.]+ s|did not answer within [\d.]+ s|was not up after/;
// Whichever limit it meets first: that of memory or that of time.
const large =
  /its (compartment|process) (has )?ended|grew by \d+ MB|RangeError|did not return within|did not answer within/;
const made = /while its state was made.*: Error: caught/;
const lied = /expected no dma, as its needs declare none, found "all"/;
const claiming = (when: string) =>
  `get needs() {
    const own = { ports: { io: { base: 0x1000, size: 1 } }, alarms: ["later"] };
    return ${when} ? { ...own, dma: { all: { direction: "both", maxBytes: 1 << 20 } } } : own;
  }`;
const READ_ALL = 'ctx.dma("all").read(0, new Uint8Array(4)); return 4;';
const trapped = (does: string) => `Object.defineProperty(state, "trap", { enumerable: true, get() { ${does} } });`;
const CAUGHT = 'throw new Error("caught");';

/** All of them. */
export const DEVICES: readonly HostileDevice[] = [
  row("hang while its state is made", { state: `(() => { ${HANG} })()` }, stuck, thread),
  row("hang while it is wired", { wire: HANG }, stuck, thread),
  row("hang while it is reset", { wiring: `reset: () => { ${HANG} }` }, stuck, { confined: "process" }),
  row("hang in what it throws", { read: `throw { get message() { ${HANG} } };` }, stuck, {
    confined: "process",
    worker: "own check",
  }),
  row("hang in a promise that it made while it was wired", { wire: `Promise.resolve().then(() => { ${HANG} });` }, 1, {
    confined: "own check",
  }),
  last(
    row(
      "hang in a promise that it made in an access",
      { read: `Promise.resolve().then(() => { ${HANG} }); return 2;` },
      2,
    ),
  ),
  row("hang in a regular expression", { read: 'return /^(a+)+$/.test("a".repeat(64) + "b") ? 1 : 2;' }, stuck, {
    confined: "process",
  }),
  row("count without end", { read: 'for (let n = 0;; n++) count("n" + n);' }, stuck, {
    confined: "process",
    worker: "own check",
  }),
  row("count under very many names", { read: 'for (let n = 0; n < 5000; n++) count("n" + n); return 6;' }, 6),
  row("allocate objects without end", { read: "for (const held = [];;) held.push([held.length]);" }, large, {
    process: "process",
  }),
  row(
    "allocate while it is wired",
    { wire: "for (const held = [];;) held.push(new Uint8Array(1 << 24).fill(1));" },
    large,
    thread,
  ),
  last(row("ring its alarm without end", {
    wire: 'const ringing = alarm("later", () => ringing.after(0));',
    read: "ringing.after(0); return 3;",
  }, 3)),
  row("have a state that hangs", { state: `({ get trap() { ${HANG} } })` }, stuck, { confined: "process" }),
  row("have a state that throws", { state: `({ get trap() { ${CAUGHT} } })` }, made),
  row("have a state that is a trap", { state: `new Proxy({}, { ownKeys() { ${CAUGHT} } })` }, made),
  row(
    "have a state of functions",
    { state: "({ call: () => 1 })" },
    /its state was made.* is a function, not plain data/,
  ),
  row("have no state", { state: "undefined" }, /expected a state of plain data, an object, found nothing/),
  saved(row("have a state that becomes one that hangs", { wire: trapped(HANG) }, stuck, thread)),
  saved(row("have a state that becomes one that throws", { wire: trapped(CAUGHT) }, /Error: caught/)),
  saved(
    row(
      "have a state that becomes a trap",
      { wire: `state.trap = new Proxy({}, { ownKeys() { ${CAUGHT} } });` },
      /Error: caught/,
    ),
  ),
  row(
    "throw while it is wired",
    { wire: 'throw new Error("\\x1b[2Jup");' },
    /while it was wired: .*Error: \\u\{1b\}\[2Jup/,
  ),
  row("return a promise from wire", { wire: "return Promise.resolve({});" }, /expected an object, found "a promise"/),
  row("return nothing from wire", { wire: "return;" }, /what wire\(\) returned: expected an object, found undefined/),
  row(
    "return a trap from wire",
    { wire: `return new Proxy({}, { get() { ${CAUGHT} } });` },
    /while it was wired: .*caught/,
  ),
  row(
    "answer a region that it did not declare",
    { wire: "return { regions: { io: [], vga: [] } };" },
    /expected a declared region: io, found "vga"/,
  ),
  row("answer too little", { wire: "return { regions: {} };" }, /expected its wiring to answer the region "io"/),
  row("have a register nowhere", { register: "at: NaN" }, /at: expected an offset, found NaN/),
  row("have a register before its region", { register: "at: -1" }, /at: expected an offset, found -1/),
  row(
    "have a register behind its region",
    { register: "at: 1" },
    /expected registers within its 1 bytes, found one that ends at 2/,
  ),
  row("have a register of no width", { register: "width: 3" }, /width: expected 1, 2 or 4, found 3/),
  row(
    "have a register that changes",
    { register: "get kind() { return this.n = (this.n ?? 0) + 1, this.n > 1 ? 'latch' : 'sync'; }" },
    1,
  ),
  row("have a register whose name is no text", { register: "name: {}" }, /expected a name/),
  { ...row("take the port of the first serial port", {}, /3f8h|com1|serial/i), port: 0x3f8 },
  row("claim more when it runs than when it was looked at", {
    before: "let looks = 0;",
    fields: claiming("looks++ > 0"),
    read: READ_ALL,
  }, lied),
  row("claim more where it is not looked at", {
    fields: claiming("!/describ/.test(new Error().stack)"),
    read: READ_ALL,
  }, lied),
  row("be called something else when it runs", {
    before: "let looks = 0;",
    fields: "get id() { return looks++ > 0 ? 'acme/other' : 'acme/rogue'; }",
    read: "return 5;",
  }, 5),
];
