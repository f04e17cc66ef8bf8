/**
 * v86 as a process: boots a Linux kernel and writes the serial port's output to standard output.
 *
 *     v86_machine.ts BIOS VGABIOS KERNEL INITRD MEGABYTES COMMAND-LINE [DISK]
 *
 * A disk is read into memory and is the first one at the IDE controller.
 *
 * @module
 */
import { V86 } from "npm:v86@0.5.462";

const [bios, vgaBios, kernel, initrd, megabytes, commandLine, disk] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
  string,
  string?,
];

const image = async (path: string) => ({ buffer: (await Deno.readFile(path)).buffer as ArrayBuffer });
const wasm = new URL(import.meta.resolve("npm:v86@0.5.462/build/v86.wasm"));

const machine = new V86({
  wasm_path: wasm.pathname,
  memory_size: Number(megabytes) * 1024 * 1024,
  vga_memory_size: 2 * 1024 * 1024,
  bios: await image(bios),
  vga_bios: await image(vgaBios),
  bzimage: await image(kernel),
  initrd: await image(initrd),
  cmdline: commandLine,
  ...(disk === undefined ? {} : { hda: await image(disk) }),
  autostart: true,
});

let line: number[] = [];
machine.add_listener("serial0-output-byte", (byte) => {
  line.push(byte);
  if (byte !== 10) return;
  Deno.stdout.writeSync(new Uint8Array(line));
  line = [];
});
