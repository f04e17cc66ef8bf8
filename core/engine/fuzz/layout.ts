/**
 * Where the parts of a random program's memory are.
 *
 * @module
 */

/** Bytes of RAM; what lies above is answered by the bus. */
export const RAM_BYTES = 0x4_0000;

/** Physical addresses; linear ones are the same but where a page table says otherwise. */
export const AT = {
  /** The interrupt table of real mode. */
  IVT: 0,
  IDT: 0x1000,
  GDT: 0x1800,
  TSS: 0x2000,
  HANDLERS: 0x3000,
  /** Counters of the handlers, by vector. */
  COUNTERS: 0x5000,
  /** EIP and CS where a program goes on that has left its code, and the EIP of its code's first byte. */
  RESCUE: 0x5400,
  RESCUE_CS: 0x5404,
  RESCUE_ESP: 0x5408,
  CODE_OFFSET: 0x540c,
  /** Top of the stack of privilege level 0. */
  INNER_STACK: 0x9000,
  /** The program's stack, two pages. */
  STACK: 0xa000,
  CODE: 0x1_0000,
  /** Length of the instruction at each byte of the code, 0 where none begins. */
  LENGTHS: 0x1_8000,
  DATA: 0x2_0000,
  /** Two address spaces. */
  DIRECTORY_A: 0x3_0000,
  TABLE_A: 0x3_1000,
  DIRECTORY_B: 0x3_2000,
  TABLE_B: 0x3_3000,
  /** The second address space's own code page and data page. */
  OTHER_CODE: 0x3_4000,
  OTHER_DATA: 0x3_5000,
  /** Where physical memory ends. */
  DEVICE: 0x5_0000,
  /** A second address of all memory, by a large page. */
  LARGE_ALIAS: 0x40_0000,
  /** Linear addresses at which the page tables can be written. */
  TABLE_A_WINDOW: 0x3c_0000,
  TABLE_B_WINDOW: 0x3c_1000,
} as const;

/** Bytes of the code's room. */
export const CODE_BYTES = 0x8000;
/** Bytes of the data's room. */
export const DATA_BYTES = 0x1_0000;
export const STACK_BYTES = 0x2000;

/** The code page that the two address spaces do not share. */
export const OTHER_CODE_PAGE: number = AT.CODE + 0x2000;

/** Data pages that are special where there is paging. */
export const PAGES = {
  ABSENT: AT.DATA + 0x4000,
  READ_ONLY: AT.DATA + 0x6000,
  SUPERVISOR: AT.DATA + 0x8000,
  /** Answered by the bus. */
  DEVICE: AT.DATA + 0xa000,
  /** A second address of the first data page. */
  ALIAS: AT.DATA + 0xc000,
  /** A second address of the second code page. */
  CODE_ALIAS: AT.DATA + 0xe000,
  /** Another page in the second address space. */
  OTHER: AT.DATA + 0x1000,
} as const;

/** Selectors. */
export const S = {
  CODE0: 0x08,
  DATA0: 0x10,
  CODE3: 0x1b,
  DATA3: 0x23,
  TSS: 0x28,
  CODE16_0: 0x30,
  CODE16_3: 0x3b,
  /** From here on RPL and DPL are the program's. */
  SMALL_CODE: 0x40,
  SMALL_DATA: 0x48,
  EXPAND_DOWN: 0x50,
  SMALL_STACK: 0x58,
  CODE16: 0x60,
  DATA16: 0x68,
  STACK16: 0x70,
  READ_ONLY: 0x78,
  ABSENT: 0x80,
  CODE_AS_DATA: 0x88,
  LIMIT: 0x8f,
} as const;

/** Ports of the bus that do something. */
export const PORT = {
  /** Asserts the interrupt request with vector 20h + the port's low three bits. */
  INTERRUPT: 0xe0,
  /** Asserts it after as many instructions as the value's low six bits say, and one. */
  ALARM: 0xe8,
} as const;

/** First vector of external interrupts. */
export const EXTERNAL = 0x20;
