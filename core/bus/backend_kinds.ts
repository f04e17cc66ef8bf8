/**
 * The kinds of back end, as their authors see them: block, character, network, display, input, audio and file share.
 *
 * Each kind has two sides. The back end implements one; the core, on behalf of whatever device is in front of it, implements the other. A
 * back end never sees the guest: requests are checked against what it said of itself, and data crosses by copy.
 *
 * @module
 */

/** A disk or a disk image's format. The core sends requests one after the other in an order that keeps flushes where the guest put them. */
export interface BlockBackend {
  /** Capacity in bytes, a multiple of `sectorBytes`. */
  readonly bytes: number;
  /** The unit of addressing: 512 or 4096. */
  readonly sectorBytes: 512 | 4096;
  /** Writes are refused before they come here. */
  readonly readOnly: boolean;
  /**
   * What identifies the contents at rest: it changes whenever they were changed by somebody else. A snapshot names it and refuses another.
   * Undefined if the back end cannot tell.
   */
  readonly generation?: string;
  /** Fills `into` from `offset`; both are whole sectors inside the capacity. */
  read(offset: number, into: Uint8Array): void | Promise<void>;
  /** Stores `from` at `offset`; both are whole sectors inside the capacity. `from` is valid until the call is done. */
  write(offset: number, from: Uint8Array): void | Promise<void>;
  /** Done when every write that was done before is on stable storage. */
  flush(): void | Promise<void>;
  /** The sectors' contents are no longer needed; they may read as anything that they or zeros were. Absent: it cannot tell. */
  discard?(offset: number, length: number): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** Where a serial port's or a console's characters go. */
export interface CharacterStream {
  /** Takes bytes that the guest sent. While the promise is pending no more come, and the guest is held back. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** What a character back end may do to its port. */
export interface CharacterPort {
  /** Gives the guest bytes; settles when it has room for more. */
  receive(bytes: Uint8Array): Promise<void>;
}

/** The far end of a network cable. Frames are Ethernet II without preamble and check sequence, 14 to 65,549 bytes. */
export interface NetworkBackend {
  /** Takes a frame that the guest sent. It may be dropped. */
  send(frame: Uint8Array): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** What a network back end may do to its port. */
export interface NetworkPort {
  /** Gives the guest a frame; false if it was dropped, as the guest has no buffer. */
  receive(frame: Uint8Array): Promise<boolean>;
  /** Plugs the cable in or out. */
  link(up: boolean): void;
}

/** A rectangle of a picture, in pixels. */
export interface Rectangle {
  /** Its left edge. */
  readonly x: number;
  /** Its top edge. */
  readonly y: number;
  /** At least 1. */
  readonly width: number;
  /** At least 1. */
  readonly height: number;
}

/** Something that shows the guest's picture. */
export interface DisplayBackend {
  /** The picture has this size from now on, in pixels, 1 to 16,384. */
  resize(width: number, height: number): void | Promise<void>;
  /** New pixels for a rectangle: 4 bytes each, red, green, blue, 255, row by row. While the promise is pending no more come. */
  update(rectangle: Rectangle, pixels: Uint8Array): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** Something that types and points. It only sends: its port is all it has. */
export interface InputBackend {
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** What an input back end may do to its port. */
export interface InputPort {
  /** A key went down or up, by its USB HID usage on page 7 (HID Usage Tables, section 10). */
  key(usage: number, down: boolean): void;
  /** The pointer is at a place, each axis from 0 to 32,767, with a mask of pressed buttons: 1 left, 2 right, 4 middle. */
  point(x: number, y: number, buttons: number): void;
  /** The pointer moved by so much, down and right positive, with its wheel and buttons. */
  move(dx: number, dy: number, wheel: number, buttons: number): void;
}

/** How sound is sampled. */
export interface AudioFormat {
  /** Frames a second, 8,000 to 192,000. */
  readonly rate: number;
  /** Channels, interleaved: 1 or 2. */
  readonly channels: 1 | 2;
}

/** Loudspeaker and microphone. Samples are 16 bits, signed, little-endian. */
export interface AudioBackend {
  /** Sound follows in this form. */
  format(format: AudioFormat): void | Promise<void>;
  /** Takes whole frames. While the promise is pending no more come. */
  play(frames: Uint8Array): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** What an audio back end may do to its port. */
export interface AudioPort {
  /** Gives the guest recorded frames, in the format that was set last. */
  record(frames: Uint8Array): Promise<void>;
}

/** A file of a share. */
export interface SharedFile {
  /** What it is. */
  readonly kind: "file" | "folder" | "link";
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** POSIX permission bits. */
  readonly mode: number;
}

/** A folder that is shared with the guest. Paths are lists of names, none of them `.`, `..`, empty or with a slash in it. */
export interface FileShareBackend {
  /** Nothing can be changed. */
  readonly readOnly: boolean;
  /** What is at a path; undefined if there is nothing. Links are not followed. */
  stat(path: readonly string[]): SharedFile | undefined | Promise<SharedFile | undefined>;
  /** Names in a folder. */
  list(path: readonly string[]): readonly string[] | Promise<readonly string[]>;
  /** Reads at an offset; returns how many bytes there were. */
  read(path: readonly string[], offset: number, into: Uint8Array): number | Promise<number>;
  /** Writes at an offset. */
  write?(path: readonly string[], offset: number, from: Uint8Array): void | Promise<void>;
  /** Makes an empty file or a folder. */
  create?(path: readonly string[], kind: "file" | "folder", mode: number): void | Promise<void>;
  /** Removes a file or an empty folder. */
  remove?(path: readonly string[]): void | Promise<void>;
  /** Renames. */
  rename?(from: readonly string[], to: readonly string[]): void | Promise<void>;
  /** Cuts or extends a file. */
  truncate?(path: readonly string[], size: number): void | Promise<void>;
  /** The machine has ended, in order. */
  close?(): void | Promise<void>;
}

/** A side without methods. */
export type Nobody = Record<never, never>;

/** All kinds by name: what a back end implements, and what it is given to speak to. */
export interface BackendKinds {
  /** Disks. */
  readonly block: { readonly backend: BlockBackend; readonly port: Nobody };
  /** Serial ports and consoles. */
  readonly character: { readonly backend: CharacterStream; readonly port: CharacterPort };
  /** Networks. */
  readonly network: { readonly backend: NetworkBackend; readonly port: NetworkPort };
  /** Screens. */
  readonly display: { readonly backend: DisplayBackend; readonly port: Nobody };
  /** Keyboards and pointers. */
  readonly input: { readonly backend: InputBackend; readonly port: InputPort };
  /** Sound. */
  readonly audio: { readonly backend: AudioBackend; readonly port: AudioPort };
  /** Shared folders. */
  readonly fileShare: { readonly backend: FileShareBackend; readonly port: Nobody };
}

/** The name of a kind. */
export type BackendKind = keyof BackendKinds;
