import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { i8259a } from "./i8259a.ts";

const table = () => bench(i8259a);
type Table = ReturnType<typeof table>;

/** ICW1 to ICW4 as a PC has them, then all inputs open. */
function initialize(pic: Table, icw4 = 0x01) {
  for (const [region, vector, icw3] of [["master", 0x30, 0x04], ["slave", 0x38, 0x02]] as const) {
    pic.write(region, 0, 0x11);
    pic.write(region, 1, vector);
    pic.write(region, 1, icw3);
    pic.write(region, 1, icw4);
    pic.write(region, 1, 0x00);
  }
}

function initialized(icw4 = 0x01): Table {
  const pic = table();
  initialize(pic, icw4);
  return pic;
}

const acknowledge = (pic: Table) => pic.provides("acknowledge").acknowledge();
const isr = (pic: Table, region: "master" | "slave" = "master") => {
  pic.write(region, 0, 0x0b);
  return pic.read(region, 0);
};
const irr = (pic: Table, region: "master" | "slave" = "master") => {
  pic.write(region, 0, 0x0a);
  return pic.read(region, 0);
};

Deno.test("an edge raises INTR, is acknowledged with its vector and ended", () => {
  const pic = initialized();
  pic.input("ir1", true);
  assertEquals([pic.line("intr"), irr(pic)], [true, 0x02]);
  assertEquals(acknowledge(pic), 0x31);
  assertEquals([pic.line("intr"), irr(pic), isr(pic)], [false, 0, 0x02]);
  pic.write("master", 0, 0x20);
  assertEquals([pic.line("intr"), isr(pic)], [false, 0]);
  pic.input("ir1", false);
  pic.input("ir1", true);
  assertEquals(pic.provides("acknowledge").asserted, true);
});

Deno.test("Linux's probe finds the mask register", () => {
  const pic = table();
  pic.write("slave", 1, 0xff);
  pic.write("master", 1, 0xfb);
  assertEquals(pic.read("master", 1), 0xfb);
});

Deno.test("a higher priority nests, a lower one waits for the end of interrupt", () => {
  const pic = initialized();
  pic.input("ir4", true);
  assertEquals(acknowledge(pic), 0x34);
  pic.input("ir5", true);
  assertEquals(pic.line("intr"), false);
  pic.input("ir0", true);
  assertEquals(acknowledge(pic), 0x30);
  assertEquals(isr(pic), 0x11);
  // Non-specific: the highest in service.
  pic.write("master", 0, 0x20);
  assertEquals([isr(pic), pic.line("intr")], [0x10, false]);
  pic.write("master", 0, 0x64);
  assertEquals(acknowledge(pic), 0x35);
});

Deno.test("the second controller answers through the cascade with its own vector", () => {
  const pic = initialized();
  pic.input("ir12", true);
  assertEquals(acknowledge(pic), 0x3c);
  assertEquals([isr(pic), isr(pic, "slave")], [0x04, 0x10]);
  // IRQ 8 is higher in the second controller, but the first has its input 2 in service.
  pic.input("ir8", true);
  assertEquals(pic.line("intr"), false);
  pic.write("slave", 0, 0x20);
  pic.write("master", 0, 0x62);
  assertEquals(acknowledge(pic), 0x38);
});

Deno.test("special fully nested mode lets the second controller nest in its own service", () => {
  const pic = initialized(0x11);
  pic.input("ir12", true);
  acknowledge(pic);
  pic.input("ir8", true);
  assertEquals(acknowledge(pic), 0x38);
  assertEquals(isr(pic, "slave"), 0x11);
  pic.input("ir14", true);
  assertEquals(pic.line("intr"), false);
});

Deno.test("a masked request is remembered", () => {
  const pic = initialized();
  pic.write("master", 1, 0x08);
  pic.input("ir3", true);
  assertEquals([pic.line("intr"), irr(pic)], [false, 0x08]);
  pic.write("master", 1, 0x00);
  assertEquals(acknowledge(pic), 0x33);
});

Deno.test("a request that goes away leaves a spurious interrupt without service", () => {
  const pic = initialized();
  pic.input("ir3", true);
  pic.input("ir3", false);
  assertEquals(pic.line("intr"), false);
  assertEquals([acknowledge(pic), isr(pic)], [0x37, 0]);

  // In the second controller: vector 15, and the first has its cascade input in service.
  pic.write("slave", 0, 0x68);
  pic.input("ir9", true);
  pic.write("slave", 1, 0xff);
  assertEquals(acknowledge(pic), 0x37);
  assertEquals(pic.counts.get("spurious"), 2);
});

