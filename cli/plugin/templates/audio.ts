/**
 * A recorder: what the guest plays goes to a file in the form of RIFF WAVE.
 */
import { backend } from "@bulkhead/bulkhead";

const HEADER = 44;

function header(rate: number, channels: number, bytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER));
  const text = (at: number, name: string) => [...name].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER - 8 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  return new Uint8Array(view.buffer);
}

export default backend({
  id: "acme/recorder",
  api: 1,
  version: 1,
  provides: "audio",
  host: { tape: { kind: "file", access: "write", why: "it gets what the guest plays" } },
  open: ({ file, log }) => {
    const tape = file("tape");
    let rate = 44_100, channels = 2, bytes = 0;
    return {
      format: (format) => {
        if (bytes > 0 && (format.rate !== rate || format.channels !== channels)) {
          log("warning", "the guest changed the form of its sound: the tape begins anew");
          tape.truncate(0);
          bytes = 0;
        }
        ({ rate, channels } = format);
      },
      play: (frames) => {
        tape.write(HEADER + bytes, frames);
        bytes += frames.length;
      },
      close: () => {
        tape.write(0, header(rate, channels, bytes));
        tape.flush();
      },
    };
  },
});
