/**
 * Moves between MMX, XMM and general registers and memory (Intel SDM volume 1, 9.4.1, 10.4.1.1, 11.4.1.1 and 11.4.2).
 *
 * @module
 */
import { i32, i8x16, v128 } from "../../wasm/mod.ts";
import { STATE } from "../registers.ts";
import type { Semantics } from "./builder.ts";
import { fromScalar, joined, lanes, requireUnit, toScalar } from "./vector_form.ts";
import type { Alignment, Vector } from "./vector_builder.ts";

/** All of an XMM register. */
function whole(alignment: Alignment): Semantics {
  return (b) => {
    b.requireSse();
    b.writeVector(0, b.readVector(1, 16, alignment), 16, alignment);
  };
}

/** MOVSS and MOVSD: a register's low element; loads clear what is above it. */
function element(bytes: 4 | 8): Semantics {
  return (b) => {
    b.requireSse();
    const value = b.readVector(1, bytes);
    if (b.isXmm(0) && b.isXmm(1)) b.writeLow(0, value, bytes);
    else b.writeVector(0, value, bytes);
  };
}

const LOW_QUADWORD = lanes(32, [-1, -1, 0, 0]);

/** MOVQ: XMM registers receive zeros above. */
const movq: Semantics = (b) => {
  const mmx = requireUnit(b, b.isMemory(0) ? 1 : 0);
  let value = b.readVector(1, 8);
  if (b.isXmm(0) && b.isXmm(1)) value = v128.and(value, LOW_QUADWORD);
  if (!mmx) return b.writeVector(0, value, 8);
  const moved = b.letVector(value);
  // A store may still fault.
  if (b.isMemory(0)) b.writeVector(0, moved, 8);
  b.enterMmx();
  if (!b.isMemory(0)) b.writeVector(0, moved, 8);
};

/** MOVD: 32 bits from or to a general register or memory. */
const movd: Semantics = (b) => {
  const into = b.isMmx(0) || b.isXmm(0);
  const mmx = requireUnit(b, into ? 0 : 1);
  if (into) {
    const value = b.let(b.read(1));
    if (mmx) b.enterMmx();
    return b.writeVector(0, fromScalar(value), 16);
  }
  b.write(0, toScalar(b.readVector(1, 16)));
  if (mmx) b.enterMmx();
};

/** The low half of a register from or to memory. */
const low: Semantics = (b) => {
  b.requireSse();
  if (b.isXmm(0)) b.writeLow(0, b.readVector(1, 8), 8);
  else b.writeVector(0, b.readVector(1, 16), 8);
};

const upper = (value: Vector) => i8x16.shuffle(value, value, Array.from({ length: 16 }, (_, i) => i & 7 | 8));

/** The high half. */
const high: Semantics = (b) => {
  b.requireSse();
  if (b.isXmm(0)) {
    const value = b.letVector(b.readVector(1, 8));
    b.writeVector(0, joined(b.readVector(0, 16), value), 16);
  } else {
    const value = b.letVector(b.readVector(1, 16));
    b.writeVector(0, upper(value), 8);
  }
};

const movhlps: Semantics = (b) => {
  b.requireSse();
  const value = b.letVector(b.readVector(1, 16));
  b.writeLow(0, upper(value), 8);
};

/** Between the two files: the instruction is of both units. */
const movq2dq: Semantics = (b) => {
  b.requireSse();
  b.requireMmx();
  const value = b.letVector(b.readVector(1, 8));
  b.enterMmx();
  b.writeVector(0, value, 16);
};

const movdq2q: Semantics = (b) => {
  b.requireSse();
  b.requireMmx();
  b.enterMmx();
  b.writeVector(0, b.readVector(1, 16), 8);
};

/** A tag word of empty registers. */
const ALL_EMPTY = 0xffff;

/** EMMS leaves the registers' contents alone. */
const emms: Semantics = (b) => {
  b.requireMmx();
  b.enterMmx();
  b.setState(STATE.FPU_TAG, i32.const(ALL_EMPTY));
};

const aligned = whole("aligned");
const unaligned = whole("any");

/** This family by semantics name. */
export const VECTOR_MOVE: Record<string, Semantics> = {
  movaps: aligned,
  movapd: aligned,
  movdqa: aligned,
  movntdqa: aligned,
  movntps: aligned,
  movntpd: aligned,
  movntdq: aligned,
  movups: unaligned,
  movupd: unaligned,
  movdqu: unaligned,
  lddqu: unaligned,
  movss: element(4),
  movsd: element(8),
  movq,
  movntq: movq,
  movd,
  movlps: low,
  movlpd: low,
  movhps: high,
  movhpd: high,
  movhlps,
  movlhps: high,
  movq2dq,
  movdq2q,
  emms,
};
