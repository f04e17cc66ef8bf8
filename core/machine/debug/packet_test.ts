import { assert, assertEquals } from "@std/assert";
import { encodePacket, PACKET_SIZE, type PacketEvent, PacketReader } from "./packet.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (encoded: Uint8Array) => String.fromCharCode(...encoded);
const read = (...pieces: string[]): PacketEvent[] => {
  const reader = new PacketReader();
  return pieces.flatMap((piece) => reader.push(bytes(piece)));
};

Deno.test("a packet is its data with a checksum", () => {
  assertEquals(text(encodePacket("OK")), "$OK#9a");
  assertEquals(text(encodePacket("")), "$#00");
  assertEquals(read("$OK#9a"), [{ kind: "packet", data: "OK" }]);
});

Deno.test("packets are found however the stream is cut, between acknowledgements and interrupts", () => {
  assertEquals(read("+$", "g", "#6", "7+-\x03$?#3f"), [
    { kind: "ack" },
    { kind: "packet", data: "g" },
    { kind: "ack" },
    { kind: "nak" },
    { kind: "interrupt" },
    { kind: "packet", data: "?" },
  ]);
});

Deno.test("every byte survives the way there and back", () => {
  const data = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  assertEquals(read(text(encodePacket(data))), [{ kind: "packet", data }]);
});

Deno.test("a packet with a wrong checksum, or one that is too long, is damaged, and the next one is read", () => {
  assertEquals(read("$OK#9b$OK#zz$OK#9a"), [{ kind: "damaged" }, { kind: "damaged" }, { kind: "packet", data: "OK" }]);
  assertEquals(read(`$${"a".repeat(PACKET_SIZE + 1)}#00$OK#9a`), [{ kind: "damaged" }, { kind: "packet", data: "OK" }]);
});

Deno.test("a packet that is cut off by another is forgotten", () => {
  assertEquals(read("$m100,4$OK#9a"), [{ kind: "packet", data: "OK" }]);
});

Deno.test("noise neither throws nor holds up what follows it", () => {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
  for (let round = 0; round < 300; round++) {
    const reader = new PacketReader();
    const noise = Uint8Array.from(
      { length: random() % 200 },
      () => random() % 3 === 0 ? 0x23 + random() % 3 : random(),
    );
    reader.push(noise);
    // At most a checksum's two digits are still taken for noise.
    reader.push(bytes("00"));
    const last = reader.push(encodePacket("OK")).at(-1);
    assert(last?.kind === "packet" && last.data === "OK");
  }
});
