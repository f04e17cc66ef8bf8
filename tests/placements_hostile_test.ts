import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { boot, type LogRecord, type MachineDefinition } from "../mod.ts";
import { usePluginLimits } from "../core/sandbox/plugin_limits.ts";
import { Folder } from "./command_line.ts";
import { program, rom } from "./roms.ts";

/** Where ports of devices begin. */
const PORTS = 0x510;

/** Limits for machines that wait for them. */
const LIMITS = {
  confined: 600,
  access: 600,
  process: 1200,
  ownGrowth: 128 * 2 ** 20,
  pluginGrowth: 64 * 2 ** 20,
  held: 224 * 2 ** 20,
};

/** Reads the devices' registers, which misbehave, and prints what it got as letters: O where it was all ones. */
function reader(devices: number): Uint8Array {
  const code = program().openSerial();
  for (let port = PORTS; port < PORTS + devices; port++) {
    // mov dx, port; in al, dx; cmp al, ffh; mov al, 'O'; je over; mov al, 'V'; over: mov dx, 3f8h; out dx, al
    code.raw(0xba, port & 0xff, port >> 8, 0xec, 0x3c, 0xff, 0xb0, 0x4f, 0x74, 0x02, 0xb0, 0x56).writeSerial();
  }
  return rom(code.print("!").powerOff());
}

/** A device whose register does this when it is read. */
function device(read: string): string {
  return `
    import { device } from "@bulkhead/bulkhead";
    export default device({
      id: "acme/rogue", api: 1, version: 1,
      needs: { ports: { io: { base: 0x510, size: 1 } }, dma: { all: { direction: "read", maxBytes: 4 } } },
      state: () => ({ held: [] }),
      wire: ({ state, log, dma }) => {
        const window = dma("all");
        return { regions: { io: [{ name: "TRAP", at: 0, width: 1, kind: "sync", read: () => { ${read} } }] } };
      },
    });
  `;
}

const MISDEEDS = {
  hang: { read: "for (;;);", says: /did not answer within [\d.]+ s at TRAP|did not return within/ },
  throw: { read: 'throw new TypeError("no");', says: /it threw at TRAP: (Error: )?TypeError: no/ },
  promise: {
    read: "return Promise.resolve(1);",
    says: /it (threw at TRAP: TypeError: it )?returned an object, or a promise/,
  },
  nan: { read: "return NaN;", says: /it returned NaN/ },
  log: { read: 'for (;;) log("info", "again");', says: /it logged without end|did not answer|did not return/ },
  questions: {
    read: "for (;;) window.read(0, new Uint8Array(4));",
    says: /asked the machine for something|did not answer|did not return/,
  },
  allocate: {
    read: "for (;;) state.held.push(new Uint8Array(1 << 24).fill(1));",
    says: /its compartment has ended|grew by|did not answer|did not return|out of memory|memory/i,
  },
} as const;

type Misdeed = keyof typeof MISDEEDS;

/** A machine with devices that misbehave, which its guest reads one after the other. */
async function outcome(placement: string, misdeeds: readonly Misdeed[], optional: boolean) {
  await using folder = await Folder.make();
  const logs: LogRecord[] = [];
  const definition = {
    boot: { rom: await folder.write("rom", reader(misdeeds.length)) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices: await Promise.all(misdeeds.map(async (misdeed, index) => ({
      name: `rogue-${misdeed}`,
      module: await folder.write(`${misdeed}.ts`, device(MISDEEDS[misdeed].read)),
      place: { io: PORTS + index },
      ...placement === "default" ? {} : { placement },
      optional,
    }))),
  } as unknown as MachineDefinition;
  await using vm = await boot(definition, { log: (record) => void logs.push(record) });
  const report = await vm.exit;
  return { report, text: vm.serial.text(), logs };
}

function check(misdeed: Misdeed, sentence: string): void {
  assertStringIncludes(sentence, `device "rogue-${misdeed}" (acme/rogue)`);
  assert(MISDEEDS[misdeed].says.test(sentence), `${misdeed}: ${sentence}`);
}

/** Each is a machine's end. */
const NEEDED: Record<string, readonly Misdeed[]> = {
  inline: ["throw"],
  confined: ["throw", "hang", "log", "allocate"],
  worker: ["throw", "hang", "questions", "allocate"],
  process: ["throw", "hang", "questions", "allocate"],
};

/**
 * All of them are in one machine; by default in a process each. What hangs in the virtual CPU's thread cannot be left behind, and what takes the memory of the machine's
 * process takes the machine with it.
 */
const OPTIONAL: Record<string, readonly Misdeed[]> = {
  inline: ["throw", "promise", "nan"],
  confined: ["throw", "promise", "nan"],
  worker: ["throw", "promise", "nan", "questions", "log", "hang"],
  default: ["throw", "promise", "nan", "questions", "log", "hang", "allocate"],
};

for (const [placement, misdeeds] of Object.entries(NEEDED)) {
  Deno.test(`a device that misbehaves in placement ${placement} is named, and its machine stops in order`, async () => {
    using _limits = usePluginLimits(LIMITS);
    for (const misdeed of misdeeds) {
      const { report } = await outcome(placement, [misdeed], false);
      assertEquals(report.reason, "failed", misdeed);
      check(misdeed, report.error?.sentence ?? "");
    }
  });
}

for (const [placement, misdeeds] of Object.entries(OPTIONAL)) {
  Deno.test(`a machine goes on without optional devices that misbehave where they are placed: ${placement}`, async () => {
    using _limits = usePluginLimits({ access: 1000, process: 1500, held: LIMITS.held });
    const { report, text, logs } = await outcome(placement, misdeeds, true);
    assertEquals([report.reason, text], ["powered-off", `${"O".repeat(misdeeds.length)}!`], report.error?.sentence);
    for (const misdeed of misdeeds) {
      const told = logs.filter(({ message }) => message.includes("the machine goes on without it"))
        .filter(({ source }) => source === `rogue-${misdeed}`);
      assertEquals(told.length, 1, misdeed);
      check(misdeed, told[0]!.message);
    }
  });
}
