/**
 * How a guest gets into memory: what every boot protocol, ROM and image loader hands to the machine.
 *
 * A loader is pure. It receives the bytes of files and the size of guest memory, and returns what to place where and how the CPU starts;
 * it never sees a path, a handle or the machine.
 *
 * @module
 */

/** A file that the machine read for a loader. */
export interface GuestFile {
  /** What the user called it: only used in error sentences and as the name of a piece. */
  readonly name: string;
  /** Its whole content. */
  readonly bytes: Uint8Array;
}

/** Bytes at a guest-physical address. */
export interface Placement {
  /** Guest-physical address of the first byte. */
  readonly address: number;
  /** The content. A loader may hand out views of the files it was given, and one view for several placements: copy, do not write. */
  readonly bytes: Uint8Array;
  /** What it is, for logs and error sentences: `kernel "vmlinuz"`. */
  readonly name: string;
}

/** A segment register's content at the start. */
export interface StartSegment {
  /** The visible selector. */
  readonly selector: number;
  /** Linear base address. */
  readonly base: number;
  /** Effective limit in bytes: the last valid offset. */
  readonly limit: number;
  /** Bits 8-15 and 20-23 of the descriptor's second dword, in place (type, S, DPL, P, AVL, L, D/B, G). */
  readonly attributes: number;
}

/** The general registers that a boot protocol may define. */
export type StartRegister = "eax" | "ebx" | "ecx" | "edx" | "esi" | "edi" | "ebp" | "esp";

/** The CPU as after RESET: real mode, CS base FFFF0000h, EIP FFF0h (Intel SDM volume 3, 10.1.4). */
export interface ResetStart {
  /** Tells the two starts apart. */
  readonly kind: "reset";
}

/** The CPU in 32-bit protected mode: paging off, interrupts off, CPL 0, A20 open. */
export interface ProtectedStart {
  /** Tells the two starts apart. */
  readonly kind: "protected";
  /** Offset of the first instruction in the code segment. */
  readonly eip: number;
  /** Registers that the protocol defines; the others start as 0. */
  readonly registers: Readonly<Partial<Record<StartRegister, number>>>;
  /** GDTR. The table itself is one of the pieces. */
  readonly gdt: {
    /** Linear address of the table. */
    readonly base: number;
    /** Its last valid offset. */
    readonly limit: number;
  };
  /** CS. */
  readonly code: StartSegment;
  /** DS, ES, SS, FS and GS. */
  readonly data: StartSegment;
}

/** How the CPU starts. */
export type CpuStart = ResetStart | ProtectedStart;

/** A guest, ready to be put into a machine. */
export interface GuestStart {
  /** What to write into RAM before the CPU starts. Pieces never overlap and always lie in the RAM whose size the loader was given. */
  readonly pieces: readonly Placement[];
  /** What to map read-only, over RAM where the two meet. */
  readonly roms: readonly Placement[];
  /** How the CPU starts. */
  readonly cpu: CpuStart;
}