Deno.test("a level input asks again until it falls", () => {
  const pic = initialized();
  pic.write("elcr", 1, 0xff);
  assertEquals(pic.read("elcr", 1), 0xde);
  pic.write("elcr", 0, 0xff);
  assertEquals(pic.read("elcr", 0), 0xf8);
  pic.input("ir11", true);
  for (let turn = 0; turn < 2; turn++) {
    assertEquals(acknowledge(pic), 0x3b);
    pic.write("slave", 0, 0x20);
    pic.write("master", 0, 0x20);
    assertEquals(pic.line("intr"), true);
  }
  pic.input("ir11", false);
  assertEquals(pic.line("intr"), false);
});

Deno.test("automatic end of interrupt puts nothing into service, and can rotate", () => {
  const pic = initialized(0x03);
  pic.write("master", 0, 0x80);
  pic.input("ir1", true);
  assertEquals([acknowledge(pic), isr(pic)], [0x31, 0]);
  // Input 1 is the lowest now.
  pic.input("ir1", false);
  pic.input("ir1", true);
  pic.input("ir5", true);
  assertEquals([acknowledge(pic), acknowledge(pic)], [0x35, 0x31]);
  assertEquals(pic.line("intr"), false);
});

Deno.test("with automatic end of interrupt both requests of the second controller arrive", () => {
  const pic = initialized(0x03);
  pic.input("ir8", true);
  pic.input("ir14", true);
  assertEquals([acknowledge(pic), acknowledge(pic)], [0x38, 0x3e]);
  assertEquals(pic.line("intr"), false);
});

Deno.test("priorities rotate on end of interrupt and by command", () => {
  const pic = initialized();
  pic.input("ir3", true);
  acknowledge(pic);
  pic.write("master", 0, 0xa0);
  for (const ir of ["ir1", "ir4"] as const) pic.input(ir, true);
  assertEquals(acknowledge(pic), 0x34);
  // Rotate on specific EOI: 4 becomes the lowest, and 5 to 7 and 0 come before 1.
  pic.write("master", 0, 0xe4);
  pic.input("ir0", true);
  assertEquals(acknowledge(pic), 0x30);
  pic.write("master", 0, 0x60);
  // Set priority: 0 lowest, 1 highest.
  pic.write("master", 0, 0xc0);
  pic.input("ir0", false);
  pic.input("ir0", true);
  assertEquals([acknowledge(pic), isr(pic)], [0x31, 0x02]);
});

Deno.test("special mask mode lets lower priorities through a masked service", () => {
  const pic = initialized();
  pic.input("ir0", true);
  acknowledge(pic);
  pic.input("ir6", true);
  pic.write("master", 1, 0x01);
  assertEquals(pic.line("intr"), false);
  pic.write("master", 0, 0x68);
  assertEquals(acknowledge(pic), 0x36);
  // A non-specific EOI ends 6, not the masked 0.
  pic.write("master", 0, 0x20);
  assertEquals(isr(pic), 0x01);
  pic.write("master", 0, 0x48);
  pic.input("ir7", true);
  assertEquals(pic.line("intr"), false);
});

Deno.test("a poll acknowledges what it reads", () => {
  const pic = initialized();
  pic.input("ir5", true);
  pic.write("master", 0, 0x0c);
  assertEquals([pic.read("master", 0), isr(pic)], [0x85, 0x20]);
  pic.write("master", 0, 0x0c);
  assertEquals(pic.read("master", 0) & 0x80, 0);
});

Deno.test("ICW1 clears the mask, the service and the edges", () => {
  const pic = initialized();
  pic.input("ir6", true);
  acknowledge(pic);
  pic.input("ir0", true);
  pic.write("master", 1, 0xff);
  pic.write("master", 0, 0x11);
  assertEquals([irr(pic), isr(pic)], [0, 0]);
  for (const word of [0x50, 0x04, 0x01]) pic.write("master", 1, word);
  assertEquals([pic.read("master", 1), pic.line("intr")], [0, false]);
  pic.input("ir0", false);
  pic.input("ir0", true);
  assertEquals(acknowledge(pic), 0x50);
});

Deno.test("a single controller without ICW4 takes two words", () => {
  const pic = table();
  pic.write("master", 0, 0x12);
  pic.write("master", 1, 0x80);
  pic.write("master", 1, 0xf0);
  assertEquals(pic.read("master", 1), 0xf0);
});

Deno.test("i8259a conforms", () => {
  conformance(i8259a, [
    initialize,
    (pic) => pic.input("ir0", true),
    acknowledge,
    (pic) => pic.input("ir12", true),
    (pic) => pic.write("master", 0, 0x20),
    acknowledge,
    (pic) => pic.write("elcr", 1, 0x08),
    (pic) => pic.input("ir11", true),
    (pic) => pic.write("slave", 0, 0xa0),
    (pic) => pic.write("master", 0, 0x0c),
    (pic) => pic.read("master", 0),
    (pic) => pic.write("master", 0, 0x68),
    (pic) => pic.write("master", 0, 0x80),
    (pic) => pic.reset(),
  ]);
});
