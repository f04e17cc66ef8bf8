import { assertEquals } from "@std/assert";
import { assemble } from "../core/x86/assemble.ts";
import { boot } from "../mod.ts";
import { Folder } from "./command_line.ts";

/** IRQ 13 as the controllers are programmed here: 70h for the second one's first input. */
const VECTOR = 0x75;

/**
 * A PC as MS-DOS programs know it: CR0.NE clear, a handler for IRQ 13 that writes port F0h, clears the exception and ends the interrupt
 * at both controllers. Divides by zero twice, and leaves with the number of interrupts, or 64 if the first came from elsewhere.
 */
const ROM = assemble(
  `
  bits 16
  org 0xf0000
start: cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7000
  mov word [${VECTOR * 4}], handler - 0xf0000
  mov word [${VECTOR * 4 + 2}], 0xf000
  mov word [0x500], 0
  mov al, 0x11
  out 0x20, al
  out 0xa0, al
  mov al, 0x08
  out 0x21, al
  mov al, 0x70
  out 0xa1, al
  mov al, 4
  out 0x21, al
  mov al, 2
  out 0xa1, al
  mov al, 1
  out 0x21, al
  out 0xa1, al
  mov al, 0xfb
  out 0x21, al
  mov al, 0xdf
  out 0xa1, al
  mov eax, cr0
  and al, 0xd1
  mov cr0, eax
  fninit
  mov word [0x600], 0x37b
  fldcw [0x600]
  sti
  mov cx, 2
again:
  fld1
  fldz
  fdivp st1, st0
waiting:
  fld1
  fninit
  fldcw [0x600]
  loop again
  mov ax, [0x500]
  out 0xf4, al
  hlt
handler:
  push bp
  mov bp, sp
  cmp word [bp + 2], waiting - 0xf0000
  je expected
  mov word [0x500], 64
expected:
  inc word [0x500]
  push ax
  out 0xf0, al
  fnclex
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  pop ax
  pop bp
  iret
  times 0xfff0 - ($ - $$) db 0x90
  jmp 0xf000:(start - 0xf0000)
  times 0x10000 - ($ - $$) db 0`,
  { bits: 16 },
).bytes;

Deno.test("an FPU exception without CR0.NE is IRQ 13 of a PC, on every processor model", async () => {
  await using folder = await Folder.make();
  const file = await folder.write("rom", ROM);
  for (const cpu of ["max", "i486", "i386"] as const) {
    await using vm = await boot({
      boot: { rom: file },
      memory: "2M",
      cpu: { model: cpu },
      clock: { mode: "deterministic" },
    });
    const { reason, status } = await vm.exit;
    assertEquals({ reason, status }, { reason: "exit-port", status: 2 << 1 | 1 }, cpu);
  }
});
