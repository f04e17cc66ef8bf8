import { assert, assertEquals, assertMatch } from "@std/assert";
import type { DebugStop, StopPlaces } from "./commands.ts";
import { type DebugTarget, GdbSession } from "./gdb_session.ts";
import { encodePacket, PACKET_SIZE, PacketReader } from "./packet.ts";
import { debugRegisters } from "./registers.ts";

/** A machine of 64 KB that does nothing. */
class FakeTarget implements DebugTarget {
  readonly registers = debugRegisters(true);
  readonly memory = new Uint8Array(0x1_0000);
  readonly done: string[] = [];
  readonly values = new Uint8Array(this.registers.reduce((sum, { bits }) => sum + bits / 8, 0));

  readRegisters(): Promise<Uint8Array> {
    return Promise.resolve(this.values);
  }
  writeRegister(number: number, bytes: Uint8Array): Promise<boolean> {
    const at = this.registers.slice(0, number).reduce((sum, { bits }) => sum + bits / 8, 0);
    if (this.registers[number]!.write === undefined) {
      return Promise.resolve(bytes.every((byte, i) => byte === this.values[at + i]));
    }
    this.values.set(bytes, at);
    return Promise.resolve(true);
  }
  readMemory(address: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.memory.slice(address, address + length));
  }
  writeMemory(address: number, bytes: Uint8Array): Promise<boolean> {
    if (address + bytes.length > this.memory.length) return Promise.resolve(false);
    this.memory.set(bytes, address);
    return Promise.resolve(true);
  }
  resume(step: boolean, places: StopPlaces): Promise<void> {
    return this.#note(step ? "step" : "run", places);
  }
  interrupt(): Promise<void> {
    return this.#note("interrupt");
  }
  detach(): Promise<void> {
    return this.#note("detach");
  }
  kill(): Promise<void> {
    return this.#note("kill");
  }
  reset(): Promise<void> {
    return this.#note("reset");
  }
  stepInterrupts(on: boolean): Promise<void> {
    return this.#note(`step-interrupts ${on}`);
  }
  #note(what: string, places?: StopPlaces): Promise<void> {
    this.done.push(what + (places === undefined ? "" : JSON.stringify(places)));
    return Promise.resolve();
  }
}

const NOWHERE = '{"breakpoints":[],"watchpoints":[]}';

/** A session without acknowledgements, and what it answers. */
async function open(): Promise<{
  target: FakeTarget;
  session: GdbSession;
  ask: (...requests: string[]) => Promise<string[]>;
  stop: (stop: DebugStop) => string[];
}> {
  const target = new FakeTarget(), reader = new PacketReader();
  let answers: string[] = [];
  const session = new GdbSession(target, (bytes) => {
    for (const event of reader.push(bytes)) if (event.kind === "packet") answers.push(event.data);
    return Promise.resolve();
  });
  const take = () => {
    const taken = answers;
    answers = [];
    return taken;
  };
  const ask = async (...requests: string[]) => {
    for (const request of requests) await session.receive(encodePacket(request));
    return take();
  };
  await ask("QStartNoAckMode");
  return {
    target,
    session,
    ask,
    stop: (stop) => {
      session.stopped(stop);
      return take();
    },
  };
}

const hexOf = (text: string) => new TextEncoder().encode(text).toHex();

