/**
 * A ROM that uses the probe (`placements/probe.ts`) in every way.
 */
import { assemble } from "../core/x86/assemble.ts";

/** Uses the probe in every way, for ever, and writes what it got to the serial port. */
const SOURCE = `
bits 16
org 0
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  mov word [0x34], interrupt
  mov word [0x36], 0xf000
  mov al, 0x11
  out 0x20, al
  mov al, 8
  out 0x21, al
  mov al, 4
  out 0x21, al
  mov al, 1
  out 0x21, al
  mov al, 0xdf
  out 0x21, al
  mov dx, 0x3fb
  mov al, 3
  out dx, al
  sti
again:
  mov dx, 0x510
  in al, dx
  mov bl, al
  inc al
  out dx, al
  mov dx, 0x511
  mov al, 1
  out dx, al
  mov dx, 0x512
  mov al, 0x7f
  out dx, al
  mov dx, 0x520
  mov si, 0x8000
  mov cx, 8
  rep outsb
  mov di, 0x8100
  mov cx, 8
  rep insw
  mov cx, 16
  mov si, 0x8100
sum:
  lodsb
  add bl, al
  loop sum
  mov dx, 0x514
  in ax, dx
  add bl, al
  mov dx, 0x3f8
  mov al, bl
  and al, 0x3f
  add al, 0x20
  out dx, al
  jmp again
interrupt:
  push ax
  push dx
  mov dx, 0x513
  mov al, 1
  out dx, al
  mov al, 0x20
  out 0x20, al
  pop dx
  pop ax
  iret
`;

export function probeRom(): Uint8Array {
  const code = assemble(SOURCE).bytes;
  const rom = new Uint8Array(0x1_0000).fill(0xf4);
  rom.set(code);
  rom.set([0xea, 0, 0, 0, 0xf0], 0xfff0);
  return rom;
}
