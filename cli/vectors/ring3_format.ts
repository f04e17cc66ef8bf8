/**
 * Vectors of 32-bit user code recorded on a processor (`native32`), as their files hold them.
 *
 * @module
 */
import type { RawVector } from "./files.ts";

/** Memory: address and bytes, both in hexadecimal. */
export type HexRun = readonly [address: string, bytes: string];

/** The x87 state; `st[i]` is ST(i), `tw` bit i tells whether physical register i is in use. All hexadecimal. */
export interface FpuImage {
  readonly cw: string;
  readonly sw: string;
  readonly tw: string;
  readonly st: readonly string[];
}

/** One recorded instruction. Strings are hexadecimal. */
export interface Ring3Vector {
  /** Name of the instruction's form. */
  readonly n: string;
  /** Instruction bytes. */
  readonly c: string;
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI; sixteen of them in 64-bit mode. */
  readonly g: readonly string[];
  /** EFLAGS. */
  readonly f: string;
  /** Memory that is not zero. */
  readonly m: readonly HexRun[];
  readonly fp?: FpuImage;
  readonly mx?: string;
  readonly x?: readonly string[];
  /** EIP afterwards. */
  readonly ip: string;
  /** Registers that changed, by number. */
  readonly G: Readonly<Record<string, string>>;
  readonly F: string;
  readonly M: readonly HexRun[];
  readonly FP?: FpuImage;
  readonly MX?: string;
  readonly X?: Readonly<Record<string, string>> | readonly string[];
  /** Vector, error code, and the page fault's address. */
  readonly e?: readonly [vector: number, error: number, address?: string];
  /** EFLAGS bits, and FPU status bits, that are undefined. */
  readonly u?: string;
  readonly us?: string;
  /** How exact the result is: 2 units in the last place, or 12 bits. */
  readonly tol?: number;
}

/** The vector's type if it has this format. */
export function isRing3Vector(raw: RawVector): raw is RawVector & Ring3Vector {
  const { n, c, g, f, m, ip, G, F, M } = raw;
  return typeof n === "string" && typeof c === "string" && Array.isArray(g) && (g.length === 8 || g.length === 16) &&
    typeof f === "string" && Array.isArray(m) && typeof ip === "string" && typeof G === "object" && G !== null &&
    typeof F === "string" && Array.isArray(M);
}

/** Whether the vector is of 64-bit mode. */
export function isLongMode({ g }: Ring3Vector): boolean {
  return g.length === 16;
}
