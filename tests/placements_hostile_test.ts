import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { boot, type LogRecord, type MachineDefinition } from "../mod.ts";
import { Folder } from "./command_line.ts";
import { program, rom } from "./roms.ts";

/** Reads the device's register, which misbehaves, then prints what it got as a letter: O where it was all ones. */
function reader(): Uint8Array {
  const code = program().openSerial();
  // mov dx, 510h; in al, dx; cmp al, ffh; mov al, 'O'; je over; mov al, 'V'; over: mov dx, 3f8h; out dx, al
  code.raw(0xba, 0x10, 0x05, 0xec, 0x3c, 0xff, 0xb0, 0x4f, 0x74, 0x02, 0xb0, 0x56, 0xba, 0xf8, 0x03, 0xee);
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
  hang: { read: "for (;;);", says: /did not answer within [35] s at TRAP|did not return within/ },
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

async function outcome(placement: string, misdeed: keyof typeof MISDEEDS, optional: boolean) {
  await using folder = await Folder.make();
  const logs: LogRecord[] = [];
  const definition = {
    boot: { rom: await folder.write("rom", reader()) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices: [{
      name: "rogue",
      module: await folder.write("rogue.ts", new TextEncoder().encode(device(MISDEEDS[misdeed].read))),
      placement,
      optional,
    }],
  } as unknown as MachineDefinition;
  await using vm = await boot(definition, { log: (record) => void logs.push(record) });
  const report = await vm.exit;
  return { report, text: vm.serial.text(), logs };
}

const KINDS: Record<string, readonly (keyof typeof MISDEEDS)[]> = {
  inline: ["throw", "promise", "nan"],
  confined: ["throw", "promise", "nan", "hang", "log", "allocate"],
  worker: ["throw", "promise", "nan", "hang", "log", "questions", "allocate"],
  process: ["throw", "promise", "nan", "hang", "log", "questions", "allocate"],
};

for (const [placement, misdeeds] of Object.entries(KINDS)) {
  Deno.test(`a device that misbehaves in placement ${placement} is named, and its machine stops in order`, async () => {
    for (const misdeed of misdeeds) {
      const { report } = await outcome(placement, misdeed, false);
      assertEquals(report.reason, "failed", misdeed);
      const sentence = report.error?.sentence ?? "";
      assertStringIncludes(sentence, 'device "rogue" (acme/rogue)', misdeed);
      assert(MISDEEDS[misdeed].says.test(sentence), `${misdeed}: ${sentence}`);
    }
  });

  Deno.test(`a machine goes on without an optional device that misbehaves in placement ${placement}`, async () => {
    for (const misdeed of misdeeds) {
      // What hangs in the virtual CPU's thread cannot be left behind.
      if (placement === "confined" && (misdeed === "hang" || misdeed === "log")) continue;
      // What takes the memory of the machine's process takes the machine with it.
      if (placement !== "process" && misdeed === "allocate") continue;
      const { report, text, logs } = await outcome(placement, misdeed, true);
      assertEquals([report.reason, text], ["powered-off", "O!"], `${misdeed}: ${JSON.stringify(report.error)}`);
      assert(logs.some(({ message }) => message.includes("the machine goes on without it")), misdeed);
    }
  });
}
