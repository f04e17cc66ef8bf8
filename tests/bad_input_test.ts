import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commandLine, Folder } from "./command_line.ts";
import { kernel, program, rom } from "./roms.ts";

/** An uncompressed cpio archive that holds nothing, and is followed by `padding` zero bytes. */
function emptyCpio(padding: number): Uint8Array<ArrayBuffer> {
  const name = "TRAILER!!!\0";
  const header = "070701" + "00000000".repeat(11) + name.length.toString(16).padStart(8, "0") + "00000000";
  const text = new TextEncoder().encode(header + name);
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 4 + padding);
  bytes.set(text);
  return bytes;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
}

/** Files that every case finds in its folder. */
async function furnish(folder: Folder): Promise<void> {
  await folder.write("empty", new Uint8Array(0));
  await folder.write("text", "This is no kernel, no ROM and no archive.\n".repeat(200));
  const whole = kernel(program().halt());
  await folder.write("kernel", whole);
  await folder.write("truncated-kernel", whole.subarray(0, whole.length - 600));
  await folder.write("large.cpio", emptyCpio(32 << 20));
  await folder.write("truncated.gz", (await gzip(emptyCpio(100_000))).slice(0, -20));
  await folder.write("good.rom", rom(program().powerOff()));
  await folder.write("blank.rom", new Uint8Array(65536));
  await folder.write("odd.rom", new Uint8Array(5000).fill(0x90));
  await folder.write("empty.cpio", emptyCpio(0));
  await folder.write("throws.ts", 'throw new Error("I will not");\n');
  await folder.write("syntax.ts", "export default {;\n");
  await folder.write("nothing.ts", "export const machine = 1;\n");
  await folder.write("number.ts", "export default 42;\n");
  await folder.write("function.ts", "export default () => {};\n");
  await folder.write("list.ts", "export default [];\n");
  await folder.write("null.ts", "export default null;\n");
  await folder.write("no-guest.ts", 'export default { memory: "16M" };\n');
  await folder.write("misspelt.ts", 'export default { boot: { rom: "good.rom" }, memroy: "16M" };\n');
  await folder.write(
    "wrong-device.ts",
    'export default { boot: { rom: "good.rom" }, devices: [{ name: "x", module: "gone.ts" }] };\n',
  );
  await folder.write("no-device.ts", "export default 5;\n");
  await folder.write(
    "five.ts",
    'export default { boot: { rom: "good.rom" }, devices: [{ name: "x", module: "no-device.ts" }] };\n',
  );
  await folder.write(
    "heartbeat.ts",
    'import { device } from "@bulkhead/bulkhead";\nexport default device({ id: "a/b", api: 1, version: 1, needs: {}, state: () => ({}), wire: () => ({}) });\n',
  );
  await Deno.mkdir(folder.file("folder"));
}

