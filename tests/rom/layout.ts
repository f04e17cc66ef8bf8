/**
 * Where the test ROMs keep their tables, and the descriptors in them.
 *
 * @module
 */

/** Linear addresses in RAM. */
export const AT = {
  /** What the last exception left: see `TRAP`. */
  TRAP: 0x500,
  /** Where the exception handler continues. */
  RESUME: 0x580,
  IDT: 0x1000,
  GDT: 0x2000,
  LDT: 0x2800,
  TSS: 0x4000,
  /** Tops of stacks. */
  STACK: 0x8000,
  STACK0: 0xa000,
  STACK1: 0xb000,
  STACK3: 0xc000,
  /** For the tests' own use. */
  DATA: 0x1_0000,
  CODE: 0x2_0000,
  /** Page directory and tables. */
  PAGES: 0x10_0000,
} as const;

/** Fields of the trap record. The stack fields hold what an inner-level frame has there. */
export const TRAP = {
  VECTOR: AT.TRAP,
  ERROR: AT.TRAP + 4,
  EIP: AT.TRAP + 8,
  CS: AT.TRAP + 12,
  EFLAGS: AT.TRAP + 16,
  ESP: AT.TRAP + 20,
  SS: AT.TRAP + 24,
  CR2: AT.TRAP + 28,
  /** DS at the handler's entry; then ES, FS, GS. */
  DS: AT.TRAP + 32,
  ES: AT.TRAP + 36,
  FS: AT.TRAP + 40,
  GS: AT.TRAP + 44,
  /** ESP at the handler's first instruction, above its stub's pushes: the address of the saved EIP. */
  FRAME: AT.TRAP + 48,
  /** EFLAGS, CS and SS in the handler. */
  INNER_EFLAGS: AT.TRAP + 52,
  INNER_CS: AT.TRAP + 56,
  INNER_SS: AT.TRAP + 60,
  /** Exceptions and interrupts so far. */
  COUNT: AT.TRAP + 64,
  /** General registers at the handler's entry: EAX, ECX, EDX, EBX, then ESI, EDI. */
  EAX: AT.TRAP + 68,
  ECX: AT.TRAP + 72,
  ESI: AT.TRAP + 76,
  EDI: AT.TRAP + 80,
} as const;

/** Bytes of the TSS: the fixed part, then an I/O map. */
export const TSS_LIMIT = 0x68 + 0x80;

/** A segment descriptor's two dwords as assembler text. `access`: byte 5; `flags`: G, D/B, L, AVL. */
export function segment(base: number, limit: number, access: number, flags: number): string {
  const low = ((base & 0xffff) << 16) | (limit & 0xffff);
  const high = (base & 0xff00_0000) | (flags << 20) | (limit & 0xf_0000) | (access << 8) | ((base >>> 16) & 0xff);
  return `dd ${hex(low)}, ${hex(high)}`;
}

/** A gate's. The offset may be a label. */
export function gate(selector: number, offset: string, access: number, parameters = 0): string {
  return `dw (${offset}) & 0xffff, ${hex(selector)}\ndw ${hex(access << 8 | parameters)}, (${offset}) >> 16`;
}

/** Hexadecimal for the assembler. */
export function hex(value: number): string {
  return "0x" + (value >>> 0).toString(16);
}

/** Selectors of the GDT. */
export const S = {
  CODE0: 0x08,
  DATA0: 0x10,
  CODE3: 0x1b,
  DATA3: 0x23,
  CODE1: 0x29,
  DATA1: 0x31,
  TSS: 0x38,
  LDT: 0x40,
  CONFORMING: 0x48,
  EXECUTE_ONLY: 0x50,
  READ_ONLY: 0x58,
  ABSENT_DATA: 0x60,
  ABSENT_CODE: 0x68,
  /** Base 10000h; valid offsets 1000h to FFFFFFFFh. */
  EXPAND_DOWN: 0x70,
  /** Base 10000h, limit FFh. */
  SMALL: 0x78,
  /** Base F0000h, 64 KB. */
  CODE16: 0x80,
  /** Base 0, 64 KB. */
  DATA16: 0x88,
  GATE: 0x93,
  GATE16: 0x9b,
  GATE_PARAMETERS: 0xa3,
  /** Base 20000h, limit FFh. */
  SMALL_CODE: 0xa8,
  /** Base 10000h; valid offsets 1000h to FFFFh. */
  EXPAND_DOWN16: 0xb0,
  GATE_ABSENT: 0xc3,
  GATE1: 0xcb,
  TSS_AVAILABLE: 0xd0,
  GATE_NULL: 0xe3,
  GATE0: 0xe8,
  ABSENT_STACK: 0xf0,
  DATA16_3: 0xfb,
  READ_ONLY3: 0x103,
  CONFORMING3: 0x10b,
  /** Base 10000h, 4 KB granular, limit 0: FFFh. */
  GRANULAR: 0x110,
  /** SMALL and EXPAND_DOWN for ring 3. */
  SMALL3: 0x11b,
  EXPAND_DOWN3: 0x123,
  /** In the LDT. */
  LDT_DATA: 0x0c,
  LIMIT: 0x127,
} as const;

