import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { BackendManifest } from "./description.ts";
import type { BackendAnswer, BackendLink, BackendRequest } from "./backend_link.ts";
import { createBackendRings, encodeBackendFrame, FRAME } from "./backend_frames.ts";
import { bundlePlugin } from "./bundle.ts";
import type { BulkheadError } from "../bus/error.ts";
import type { HostUse } from "./host_handles.ts";
import { grantedRights } from "./grants.ts";
import { PluginThread } from "./plugin_thread.ts";
import { ByteRing } from "./ring.ts";
import { sesText } from "./ses.ts";
import { SharedBackendLink } from "./shared_backend_link.ts";

/** A back end of this text in a Worker, and the link to it. */
async function linked(source: string, bindings: Record<string, string> = {}, limit?: number) {
  const { text, manifest, id } = await bundlePlugin(source, "file:///plugin.ts");
  const { requests, answers } = createBackendRings();
  const subject = `back end "it" (${id})`;
  const { host: rights, provides: kind } = manifest as BackendManifest;
  const uses: HostUse[] = [], logs: string[] = [], detached: BulkheadError[] = [];
  const granted = grantedRights(rights, { version: 1, plugin: id, content: "", bindings });
  const thread = new PluginThread(
    {
      ses: await sesText(),
      text,
      manifest,
      subject,
      shared: requests,
      answers,
      attention: new SharedArrayBuffer(64),
      config: {},
      rights,
      bindings,
    },
    granted,
    { failed: () => {}, used: (use) => uses.push(use) },
  );
  const opened = (await thread.ready)!;
  const link = new SharedBackendLink({
    name: "it",
    subject,
    id,
    kind,
    opened,
    requests,
    answers,
    ...(limit === undefined ? {} : { limit }),
    detached: (error) => detached.push(error),
    log: (_level, message) => logs.push(message),
  });
  return { link, answers, uses, logs, detached, end: () => link.close() };
}

/** One request, answered. */
function ask(link: BackendLink, request: BackendRequest): BackendAnswer {
  let answer: BackendAnswer | undefined;
  link.submit(request, (given) => answer = { ...given, ...(given.bytes ? { bytes: given.bytes.slice() } : {}) });
  while (answer === undefined) link.wait(1000);
  return answer;
}

const MEMORY = `
  import { backend } from "@bulkhead/bulkhead";
  const bytes = new Uint8Array(1 << 22);
  export default backend({
    id: "acme/memory", api: 1, version: 1, provides: "block",
    open: ({ log }) => ({
      bytes: bytes.length, sectorBytes: 512, readOnly: false, generation: () => "seven",
      read: (offset, into) => { if (offset === 512) throw new RangeError("a bad sector"); into.set(bytes.subarray(offset, offset + into.length)); },
      write: async (offset, from) => { await null; bytes.set(from, offset); },
      flush: () => log("info", "flushed"),
    }),
  });
`;

Deno.test("a back end in a Worker is asked for bytes of any length, in order, and its errors name it", async () => {
  const { link, logs, detached, end } = await linked(MEMORY);
  assertEquals(link.properties, { bytes: 1 << 22, sectorBytes: 512, readOnly: false });
  assertEquals([...link.methods].sort(), ["flush", "generation", "read", "write"]);
  const data = new Uint8Array(3 << 20).map((_value, index) => index * 7);
  const order: string[] = [];
  link.submit({ method: "write", args: [1024], bytes: data }, ({ error }) => order.push(`write ${error?.message}`));
  link.submit({ method: "flush", args: [] }, () => order.push("flush"));
  link.submit({ method: "read", args: [1024], room: data.length }, ({ bytes }) => {
    order.push("read");
    assertEquals(bytes, data);
  });
  while (link.pending > 0) assert(link.wait(5000));
  assertEquals(order, ["write undefined", "flush", "read"]);
  assertEquals(ask(link, { method: "generation", args: [] }).value, "seven");
  const { error } = ask(link, { method: "read", args: [512], room: 512 });
  assertEquals(error?.message, 'back end "it" (acme/memory): RangeError: a bad sector');
  assertEquals([logs, detached], [["flushed"], []]);
  end();
});

