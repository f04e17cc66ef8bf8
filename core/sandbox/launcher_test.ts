import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { gone, kill } from "../../tests/processes.ts";
import { launch } from "./launcher.ts";
import { NO_RIGHTS } from "./rights.ts";

type Guest = {
  requests: {
    tryAll: { ask: object; answer: { denied: string[] } };
    hang: { ask: object; answer: object };
    die: { ask: object; answer: object };
    pid: { ask: object; answer: { pid: number } };
  };
  events: Record<never, never>;
};

const SOURCE = `
  import { Channel } from ${JSON.stringify(import.meta.resolve("./channel.ts"))};
  const attempts = {
    read: () => Deno.readTextFileSync("/etc/hostname"),
    write: () => Deno.writeTextFileSync("/tmp/bulkhead-must-not-exist", ""),
    net: () => Deno.listen({ port: 0 }),
    env: () => Deno.env.get("HOME"),
    run: () => new Deno.Command("true").outputSync(),
    sys: () => Deno.hostname(),
    ffi: () => Deno.dlopen("/x.so", {}),
  };
  const channel = new Channel({
    peer: "the parent",
    readable: Deno.stdin.readable,
    writable: Deno.stdout.writable,
    handlers: {
      events: {},
      requests: {
        tryAll: () => ({
          denied: Object.entries(attempts).filter(([, attempt]) => {
            try { attempt(); return false; } catch (error) { return error instanceof Deno.errors.NotCapable; }
          }).map(([name]) => name),
        }),
        hang: () => { for (;;); },
        die: () => { console.error("I fell over"); Deno.exit(7); },
        pid: () => ({ pid: Deno.pid }),
      },
    },
  });
  await channel.closed;
  Deno.exit(0);
`;

function start() {
  return launch<Guest, { requests: Record<never, never>; events: Record<never, never> }>({
    name: "the test process",
    entry: new URL("data:application/javascript," + encodeURIComponent(SOURCE)),
    rights: { ...NO_RIGHTS, read: [new URL(".", import.meta.url).pathname] },
    handlers: { requests: {}, events: {} },
  });
}

Deno.test("a process that we start can do nothing that it was not given", async () => {
  const process = start();
  const { denied } = await process.channel.request("tryAll", {});
  assertEquals(denied, ["read", "write", "net", "env", "run", "sys", "ffi"]);
  await process.end();
});

Deno.test("a process leaves when it is asked to", async () => {
  const process = start();
  assertEquals(await process.channel.request("pid", {}), { pid: process.pid });
  await process.end();
  assertEquals(await process.ended, undefined);
  assertEquals(await gone([process.pid]), true);
});

Deno.test("a process that hangs is killed", async () => {
  const process = start();
  await process.channel.request("pid", {});
  const refused = assertRejects(() => process.channel.request("hang", {}), BulkheadError, "has ended");
  await assertRejects(() => process.channel.request("pid", {}, { limit: 50 }), BulkheadError, "did not answer");
  await process.end();
  await refused;
  assertEquals(await gone([process.pid]), true);
});

Deno.test("a process that dies is reported with its exit code and last words", async () => {
  const process = start();
  await assertRejects(() => process.channel.request("die", {}), BulkheadError, "the test process");
  const error = await process.ended;
  assert(error !== undefined);
  assertEquals(error.code, "process-died");
  assertStringIncludes(error.message, "the test process ended unexpectedly, with exit code 7");
  assertStringIncludes(error.message, "I fell over");
});

Deno.test("a process that is killed from outside is reported with the signal", async () => {
  const process = start();
  await process.channel.request("pid", {});
  await kill(process.pid);
  assertStringIncludes((await process.ended)!.message, "by SIGKILL");
});
