/**
 * Writes `docs/hostile-plugins.md` from the tables of this folder: `deno run --allow-write=docs tests/hostile/table.ts`.
 *
 * @module
 */
import { ATTEMPTS, type Mechanism, STRANGERS } from "./attempts.ts";
import { BACKENDS, placementsOf as backendPlacements } from "./backends.ts";
import { DEVICES, placementsOf } from "./devices.ts";
import { ESCAPES } from "./escapes.ts";
import { FILES } from "./files.ts";
import { IMAGES } from "./images.ts";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const inAll = (by: Mechanism | Readonly<Record<string, Mechanism | undefined>>, placement: string) =>
  typeof by === "string" ? by : by[placement] ?? "";

/** The document. */
export function hostilePlugins(): string {
  return `<!-- deno-fmt-ignore-file -->
# Hostile plugins

What hostile plugins try in the tests of \`tests/hostile/\`, and what holds each: **Deno** (permissions), **SES** (the compartment in which
every stranger's text is evaluated), **process** (the operating system's: its memory and time are its own, and it can be killed), or an **own
check** of Bulkhead's. This page is made by \`tests/hostile/table.ts\` from the tables that are tested.

## Files, before anything runs (${FILES.length})

${table(["tries to", "held by"], FILES.map(({ tries, by }) => [tries, by]))}

## Devices, in an access: confined, worker and process (${ATTEMPTS.length})

${table(["tries to", "held by"], ATTEMPTS.map(({ tries, by }) => [tries, by as string]))}

## Devices that may cost their machine (${DEVICES.length})

An empty cell: not tried there, as another row shows it. \`tests/placements_hostile_test.ts\` tries an access that hangs, throws, floods or
allocates in each placement, for devices that their machine needs and for optional ones.

${
    table(
      ["tries to", ...STRANGERS],
      DEVICES.map((device) => [
        device.tries,
        ...STRANGERS.map((placement) => placementsOf(device).includes(placement) ? inAll(device.by, placement) : ""),
      ]),
    )
  }

## Back ends (${BACKENDS.length})

${
    table(
      ["tries to", "where", "held by"],
      BACKENDS.map((backend) => [backend.tries, backendPlacements(backend).join(", "), backend.by]),
    )
  }

## Images, as disks and as overlays (${IMAGES.length})

All of them are held by own checks: a raw image is bytes, and an overlay is one of Bulkhead's own or none.

${table(["tries to"], IMAGES.map(({ tries }) => [tries]))}

## The second wall: what had escaped from its SES compartment (${ESCAPES.length})

${
    table(
      ["tries to", "in a Worker", "in a process of its own"],
      ESCAPES.map(({ tries, by }) => [tries, inAll(by as Mechanism, "worker"), inAll(by as Mechanism, "process")]),
    )
  }
`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(new URL("../../docs/hostile-plugins.md", import.meta.url), hostilePlugins());
}
