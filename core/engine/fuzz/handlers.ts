/**
 * The interrupt and exception handlers of random programs: they count, and a fault's skips the instruction.
 *
 * @module
 */
import { assemble } from "../../x86/assemble.ts";
import { AT, CODE_BYTES, OTHER_CODE_PAGE, S } from "./layout.ts";

/** Vectors of the services that programs ask for with INT. */
export const SERVICE = {
  /** Changes to the other address space. */
  SWITCH: 0x81,
  /** Makes the first data page read-only, or writable again. */
  PROTECT: 0x82,
  /** Maps another page where the second address space has its own code, or the first one again. */
  REMAP: 0x83,
  /** Forgets translations. */
  FLUSH: 0x84,
} as const;

/** Code of the handlers, and where each one begins. */
export interface Handlers {
  readonly bytes: Uint8Array;
  readonly entries: readonly number[];
  /** Where SYSENTER goes. */
  readonly enter: number;
}

/** Vectors whose frames have an error code. */
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);

/** Vectors that are faults: DE BR UD NM DF TS NP SS GP PF MF AC XM. */
const FAULTS = [0, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 19].reduce((mask, vector) => mask | 1 << vector, 0) >>> 0;

const SERVICES = `service${SERVICE.SWITCH}: push eax
  mov eax, cr3
  xor eax, ${AT.DIRECTORY_A ^ AT.DIRECTORY_B}
  mov cr3, eax
  pop eax
  iretd
  service${SERVICE.PROTECT}: push ds
  push eax
  mov ax, ${S.DATA0}
  mov ds, ax
  xor byte [${AT.TABLE_A_WINDOW + (AT.DATA >> 12) * 4}], 2
  invlpg [${AT.DATA}]
  pop eax
  pop ds
  iretd
  service${SERVICE.REMAP}: push ds
  push eax
  mov ax, ${S.DATA0}
  mov ds, ax
  xor dword [${AT.TABLE_A_WINDOW + (OTHER_CODE_PAGE >> 12) * 4}], ${OTHER_CODE_PAGE ^ AT.OTHER_CODE}
  invlpg [${OTHER_CODE_PAGE}]
  pop eax
  pop ds
  iretd
  service${SERVICE.FLUSH}: push eax
  mov eax, cr3
  mov cr3, eax
  pop eax
  iretd
  enter: sysexit`;

const VECTORS = Array.from({ length: 256 }, (_, vector) => vector);

/** Handlers for 32-bit gates; `narrow`: SS may have 16-bit offsets. */
function gates(narrow: boolean): string {
  return `bits 32
    org ${AT.HANDLERS}
    ${
    VECTORS.map((vector) =>
      `v${vector}: ${WITH_ERROR.has(vector) ? "" : "push byte 0"}
    push dword ${vector}
    jmp common`
    ).join("\n")
  }
    common: ${narrow ? "movzx esp, sp" : ""}
    pushad
    push ds
    mov ax, ${S.DATA0}
    mov ds, ax
    mov eax, [esp+36]
    inc dword [${AT.COUNTERS}+eax*4]
    cmp eax, 32
    jae near done
    mov ecx, ${FAULTS}
    bt ecx, eax
    jnc near trap
    cmp eax, 7
    jne .no_nm
    clts
    .no_nm: cmp eax, 16
    jne .no_mf
    fnclex
    .no_mf: cmp eax, 17
    jne .no_ac
    and dword [esp+52], ~0x40000
    .no_ac: mov edx, [esp+44]
    sub edx, [${AT.CODE_OFFSET}]
    cmp edx, ${CODE_BYTES}
    jae rescue
    movzx ecx, byte [${AT.LENGTHS}+edx]
    cmp ecx, 1
    adc ecx, 0
    add [esp+44], ecx
    jmp done
    trap: and dword [esp+52], ~0x4100
    jmp done
    rescue: mov edx, [${AT.RESCUE}]
    mov [esp+44], edx
    test dword [esp+52], 0x20000
    jnz .outer
    mov edx, [${AT.RESCUE_CS}]
    mov ecx, [esp+48]
    xor ecx, edx
    test ecx, 3
    jnz done
    mov [esp+48], edx
    test edx, 3
    jz done
    .outer: mov edx, [${AT.RESCUE_ESP}]
    mov [esp+56], edx
    done: pop ds
    popad
    add esp, 8
    iretd
    ${SERVICES}`;
}

/** Handlers of real mode. */
const REAL = `bits 16
  org ${AT.HANDLERS}
  ${VECTORS.map((vector) => `v${vector}: push word ${vector}\njmp common`).join("\n")}
  common: pusha
  push ds
  mov bp, sp
  xor ax, ax
  mov ds, ax
  mov bx, [bp+18]
  mov si, bx
  shl bx, 2
  inc dword [bx+${AT.COUNTERS}]
  cmp si, 32
  jae near done
  mov ecx, ${FAULTS}
  movzx esi, si
  bt ecx, esi
  jnc near trap
  cmp si, 7
  jne .no_nm
  clts
  .no_nm: cmp si, 16
  jne .no_mf
  fnclex
  .no_mf: mov bx, [bp+20]
  cmp bx, ${CODE_BYTES}
  jae rescue
  mov ax, ${AT.LENGTHS >> 4}
  mov ds, ax
  mov al, [bx]
  cmp al, 1
  adc al, 0
  cbw
  add [bp+20], ax
  jmp done
  trap: and word [bp+24], ~0x4100
  jmp done
  rescue: mov ax, [${AT.RESCUE}]
  mov [bp+20], ax
  mov ax, [${AT.RESCUE_CS}]
  mov [bp+22], ax
  done: pop ds
  popa
  add sp, 2
  iret`;

const made = new Map<string, Handlers>();

/** The handlers for a kind of mode. */
export function handlers(kind: "real" | "wide" | "narrow"): Handlers {
  let known = made.get(kind);
  if (known === undefined) {
    const { bytes, labels } = assemble(kind === "real" ? REAL : gates(kind === "narrow"));
    if (bytes.length > AT.COUNTERS - AT.HANDLERS) throw new Error(`the handlers take ${bytes.length} bytes`);
    made.set(
      kind,
      known = {
        bytes,
        entries: VECTORS.map((vector) => labels.get(`service${vector}`) ?? labels.get(`v${vector}`)!),
        enter: labels.get("enter") ?? 0,
      },
    );
  }
  return known;
}
