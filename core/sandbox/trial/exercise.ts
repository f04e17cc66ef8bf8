/**
 * Takes a device through its registers: steps made from what its wiring says of itself, where random offsets would rarely hit anything.
 *
 * @module
 */
import type { Bench } from "../../bus/bench.ts";
import type { Needs, Width } from "../../bus/claims.ts";
import type { Step } from "../../bus/conformance.ts";
import type { RegionDescription, WiringDescription } from "../wiring.ts";
import { RandomSource } from "./random.ts";

/** A bench whose device is known at run time only. */
export type AnyBench = Bench<object, AnyNeeds, string>;

/** Needs of which nothing is known but that names are text. */
export interface AnyNeeds extends Needs {
  /** Any regions. */
  readonly ports: Readonly<Record<string, { readonly size: number }>>;
  /** Any inputs. */
  readonly inputs: readonly string[];
}

/** Virtual nanoseconds that pass between accesses: none, a little, and enough for most alarms. */
const PAUSES = [0, 1, 1000, 50_000, 2_000_000, 40_000_000] as const;

/** Bytes of a block transfer. */
const BLOCK = 16;

/** Random steps of which most are accesses that the device's wiring names. */
export function exercise(wiring: WiringDescription, needs: Needs, count: number, seed: number): Step[] {
  const random = new RandomSource(seed);
  const regions = Object.entries(wiring.regions);
  const inputs = needs.inputs ?? [];
  return Array.from({ length: count }, (_, index) => {
    if (index > 0 && index % 61 === 0) return reset;
    const choice = random.below(8);
    if (choice <= 1 || regions.length === 0) return pause(random.one(PAUSES));
    if (choice === 2 && inputs.length > 0) return drive(random.one(inputs), random.below(2) === 1);
    const [name, region] = random.one(regions);
    return access(name, region, needs, random);
  });
}

const reset: Step = (bench) => bench.reset("hard");

function pause(nanoseconds: number): Step {
  return (bench) => bench.advance(nanoseconds);
}

function drive(input: string, level: boolean): Step {
  return (bench) => (bench as unknown as AnyBench).input(input, level);
}

function access(name: string, region: RegionDescription, needs: Needs, random: RandomSource): Step {
  const isPort = needs.ports?.[name] !== undefined;
  const size = (needs.ports?.[name] ?? needs.mmio?.[name])!.size;
  let offset: number, width: Width;
  if ("registers" in region && region.registers.length > 0) {
    const register = random.one(region.registers);
    [offset, width] = [register.at, random.one([register.width, register.width, 1, 2, 4]) as Width];
  } else {
    width = random.one("handler" in region ? region.handler.widths : [1, 2, 4]) as Width;
    offset = random.below(size);
    if ("handler" in region && random.below(8) > 0) offset -= offset % width;
  }
  if (isPort && random.below(12) === 0) {
    const bytes = random.bytes(BLOCK);
    const read = random.below(2) === 0;
    return (bench) => {
      const any = bench as unknown as AnyBench;
      if (read) any.readBlock(name, offset, width, BLOCK / width);
      else any.writeBlock(name, offset, width, bytes);
    };
  }
  if (random.below(3) === 0) return (bench) => void (bench as unknown as AnyBench).read(name, offset, width);
  const value = random.word();
  return (bench) => (bench as unknown as AnyBench).write(name, offset, value, width);
}
