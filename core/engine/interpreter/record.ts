/**
 * The decoded record that the interpreter runs, and the codes with which emitted code leaves.
 *
 * @module
 */

/**
 * Fields of a 16-byte record. Register fields hold byte offsets into the CPU block (AH is 1), or the number of a segment, MMX or XMM register. An instruction that ends a block keeps the
 * block's instruction count in `A`, so its registers start at `B`. The record after it always exists: its OFFSET is the next EIP's.
 */
export const RECORD = {
  SIZE: 16,
  /** u16: the case of the loop, or the slot of the function table. */
  CASE: 0,
  /** u16: offset of the instruction from the start of its page; above 4095 for what follows an instruction that straddles. */
  OFFSET: 2,
  /** u8: first register operand; or the instruction count of the block that ends here. */
  A: 4,
  /** u8: base register of a memory operand, or the next register operand. */
  B: 5,
  /** u8: index register (a multiple of 8) | scale, or the next register operand. */
  C: 6,
  /** u8: access window of a memory operand. */
  D: 7,
  /** u16, of a branch inside its page: how often it may still be taken before its target is hot. */
  COUNTER: 6,
  /** i32: displacement; branch target relative to the page; second immediate. */
  DISPLACEMENT: 8,
  /** i32: immediate; record of the branch target, 0 while unknown; index of a callout's instruction in its low 24 bits. */
  IMMEDIATE: 12,
  /** u8: immediate byte, or segment register, of an instruction that may call out. */
  CALLOUT_IMMEDIATE: 15,
} as const;

/** The part of IMMEDIATE that is the index of a callout's instruction. */
export const KEPT_INDEX = 0xff_ffff;

/** Most instructions between two budget checks. */
export const BLOCK_LENGTH = 48;

/** What an out-of-line instruction tells the loop. */
export const STATUS = {
  /** Done: the next record follows. */
  NEXT: 0,
  /** Done: continue at RIP. */
  JUMP: 1,
  /** Not done: a fault is pending; nothing was committed. */
  FAULT: 2,
  /** Done: RIP is set, and the run loop must look at the machine before it goes on. */
  RESYNC: 3,
  /** Not done: a repeated string ran out of budget; iterations so far are committed and counted. */
  SUSPEND: 4,
} as const;

/** Why the emitted code returned: FAULT, RESYNC and SUSPEND of STATUS, or one of these. */
export const EXIT = {
  ...STATUS,
  /** RIP has no record: decode it. */
  DECODE: 5,
  /** The budget is spent; RECORD is the next one. */
  BUDGET: 6,
  /** The budget is spent; RIP is the next instruction. */
  BUDGET_RIP: 7,
  /** A record that stops: RECORD is its address. */
  STOP: 8,
  /** RIP is the next instruction; it has been reached often. RECORD is the branch that led there, or 0. */
  HOT: 9,
  /** A region did not start or go on, because the budget may end in it; RIP is the next instruction. */
  REGION_BUDGET: 10,
  /** RIP is the next instruction; regions have often been left for it. */
  STORM: 11,
} as const;

/** Cases of the loop that are no instructions; instructions follow. */
export const CONTROL_CASE = {
  /** Leaves with EXIT.STOP: the end of a copied record. */
  STOP: 0,
  /** Continues at EIP_PAGE + OFFSET by look-up: end of a page, or code that must be decoded again. */
  LOOKUP: 1,
  /** Checks that the next page is still the one (its record index is IMMEDIATE), else leaves with EXIT.DECODE. */
  STRADDLE: 2,
  /** Ends a long block: budget, then the next record. Also, with IMMEDIATE set, continues at that record. */
  BREAK: 3,
  COUNT: 4,
} as const;
