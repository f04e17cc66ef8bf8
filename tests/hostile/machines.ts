/**
 * Machines with hostile plugins, for the tests of this folder.
 *
 * @module
 */
import { boot, type DeviceDefinition, type LogRecord, type MachineDefinition } from "../../mod.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";

/** A device that does what it should, so that a test sees that it still can: the guest reads 57h, W. */
const WITNESS = `
import { device } from "@bulkhead/bulkhead";
export default device({
  id: "acme/witness", api: 1, version: 1,
  needs: { ports: { io: { base: 0x2000, size: 1 } } },
  state: () => ({}),
  wire: () => ({ regions: { io: [{ name: "OK", at: 0, width: 1, kind: "sync", read: () => 0x57 }] } }),
});
`;

/** The port of the witness. */
const WITNESS_PORT = 0x2000;

/** A guest that reads ports, prints what it reads as bytes, and switches off. */
export function reader(ports: readonly number[]): Uint8Array {
  const code = program().openSerial();
  // mov dx, port; in al, dx; mov dx, 3f8h; out dx, al
  for (const port of ports) code.raw(0xba, port & 0xff, port >> 8, 0xec).writeSerial();
  return rom(code.powerOff());
}

/** What came of a machine. */
export interface MachineOutcome {
  readonly report: Awaited<Awaited<ReturnType<typeof boot>>["exit"]>;
  /** What the guest read, one number a port; the witness is last. */
  readonly read: readonly number[];
  readonly logs: readonly LogRecord[];
}

/** A device of a machine: its text, and the ports that the guest reads for its sake. */
export type Rogue = Omit<DeviceDefinition, "module"> & { readonly text: string; readonly reads: readonly number[] };

/** Runs a machine with these devices and a witness. */
export async function runRogues(
  rogues: readonly Rogue[],
  more: Partial<MachineDefinition> = {},
  witnessed = true,
): Promise<MachineOutcome> {
  await using folder = await Folder.make();
  const texts = new Map<string, string>();
  const devices: DeviceDefinition[] = [];
  for (const { text, reads: _reads, ...device } of rogues) {
    let module = texts.get(text);
    if (module === undefined) texts.set(text, module = await folder.write(`rogue${texts.size}.ts`, text));
    devices.push({ ...device, module });
  }
  if (witnessed) devices.push({ name: "witness", module: await folder.write("witness.ts", WITNESS) });
  const logs: LogRecord[] = [], read: number[] = [];
  const definition = {
    boot: {
      rom: await folder.write(
        "rom",
        reader([...rogues.flatMap(({ reads }) => reads), ...witnessed ? [WITNESS_PORT] : []]),
      ),
    },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    devices,
    ...more,
  } as MachineDefinition;
  await using vm = await boot(definition, {
    log: (record) => void logs.push(record),
    output: (bytes) => void read.push(...bytes),
  });
  const report = await vm.exit;
  if (more.stopAt !== undefined) {
    await vm.snapshot().catch((error) => {
      throw new Error([error.message, ...logs.map(({ message }) => message)].join("; "));
    });
  }
  return { report, read, logs };
}
