import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import plugin from "./lint.ts";
import { CONTRACT, ROOT } from "./lint/house.ts";

/** What the rules say about a file of this text at this place. */
function lint(path: string, text: string): string[] {
  return Deno.lint.runPlugin(plugin, fromFileUrl(new URL(path, ROOT)), text).map((found) => found.message);
}

const MAY = [
  ["core/machine/machine.ts", "../sandbox/launcher.ts"],
  ["core/machine/machine.ts", "../engine/vcpu.ts"],
  ["core/engine/vcpu.ts", "../x86/registers.ts"],
  ["core/engine/vcpu.ts", "node:process"],
  ["core/x86/cpu.ts", "../memory/linear.ts"],
  ["core/x86/system/far.ts", "../cpu.ts"],
  ["core/x86/semantics/alu.ts", "../../wasm/mod.ts"],
  ["devices/i8254.ts", "../core/bus/mod.ts"],
  ["devices/i8254.ts", "./i8254_counter.ts"],
  ["devices/i8254_test.ts", "../core/machine/machine.ts"],
  ["devices/i8254_test.ts", "@std/assert"],
  ["plugins/linux_boot/cpio.ts", "../../core/bus/error.ts"],
  ["plugins/linux_boot/cpio.ts", "@std/fs"],
  ["mod.ts", "./core/machine/machine.ts"],
  ["cli/main.ts", "../devices/i8254.ts"],
  ["tests/boot_test.ts", "../cli/main.ts"],
] as const;

const MAY_NOT = [
  ["core/wasm/module.ts", "../x86/registers.ts"],
  ["core/x86/cpu.ts", "../engine/vcpu.ts"],
  ["core/bus/host.ts", "../machine/machine.ts"],
  ["core/engine/vcpu.ts", "../sandbox/launcher.ts"],
  ["core/sandbox/launcher.ts", "../engine/vcpu.ts"],
  ["core/engine/vcpu.ts", "../machine/machine.ts"],
  ["core/machine/machine.ts", "../../devices/i8254.ts"],
  ["core/machine/machine.ts", "../../plugins/rom.ts"],
  ["core/machine/machine.ts", "../../mod.ts"],
  ["core/machine/machine.ts", "../../cli/main.ts"],
  ["core/machine/machine.ts", "@std/path"],
  ["devices/i8254.ts", "../core/bus/host.ts"],
  ["devices/i8254.ts", "../core/x86/registers.ts"],
  ["devices/i8254.ts", "../plugins/terminal.ts"],
  ["devices/i8254.ts", "node:fs"],
  ["devices/i8254.ts", "@std/fs"],
  ["devices/i8254.ts", "../../elsewhere.ts"],
  ["plugins/rom.ts", "../devices/i8254.ts"],
  ["plugins/rom.ts", "../core/machine/machine.ts"],
] as const;

const FORMS = [
  (specifier: string) => `import { a } from "${specifier}"; a();`,
  (specifier: string) => `import type { A } from "${specifier}"; export type B = A;`,
  (specifier: string) => `import "${specifier}";`,
  (specifier: string) => `export { a } from "${specifier}";`,
  (specifier: string) => `export * from "${specifier}";`,
  (specifier: string) => `await import("${specifier}");`,
  (specifier: string) => `export type A = import("${specifier}").A;`,
];

Deno.test("imports that run downward pass, in every form", () => {
  for (const [from, to] of MAY) {
    for (const form of FORMS) assertEquals(lint(from, form(to)), [], `${from}: ${form(to)}`);
  }
});

Deno.test("imports that run upward or sideways are refused, in every form", () => {
  for (const [from, to] of MAY_NOT) {
    for (const form of FORMS) {
      const found = lint(from, form(to));
      assertEquals(found.length, 1, `${from}: ${form(to)}`);
    }
  }
});

Deno.test("a refusal names the importing part and the imported file", () => {
  const [message = ""] = lint("core/engine/vcpu.ts", `import "../machine/machine.ts";`);
  assertStringIncludes(message, "core/engine may import only downward");
  assertStringIncludes(message, "core/machine/machine.ts");
});

Deno.test("the contract is what core/bus/mod.ts exports whole", async () => {
  const mod = await Deno.readTextFile(new URL("core/bus/mod.ts", ROOT));
  const whole = [...mod.matchAll(/^export \* from "\.\/(.+?)";/gm)].map(([, file]) => `core/bus/${file}`);
  assertEquals(["core/bus/mod.ts", ...whole].sort(), [...CONTRACT].sort());
});

Deno.test("a device may not reach the host's time, chance or rights", () => {
  for (
    const text of [
      "const t = Date.now(); t;",
      "new Date();",
      "Math.random();",
      'Math["random"]();',
      "performance.now();",
      "globalThis.performance.now();",
      'globalThis["Date"];',
      "setTimeout(() => {}, 1);",
      "crypto.getRandomValues(new Uint8Array(1));",
      "const clock = { Date }; clock;",
      "Deno.readTextFileSync('/etc/hosts');",
    ]
  ) {
    assertEquals(lint("devices/mc146818.ts", text).length, 1, text);
    assertEquals(lint("devices/mc146818_test.ts", text), [], text);
    assertEquals(lint("core/bus/clock.ts", text), [], text);
  }
});

Deno.test("a device may use these words as names of properties", () => {
  for (
    const text of [
      "const state = { Date: 1, performance: 2 }; state.Date; state.performance;",
      "interface A { Date: number } export type B = A['Date'];",
      "Math.floor(1.5);",
    ]
  ) {
    assertEquals(lint("devices/mc146818.ts", text), [], text);
  }
});
