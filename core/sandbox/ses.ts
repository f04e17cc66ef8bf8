/**
 * The text of SES (Hardened JavaScript), which confines what plugins' texts can reach. Compartments run without packages, so it is sent to
 * them as text.
 *
 * @module
 */

import { loadPackage } from "./packages.ts";

let text: Promise<string> | undefined;

/** SES as one script. Only where packages can be loaded: at the owner's side. */
export function sesText(): Promise<string> {
  return text ??= loadPackage("ses@2.3.0", "confines plugins", load);
}

async function load(): Promise<string> {
  // The import makes the package known; the file itself is none of its exports.
  // deno-lint-ignore no-import-prefix
  await import("npm:ses@2.3.0/package.json", { with: { type: "json" } });
  const script = new URL("dist/ses.umd.min.js", import.meta.resolve("npm:ses@2.3.0/package.json"));
  const { default: source } = await import(script.href, { with: { type: "text" } }) as { default: string };
  return source;
}