/** The GDT's text. */
export function gdt(): string {
  const entries = new Map<number, string>([
    [S.CODE0, segment(0, 0xfffff, 0x9b, 0xc)],
    [S.DATA0, segment(0, 0xfffff, 0x93, 0xc)],
    [S.CODE3, segment(0, 0xfffff, 0xfb, 0xc)],
    [S.DATA3, segment(0, 0xfffff, 0xf3, 0xc)],
    [S.CODE1, segment(0, 0xfffff, 0xbb, 0xc)],
    [S.DATA1, segment(0, 0xfffff, 0xb3, 0xc)],
    [S.TSS, segment(AT.TSS, TSS_LIMIT, 0x89, 0)],
    [S.LDT, segment(AT.LDT, 0x1f, 0x82, 0)],
    [S.CONFORMING, segment(0, 0xfffff, 0x9f, 0xc)],
    [S.EXECUTE_ONLY, segment(0, 0xfffff, 0x99, 0xc)],
    [S.READ_ONLY, segment(0, 0xfffff, 0x91, 0xc)],
    [S.ABSENT_DATA, segment(0, 0xfffff, 0x13, 0xc)],
    [S.ABSENT_CODE, segment(0, 0xfffff, 0x1b, 0xc)],
    [S.EXPAND_DOWN, segment(AT.DATA, 0xfff, 0x97, 0x4)],
    [S.SMALL, segment(AT.DATA, 0xff, 0x93, 0x4)],
    [S.CODE16, segment(0xf0000, 0xffff, 0x9b, 0)],
    [S.DATA16, segment(0, 0xffff, 0x93, 0)],
    [S.GATE, gate(S.CODE0, "gate_target", 0xec)],
    [S.GATE16, gate(S.CODE16, "gate_target16 - 0xf0000", 0xe4, 1)],
    [S.GATE_PARAMETERS, gate(S.CODE0, "gate_target", 0xec, 3)],
    [S.SMALL_CODE, segment(AT.CODE, 0xff, 0x9b, 0x4)],
    [S.EXPAND_DOWN16, segment(AT.DATA, 0xfff, 0x97, 0)],
    [S.GATE_ABSENT, gate(S.CODE0, "gate_target", 0x6c)],
    [S.GATE1, gate(S.CODE1, "gate_target", 0xec)],
    [S.TSS_AVAILABLE, segment(AT.TSS, TSS_LIMIT, 0x89, 0)],
    [S.GATE_NULL, gate(0, "gate_target", 0xec)],
    [S.GATE0, gate(S.CODE0, "gate_target", 0x8c)],
    [S.ABSENT_STACK, segment(0, 0xfffff, 0x13, 0xc)],
    [S.DATA16_3, segment(0, 0xffff, 0xf3, 0)],
    [S.READ_ONLY3, segment(0, 0xfffff, 0xf1, 0xc)],
    [S.CONFORMING3, segment(0, 0xfffff, 0xff, 0xc)],
    [S.GRANULAR, segment(AT.DATA, 0, 0x93, 0xc)],
    [S.SMALL3, segment(AT.DATA, 0xff, 0xf3, 0x4)],
    [S.EXPAND_DOWN3, segment(AT.DATA, 0xfff, 0xf7, 0x4)],
  ].map(([selector, text]) => [(selector as number) & 0xfff8, text as string]));
  const lines: string[] = [];
  for (let at = 0; at <= S.LIMIT; at += 8) lines.push(entries.get(at) ?? "dd 0, 0");
  return lines.join("\n");
}
