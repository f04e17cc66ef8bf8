/**
 * A serial port or console at a TCP or Unix socket at which it listens: one peer at a time. What the guest sends while nobody is there is
 * lost, as on a line without a terminal.
 *
 * @module
 */
import { backend, type Connection } from "../core/bus/mod.ts";

/** The back end. */
export default backend({
  id: "bulkhead/character-listen",
  api: 1,
  version: 1,
  provides: "character",
  host: { address: { kind: "listen", why: "whoever connects there is at the other end of the guest's line" } },
  open: async ({ listen, port, log }) => {
    const listener = await listen("address");
    let peer: Connection | undefined;
    log("info", `listens at ${listener.address}`);
    const serve = async (guest: Connection) => {
      for (let bytes = await guest.read(); bytes !== undefined; bytes = await guest.read()) await port.receive(bytes);
    };
    const arrivals = async () => {
      for (let next = await listener.accept(); next !== undefined; next = await listener.accept()) {
        if (peer !== undefined) {
          log("info", "a second peer was turned away");
          next.close();
          continue;
        }
        const arrived = peer = next;
        serve(arrived).catch((error) => log("warning", `the peer is gone: ${error.message}`)).finally(() => {
          arrived.close();
          peer = undefined;
        });
      }
    };
    arrivals().catch((error) => log("warning", `nobody can connect any more: ${error.message}`));
    return {
      write: async (bytes) => {
        await peer?.write(bytes).catch(() => {});
      },
      close: () => {
        listener.close();
        peer?.close();
      },
    };
  },
});
