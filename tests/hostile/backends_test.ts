import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { boot, type LogRecord, type MachineDefinition } from "../../mod.ts";
import { usePluginLimits } from "../../core/sandbox/plugin_limits.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";
import { DRIVE } from "../sector_guest.ts";
import { BACKENDS, type HostileBackend, type HostileKind, placementsOf, surveyText } from "./backends.ts";

/** Milliseconds in which a machine's back ends come to their ends. */
const LIMIT = 30_000;

/** Where drives and ports begin. */
const PORTS = 0x2000;

/** A port between the guest and a character back end. */
const PUMP = `import { characterBackend, characterFrontEnd, device } from "@bulkhead/bulkhead";
export default device({
  id: "acme/pump", api: 1, version: 1,
  needs: {
    ports: { io: { base: 0x2000, size: 1 } },
    uses: { out: characterBackend }, provides: { front: characterFrontEnd },
  },
  state: () => ({}),
  wire: ({ use }) => {
    const out = use("out"), write = (value) => out.write(Uint8Array.of(value));
    return {
      regions: { io: [{ name: "SEND", at: 0, width: 1, kind: "sync", write }] },
      provides: { front: { receive: (bytes) => bytes.length, receiveBreak: () => {} } },
    };
  },
});
`;

const KINDS: readonly HostileKind[] = ["character", "block", "network"];

type Placement = "confined" | "worker" | "process";

/** A back end of the machine: of one row, or of all of a kind that one tries. */
interface Rogue {
  readonly name: string;
  readonly placement: Placement;
  readonly kind: HostileKind;
  readonly text: string;
  readonly rows: readonly HostileBackend[];
  /** How many sectors the drive in front of it reads, or bytes the port gets. */
  readonly asks: number;
}

/** What is tried in one placement. */
function tried(placement: Placement): Rogue[] {
  const rows = BACKENDS.filter((row) => placementsOf(row).includes(placement));
  const alone = rows.filter(({ text }) => text !== undefined).map((row): Rogue => ({
    name: `rogue${BACKENDS.indexOf(row)}-${placement}`,
    placement,
    kind: row.kind,
    text: row.text!,
    rows: [row],
    asks: row.asked ? 1 : 0,
  }));
  const surveys = KINDS.flatMap((kind): Rogue[] => {
    const some = rows.filter((row) => row.text === undefined && row.kind === kind);
    const asks = kind === "block" ? some.length : 0;
    if (some.length === 0) return [];
    return [{ name: `survey-${kind}-${placement}`, placement, kind, text: surveyText(kind, some), rows: some, asks }];
  });
  return [...surveys, ...alone];
}

/** Runs them all in one machine, so that each text is looked at once; what was told of each, and what each drive said. */
async function outcome(rogues: readonly Rogue[]) {
  await using folder = await Folder.make();
  const bind = { own: await folder.write("own", "mine") };
  const modules = new Map<string, string>();
  const moduleOf = async (text: string) => {
    const module = modules.get(text) ?? await folder.write(`rogue${modules.size}.ts`, text);
    modules.set(text, module);
    return module;
  };
  const devices: object[] = [], disks: object[] = [], backends: object[] = [], reads: string[] = [];
  const code = program().openSerial();
  const wait = (name: string, port: number, sector: number) => {
    // mov dx, port + 1; again: in al, dx; test al, al; jz again; add al, '0'
    code.raw(0xba, (port + 1) & 0xff, port >> 8, 0xec, 0x84, 0xc0, 0x74, 0xfb, 0x04, 0x30).writeSerial();
    reads.push(`${name} ${sector}`);
  };
  const waited: (() => void)[] = [];
  for (const { name, placement, kind, text, rows, asks } of rogues) {
    const rights = rows[0]!.rights ? { bind } : {};
    const given = { module: await moduleOf(text), placement, optional: true, ...rights };
    if (kind === "block") disks.push({ name, backend: given });
    else backends.push({ name, ...given });
    if (asks === 0) continue;
    const port = PORTS + 4 * devices.length;
    devices.push({
      name: `front-${devices.length}`,
      module: await moduleOf(kind === "block" ? DRIVE : PUMP),
      placement: "confined",
      place: { io: port },
      connect: { [kind === "block" ? "disk" : "out"]: name },
    });
    if (kind !== "block") code.out8(port, 1);
    else {
      for (let sector = 0; sector < asks; sector++) {
        code.out8(port + 3, sector).out8(port, 1);
        // Those that are asked once are waited for together.
        if (asks > 1) wait(name, port, sector);
        else waited.push(() => wait(name, port, 0));
      }
    }
  }
  for (const end of waited) end();
  const definition = {
    boot: { rom: await folder.write("rom", rom(code.jumpTo(code.here))) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices,
    disks,
    backends,
  } as unknown as MachineDefinition;
  const logs: LogRecord[] = [];
  let said = "";
  await using vm = await boot(definition, {
    log: (record) => void logs.push(record),
    output: (bytes) => void (said += new TextDecoder().decode(bytes)),
  });
  const told = (name: string) => logs.filter(({ source }) => source === name).map(({ message }) => message);
  const done = () =>
    said.length === reads.length && rogues.every(({ name, rows }) => rows.every((row) => found(row, told(name))));
  for (const end = performance.now() + LIMIT; !done() && performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // It is no hostile back end that ends it.
  assertEquals((await vm.stop()).reason, "stopped");
  return { told, status: (name: string, sector: number) => Number(said[reads.indexOf(`${name} ${sector}`)]) };
}

function found({ ends }: HostileBackend, told: readonly string[]): boolean {
  return !(ends instanceof RegExp) || told.some((words) => ends.test(words));
}

Deno.test("hostile back ends are refused, or detached and named, and their machine goes on", async (test) => {
  using _limits = usePluginLimits({ request: 1000, start: 15_000, held: 224 * 2 ** 20 });
  const rogues = (["confined", "worker", "process"] as const).flatMap(tried);
  const { told, status } = await outcome(rogues);
  for (const { name, placement, kind, rows } of rogues) {
    for (const [number, row] of rows.entries()) {
      await test.step(`${row.tries}, ${placement}`, () => {
        const tells = rows.length > 1 && kind !== "block";
        const own = told(name).filter((words) => !tells || words.startsWith(`${number}: `));
        if (typeof row.ends === "number") return assertEquals(status(name, number), row.ends, own.join("; "));
        assert(found(row, own), `${own.length}: ${own.slice(0, 5).join("; ")}`);
        const detached = own.find((words) => words.includes("was detached") || words.includes("was stopped"));
        if (detached !== undefined) assertStringIncludes(detached, `back end "${name}" (acme/rogue)`);
      });
    }
  }
});
