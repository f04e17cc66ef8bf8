/**
 * Connections of the host: to one agreed peer, or from peers that arrive at one agreed address.
 *
 * @module
 */
import type { Connection, Listener } from "../bus/host_rights.ts";
import { bytesOf } from "./host_bytes.ts";
import type { Uses } from "./host_uses.ts";

/** Bytes that are read at once. */
const READ = 65536;

/** How what is open is closed. */
type Open = Set<() => void>;

/** Connects to `host:port` or `unix:PATH`. @throws {BulkheadError} `host-io`. */
export async function connectTo(value: string, uses: Uses, open: Open): Promise<Connection> {
  try {
    const path = unixPath(value);
    const peer = path === undefined
      ? await Deno.connect(addressOf(value))
      : await Deno.connect({ transport: "unix", path });
    uses.count("connect");
    return connectionOf(peer, uses, open);
  } catch (error) {
    throw uses.refused("connect", error);
  }
}

/** Listens at `host:port` or `unix:PATH`. @throws {BulkheadError} `host-io`. */
export async function listenAt(value: string, uses: Uses, open: Open): Promise<Listener> {
  const path = unixPath(value);
  let listener: Deno.Listener;
  try {
    if (path !== undefined) await removeStale(path);
    listener = path === undefined ? Deno.listen(addressOf(value)) : Deno.listen({ transport: "unix", path });
    uses.count("listen");
  } catch (error) {
    throw uses.refused("listen", error);
  }
  const close = () => {
    if (!open.delete(close)) return;
    quietly(() => listener.close());
    if (path !== undefined) quietly(() => Deno.removeSync(path));
  };
  open.add(close);
  return Object.freeze(
    {
      accept: async () => {
        try {
          const peer = await listener.accept();
          uses.count("accept");
          return connectionOf(peer, uses, open);
        } catch (error) {
          if (!open.has(close)) return undefined;
          throw uses.refused("accept", error);
        }
      },
      address: describe(listener.addr, value),
      close,
    } satisfies Listener,
  );
}

function connectionOf(peer: Deno.Conn, uses: Uses, open: Open): Connection {
  const close = () => {
    if (!open.delete(close)) return;
    quietly(() => peer.close());
    uses.count("close");
  };
  open.add(close);
  return Object.freeze(
    {
      read: async () => {
        try {
          const bytes = new Uint8Array(READ), count = await peer.read(bytes);
          if (count === null) return undefined;
          uses.count("receive", count);
          return bytes.slice(0, count);
        } catch (error) {
          if (!open.has(close)) return undefined;
          throw uses.refused("receive", error);
        }
      },
      write: async (from) => {
        try {
          // The plugin may change its array while this waits.
          const bytes = bytesOf(from).slice();
          for (let done = 0; done < bytes.length;) done += await peer.write(bytes.subarray(done));
          uses.count("send", bytes.length);
        } catch (error) {
          throw uses.refused("send", error);
        }
      },
      close,
    } satisfies Connection,
  );
}

/** Removes the socket of a listener that died; one at which somebody listens stays, and listening fails. */
async function removeStale(path: string): Promise<void> {
  try {
    const peer = await Deno.connect({ transport: "unix", path });
    peer.close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) Deno.removeSync(path);
  }
}

function unixPath(value: string): string | undefined {
  return value.startsWith("unix:") ? value.slice("unix:".length) : undefined;
}

function addressOf(value: string): { hostname: string; port: number } {
  const colon = value.lastIndexOf(":");
  return { hostname: value.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(value.slice(colon + 1)) };
}

function describe(address: Deno.Addr, value: string): string {
  return "port" in address ? `${value.slice(0, value.lastIndexOf(":"))}:${address.port}` : value;
}

function quietly(what: () => void): void {
  try {
    what();
  } catch {
    // It was closed, or is gone, already.
  }
}
