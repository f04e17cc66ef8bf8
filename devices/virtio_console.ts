/**
 * A virtio console with one port: Linux's hvc0.
 *
 * Virtual I/O Device 1.2 (OASIS), section 5.3; names are its own.
 *
 * @module
 */

import { characterBackend, characterFrontEnd, device } from "../core/bus/mod.ts";

/** Feature bits (section 5.3.3): a console can write before its queues are set up. */
const FEATURE = { EMERG_WRITE: 2 } as const;

/** struct virtio_console_config (section 5.3.4): sizes and ports are of features that are not offered. */
const CONFIGURATION = { emerg_wr: 8, BYTES: 12 } as const;

const QUEUE_SIZE = 64;
const TRANSMIT_BYTES = 0x10000;

/** A virtio console. */
export const virtioConsole = device({
  id: "bulkhead/virtio-console",
  api: 1,
  version: 1,
  needs: {
    virtio: {
      type: 3,
      class: 0x078000,
      features: Object.values(FEATURE),
      queues: {
        receiveq: { size: QUEUE_SIZE, readableBytes: 0 },
        transmitq: { size: QUEUE_SIZE, readableBytes: TRANSMIT_BYTES },
      },
      configurationBytes: CONFIGURATION.BYTES,
    },
    uses: { backend: characterBackend },
    provides: { frontEnd: characterFrontEnd },
  },
  state: () => ({
    /** Buffers that wait for characters, in order. */
    buffers: [] as { tag: number; bytes: number }[],
  }),
  wire({ state, use, virtio }) {
    const backend = use("backend"), receiveq = virtio.queue("receiveq"), transmitq = virtio.queue("transmitq");
    const forget = () => {
      state.buffers = [];
    };
    return {
      virtio: {
        queues: {
          receiveq({ tag, writable }) {
            state.buffers.push({ tag, bytes: writable });
            backend.ready();
          },
          transmitq({ tag, readable }) {
            backend.write(readable);
            transmitq.complete(tag, 0);
          },
        },
        stopped: forget,
        queueStopped: (queue) => {
          if (queue === "receiveq") forget();
        },
        configuration: [{
          name: "emerg_wr",
          at: CONFIGURATION.emerg_wr,
          width: 4,
          kind: "sync",
          read: () => 0,
          write: (value) => backend.write(Uint8Array.of(value & 0xff)),
        }],
      },
      provides: {
        frontEnd: {
          receive(bytes) {
            let taken = 0;
            while (taken < bytes.length) {
              const buffer = state.buffers.shift();
              if (buffer === undefined) break;
              const part = bytes.subarray(taken, taken + buffer.bytes);
              receiveq.fill(buffer.tag, 0, part);
              receiveq.complete(buffer.tag, part.length);
              taken += part.length;
            }
            return taken;
          },
          // A console has no line that could break.
          receiveBreak: () => {},
        },
      },
      reset: forget,
    };
  },
});

export default virtioConsole;
