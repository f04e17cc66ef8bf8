/**
 * How fast the interpreter is: guest instructions retired, divided by the CPU seconds of the virtual CPU's thread (time halted does not
 * count). Two guests: Debian's kernel booting to a shell, and a loop in real mode from a ROM.
 *
 *     deno task bench interpreter [--rounds 5] [--json]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { debianHost } from "../cli/debian_host.ts";
import { assemble } from "../core/x86/assemble.ts";
import { boot, type MachineDefinition } from "../mod.ts";
import { pull } from "../plugins/debian/debian.ts";

/** One run of a guest. */
interface Run {
  readonly instructions: number;
  readonly seconds: number;
}

/** A real-mode loop: arithmetic, memory through DS and the stack, branches, a call; then the power-off port. */
const ROM_LOOP = `
bits 16
org 0
start:
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7000
  mov esi, 40000000
next:
  add ax, 3
  mov [0x500], ax
  mov bx, [0x500]
  xor bx, cx
  push bx
  shr bx, 2
  and bx, 0xfe
  add cx, [bx + 0x600]
  mov [bx + 0x600], ax
  pop dx
  cmp dx, ax
  jb below
  inc cx
below:
  test al, 7
  jnz same
  call mix
same:
  dec esi
  jnz next
  mov dx, 0x604
  mov ax, 0x2000
  out dx, ax
  hlt
mix:
  xchg cx, dx
  ret
times 0xfff0 - ($ - $$) db 0x90
  jmp 0xf000:start
times 0x10000 - ($ - $$) db 0
`;

async function run(definition: MachineDefinition, until?: RegExp): Promise<Run> {
  await using vm = await boot({ ...definition, engine: "interpreter" });
  if (until) await vm.serial.expect(until, { timeout: 600_000 });
  else await vm.exit;
  const { retired, vcpuCpuSeconds } = await vm.statistics();
  return { instructions: retired, seconds: vcpuCpuSeconds };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function measure(name: string, rounds: number, definition: MachineDefinition, until?: RegExp) {
  const speeds: number[] = [];
  let instructions = 0;
  for (let round = 0; round < rounds; round++) {
    const result = await run(definition, until);
    instructions = result.instructions;
    speeds.push(result.instructions / result.seconds / 1e6);
    if (Deno.stderr.isTerminal()) console.error(`${name}: ${speeds.at(-1)!.toFixed(0)} million instructions a second`);
  }
  return { name, instructions, speeds: speeds.map((speed) => Math.round(speed)), median: Math.round(median(speeds)) };
}

/** Measures both guests, and prints what it found. */
export async function interpreter(argv: readonly string[]): Promise<void> {
  const options = parseArgs([...argv], { string: ["rounds"], boolean: ["json"], default: { rounds: "5" } });
  const rounds = Number(options.rounds);
  const folder = await Deno.makeTempDir({ prefix: "bulkhead-bench-" });
  try {
    const rom = `${folder}/loop.rom`;
    await Deno.writeFile(rom, assemble(ROM_LOOP, { bits: 16 }).bytes);
    const results = [await measure("real-mode ROM loop", rounds, { boot: { rom }, memory: "4M" })];
    const { files } = await pull("debian-12-netboot-i386", debianHost());
    const { kernel, initrd } = files as { kernel: string; initrd: string };
    const linux = { kernel, initrd: [initrd], append: "console=ttyS0 rdinit=/bin/sh" };
    results.push(await measure("Debian 12 i386 boot to a shell", rounds, { boot: linux, memory: "256M" }, /# /));
    if (options.json) console.log(JSON.stringify({ version: 1, results, load: Deno.loadavg() }));
    else {
      for (const { name, median, speeds } of results) {
        console.log(`${name}: ${median} million instructions a second (median of ${speeds.join(", ")})`);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
