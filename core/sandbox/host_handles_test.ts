import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import type { HostRights } from "../bus/host_rights.ts";
import { hostHandles, type HostUse } from "./host_handles.ts";

const RIGHTS = {
  disk: { kind: "file", access: "read-write", why: "tests" },
  base: { kind: "file", access: "read", why: "tests" },
  log: { kind: "file", access: "write", why: "tests" },
  peer: { kind: "connect", why: "tests" },
  door: { kind: "listen", why: "tests" },
} as const satisfies HostRights;

async function folder(): Promise<{ file(name: string): string } & AsyncDisposable> {
  const path = await Deno.realPath(await Deno.makeTempDir());
  return { file: (name) => `${path}/${name}`, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function handles(bindings: Record<string, string>) {
  const uses: HostUse[] = [];
  const made = hostHandles(RIGHTS, bindings, (use) => void uses.push(use));
  return { ...made, uses, [Symbol.dispose]: () => made.close() };
}

Deno.test("a file handle reads, writes, cuts and flushes the bound file, and tells of it", async () => {
  await using files = await folder();
  await Deno.writeFile(files.file("a"), new Uint8Array(1024).fill(7));
  const told: HostUse[] = [];
  {
    using host = handles({ disk: files.file("a") });
    const file = host.file("disk"), into = new Uint8Array(100);
    assertEquals(file.size(), 1024);
    assertEquals(file.read(1000, into), 24);
    file.write(2000, new Uint8Array(10).fill(3));
    file.flush();
    assertEquals(file.size(), 2010);
    assertEquals(file.read(2000, into), 10);
    assertEquals(into[9], 3);
    file.truncate(512);
    assertEquals(file.read(512, into), 0);
    told.push(...host.uses);
    host.close();
    told.push(...host.uses.slice(told.length));
  }
  assertEquals((await Deno.stat(files.file("a"))).size, 512);
  const total = (action: string) =>
    told.filter((use) => use.action === action).reduce((sum, { uses, bytes }) => [sum[0]! + uses, sum[1]! + bytes], [
      0,
      0,
    ]);
  assertEquals(total("read"), [3, 34]);
  assertEquals(total("write"), [1, 10]);
  assertEquals(total("open"), [1, 0]);
  assertEquals(total("close"), [1, 0]);
  assert(
    told.every(({ right, value, outcome }) => right === "disk" && value === files.file("a") && outcome === "done"),
  );
});

Deno.test("one writer or any number of readers, until they are closed", async () => {
  await using files = await folder();
  await Deno.writeFile(files.file("a"), new Uint8Array(512));
  const bindings = { disk: files.file("a"), base: files.file("a"), log: files.file("a") };
  using first = handles(bindings), second = handles(bindings);
  first.file("base");
  second.file("base");
  const refused = assertThrows(() => second.file("disk"), BulkheadError);
  assertEquals(refused.code, "file-locked");
  assertMatch(
    refused.message,
    /what is bound to "disk": expected a file that nobody else uses, .*; stop the other one/,
  );
  // A writer that would empty the file must find it free first.
  assertEquals(assertThrows(() => second.file("log"), BulkheadError).code, "file-locked");
  assertEquals((await Deno.stat(files.file("a"))).size, 512);
  assertEquals(second.uses.at(-1)!.outcome, "denied");
  first.close();
  second.close();
  using third = handles(bindings), fourth = handles(bindings);
  third.file("disk");
  assertEquals(assertThrows(() => fourth.file("base"), BulkheadError).code, "file-locked");
});

Deno.test("a lock ends with its holder, however that ends", async () => {
  await using files = await folder();
  const path = files.file("a");
  await Deno.writeFile(path, new Uint8Array(512));
  const holder = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-config",
      `
      const file = Deno.openSync(${JSON.stringify(path)}, { read: true, write: true });
      file.tryLockSync(true);
      console.log("held");
      setInterval(() => {}, 1000);`,
    ],
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  await output.read();
  using host = handles({ disk: path });
  assertEquals(assertThrows(() => host.file("disk"), BulkheadError).code, "file-locked");
  holder.kill("SIGKILL");
  await holder.status;
  await output.cancel();
  assertEquals(host.file("disk").size(), 512);
});

Deno.test("a right that is not declared, of another kind or not bound is refused and told", () => {
  using host = handles({ disk: "/nonexistent", other: "/etc/passwd" });
  for (const name of ["other", "peer", "base", "constructor", "__proto__"]) {
    const error = assertThrows(() => host.file(name), BulkheadError);
    assertEquals(error.code, "right-not-granted");
  }
  assertEquals(host.uses.map(({ outcome }) => outcome), Array(5).fill("denied"));
});

Deno.test("errors of the host's system are sentences without a path; the audit has it", async () => {
  await using files = await folder();
  using host = handles({ disk: files.file("missing"), base: files.file(""), log: files.file("no/such/folder") });
  for (const name of ["disk", "base", "log"]) {
    const error = assertThrows(() => host.file(name), BulkheadError);
    assertEquals(error.code, "host-io");
    assertMatch(error.message, new RegExp(`^what is bound to "${name}"`));
    assert(!error.message.includes("/"), error.message);
  }
  assert(host.uses.every(({ outcome, value }) => outcome !== "done" && value.startsWith("/")));
});

Deno.test("hostile arguments are refused, and a hostile array's own word is not taken", async () => {
  await using files = await folder();
  await Deno.writeFile(files.file("a"), new Uint8Array(64).fill(5));
  using host = handles({ disk: files.file("a") });
  const file = host.file("disk");
  for (const offset of [-1, NaN, 0.5, 2 ** 60, "0", null, { valueOf: () => 0 }]) {
    assertThrows(() => file.read(offset as number, new Uint8Array(1)), BulkheadError);
    assertThrows(() => file.write(offset as number, new Uint8Array(1)), BulkheadError);
  }
  for (
    const bytes of [[1, 2], "text", new ArrayBuffer(4), { length: 4 }, new Proxy(new Uint8Array(4), {}), undefined]
  ) {
    assertThrows(() => file.write(0, bytes as Uint8Array), BulkheadError);
    assertThrows(() => file.read(0, bytes as Uint8Array), BulkheadError);
  }
  const lying = new Uint8Array(8);
  Object.defineProperty(lying, "length", { value: 1 << 20 });
  Object.defineProperty(lying, "subarray", { value: () => new Uint8Array(1 << 20) });
  assertEquals(file.read(0, lying), 8);
  file.write(0, lying);
  assertEquals(file.size(), 64);
});

Deno.test("a stamp is another one after every change, however soon, and the same without one", async () => {
  await using files = await folder();
  await Deno.writeFile(files.file("a"), new Uint8Array(64));
  using host = handles({ disk: files.file("a") });
  const file = host.file("disk"), stamps = new Set<string>();
  for (let i = 0; i < 5; i++) {
    file.write(0, new Uint8Array(1));
    const stamp = file.stamp();
    assertEquals(file.stamp(), stamp);
    stamps.add(stamp);
  }
  assertEquals(stamps.size, 5);
});

/** Connects to itself at an address; run here, and where Unix sockets are allowed. */
async function converse(module: string, door: string): Promise<void> {
  const { hostHandles } = await import(module) as { hostHandles: typeof import("./host_handles.ts").hostHandles };
  const rights = { door: { kind: "listen", why: "" }, peer: { kind: "connect", why: "" } } as const;
  const check = (right: boolean, what: string) => {
    if (!right) throw new Error(what);
  };
  const decoded = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  const inside = hostHandles(rights, { door }, () => {});
  const listener = await inside.listen("door");
  const outside = hostHandles(rights, { door, peer: listener.address }, () => {});
  const [far, near] = await Promise.all([outside.connect("peer"), listener.accept()]);
  await far.write(new TextEncoder().encode("hello"));
  check(decoded(await near!.read()) === "hello", "hello");
  await near!.write(new TextEncoder().encode("good day"));
  check(decoded(await far.read()) === "good day", "good day");
  near!.close();
  check(await far.read() === undefined, "the end");
  if (door.startsWith("unix:")) {
    const taken = await outside.listen("door").then(() => "", (error) => error.message);
    check(/cannot be listened at: /.test(taken), taken);
    // It looked whether somebody is there.
    (await listener.accept())!.close();
  }
  const next = listener.accept();
  listener.close();
  check(await next === undefined, "no more peers");
  const refused = await outside.connect("peer").then(() => "", (error) => error.message);
  check(/^what is bound to "peer" cannot be reached: [^/]*$/.test(refused), refused);
  outside.close();
  inside.close();
}

/** Runs code in a process that may do everything. */
async function evaluate(code: string): Promise<Deno.CommandOutput> {
  return await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-config", code] }).output();
}

Deno.test("connections carry bytes both ways, and end", async () => {
  await converse(import.meta.resolve("./host_handles.ts"), "127.0.0.1:0");
});

Deno.test("so do Unix sockets; that of a listener that died is taken over, one at which somebody listens is not", async () => {
  await using files = await folder();
  const path = files.file("socket");
  const listen = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });`;
  await evaluate(`${listen} Deno.kill(Deno.pid, "SIGKILL");`);
  assert((await Deno.lstat(path)).isSocket);
  const call = [import.meta.resolve("./host_handles.ts"), `unix:${path}`].map((text) => JSON.stringify(text));
  const { stderr, success } = await evaluate(`await (${converse.toString()})(${call.join(", ")});`);
  assert(success, new TextDecoder().decode(stderr));
});
