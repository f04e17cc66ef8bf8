/**
 * The benchmarks. `deno task bench` compares Bulkhead with its peers; `deno task bench interpreter` tells how fast the interpreter is,
 * `deno task bench disk` how fast a disk is, `deno task bench placements` what an access to a device costs where the device runs.
 *
 * @module
 */
import { BulkheadError } from "../mod.ts";
import { disk } from "./disk.ts";
import { interpreter } from "./interpreter.ts";
import { placements } from "./placements.ts";
import { peers } from "./peers.ts";

try {
  const [first, ...rest] = Deno.args;
  if (first === "interpreter") await interpreter(rest);
  else if (first === "disk") await disk(rest);
  else if (first === "placements") await placements(rest);
  else await peers(Deno.args);
} catch (error) {
  if (!(error instanceof BulkheadError)) throw error;
  console.error(error.message);
  Deno.exitCode = error.code === "usage" ? 2 : 1;
}
