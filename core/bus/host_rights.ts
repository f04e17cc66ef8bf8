/**
 * What a back end may ask of the host, and what it is given for it.
 *
 * A right is a placeholder with a reason: `image`, "it is the disk". The owner of the machine binds the placeholder to one real thing - this
 * file, that host and port - and the plugin gets a handle. It never learns the path, and what is not named is not given.
 *
 * @module
 */

/** One file, bound to a path by the owner. */
export interface FileRight {
  /** A file. */
  readonly kind: "file";
  /**
   * `read`: it must be there, and is never changed. `read-write`: it must be there. `write`: it is made if it is not there, and what was in
   * it is lost; it cannot be read.
   */
  readonly access: "read" | "read-write" | "write";
  /** Why, as a sentence for the owner. */
  readonly why: string;
}

/** One peer to connect to: `host:port`, or `unix:PATH`, bound by the owner. */
export interface ConnectRight {
  /** An outgoing connection. */
  readonly kind: "connect";
  /** Why, as a sentence for the owner. */
  readonly why: string;
}

/** One address to listen at: `host:port`, or `unix:PATH`, bound by the owner. */
export interface ListenRight {
  /** Incoming connections. */
  readonly kind: "listen";
  /** Why, as a sentence for the owner. */
  readonly why: string;
}

/** A right on the host. */
export type HostRight = FileRight | ConnectRight | ListenRight;

/** Rights by placeholder: what a plugin's own text calls the things that its owner binds. */
export type HostRights = Readonly<Record<string, HostRight>>;

/** The placeholders of one kind of right. */
export type RightsOf<H extends HostRights, Kind extends HostRight["kind"]> =
  & { [Name in keyof H]: H[Name] extends { readonly kind: Kind } ? Name : never }[keyof H]
  & string;

/** An open file. All calls are synchronous: a back end has a thread of its own. */
export interface FileHandle {
  /** Bytes. */
  size(): number;
  /**
   * Reads at `offset`.
   *
   * @returns Bytes read from the start of `into`; fewer than its length only at the end of the file.
   * @throws {BulkheadError} `host-io` what the host's system said.
   */
  read(offset: number, into: Uint8Array): number;
  /** Writes all of `from` at `offset`. @throws {BulkheadError} `host-io`, as with a full disk. */
  write(offset: number, from: Uint8Array): void;
  /** Cuts the file, or extends it with zeros. @throws {BulkheadError} `host-io`. */
  truncate(size: number): void;
  /** Returns when everything written is on stable storage. @throws {BulkheadError} `host-io`. */
  flush(): void;
}

/** A connection to a peer. */
export interface Connection {
  /** The next bytes, at least one; undefined when the peer will send no more. @throws {BulkheadError} `host-io`. */
  read(): Promise<Uint8Array | undefined>;
  /** Settles when the system has all the bytes. @throws {BulkheadError} `host-io`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it, in both directions. */
  close(): void;
}

/** An address at which peers arrive. */
export interface Listener {
  /** The next peer; undefined once it is closed. @throws {BulkheadError} `host-io`. */
  accept(): Promise<Connection | undefined>;
  /** Where it listens, as the owner would name it: the port that was chosen if port 0 was bound. */
  readonly address: string;
  /** No more peers. */
  close(): void;
}
