/**
 * CPUID (Intel SDM volume 2): what it answers follows from the CPU's model.
 *
 * @module
 */
import type { CpuModel, Leaf } from "./models.ts";

const EMPTY: Leaf = [0, 0, 0, 0];

/** What CPUID returns for a leaf (EAX) and a subleaf (ECX), both unsigned. */
export function cpuid({ leaves }: CpuModel, leaf: number, subleaf: number): Leaf {
  const [basic] = leaves.get(0) ?? EMPTY;
  const [extended] = leaves.get(0x8000_0000) ?? EMPTY;
  // A leaf beyond the maximum returns the highest basic one.
  if ((leaf > basic && leaf < 0x8000_0000) || leaf > extended >>> 0) leaf = Math.min(leaf, basic);
  const SUBLEAVES = 7;
  if (leaf === SUBLEAVES && subleaf !== 0) return EMPTY;
  return leaves.get(leaf) ?? EMPTY;
}