Deno.test("a back end uses the file that it is bound to, and each use is told", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeFile(file, new Uint8Array(1024).fill(5));
  const image = await Deno.readTextFile(new URL("../../plugins/raw_image.ts", import.meta.url));
  const source = image.replace('"../core/bus/mod.ts"', '"@bulkhead/bulkhead"');
  const { link, uses, end } = await linked(source, { image: await Deno.realPath(file) });
  assertEquals(ask(link, { method: "write", args: [512], bytes: new Uint8Array(512).fill(9) }).error, undefined);
  assertEquals(ask(link, { method: "flush", args: [] }).error, undefined);
  assertEquals(ask(link, { method: "read", args: [0], room: 1024 }).bytes?.[511], 5);
  assertEquals((await Deno.readFile(file))[512], 9);
  end();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(uses.some(({ action, right, outcome }) => action === "write" && right === "image" && outcome === "done"));
  await Deno.remove(file);
});

Deno.test("a back end that is refused something while it is opened is named, and what it tried", async () => {
  const source = `
    import { backend } from "@bulkhead/bulkhead";
    export default backend({ id: "acme/nosy", api: 1, version: 1, provides: "block", open: (ctx) => ctx.file("passwd") });
  `;
  const error = await assertRejects(() => linked(source), Error);
  assertStringIncludes(error.message, 'back end "it" (acme/nosy) was stopped while it was starting');
  assertStringIncludes(error.message, "passwd");
});

Deno.test("a back end gives bytes to its port and waits until they are taken", async () => {
  const { link, end } = await linked(`
    import { backend } from "@bulkhead/bulkhead";
    export default backend({
      id: "acme/echo", api: 1, version: 1, provides: "character",
      open: ({ port, count }) => ({ write: async (bytes) => { await port.receive(bytes); count("echoes"); } }),
    });
  `);
  const received: number[] = [];
  let settle = () => {};
  link.listen(({ method, bytes, settle: done }) => {
    assertEquals(method, "receive");
    received.push(...bytes!);
    settle = () => done();
  });
  let answered = false;
  link.submit({ method: "write", args: [], bytes: Uint8Array.of(1, 2, 3) }, () => answered = true);
  while (received.length === 0) link.wait(100);
  assertEquals([received, answered], [[1, 2, 3], false]);
  settle();
  while (!answered) link.wait(100);
  assertEquals((link as SharedBackendLink).counts.get("echoes"), 1);
  end();
});

Deno.test("a back end that does not answer, or logs without end, is detached and named; its requests are refused", async () => {
  const hanging = await linked(
    MEMORY.replace("await null;", "await new Promise(() => {});"),
    {},
    300,
  );
  const { error } = ask(hanging.link, { method: "write", args: [0], bytes: new Uint8Array(512) });
  assertStringIncludes(error!.message, 'back end "it" (acme/memory) was detached: it did not answer a request within');
  assertEquals(hanging.detached.length, 1);
  assertEquals(ask(hanging.link, { method: "flush", args: [] }).error, hanging.link.failed);

  const flooding = await linked(MEMORY.replace('log("info", "flushed")', '{ for (;;) log("info", "again"); }'));
  const flooded = ask(flooding.link, { method: "flush", args: [] });
  assertStringIncludes(flooded.error!.message, "it logged without end");
  flooding.end();
  hanging.end();
});

Deno.test("forged words of a back end's rings detach it", async () => {
  const { link, answers, detached, end } = await linked(MEMORY);
  // What a hostile compartment could write: counters that contradict each other.
  new Int32Array(answers).fill(-5, 0, 1);
  link.poll();
  assertStringIncludes(link.failed!.message, "it broke the rules of its rings");
  assertEquals(detached.length, 1);
  end();
});

/** A link whose far side is played by hand. */
function played(kind: "block" | "character" | "network") {
  const { requests, answers } = createBackendRings(), detached: BulkheadError[] = [];
  const link = new SharedBackendLink({
    name: "it",
    subject: 'back end "it" (acme/it)',
    id: "acme/it",
    kind,
    opened: { properties: {}, methods: [] },
    requests,
    answers,
    detached: (error) => detached.push(error),
    log: () => {},
  });
  const far = new ByteRing(answers);
  const say = (...frame: Parameters<typeof encodeBackendFrame>) => void far.write(encodeBackendFrame(...frame));
  return { link, far, say, detached, stopped: () => new ByteRing(requests).stopped && far.stopped };
}

