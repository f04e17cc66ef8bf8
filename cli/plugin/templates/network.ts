/**
 * A cable to another machine: Ethernet frames over one connection, each behind its length in four bytes, big-endian.
 */
import { backend } from "@bulkhead/bulkhead";

const LENGTH_BYTES = 4;
const LONGEST = 65_549;

export default backend({
  id: "acme/cable",
  api: 1,
  version: 1,
  provides: "network",
  host: { other: { kind: "connect", why: "it is the machine at the other end" } },
  open: async ({ port, connect, count, log }) => {
    const other = await connect("other");
    const listen = async () => {
      let bytes = new Uint8Array();
      for (let more = await other.read(); more !== undefined; more = await other.read()) {
        const joined = new Uint8Array(bytes.length + more.length);
        joined.set(bytes);
        joined.set(more, bytes.length);
        bytes = joined;
        while (bytes.length >= LENGTH_BYTES) {
          const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
          if (length > LONGEST) throw new Error(`a frame of ${length} bytes`);
          if (bytes.length < LENGTH_BYTES + length) break;
          if (!await port.receive(bytes.slice(LENGTH_BYTES, LENGTH_BYTES + length))) count("dropped");
          bytes = bytes.slice(LENGTH_BYTES + length);
        }
      }
    };
    const unplug = (error: unknown) => log("warning", `the cable was unplugged: ${error}`);
    listen().catch(unplug).finally(() => port.link(false));
    return {
      send: async (frame) => {
        const message = new Uint8Array(LENGTH_BYTES + frame.length);
        new DataView(message.buffer).setUint32(0, frame.length);
        message.set(frame, LENGTH_BYTES);
        await other.write(message);
      },
      close: () => other.close(),
    };
  },
});
