import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { boot, BulkheadError, type DiskDefinition } from "../../mod.ts";
import { Folder } from "../command_line.ts";
import { program, rom } from "../roms.ts";
import { DRIVE } from "../sector_guest.ts";
import { IMAGES } from "./images.ts";

const PORTS = 0x2000, SECRET = "what nobody may read".repeat(103);

/** A guest that prints the first sector of each drive. */
function reader(drives: number): Uint8Array {
  const code = program().openSerial();
  for (let port = PORTS; port < PORTS + 4 * drives; port += 4) {
    const low = (at: number) => (port + at) & 0xff, high = port >> 8;
    code.out8(port + 3, 0).out8(port, 1);
    // mov dx, port + 1; again: in al, dx; test al, al; jz again; mov cx, 512
    code.raw(0xba, low(1), high, 0xec, 0x84, 0xc0, 0x74, 0xfb, 0xb9, 0x00, 0x02);
    // next: mov dx, port + 2; in al, dx; mov dx, 3f8h; out dx, al; loop next
    code.raw(0xba, low(2), high, 0xec, 0xba, 0xf8, 0x03, 0xee, 0xe2, 0xf6);
  }
  return rom(code.powerOff());
}

Deno.test("what an image says of other files is read as its bytes, and nothing else is opened", async (test) => {
  await using folder = await Folder.make();
  const secret = await folder.write("secret", SECRET);
  const images = await Promise.all(IMAGES.map(async ({ sector }, index) => {
    const bytes = new Uint8Array(2048);
    bytes.set(sector(secret));
    return { bytes, path: await folder.write(`image${index}`, bytes) };
  }));
  const drive = await folder.write("drive.ts", DRIVE), printed: number[] = [];
  await using vm = await boot({
    boot: { rom: await folder.write("rom", reader(images.length)) },
    memory: "2M",
    agree: true,
    lock: folder.file("lock"),
    disks: images.map(({ path }, index) => ({ name: `disk${index}`, image: path })),
    devices: images.map((_image, index) => ({
      name: `drive${index}`,
      module: drive,
      placement: "confined",
      place: { io: PORTS + 4 * index },
      connect: { disk: `disk${index}` },
    })),
  }, { output: (bytes) => void printed.push(...bytes) });
  assertEquals((await vm.exit).reason, "powered-off");
  for (const [index, { tries }] of IMAGES.entries()) {
    const { bytes, path } = images[index]!;
    await test.step(tries, () => {
      assertEquals(Uint8Array.from(printed.slice(512 * index, 512 * index + 512)), bytes.slice(0, 512));
      const accesses = JSON.stringify(vm.accesses()[`disk${index}`]);
      assert(!accesses.includes(secret) || path === secret, accesses);
    });
  }
});

Deno.test("an overlay that names other files is refused, and nothing is changed", async (test) => {
  await using folder = await Folder.make();
  const secret = await folder.write("secret", SECRET);
  const image = await folder.write("image", new Uint8Array(2048).fill(1));
  const guest = await folder.write("rom", rom(program().powerOff()));
  for (const [index, { tries, sector, refused }] of IMAGES.entries()) {
    const bytes = new Uint8Array(131_072);
    bytes.set(sector(secret));
    const overlay = await folder.write(`overlay${index}`, bytes);
    const disk: DiskDefinition = { name: "data", image, mode: "undoable", overlay };
    await test.step(tries, async () => {
      const definition = { boot: { rom: guest }, memory: "2M", lock: folder.file("lock"), disks: [disk] } as const;
      const { message } = await assertRejects(
        () => boot(definition).then((vm) => vm[Symbol.asyncDispose]()),
        BulkheadError,
      );
      assertMatch(message, /the overlay of disk "data"/);
      assertMatch(message, refused ?? /expected an overlay of Bulkhead's, found something else/);
      assertEquals(await Deno.readFile(overlay), bytes);
    });
  }
  assertEquals([await Deno.readTextFile(secret), (await Deno.readFile(image))[0]], [SECRET, 1]);
});
