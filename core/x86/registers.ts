/**
 * Where a virtual CPU keeps its state: the one file that names a state offset.
 *
 * Every virtual CPU owns one block of the machine's WebAssembly memory. Offsets are relative to the block's base, which emitted code
 * receives as a parameter, so that a second CPU is a second block. General registers, RIP, bases and MSRs have 64-bit slots.
 *
 * @module
 */

/** Encoding order of the general registers (Intel SDM volume 2, table 3-1). */
export const GPR = { AX: 0, CX: 1, DX: 2, BX: 3, SP: 4, BP: 5, SI: 6, DI: 7 } as const;

/** Encoding order of the segment registers (Intel SDM volume 2, 3.1.1.3), then the two system segments. */
export const SEG = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5, LDTR: 6, TR: 7 } as const;

/** Byte offsets of the fields of a CPU block. Fields are 32-bit unless a comment says otherwise. */
export const STATE = {
  /** Sixteen 64-bit slots, RAX first, in encoding order. AH is byte 1 of slot 0. */
  GPR: 0,
  /** A 64-bit slot that is always zero: the "no register" of an address. */
  ZERO: 128,
  /** RIP, 64-bit: valid whenever emitted code is not running. */
  RIP: 136,
  /** Lazy arithmetic flags, see `core/x86/flags.ts`: result, sign-extended from the operand's width. ZF = (RESULT == 0). */
  RESULT: 144,
  /** SF = sign of (RESULT ^ PATCH), PF = parity of its low byte. Written with RESULT as one 64-bit store. */
  PATCH: 148,
  /** BUDGET after the last STI that set IF: while it stands, no instruction has retired since. */
  STI_BUDGET: 152,
  /** Address of the table in which translated code is looked for. */
  REGIONS: 156,
  /**
   * OF = sign of (OX ^ OY) & (OX ^ (OX - OY)); AF = bit 4 of OX ^ OY ^ (OX - OY). Operands of 8 and 16 bits stand at the top, their low
   * five bits also at the bottom, below bit 5 of OX, which is set. OX, OY, CX, CY fill one 128-bit slot.
   */
  OX: 160,
  OY: 164,
  /** CF = (CX below CY, unsigned). */
  CX: 168,
  CY: 172,
  /** EFLAGS without CF, PF, AF, ZF, SF and OF, which are the six lazy ones; bit 1 set. */
  EFLAGS: 176,
  /** Current privilege level, 0 to 3. */
  CPL: 180,
  /** Which decoded form of code runs: bit 0 CS.D, bit 1 flat (see MODE). */
  MODE: 184,
  /** Address of the TLB set of the current privilege: see TLB. */
  TLB_SET: 188,
  /** EIP minus its linear address's offset in the page: EIP of a record is EIP_PAGE + the record's offset. */
  EIP_PAGE: 192,
  /** Address of the decoded record being executed; written before emitted code calls out. */
  RECORD: 196,
  /** Instructions that the CPU may still retire before it must leave emitted code. */
  BUDGET: 200,
  /** Nonzero: code of a page with translations was written while emitted code was running. */
  STALE: 204,
  /** Pending fault of a memory access or callout: vector, or -1. */
  FAULT_VECTOR: 208,
  FAULT_ERROR: 212,
  /** Instructions after which interrupts are inhibited: 0 none, 1 STI, 2 MOV SS/POP SS (also holds debug traps). */
  SHADOW: 216,
  /** Which external interrupt conditions wait: PENDING_INTR, bit 1 NMI, PENDING_ATTENTION. */
  PENDING: 220,
  /** A20 gate: 1 open, 0 closed (bit 20 of physical addresses is forced to 0). */
  A20: 224,
  /** Highest EIP that code may start at without a limit check (CS limit); 0xffffffff when flat. */
  CS_LIMIT: 228,
  /** Retired iterations of repeated strings beyond the one that their block counts. */
  EXTRA: 232,
  /** Debug traps that wait for the next instruction boundary, as bits of DR6 (Intel SDM volume 3, 17.2.3). */
  DEBUG_TRAPS: 236,
  CR0: 240,
  CR2: 244,
  CR3: 248,
  CR4: 252,
  /** DR0 to DR7, eight 64-bit slots. */
  DR: 256,
  GDTR_BASE: 320,
  GDTR_LIMIT: 328,
  IDTR_BASE: 336,
  IDTR_LIMIT: 344,
  /** The four page-directory-pointer-table entries that PAE paging loaded with CR3, 64-bit each. */
  PDPTE: 352,
  /** Segment registers, `SEG` order, `SEGMENT.SIZE` bytes each. */
  SEGMENTS: 384,
  /** Access windows for emitted code, `WINDOW.SIZE` bytes each: see WINDOW. */
  WINDOWS: 640,
  /** MSR slots, 64-bit each: see MSR_SLOT. */
  MSR: 1152,
  /** x87: eight physical registers of 16 bytes: mantissa u64, then sign and exponent u16. */
  FPU_ST: 1536,
  FPU_CONTROL: 1664,
  FPU_STATUS: 1668,
  /** Tag word in FSAVE's two-bit form. */
  FPU_TAG: 1672,
  FPU_OPCODE: 1676,
  FPU_IP: 1680,
  FPU_CS: 1688,
  FPU_DP: 1692,
  FPU_DS: 1700,
  /** MXCSR, and sixteen 16-byte XMM registers. */
  MXCSR: 1704,
  XMM: 1712,
  /** 16 bytes on their way to or from memory, when an access of 8 or 16 bytes leaves emitted code. */
  WIDE: 1968,
  /** Instructions that translated code has retired, modulo 2^32, since somebody took the count. */
  TRANSLATED: 1984,
  /**
   * Virtual time as emitted code computes it, three f64: the time of a moment, nanoseconds an instruction (0: not told), and the instructions
   * from that moment on when BUDGET will be 0.
   */
  CLOCK: 1992,
  /** Bytes of a state block that a snapshot saves. */
  SIZE: 2048,
} as const;