Deno.test("packets are acknowledged until both sides agree not to, and sent again when they were damaged", async () => {
  let sent = "";
  const session = new GdbSession(new FakeTarget(), (bytes) => {
    sent += String.fromCharCode(...bytes);
    return Promise.resolve();
  });
  const send = async (text: string) => {
    sent = "";
    await session.receive(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    return sent;
  };
  assertEquals(await send("$qC#b4"), "+$QC1#c5");
  assertEquals(await send("-"), "$QC1#c5");
  assertEquals(await send("$qC#b5"), "-");
  assertEquals(await send("$QStartNoAckMode#b0"), "+$OK#9a");
  assertEquals(await send("+$qC#b4"), "$QC1#c5");
  assertEquals(await send("$qC#b5"), "");
});

Deno.test("what is supported is said, and what is not known is answered with nothing", async () => {
  const { ask } = await open();
  const [supported] = await ask("qSupported:multiprocess+;swbreak+;hwbreak+");
  assertMatch(supported!, /^PacketSize=4000;.*qXfer:features:read\+.*swbreak\+;hwbreak\+$/);
  assertEquals(await ask("vCont?", "vMustReplyEmpty", "qTStatus", "!", "R00", "_", "", "qAttached", "Hg0", "T1"), [
    "vCont;c;C;s;S",
    "",
    "",
    "",
    "",
    "",
    "",
    "1",
    "OK",
    "OK",
  ]);
});

Deno.test("the target description comes in pieces and has gdb's own features", async () => {
  const { ask, target } = await open();
  let text = "", more = true;
  while (more) {
    const [piece] = await ask(`qXfer:features:read:target.xml:${text.length.toString(16)},200`);
    more = piece![0] === "m";
    assert(more || piece![0] === "l");
    text += piece!.slice(1);
  }
  for (const feature of ["org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse", "bulkhead.i386.system"]) {
    assert(text.includes(`<feature name="${feature}">`), feature);
  }
  assertEquals(
    [...text.matchAll(/<reg name="(\w+)"/g)].map(([, name]) => name),
    target.registers.map(({ name }) => name),
  );
  assertEquals(await ask("qXfer:features:read:other.xml:0,100", "qXfer:memory-map:read::0,100"), ["E00", ""]);
});

Deno.test("registers are read and set, all of them or one", async () => {
  const { ask, target } = await open();
  assertEquals(await ask("P8=78563412", "p8", "P8=7856", "p1000", "Pzz=00"), ["OK", "78563412", "E01", "E01", "E01"]);
  const [all] = await ask("g");
  assertEquals(all!.length, target.values.length * 2);
  assertEquals(all!.slice(8 * 8, 9 * 8), "78563412");
  assertEquals(await ask(`G${all!}`, `G${all!.slice(2)}`, "Gxy"), ["OK", "E01", "E01"]);
  const cr0 = target.registers.findIndex(({ name }) => name === "cr0").toString(16);
  assertEquals(await ask(`P${cr0}=01000000`), ["E01"]);
});

Deno.test("memory is read as far as there is any, and written whole or not at all", async () => {
  const { ask } = await open();
  assertEquals(await ask("M1000,4:01020304", "m1000,4", "mfffe,4", "m10000,1", "m20,0"), [
    "OK",
    "01020304",
    "0000",
    "E14",
    "",
  ]);
  assertEquals(await ask("X1000,4:\x00#$}", "m1000,4", "X1000,0:", "X1000,2:a", "Mfffe,4:01020304"), [
    "OK",
    "0023247d",
    "OK",
    "E01",
    "E14",
  ]);
  assertEquals(await ask("m", "m1000", "m1000,", "m1000,zz", "m100000000,1", "M1000,4:0102", "M1000,1:xy"), [
    "E01",
    "E01",
    "E01",
    "E01",
    "E01",
    "E01",
    "E01",
  ]);
  const [most] = await ask("m0,ffffffff");
  assert(most!.length <= PACKET_SIZE);
});

Deno.test("the machine runs to the places that are set, and its stop is told once", async () => {
  const { ask, stop, target } = await open();
  await ask("qSupported:swbreak+;hwbreak+");
  assertEquals(
    await ask("Z0,1000,1", "Z1,2000,1", "Z2,3000,4", "Z3,3004,2", "z3,3004,2", "Z0,1000,1"),
    Array(6).fill("OK"),
  );
  assertEquals(await ask("vCont;c"), []);
  assertEquals(target.done, [
    'run{"breakpoints":[4096,8192],"watchpoints":[{"address":12288,"length":4,"kind":"write"}]}',
  ]);
  assertEquals(stop({ why: "breakpoint", address: 0x1000 }), ["T05swbreak:;thread:1;"]);
  assertEquals(stop({ why: "interrupt" }), []);
  await ask("c");
  assertEquals(stop({ why: "breakpoint", address: 0x2000 }), ["T05hwbreak:;thread:1;"]);
  await ask("vCont;c:1");
  const watchpoint = { address: 0x3000, length: 4, kind: "write" } as const;
  assertEquals(stop({ why: "watchpoint", watchpoint }), ["T05watch:3000;thread:1;"]);
  assertEquals(await ask("?"), ["T05watch:3000;thread:1;"]);
  await ask("vCont;s:1;c");
  assertMatch(target.done.at(-1)!, /^step/);
  assertEquals(stop({ why: "step" }), ["T05thread:1;"]);
});

Deno.test("a machine that runs takes an interrupt and nothing else", async () => {
  const { ask, stop, session, target } = await open();
  await ask("c");
  assertEquals(await ask("g", "m0,4"), ["E16", "E16"]);
  await session.receive(Uint8Array.of(0x03));
  assertEquals(target.done, [`run${NOWHERE}`, "interrupt"]);
  assertEquals(stop({ why: "interrupt" }), ["T02thread:1;"]);
  await session.receive(Uint8Array.of(0x03));
  assertEquals(target.done.length, 2);
});

Deno.test("the end of the guest is told with a signal, that of the machine with its exit", async () => {
  const { ask, stop, session } = await open();
  await ask("c");
  assertEquals(stop({ why: "triple-fault" }), ["T0bthread:1;"]);
  await ask("c");
  session.exited(0);
  assertEquals(await ask("?", "c"), ["W00", "W00", "W00"]);
});

Deno.test("gdb leaves by detaching or by killing", async () => {
  const detached = await open();
  assertEquals(await detached.ask("D;1"), ["OK"]);
  assertEquals([await detached.session.ended, detached.target.done], ["detached", ["detach"]]);
  const killed = await open();
  assertEquals(await killed.ask("vKill;1"), ["OK"]);
  assertEquals([await killed.session.ended, killed.target.done], ["killed", ["kill"]]);
});

Deno.test("the answer to a kill is on its way before the machine ends", async () => {
  const target = new FakeTarget(), underWay = Promise.withResolvers<void>();
  const session = new GdbSession(target, () => underWay.promise);
  const received = session.receive(encodePacket("vKill;1"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(target.done, []);
  underWay.resolve();
  await received;
  assertEquals(target.done, ["kill"]);
});

Deno.test("monitor commands reset, show physical memory and explain themselves", async () => {
  const { ask, target } = await open();
  const monitor = async (text: string) => {
    const [answer] = await ask(`qRcmd,${hexOf(text)}`);
    return answer === "OK" ? "" : new TextDecoder().decode(Uint8Array.fromHex(answer!));
  };
  target.memory.set([1, 2, 3], 0x100);
  assertMatch(await monitor("reset"), /was reset/);
  assertEquals(await monitor("physical 0x100 3"), "00000100  01 02 03\n");
  assertEquals(await monitor("step-interrupts on"), "");
  assertEquals(target.done, ["reset", "step-interrupts true"]);
  for (const text of ["help", "", "physical 1 2 3", "physical 0x100 9999", "\u{1f600}", "step-interrupts maybe"]) {
    assertMatch(await monitor(text), /^monitor help/);
  }
  assertEquals(await ask("qRcmd,zz"), ["E01"]);
});

Deno.test("whatever is asked, there is one answer at most, and the session goes on", async () => {
  let seed = 7;
  const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
  const words = "?gGpPmMXzZcsCSHTDkvqQ!RxFibt0123456789abcdef,;:=+-*}#$\x00\x7f\xff".split("");
  const starts = [
    "m",
    "M",
    "X",
    "Z0,",
    "z2,",
    "G",
    "P",
    "p",
    "vCont",
    "vCont;",
    "qXfer:features:read:",
    "qRcmd,",
    "qSupported",
    "H",
  ];
  for (let round = 0; round < 2000; round++) {
    const { ask, stop } = await open();
    const request = (random(2) ? starts[random(starts.length)]! : "") +
      Array.from({ length: random(24) }, () => words[random(words.length)]).join("");
    const answers = await ask(request);
    assert(answers.length <= 1, JSON.stringify(request));
    assert((answers[0] ?? "").length <= PACKET_SIZE);
    // It may run now.
    stop({ why: "interrupt" });
    assertEquals(await ask("qC"), ["QC1"], JSON.stringify(request));
  }
});
