/**
 * The file of `--regions`: the hottest regions of translated code, the guest's instructions beside the WebAssembly that was made of them.
 *
 * @module
 */
import type { RegionReport, RegionReports } from "../core/engine/translator/region_watch.ts";
import { regionPlace, regionSize } from "../core/machine/region_trace.ts";

/** Regions that the file has at most. */
export const MOST_REGIONS = 20;

/** Writes the file. `retired`: instructions of the whole run. */
export async function writeRegions(path: string, reports: RegionReports, retired: number): Promise<void> {
  await Deno.writeTextFile(path, regionsText(reports, retired));
}

/** The text of the file. */
export function regionsText({ regions, retired: live, retiredByGone }: RegionReports, retired: number): string {
  const share = (count: number) => `${count} instructions (${(100 * count / Math.max(1, retired)).toFixed(1)} %)`;
  const head = [
    `Instructions retired: ${retired}.`,
    `Regions that exist retired ${share(live)}, those that have gone ${share(retiredByGone)}. The hottest follow.`,
  ];
  const bodies = regions.map((region, index) => `${index + 1}. ${regionText(region, share)}`);
  return [head.join("\n"), ...bodies].join("\n\n") + (bodies.length === 0 ? "\n" : "");
}

function regionText(region: RegionReport, share: (count: number) => string): string {
  const { entries, retired } = region;
  const each = (retired / Math.max(1, entries)).toFixed(1);
  return [
    `${regionPlace(region)}: ${share(retired)}, entered ${entries} times, ${each} instructions each`,
    `   ${regionSize(region)}`,
    region.text,
  ].join("\n");
}
