/**
 * A program for Linux guests that reads and writes I/O ports with accesses of one, two or four bytes, which BusyBox has nothing for.
 *
 * By its name it is `inb`, `inw`, `inl PORT` or `outb`, `outw`, `outl PORT VALUE`; numbers are hexadecimal. It is assembled here, so that
 * there is no binary in the source.
 *
 * @module
 */
import { assemble } from "../../core/x86/assemble.ts";

/** Its names. */
export const PORT_COMMANDS = ["inb", "inw", "inl", "outb", "outw", "outl"] as const;

/** Where Linux's own linker puts programs of the i386. */
const BASE = 0x0804_8000;

/** The System V ABI's header of a program (gABI, chapter 4 and 5), with one segment: the whole file, to be read, written and executed. */
const HEADER = `
  org 0x08048000
  db 0x7f, "ELF", 1, 1, 1
  times 9 db 0
  dw 2, 3                 ; an executable for the 80386
  dd 1, start, 0x34, 0, 0
  dw 0x34, 0x20, 1, 0, 0, 0
  dd 1, 0, 0x08048000, 0x08048000, end - $$, end - $$, 7, 0x1000
`;

/** System calls of Linux for the i386. */
const PROGRAM = `
  SYS_EXIT equ 1
  SYS_WRITE equ 4
  SYS_IOPL equ 110

  start:
    mov eax, SYS_IOPL
    mov ebx, 3
    int 0x80
    test eax, eax
    jnz failed
    cmp dword [esp], 2    ; the number of words, then their addresses
    jb failed
    mov esi, [esp + 4]    ; the last letter of the first word is the width
  .letter:
    lodsb
    test al, al
    jz .named
    mov bl, al
    jmp .letter
  .named:
    mov esi, [esp + 8]
    call number
    mov edx, eax
    cmp dword [esp], 3
    jb read
    mov esi, [esp + 12]
    call number
    cmp bl, 'w'
    je .word
    cmp bl, 'l'
    je .dword
    out dx, al
    jmp done
  .word:
    out dx, ax
    jmp done
  .dword:
    out dx, eax
    jmp done

  read:
    xor eax, eax
    cmp bl, 'w'
    je .word
    cmp bl, 'l'
    je .dword
    in al, dx
    mov ecx, 2
    jmp print
  .word:
    in ax, dx
    mov ecx, 4
    jmp print
  .dword:
    in eax, dx
    mov ecx, 8

  print:                  ; ECX hexadecimal digits of EAX
    mov ebx, ecx
    add ebx, 3
    mov byte [text + 2 + ecx], 10
  .digit:
    mov edx, eax
    and edx, 15
    mov dl, [digits + edx]
    mov [text + 1 + ecx], dl
    shr eax, 4
    dec ecx
    jnz .digit
    mov edx, ebx
    mov ecx, text
    mov ebx, 1
    mov eax, SYS_WRITE
    int 0x80
  done:
    xor ebx, ebx
    jmp leave_it
  failed:
    mov ebx, 1
  leave_it:
    mov eax, SYS_EXIT
    int 0x80

  number:                 ; the number at ESI to EAX; an x begins it anew
    xor eax, eax
    xor ecx, ecx
  .next:
    mov cl, [esi]
    inc esi
    test cl, cl
    jz .end
    or cl, 0x20
    cmp cl, 'x'
    je number.again
    sub cl, '0'
    cmp cl, 10
    jb .add
    sub cl, 'a' - '0' - 10
  .add:
    shl eax, 4
    add eax, ecx
    jmp .next
  .again:
    xor eax, eax
    jmp .next
  .end:
    ret

  digits: db "0123456789abcdef"
  text: db "0x00000000", 10, 0
  end:
`;

/** The program. */
export function portProgram(): Uint8Array {
  return assemble(HEADER + PROGRAM, { bits: 32, origin: BASE }).bytes;
}
