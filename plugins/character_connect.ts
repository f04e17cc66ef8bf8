/**
 * A serial port or console at a TCP or Unix socket to which it connects. When the peer goes, what the guest sends is lost until the machine
 * is started again.
 *
 * @module
 */
import { backend } from "../core/bus/mod.ts";

/** The back end. */
export default backend({
  id: "bulkhead/character-connect",
  api: 1,
  version: 1,
  provides: "character",
  host: { peer: { kind: "connect", why: "it is at the other end of the guest's line" } },
  open: async ({ connect, port, log }) => {
    const peer = await connect("peer");
    let open = true;
    const gone = (why: string) => {
      if (open) log("warning", `the peer is gone (${why}): what the guest sends from here on is lost`);
      open = false;
      peer.close();
    };
    const listen = async () => {
      for (let bytes = await peer.read(); bytes !== undefined; bytes = await peer.read()) await port.receive(bytes);
      gone("it closed the connection");
    };
    listen().catch((error) => gone(error.message));
    return {
      write: async (bytes) => {
        if (open) await peer.write(bytes).catch((error) => gone(error.message));
      },
      close: () => {
        open = false;
        peer.close();
      },
    };
  },
});
