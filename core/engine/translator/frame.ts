/**
 * Where the code of a region's instruction stands.
 *
 * @module
 */
import type { Body, Local } from "../../wasm/mod.ts";
import type { Value } from "../../x86/semantics/mod.ts";
import type { AccessGroup, InstructionAccesses } from "./coalescing.ts";
import type { LocalFlags } from "./local_flags.ts";
import type { Outlines } from "./outlines.ts";
import type { VectorFile } from "./vector_file.ts";

/** The frame of one instruction in a region. */
export interface RegionFrame {
  readonly body: Body;
  /** Address of the CPU block. */
  readonly cpu: number;
  /** Address of the TLB set. */
  readonly tlb: number;
  /** MODE.FLAT holds. */
  readonly flat: boolean;
  /** EIP of the page's start. */
  readonly eipPage: Local<"i32">;
  /** The general registers. */
  readonly registers: readonly Local<"i32">[];
  readonly flags: LocalFlags;
  readonly vectors: VectorFile;
  readonly outlines: Outlines;
  /** Which checks of memory accesses this instruction shares with others. */
  readonly accesses: InstructionAccesses;
  /** TLB entries that such checks have found, by group: valid to the block's end. */
  readonly entries: Map<AccessGroup, Local<"i32">>;
  /** By index: variables that the present instruction sets once, and no other. */
  readonly steady: boolean[];
  /** A variable that keeps its value to the block's end. */
  blockVariable(): Local<"i32">;
  /** The budget after this instruction has retired. */
  budgetAfter(): Value;
  /** Leaves with nothing of the instruction committed: the interpreter carries it out. */
  leave(): void;
  /** The same if a condition holds. */
  leaveIf(condition: Value): void;
  /** Continues at a computed EIP. */
  jump(target: Value): void;
  /** Continues at a computed EIP with the user's (1) or the supervisor's (0) TLB set. */
  transfer(target: Value, user: Value): void;
  /** Continues at the relative target if `condition` holds (or always), else behind the instruction. */
  branch(condition: Value | undefined): void;
  variable(type: "i32"): Local<"i32">;
  variable(type: "i64"): Local<"i64">;
  variable(type: "v128"): Local<"v128">;
}
