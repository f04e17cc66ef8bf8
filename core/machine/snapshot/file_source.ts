/**
 * A snapshot as a file.
 *
 * @module
 */
import type { ByteSource } from "./container_reader.ts";

/** The bytes of an open file, which nobody else reads meanwhile. */
export function fileSource(subject: string, file: Deno.FsFile, length: number): ByteSource {
  return {
    subject,
    length,
    read: async (offset, length, into = new Uint8Array(length)) => {
      await file.seek(offset, Deno.SeekMode.Start);
      let done = 0;
      while (done < length) {
        const count = await file.read(into.subarray(done));
        if (count === null) break;
        done += count;
      }
      return into.subarray(0, done);
    },
  };
}
