/**
 * `--trace regions`: what happens to regions of translated code.
 *
 * @module
 */
import type { RegionEnd, RegionEvent, RegionSummary } from "../engine/translator/region_watch.ts";
import type { Reporter } from "./trace.ts";

const ENDS: Readonly<Record<RegionEnd, string>> = {
  written: "invalidated: its page's code was written",
  retranslated: "given up: one of its instructions is translated in another form",
  evicted: "evicted: the translations were thrown away",
};

/** Reports an event. */
export function reportRegion(event: RegionEvent, report: Reporter): void {
  if (event.kind === "slow") {
    const form = event.form === "alone" ? "its accesses are checked by themselves" : "the interpreter is called for it";
    return report(`${address(event.linear)} ${event.instruction}: regions were often left for it; from now on ${form}`);
  }
  const { region } = event;
  if (event.kind === "gone") return report(`${regionPlace(region)} ${ENDS[event.why]}`);
  report(`${regionPlace(region)} made: ${regionSize(region)}`);
}

/** Where a region is, and for which code: `c1000f00 (physical 01000f00, 32-bit, flat, supervisor)`. */
export function regionPlace({ linear, physical, bits, flat, user }: RegionSummary): string {
  const mode = `${bits}-bit, ${flat ? "flat" : "segmented"}, ${user ? "user" : "supervisor"}`;
  return `${address(linear)} (physical ${address(physical)}, ${mode})`;
}

/** How large it is. */
export function regionSize({ instructions, blocks, bytes }: RegionSummary): string {
  return `${counted(instructions, "instruction")} in ${counted(blocks, "block")}, ${bytes} bytes of WebAssembly`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function address(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
