import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { Channel, type Handlers } from "./channel.ts";
import { encodeFrame } from "./frame.ts";

// deno-lint-ignore no-explicit-any
type Loose = { requests: Record<string, { ask: any; answer: any }>; events: Record<string, any> };

/** A pipe that copies, as those between processes do. */
function pipe(highWaterMark = 0): TransformStream<Uint8Array, Uint8Array> {
  const transform = (bytes: Uint8Array, out: TransformStreamDefaultController<Uint8Array>) =>
    out.enqueue(bytes.slice());
  return new TransformStream({ transform }, undefined, { highWaterMark });
}

function pair(left: Partial<Handlers<Loose>>, right: Partial<Handlers<Loose>>) {
  const there = pipe(), back = pipe();
  const none = { requests: {}, events: {} };
  return [
    new Channel<Loose, Loose>({
      peer: "the right side",
      readable: back.readable,
      writable: there.writable,
      handlers: { ...none, ...left },
    }),
    new Channel<Loose, Loose>({
      peer: "the left side",
      readable: there.readable,
      writable: back.writable,
      handlers: { ...none, ...right },
    }),
  ] as const;
}

/** A channel whose peer is the test itself. */
function alone(handlers: Partial<Handlers<Loose>> = {}) {
  const there = pipe(99);
  const back = pipe(99);
  const channel = new Channel<Loose, Loose>({
    peer: "the machine process",
    readable: there.readable,
    writable: back.writable,
    handlers: { requests: {}, events: {}, ...handlers },
  });
  return { channel, peer: there.writable.getWriter() };
}

Deno.test("a request is answered, with its payload delivered", async () => {
  const [left, right] = pair({}, {
    requests: { sum: ({ start }: { start: number }, payload) => ({ sum: payload.reduce((a, b) => a + b, start) }) },
  });
  assertEquals(await left.request("sum", { start: 10 }, { payload: Uint8Array.of(1, 2, 3) }), { sum: 16 });
  await left.close();
  assertEquals(await right.closed, undefined);
});

Deno.test("a slow request does not hold up a fast one", async () => {
  const gate = Promise.withResolvers<void>();
  const [left] = pair({}, {
    requests: { slow: () => gate.promise.then(() => ({ who: "slow" })), fast: () => ({ who: "fast" }) },
  });
  const slow = left.request("slow", {});
  assertEquals(await left.request("fast", {}), { who: "fast" });
  gate.resolve();
  assertEquals(await slow, { who: "slow" });
  await left.close();
});

Deno.test("events arrive in order, and an event that is being handled holds back the next", async () => {
  const seen: number[] = [];
  const gate = Promise.withResolvers<void>(), last = Promise.withResolvers<void>();
  const [left] = pair({}, {
    events: {
      note: async ({ n }: { n: number }) => {
        seen.push(n);
        if (n === 1) await gate.promise;
        if (n === 3) last.resolve();
      },
    },
  });
  for (const n of [1, 2, 3]) left.send("note", { n }).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(seen, [1]);
  gate.resolve();
  await last.promise;
  assertEquals(seen, [1, 2, 3]);
  await left.close();
});

Deno.test("a channel can be closed while an event is being handled that never ends", async () => {
  const { channel, peer } = alone({ events: { note: () => new Promise(() => {}) } });
  await peer.write(encodeFrame({ tell: "note", body: {} }));
  await channel.close();
  assertEquals(await channel.closed, undefined);
});

Deno.test("a refusal comes back as the sentence it was", async () => {
  const [left] = pair({}, {
    requests: {
      refuse: () => {
        throw new BulkheadError({ code: "no-such-device", subject: "device", expected: "a known one", found: '"x"' });
      },
      crash: () => {
        throw new TypeError("x is not a function");
      },
    },
  });
  const refusal = await assertRejects(
    () => left.request("refuse", {}),
    BulkheadError,
    'expected a known one, found "x"',
  );
  assertEquals((refusal as BulkheadError).code, "no-such-device");
  await assertRejects(() => left.request("crash", {}), BulkheadError, "x is not a function");
  await left.close();
});

Deno.test("a peer that leaves ends every waiting request with a sentence", async () => {
  const { channel, peer } = alone();
  const waiting = channel.request("state", {});
  await peer.close();
  await assertRejects(() => waiting, BulkheadError, "the connection to the machine process has ended");
  await assertRejects(() => channel.request("state", {}), BulkheadError, "the machine process has ended");
  assertEquals(await channel.closed, undefined);
});

Deno.test("a peer that does not answer in time is named", async () => {
  const { channel } = alone();
  await assertRejects(
    () => channel.request("state", {}, { limit: 5 }),
    BulkheadError,
    'the request "state" within 0.005 s',
  );
  await channel.close();
});

Deno.test("a peer that speaks nonsense closes the channel with a sentence", async () => {
  const cases: [Uint8Array, string][] = [
    [new TextEncoder().encode("Hello, I am no frame at all"), "a message of at most"],
    [encodeFrame({ tell: "surprise", body: {} }), 'an event that is known, found "surprise"'],
    [encodeFrame({ tell: "constructor", body: {} }), 'an event that is known, found "constructor"'],
    [encodeFrame({ ask: "rm", id: 1, body: {} }), 'a request that is known, found "rm"'],
    [encodeFrame({ tell: "output" }), "a message with a body"],
    [encodeFrame({ id: 1, body: {} }), "a request or a reply"],
    [encodeFrame({ reply: true, body: {} }), "a request or a reply"],
  ];
  for (const [bytes, expected] of cases) {
    const { channel, peer } = alone();
    const waiting = channel.request("state", {});
    peer.write(bytes).catch(() => {});
    const error = await channel.closed;
    assertStringIncludes(error!.message, "the machine process");
    assertStringIncludes(error!.message, expected);
    await assertRejects(() => waiting, BulkheadError, expected);
  }
});

Deno.test("a stream that is cut off in a message is not an orderly end", async () => {
  const { channel, peer } = alone();
  await peer.write(encodeFrame({ tell: "output", body: {} }).slice(0, 10));
  await peer.close();
  assertStringIncludes((await channel.closed)!.message, "the rest of a message");
});

Deno.test("a reply to nothing is ignored", async () => {
  const { channel, peer } = alone();
  await peer.write(encodeFrame({ reply: true, id: 77, body: {} }));
  await peer.close();
  assertEquals(await channel.closed, undefined);
});