/** By what the user did: the arguments, and what the sentence must say. */
const CASES: Readonly<Record<string, readonly [args: readonly string[], ...sentence: string[]]>> = {
  "no command": [[], "expected a command"],
  "an unknown command": [["rum"], 'found "rum"; did you mean "run"?'],
  "no guest at all": [["run"], "expected a guest: --kernel, --rom, --multiboot or a machine file, found none"],
  "an unknown option": [["run", "--kernal", "x"], 'found "--kernal"; did you mean --kernel?'],
  "an option without its value": [["run", "--kernel"], "--kernel: expected a value: FILE"],
  "two guests": [["run", "--kernel", "text", "--rom", "good.rom"], "expected one guest, found --kernel and --rom"],
  "an initrd for a ROM": [["run", "--rom", "good.rom", "--initrd", "empty.cpio"], "--initrd"],

  "a missing kernel": [["run", "--kernel", "gone"], 'kernel "gone"', "nothing of that name"],
  "an empty kernel": [["run", "--kernel", "empty"], 'kernel "empty"', "empty"],
  "a kernel that is none": [["run", "--kernel", "text"], 'kernel "text"'],
  "a truncated kernel": [["run", "--kernel", "truncated-kernel"], 'kernel "truncated-kernel"'],
  "a folder as the kernel": [["run", "--kernel", "folder"], 'kernel "folder"', "a folder"],
  "a path through a file": [["run", "--kernel", "text/kernel"], 'kernel "text/kernel"'],

  "a missing ROM": [["run", "--rom", "gone"], 'ROM "gone"', "nothing of that name"],
  "an empty ROM": [["run", "--rom", "empty"], 'ROM "empty"', "an empty file"],
  "a ROM without a reset vector": [["run", "--rom", "blank.rom"], 'ROM "blank.rom"', "the reset vector"],
  "a ROM of an odd size": [["run", "--rom", "odd.rom"], 'ROM "odd.rom"', "5000 bytes"],
  "a folder as the ROM": [["run", "--rom", "folder"], 'ROM "folder"', "a folder"],

  "a missing multiboot kernel": [["run", "--multiboot", "gone"], 'multiboot kernel "gone"', "nothing of that name"],
  "an empty multiboot kernel": [["run", "--multiboot", "empty"], 'multiboot kernel "empty"'],
  "a multiboot kernel that is none": [["run", "--multiboot", "text"], 'multiboot kernel "text"'],
  "a folder as the multiboot kernel": [["run", "--multiboot", "folder"], "a folder"],
  "a missing multiboot module": [["run", "--multiboot", "text", "--initrd", "gone"], 'module "gone"'],

  "a missing initrd": [
    ["run", "--kernel", "kernel", "--initrd", "gone"],
    'initrd "gone"',
    "nothing of that name",
  ],
  "a folder as the initrd": [
    ["run", "--kernel", "kernel", "--initrd", "folder"],
    'initrd "folder"',
    "a folder",
  ],
  "an empty initrd": [["run", "--kernel", "kernel", "--initrd", "empty"], 'initrd "empty"', "an empty file"],
  "an initrd that is none": [["run", "--kernel", "kernel", "--initrd", "text"], 'initrd "text"'],
  "a truncated initrd": [["run", "--kernel", "kernel", "--initrd", "truncated.gz"], 'initrd "truncated.gz"', "gzip"],
  "an initrd larger than memory": [
    ["run", "--kernel", "kernel", "--initrd", "large.cpio", "--memory", "16M"],
    'initrd "large.cpio"',
    "--memory",
  ],
  "a missing overlay": [["run", "--kernel", "kernel", "--overlay", "gone"], 'overlay "gone"'],
  "a file as the overlay": [["run", "--kernel", "kernel", "--overlay", "text"], 'overlay "text"', "a file"],

  "no memory": [
    ["run", "--rom", "good.rom", "--memory", "0"],
    "--memory: expected a memory size",
    'found "0"',
    "too little",
  ],
  "three bytes of memory": [["run", "--rom", "good.rom", "--memory", "3"], 'found "3"', "too little"],
  "memory that is no number": [["run", "--rom", "good.rom", "--memory", "banana"], 'found "banana", which is no size'],
  "more memory than there can be": [["run", "--rom", "good.rom", "--memory", "99T"], 'found "99T", which is too much'],
  "an unknown clock": [
    ["run", "--rom", "good.rom", "--clock", "fast"],
    '--clock: expected realtime or deterministic, found "fast"',
  ],
  "an unknown engine": [
    ["run", "--rom", "good.rom", "--engine", "steam"],
    '--engine: expected translator or interpreter, found "steam"',
  ],
  "a timeout that is none": [["run", "--rom", "good.rom", "--timeout", "soon"], "--timeout: expected a time"],
  "an instruction count that is none": [
    ["run", "--rom", "good.rom", "--stop-at", "-1"],
    "--stop-at: expected a whole number",
  ],
  "a pattern that is none": [["run", "--rom", "good.rom", "--expect", "("], "--expect: expected a regular expression"],
  "an escape that is none": [["run", "--rom", "good.rom", "--send", "\\q"], "--send: expected C escapes"],
  "an unknown trace": [
    ["run", "--rom", "good.rom", "--trace", "all"],
    "--trace: expected instructions or interrupts or faults or devices",
  ],
  "an unknown serial target": [
    ["run", "--rom", "good.rom", "--serial", "tape"],
    "--serial: expected stdio, none, file:PATH or backend:NAME",
  ],
  "a folder as the serial file": [
    ["run", "--rom", "good.rom", "--serial", "file:folder"],
    '--serial file "folder"',
    "a folder",
  ],
  "a serial file nowhere": [["run", "--rom", "good.rom", "--serial", "file:gone/out"], '--serial file "gone/out"'],
  "a folder as the statistics file": [
    ["run", "--rom", "good.rom", "--stats", "folder"],
    '--stats file "folder"',
    "a folder",
  ],
  "a statistics file nowhere": [
    ["run", "--rom", "good.rom", "--stats", "gone/s"],
    '--stats file "gone/s"',
    "does not exist",
  ],

  "a missing machine file": [["run", "gone.ts"], 'machine file "gone.ts"', "nothing of that name"],
  "a folder as the machine file": [["run", "folder"], 'machine file "folder"', "a folder"],
  "a machine file that throws": [["run", "throws.ts"], 'machine file "throws.ts"', "Error: I will not"],
  "a machine file that is no module": [["run", "syntax.ts"], 'machine file "syntax.ts"', "a module that loads"],
  "a machine file that is text": [["run", "text"], 'machine file "text"'],
  "a machine file without a default export": [["run", "nothing.ts"], "a default export", "only machine"],
  "a machine file that exports a number": [["run", "number.ts"], "a default export", "a number"],
  "a machine file that exports a function": [["run", "function.ts"], "a default export", "a function"],
  "a machine file that exports a list": [["run", "list.ts"], "a default export", "a list"],
  "a machine file that exports null": [["run", "null.ts"], "a default export", "null"],
  "a machine file without a guest": [["run", "no-guest.ts"], "expected a guest"],
  "a machine file with a misspelt field": [["run", "misspelt.ts"], 'found "memroy"; did you mean "memory"?'],
  "a device that is nowhere": [["run", "wrong-device.ts"], "gone.ts", "no such file"],
  "a device that is none": [["run", "five.ts"], 'device "x"', "made by device({...})"],

  "a disk that is nowhere": [
    ["run", "--rom", "good.rom", "--disk", "gone.img"],
    'plugin "disk0", right "image"',
    '"gone.img", which does not exist',
  ],
  "a folder as the disk": [["run", "--rom", "good.rom", "--disk", "folder"], '"folder", a folder'],
  "a disk without a name": [["run", "--rom", "good.rom", "--disk", ""], "--disk: expected an image"],
  "a disk of an unknown mode": [
    ["run", "--rom", "good.rom", "--disk", "text,mode=eternal"],
    "--disk mode: expected persistent or undoable or nonpersistent",
  ],
  "a disk with an unknown setting": [["run", "--rom", "good.rom", "--disk", "text,raedonly"], 'found "raedonly"'],
  "a disk that is a back end that is not": [["run", "--rom", "good.rom", "--disk", "backend:x"], 'found "x"'],
  "an overlay of a disk that needs none": [
    ["run", "--rom", "good.rom", "--disk", "text,overlay=x"],
    'disks[0].overlay: expected a disk of mode "undoable"',
  ],
  "an undoable disk that is read-only": [
    ["run", "--rom", "good.rom", "--disk", "text,mode=undoable,readonly"],
    "undo it",
  ],
  "a device option without a module": [["run", "--rom", "good.rom", "--device", ""], "--device: expected a module"],
  "a device module that is nowhere": [
    ["run", "--rom", "good.rom", "--device", "gone.ts"],
    'device "gone"',
    "no such file",
  ],
  "a device with a name that is none": [
    ["run", "--rom", "good.rom", "--device", "no-device.ts,name=A B"],
    "devices[0].name: expected a name of lower-case letters",
  ],
  "a device in an unknown place": [
    ["run", "--rom", "good.rom", "--device", "no-device.ts,placement=attic"],
    "--device placement: expected inline or confined or worker or process",
  ],
  "a device at an address that is none": [
    ["run", "--rom", "good.rom", "--device", "no-device.ts,at.io=here"],
    "--device at.io: expected a whole number",
  ],
  "a device given a setting twice": [
    ["run", "--rom", "good.rom", "--device", "no-device.ts,name=a,name=b"],
    '"name" to be given once',
  ],
  "a back end without a name": [
    ["run", "--rom", "good.rom", "--backend", "tape.ts"],
    "--backend: expected NAME=MODULE",
  ],
  "a back end that is nowhere": [
    ["run", "--rom", "good.rom", "--backend", "x=gone.ts"],
    'back end "x"',
    "no such file",
  ],
  "a module of a strange URL": [["run", "--rom", "good.rom", "--backend", "x=http://a/b.ts"], "a file: or https: URL"],
  "a binding that is none": [["run", "--rom", "good.rom", "--bind", "x"], "--bind: expected NAME.RIGHT=VALUE"],
  "a binding of nothing": [
    ["run", "--rom", "good.rom", "--bind", "x.y=z"],
    '--bind: expected the name of a back end, found "x"',
  ],
  "a content that is no hash": [
    ["run", "--rom", "good.rom", "--agree-content", "abc"],
    "--agree-content: expected a content hash",
  ],
  "a value for a switch": [["run", "--rom", "good.rom", "--agree=yes"], '--agree: expected no value, found "yes"'],
  "a lock without a name": [["run", "--rom", "good.rom", "--lock", ""], "--lock: expected the name of a file"],
  "a folder as the lock": [
    ["run", "--rom", "good.rom", "--device", "heartbeat.ts", "--lock", "folder"],
    'lock "folder"',
    "found a folder",
  ],
  "a folder as the audit file": [
    ["run", "--rom", "good.rom", "--audit", "folder"],
    '--audit file "folder"',
    "a folder",
  ],
  "an audit file nowhere": [["run", "--rom", "good.rom", "--audit", "gone/a"], "does not exist"],
  "a serial back end that is not": [
    ["run", "--rom", "good.rom", "--serial", "backend:tape"],
    "serial: expected the name of a back end or of a disk, found tape",
  ],

  "an unknown image": [["image", "pull", "windows"], 'image "windows"'],
  "an unknown image command": [["image", "pul"], 'did you mean "pull"?'],
  "nothing to disassemble": [["disasm"], "expected a file"],
  "a missing file to disassemble": [["disasm", "gone"], 'file "gone"', "nothing of that name"],
  "an empty file to disassemble": [["disasm", "empty"], "an empty file"],
};

for (const [what, [args, ...sentence]] of Object.entries(CASES)) {
  Deno.test(`bad input: ${what} ends in a sentence`, async () => {
    await using folder = await Folder.make();
    await furnish(folder);
    const before = await folder.names();
    const { code, stdout, stderr, files } = await commandLine(folder, args);
    for (const part of sentence) assertStringIncludes(stderr, part);
    assertMatch(stderr, /^bulkhead: [^\n]+\n$/);
    assertEquals(stderr.includes("    at "), false, stderr);
    assertEquals(code, 2, stderr);
    assertEquals(stdout, "");
    assertEquals(files, before);
  });
}

Deno.test("a serial file that was made for a machine that could not start is taken back", async () => {
  await using folder = await Folder.make();
  await furnish(folder);
  const before = await folder.names();
  const { code, files } = await commandLine(folder, ["run", "five.ts", "--serial", "file:out"]);
  assertEquals(code, 2);
  assertEquals(files, before);
});

Deno.test("--debug shows where an error arose", async () => {
  await using folder = await Folder.make();
  const { code, stderr } = await commandLine(folder, ["run", "--kernel", "gone", "--debug"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "    at ");
});
