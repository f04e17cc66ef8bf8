/**
 * A block back end in a compartment of its own, as a store.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { BackendAnswer, BackendLink, BackendRequest } from "../sandbox/backend_link.ts";
import {
  type BlockAction,
  type BlockDone,
  type BlockOutcome,
  type BlockStore,
  DONE,
  failed,
  NOTHING,
} from "./block_store.ts";

/** Bytes of one request at most: the back end's thread begins with the first while the others are on their way. */
const LONGEST = 256 * 1024;

/** The largest disk: places in it are exact numbers, with room to spare. */
const LARGEST = 2 ** 50;

/** Characters of a generation's text at most. */
const LONGEST_GENERATION = 1000;

/** A store over the link to a back end. */
export class BackendStore implements BlockStore {
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly granule: number;
  readonly longest = LONGEST;
  readonly readOnly: boolean;
  readonly #link: BackendLink;

  /**
   * A store that is called so in sentences.
   *
   * @throws {BulkheadError} `bad-back-end`: another kind, or one that says nonsense of itself.
   */
  constructor(readonly subject: string, link: BackendLink) {
    const refuse = (where: string, expected: string, found: unknown) => {
      const remedy = `correct the back end ${link.id}`;
      throw new BulkheadError({ code: "bad-back-end", subject, where, expected, found: String(found), remedy });
    };
    if (link.kind !== "block") refuse("kind", "a block back end", link.kind);
    const { bytes, sectorBytes, readOnly } = link.properties;
    if (sectorBytes !== 512 && sectorBytes !== 4096) refuse("sectorBytes", "512 or 4096", sectorBytes);
    const whole = typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes > 0 && bytes <= LARGEST &&
      bytes % Number(sectorBytes) === 0;
    if (!whole) refuse("bytes", `whole sectors of ${sectorBytes} bytes`, bytes);
    if (typeof readOnly !== "boolean") refuse("readOnly", "true or false", readOnly);
    this.#link = link;
    this.bytes = Number(bytes);
    this.sectorBytes = this.granule = Number(sectorBytes);
    this.readOnly = readOnly === true;
  }

  /** See {@linkcode BlockStore.begin}. */
  begin(action: BlockAction, offset: number, length: number, data: Uint8Array, done: BlockDone): void {
    const link = this.#link;
    const ask = (request: BackendRequest, outcome: (answer: BackendAnswer) => BlockOutcome) =>
      link.submit(
        request,
        (answer) => done(answer.error === undefined ? outcome(answer) : failed(answer.error.message)),
      );
    switch (action) {
      case "read":
        return ask({ method: "read", args: [offset], room: length }, ({ bytes }) => {
          if (bytes?.length !== length) {
            return failed(`${bytes?.length ?? 0} bytes came where ${length} were asked for`);
          }
          return { status: "ok", data: bytes.slice() };
        });
      case "write":
        return ask({ method: "write", args: [offset], bytes: data }, () => DONE);
      case "flush":
        return ask({ method: "flush", args: [] }, () => DONE);
      case "discard":
        // What was there may stay there.
        if (!link.methods.has("discard")) return done(DONE);
        return ask({ method: "discard", args: [offset, length] }, () => DONE);
      case "identify":
        if (!link.methods.has("generation")) return done({ status: "unsupported", data: NOTHING });
        return ask({ method: "generation", args: [] }, ({ value }) => {
          if (typeof value !== "string" || value.length > LONGEST_GENERATION) {
            return failed("what the back end gave as its contents' generation is no text, or too long a one");
          }
          return { status: "ok", data: new TextEncoder().encode(value) };
        });
    }
  }

  /** See {@linkcode BlockStore.poll}. */
  poll(): void {
    this.#link.poll();
  }

  /** See {@linkcode BlockStore.wait}. */
  wait(milliseconds: number): void {
    this.#link.wait(milliseconds);
  }
}