/** What a hostile far side says after one request, which has the tag 1, and what becomes of it. */
const FORGED: readonly [string, "block" | "character" | "network", Parameters<typeof encodeBackendFrame>[], RegExp][] =
  [
    ["another request's answer", "block", [[FRAME.ANSWER, 2, undefined]], /an answer to what was not asked/],
    ["an earlier request's refusal", "block", [[FRAME.REFUSAL, 0, undefined]], /an answer to what was not asked/],
    ["two answers", "block", [[FRAME.ANSWER, 1, undefined], [FRAME.ANSWER, 1, undefined]], /an answer to what was not/],
    ["a message of no kind", "block", [[99, 1, undefined]], /a message of the unknown kind 99/],
    ["an event of a disk", "block", [[FRAME.EVENT, 1, ["receive", [], true], new Uint8Array(1)]], /has no such method/],
    [
      "an event that is none",
      "character",
      [[FRAME.EVENT, 1, { method: "receive" }]],
      /an event that is none|not iterable/,
    ],
    ["an event without bytes", "character", [[FRAME.EVENT, 1, ["receive", [], false]]], /receive takes bytes/],
    ["a method of every object's", "character", [[FRAME.EVENT, 1, ["constructor", [], false]]], /has no such method/],
    ["a short frame", "network", [[FRAME.EVENT, 1, ["receive", [], true], new Uint8Array(13)]], /not 13/],
    ["a huge frame", "network", [[FRAME.EVENT, 1, ["receive", [], true], new Uint8Array(65_550)]], /not 65550/],
    ["counts that are none", "block", [[FRAME.COUNT, 0, { reads: 1 }]], /counts that are none/],
    ["more counts than are kept", "block", [[FRAME.COUNT, 0, Array(300).fill(["x", 1])]], /counts that are none/],
    [
      "that it floods",
      "block",
      [[FRAME.FAULT, 0, "it called its port without end".padEnd(9000, "!")]],
      /without end!{1,200}$/,
    ],
  ];

Deno.test("a far side that says what makes no sense is detached and named, and its request ends once", () => {
  for (const [what, kind, frames, says] of FORGED) {
    const { link, say, detached, stopped } = played(kind);
    let ends = 0;
    link.submit({ method: "read", args: [0], room: 512 }, () => ends++);
    for (const frame of frames) say(...frame);
    link.poll();
    link.poll();
    assertEquals([detached.length, ends], [1, 1], what);
    assertMatch(link.failed!.message, says);
    assertStringIncludes(link.failed!.message, 'back end "it" (acme/it) was detached');
    // Nobody waits in its rings for ever.
    assert(stopped(), what);
  }
});

Deno.test("a message that is announced to be enormous is not waited for", () => {
  for (const [length, plain] of [[0xffffffff, 0], [17 << 20, 0], [4, 0], [64, 65]] as const) {
    const { link, far } = played("block");
    const head = new Uint8Array(16), view = new DataView(head.buffer);
    view.setUint32(0, length, true);
    view.setUint32(12, plain, true);
    far.write(head);
    link.poll();
    assertStringIncludes(link.failed!.message, "it broke the rules of its rings: a message of");
  }
});

Deno.test("events that come faster than they are taken detach a back end, also where they are taken at once", () => {
  for (const taken of [false, true]) {
    const { link, say, detached } = played("network");
    if (taken) link.listen(({ settle }) => settle(true));
    for (let event = 0; event < 1025; event++) say(FRAME.EVENT, event, ["link", [true], false]);
    link.poll();
    assertStringIncludes(detached[0]!.message, "events without end");
  }
  const { link, say, detached } = played("network");
  for (let round = 0; round < 100 && detached.length === 0; round++) {
    say(FRAME.EVENT, round, ["receive", [], true], new Uint8Array(65_549));
    link.poll();
  }
  assertStringIncludes(detached[0]!.message, "events without end");
});