/** Fields of `STATE.CLOCK`. */
export const CLOCK = { TIME: 0, RATE: 8, END: 16, SIZE: 24 } as const;

/** Bit 0 of `STATE.PENDING`: INTR is asserted. */
export const PENDING_INTR = 1;

/** Bit 2: the run loop must look at the machine, also between two iterations of a repeated string. */
export const PENDING_ATTENTION = 4;

/** Fields of a segment register in the state block. */
export const SEGMENT = {
  SELECTOR: 0,
  /** Bits 8-15 and 20-23 of a descriptor's second dword, in place (type, S, DPL, P, AVL, L, D/B, G); bit 0 set: unusable (null). */
  ATTRIBUTES: 4,
  /** 64-bit slot. */
  BASE: 8,
  /** Effective limit in bytes (granularity applied). */
  LIMIT: 16,
  SIZE: 32,
} as const;

/**
 * An access window: what emitted code needs to turn an offset into a checked linear address.
 * An access at `offset` of at most 16 bytes surely passes when `((offset & MASK) - LOW) < READ` (or `WRITE`), unsigned; else the slow
 * path decides. Windows 0-5: segments with 32-bit addresses; 6: the stack (mask by SS.B); 8-13: segments with 16-bit addresses.
 */
export const WINDOW = { BASE: 0, LOW: 4, READ: 8, WRITE: 12, MASK: 16, SIZE: 32, STACK: 6, ADDRESS16: 8 } as const;

/** Bits of `STATE.MODE`. FLAT: CS, DS, ES and SS have base 0, limit 4 GB, are readable/writable, SS.B is set, no VM86. */
export const MODE = { D: 1, FLAT: 2 } as const;

/** MSR slots (index into STATE.MSR). */
export const MSR_SLOT = {
  TSC_OFFSET: 0,
  SYSENTER_CS: 1,
  SYSENTER_ESP: 2,
  SYSENTER_EIP: 3,
  APIC_BASE: 4,
  PAT: 5,
  EFER: 6,
  MISC_ENABLE: 7,
  DEBUGCTL: 8,
  MCG_STATUS: 9,
  MTRR_DEF_TYPE: 10,
  /** Eleven slots: 64 KB, two of 16 KB, eight of 4 KB. */
  MTRR_FIXED: 11,
  /** Eight pairs: base, mask. */
  MTRR_VARIABLE: 22,
} as const;

/**
 * TLB sets, relative to the CPU block. A set is three tables of 2^20 32-bit entries indexed by linear address >>> 12.
 * Read and write entries: host address minus linear address, minus 1, so that the low 12 bits are 0xfff; 0 when invalid. A write entry
 * may be partial, host address minus linear address, so that they are 0: bytes of the page may be written where no decoded code is.
 * Execute entries: address of the page's record index for the current MODE, 0 when invalid.
 */
export const TLB = { SUPERVISOR: 0x40_0000, USER: 0x100_0000, READ: 0, WRITE: 0x40_0000, EXECUTE: 0x80_0000 } as const;

/** Bytes of the machine's memory that one virtual CPU takes: state, then both TLB sets. */
export const CPU_BLOCK = 0x1c0_0000;

/** EFLAGS bits (Intel SDM volume 1, 3.4.3). */
export const FLAG = {
  CF: 1 << 0,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  IOPL: 3 << 12,
  NT: 1 << 14,
  RF: 1 << 16,
  VM: 1 << 17,
  AC: 1 << 18,
  VIF: 1 << 19,
  VIP: 1 << 20,
  ID: 1 << 21,
} as const;

/** The six flags that are kept lazily. */
export const ARITHMETIC_FLAGS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** CR0 bits (Intel SDM volume 3, 2.5). */
export const CR0 = {
  PE: 1 << 0,
  MP: 1 << 1,
  EM: 1 << 2,
  TS: 1 << 3,
  ET: 1 << 4,
  NE: 1 << 5,
  WP: 1 << 16,
  AM: 1 << 18,
  NW: 1 << 29,
  CD: 1 << 30,
  PG: 1 << 31,
} as const;

/** IA32_EFER bits (Intel SDM volume 3, 2.2.1). */
export const EFER = { NXE: 1 << 11 } as const;

/** CR4 bits (Intel SDM volume 3, 2.5). */
export const CR4 = {
  VME: 1 << 0,
  PVI: 1 << 1,
  TSD: 1 << 2,
  DE: 1 << 3,
  PSE: 1 << 4,
  PAE: 1 << 5,
  MCE: 1 << 6,
  PGE: 1 << 7,
  PCE: 1 << 8,
  OSFXSR: 1 << 9,
  OSXMMEXCPT: 1 << 10,
} as const;

/** Exception vectors (Intel SDM volume 3, table 6-1). */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
} as const;
