/**
 * The house's own lint rules; `deno.json` names this file under `lint.plugins`.
 *
 * @module
 */
import { deviceTime } from "./lint/device_time.ts";
import { oneWayImports } from "./lint/one_way_imports.ts";

const plugin: Deno.lint.Plugin = {
  name: "bulkhead",
  rules: { "one-way-imports": oneWayImports, "device-time": deviceTime },
};

export default plugin;
