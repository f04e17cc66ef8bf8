/**
 * A ROM that is busy everywhere at once, for tests of save and restore: timer and serial interrupts, HLT, interrupt shadows, code that writes
 * itself, repeated strings, x87, the A20 gate, the clock chip, memory all over.
 *
 * @module
 */
import { assemble } from "../core/x86/assemble.ts";

const SOURCE = `
bits 16
org 0
  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, 0x7000
  mov word [0x20], timer
  mov word [0x22], 0xf000
  mov word [0x30], typed
  mov word [0x32], 0xf000
  mov al, 0x11
  out 0x20, al
  out 0xa0, al
  mov al, 8
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
  mov al, 0xee
  out 0x21, al
  mov al, 0x34
  out 0x43, al
  mov al, 0x50
  out 0x40, al
  mov al, 0x00
  out 0x40, al
  mov dx, 0x3fb
  mov al, 3
  out dx, al
  mov dx, 0x3fc
  mov al, 0x0b
  out dx, al
  mov dx, 0x3f9
  mov al, 1
  out dx, al
  mov word [0x500], 0
  mov word [0x502], 12345
  mov byte [0x600], 0xb8
  mov byte [0x603], 0xcb
  fninit
  fldpi
  sti
again:
  mov ax, [0x502]
  mov cx, 25173
  mul cx
  add ax, 13849
  mov [0x502], ax
  mov [0x601], ax
  call 0:0x600
  mov bx, ax
  and bx, 0x7ff0
  mov cx, ax
  and cx, 31
  mov ax, 0x3000
  mov es, ax
  mov di, bx
  mov ax, [0x502]
  rep stosw
  add word [es:bx], 1
  test byte [0x502], 7
  jnz .work
  push word [0x500]
  mov ax, 0
  mov ss, ax
  pop word [0x504]
  sti
  hlt
.work:
  test byte [0x503], 15
  jnz .fpu
  in al, 0x92
  xor al, 2
  out 0x92, al
  mov ax, 0xffff
  mov es, ax
  mov ax, [0x502]
  mov [es:0x8010], ax
  in al, 0x92
  or al, 2
  out 0x92, al
.fpu:
  fld1
  fadd st1, st0
  fstp st0
  mov al, 0
  out 0x70, al
  in al, 0x71
  add [0x506], al
  jmp again
timer:
  push ax
  push dx
  inc word [0x500]
  mov ax, [0x500]
  and al, 15
  add al, 'a'
  mov dx, 0x3f8
  out dx, al
  mov al, 0x20
  out 0x20, al
  pop dx
  pop ax
  iret
typed:
  push ax
  push dx
  mov dx, 0x3f8
  in al, dx
  add [0x508], al
  add al, 1
  out dx, al
  mov al, 0x20
  out 0x20, al
  pop dx
  pop ax
  iret
`;

/** A 64 KB ROM with the program at F000:0000 and a reset vector that jumps there. */
export function busyRom(): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(0x1_0000);
  image.set(assemble(SOURCE, { bits: 16 }).bytes);
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
  return image;
}
