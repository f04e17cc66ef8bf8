/**
 * Typed interfaces between plugins: a front end (an emulated chip) and a back end (a terminal, a disk format), or two
 * chips wired by more than a line.
 *
 * @module
 */

/** A kind of connection: a name, and what an unconnected end does. */
export interface Interface<T extends object> {
  /** Name and version: `character-backend/1`. Two ends with different names are never joined. */
  readonly name: string;
  /** The members of the interface - methods and properties - as they act while nothing is connected. */
  readonly unconnected: T;
}

/**
 * Defines an interface.
 *
 * @param name Name and version: `character-backend/1`.
 * @param unconnected Every member of the interface, acting as an open connector does. Their names are also what a
 * crossing into another compartment carries.
 */
export function defineInterface<T extends object>(name: string, unconnected: T): Interface<T> {
  return { name, unconnected };
}

/**
 * An end of a connection that outlives what it is connected to: devices are wired anew on restore, and a back end may
 * be plugged in late. Call its methods through it; a method taken out of it stays with the old peer.
 */
export class Socket<T extends object> {
  /** What the holder calls. The same object for the life of the socket. */
  readonly port: T;

  #peer: T | undefined;

  /** An unconnected socket of this kind. */
  constructor(readonly kind: Interface<T>) {
    const port: Record<string, unknown> = {};
    for (const [name, fallback] of Object.entries(kind.unconnected)) {
      if (typeof fallback === "function") {
        port[name] = fallback;
      } else {
        const get = () => ((this.#peer ?? kind.unconnected) as Record<string, unknown>)[name];
        Object.defineProperty(port, name, { enumerable: true, get });
      }
    }
    this.port = port as T;
  }

  /** Connects to `peer`, or disconnects. A peer whose methods change later must be connected again. */
  connect(peer: T | undefined): void {
    this.#peer = peer;
    const methods = this.port as Record<string, unknown>;
    for (const [name, fallback] of Object.entries(this.kind.unconnected)) {
      if (typeof fallback !== "function") continue;
      const method = (peer as Record<string, unknown> | undefined)?.[name];
      methods[name] = typeof method === "function" ? method.bind(peer) : fallback;
    }
  }
}
