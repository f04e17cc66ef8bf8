/**
 * The 8042 keyboard controller of a PC/AT or PS/2, at 60h and 64h, with a keyboard.
 *
 * Intel UPI-42 8742 datasheet for the chip; IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device Controller" and "Keyboard (101/102-key)" for its program and the keyboard. No pointing device is
 * connected to the auxiliary port.
 *
 * @module
 */

import { device, inputFrontEnd } from "../core/bus/mod.ts";
import { answerKeyboard, keyboard, translateScanCode } from "./ps2_keyboard.ts";

// Offsets: the data port is 60h, the command port 64h
const DATA = 0;
const COMMAND = 0;

// Status, read at 64h
const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_NOT_LOCKED = 0x10;
const STATUS_AUXILIARY = 0x20;
const STATUS_TIMEOUT = 0x40;

// Command byte, byte 0 of the controller's RAM
const BYTE_KEYBOARD_INTERRUPT = 0x01;
const BYTE_AUXILIARY_INTERRUPT = 0x02;
const BYTE_SYSTEM = 0x04;
const BYTE_KEYBOARD_DISABLED = 0x10;
const BYTE_AUXILIARY_DISABLED = 0x20;
const BYTE_TRANSLATE = 0x40;

// Commands, written at 64h
const READ_RAM = 0x20;
const WRITE_RAM = 0x60;
const DISABLE_AUXILIARY = 0xa7;
const ENABLE_AUXILIARY = 0xa8;
const TEST_AUXILIARY = 0xa9;
const SELF_TEST = 0xaa;
const TEST_KEYBOARD = 0xab;
const DISABLE_KEYBOARD = 0xad;
const ENABLE_KEYBOARD = 0xae;
const READ_INPUT_PORT = 0xc0;
const READ_OUTPUT_PORT = 0xd0;
const WRITE_OUTPUT_PORT = 0xd1;
const WRITE_KEYBOARD_OUTPUT = 0xd2;
const WRITE_AUXILIARY_OUTPUT = 0xd3;
const WRITE_AUXILIARY = 0xd4;
const DISABLE_A20 = 0xdd;
const ENABLE_A20 = 0xdf;
const PULSE_OUTPUT_PORT = 0xf0;

const SELF_TEST_PASSED = 0x55;
const PORT_TEST_PASSED = 0x00;
/** What the controller answers for a device that does not. */
const NO_DEVICE = 0xfe;

// Output port
const OUTPUT_NOT_RESET = 0x01;
const OUTPUT_A20 = 0x02;
const OUTPUT_KEYBOARD_FULL = 0x10;
const OUTPUT_AUXILIARY_FULL = 0x20;
/** The port's latches rise at reset, so that the CPU runs and A20 is open. */
const OUTPUT_INITIAL = 0xcf;
/** Input port: the keyboard is not locked. */
const INPUT_PORT = 0x80;

/** Codes of keys that the keyboard keeps (reference, "Keyboard buffer"). */
const QUEUE_SIZE = 16;

/** Where a byte of the output buffer came from. */
type Source = "none" | "controller" | "keyboard" | "auxiliary";

/** The controller with its keyboard. `a20` is its share of the A20 gate; `reset` pulses the CPU's reset. */
export const i8042 = device({
  id: "bulkhead/i8042",
  api: 1,
  version: 1,
  config: {
    byteMicroseconds: {
      default: 500,
      min: 1,
      max: 100_000,
      doc: "time in which the keyboard sends one byte, in microseconds",
    },
  },
  needs: {
    ports: { data: { base: 0x60, size: 1 }, command: { base: 0x64, size: 1 } },
    lines: { irq1: "edge", irq12: "edge", a20: "level", reset: "edge" },
    alarms: ["byte"],
    provides: { keys: inputFrontEnd },
  },
  state: () => ({
    ram: [BYTE_TRANSLATE, ...Array.from({ length: 31 }, () => 0)] as number[],
    outputPort: OUTPUT_INITIAL,
    /** The output buffer's byte and its origin. */
    output: 0,
    source: "none" as Source,
    timeout: false,
    /** The last write was to 64h. */
    lastWasCommand: false,
    /** The command that waits for its byte at 60h; -1 if none. */
    pending: -1,
    /** A break prefix was translated: the next code has its top bit set. */
    breakPrefix: false,
    keyboard: keyboard(),
    /** Bytes on their way from the keyboard. */
    queue: [] as number[],
  }),
  wire({ state, config, irq, alarm, log }) {
    const { ram } = state;
    const irq1 = irq("irq1");
    const irq12 = irq("irq12");
    const a20 = irq("a20");
    const reset = irq("reset");

    const has = (bit: number) => (ram[0]! & bit) !== 0;

    const update = () => {
      const { source } = state;
      irq1.set((source === "keyboard" || source === "controller") && has(BYTE_KEYBOARD_INTERRUPT));
      irq12.set(source === "auxiliary" && has(BYTE_AUXILIARY_INTERRUPT));
    };

    const put = (byte: number, source: Source, timeout = false) => {
      state.output = byte;
      state.source = source;
      state.timeout = timeout;
      update();
    };

    /** The controller takes the keyboard's next byte when its buffer is free and the keyboard's clock is not held. */
    const byteArrives = alarm("byte", () => {
      if (state.source !== "none" || has(BYTE_KEYBOARD_DISABLED)) return;
      for (;;) {
        const code = state.queue.shift();
        if (code === undefined) return;
        const translated = has(BYTE_TRANSLATE) ? translateScanCode(state, code) : code;
        if (translated < 0) continue;
        put(translated, "keyboard");
        return;
      }
    });
    const expectByte = () => {
      const isWaiting = state.queue.length > 0 && state.source === "none" && !has(BYTE_KEYBOARD_DISABLED);
      if (isWaiting && !byteArrives.armed) byteArrives.after(config.byteMicroseconds * 1000);
    };

    const setOutputPort = (value: number) => {
      const fell = state.outputPort & ~value;
      state.outputPort = value;
      a20.set((value & OUTPUT_A20) !== 0);
      if ((fell & OUTPUT_NOT_RESET) !== 0) reset.pulse();
    };

    const setCommandByte = (value: number) => {
      ram[0] = value;
      update();
      expectByte();
    };

    const command = (value: number) => {
      state.lastWasCommand = true;
      state.pending = -1;
      if (value >= READ_RAM && value < READ_RAM + 32) return put(ram[value - READ_RAM]!, "controller");
      if (value >= WRITE_RAM && value < WRITE_RAM + 32) return void (state.pending = value);
      if (value >= PULSE_OUTPUT_PORT) {
        // Low bits are pulsed low; bit 0 resets the CPU.
        if ((value & OUTPUT_NOT_RESET) === 0) reset.pulse();
        return;
      }
      switch (value) {
        case DISABLE_AUXILIARY:
          return setCommandByte(ram[0]! | BYTE_AUXILIARY_DISABLED);
        case ENABLE_AUXILIARY:
          return setCommandByte(ram[0]! & ~BYTE_AUXILIARY_DISABLED);
        case TEST_AUXILIARY:
        case TEST_KEYBOARD:
          return put(PORT_TEST_PASSED, "controller");
        case SELF_TEST:
          ram[0] = BYTE_SYSTEM | BYTE_KEYBOARD_DISABLED | BYTE_AUXILIARY_DISABLED | BYTE_TRANSLATE;
          state.breakPrefix = false;
          return put(SELF_TEST_PASSED, "controller");
        case DISABLE_KEYBOARD:
          return setCommandByte(ram[0]! | BYTE_KEYBOARD_DISABLED);
        case ENABLE_KEYBOARD:
          return setCommandByte(ram[0]! & ~BYTE_KEYBOARD_DISABLED);
        case READ_INPUT_PORT:
          return put(INPUT_PORT, "controller");
        case READ_OUTPUT_PORT:
          return put(
            state.outputPort | (state.source === "auxiliary" ? OUTPUT_AUXILIARY_FULL : 0) |
              (irq1.level ? OUTPUT_KEYBOARD_FULL : 0),
            "controller",
          );
        case WRITE_OUTPUT_PORT:
        case WRITE_KEYBOARD_OUTPUT:
        case WRITE_AUXILIARY_OUTPUT:
        case WRITE_AUXILIARY:
          state.pending = value;
          return;
        case DISABLE_A20:
          return setOutputPort(state.outputPort & ~OUTPUT_A20);
        case ENABLE_A20:
          return setOutputPort(state.outputPort | OUTPUT_A20);
        default:
          log("guest", "unknown keyboard controller command", { command: value });
      }
    };

    const data = (value: number) => {
      state.lastWasCommand = false;
      const { pending } = state;
      state.pending = -1;
      if (pending >= WRITE_RAM && pending < WRITE_RAM + 32) {
        if (pending === WRITE_RAM) setCommandByte(value);
        else ram[pending - WRITE_RAM] = value;
        return;
      }
      switch (pending) {
        case WRITE_OUTPUT_PORT:
          return setOutputPort(value);
        case WRITE_KEYBOARD_OUTPUT:
          return put(value, "keyboard");
        case WRITE_AUXILIARY_OUTPUT:
          return put(value, "auxiliary");
        case WRITE_AUXILIARY:
          return put(NO_DEVICE, "auxiliary", true);
      }
      // A byte for the keyboard: sending to it enables it.
      ram[0]! &= ~BYTE_KEYBOARD_DISABLED;
      const answer = answerKeyboard(state.keyboard, value);
      if (state.queue.length + answer.length <= 2 * QUEUE_SIZE) state.queue.push(...answer);
      expectByte();
    };

    return {
      regions: {
        data: [{
          name: "DATA",
          at: DATA,
          width: 1,
          kind: "sync",
          readEffect: true,
          read() {
            state.source = "none";
            state.timeout = false;
            update();
            expectByte();
            return state.output;
          },
          write: data,
        }],
        command: [{
          name: "COMMAND",
          at: COMMAND,
          width: 1,
          kind: "sync",
          read: () =>
            STATUS_NOT_LOCKED | (state.source !== "none" ? STATUS_OUTPUT_FULL : 0) |
            (has(BYTE_SYSTEM) ? STATUS_SYSTEM : 0) | (state.lastWasCommand ? STATUS_COMMAND : 0) |
            (state.source === "auxiliary" ? STATUS_AUXILIARY : 0) | (state.timeout ? STATUS_TIMEOUT : 0),
          write: command,
        }],
      },
      provides: {
        keys: {
          send(codes) {
            if (!state.keyboard.scanning) return codes.length;
            const taken = Math.max(0, Math.min(codes.length, QUEUE_SIZE - state.queue.length));
            state.queue.push(...codes.subarray(0, taken));
            expectByte();
            return taken;
          },
        },
      },
      reset(kind) {
        if (kind === "hard") {
          ram[0] = BYTE_TRANSLATE;
          state.queue.length = 0;
          state.pending = -1;
          state.lastWasCommand = false;
          state.breakPrefix = false;
          Object.assign(state.keyboard, keyboard());
          byteArrives.cancel();
          put(0, "none");
        }
        state.outputPort = OUTPUT_INITIAL;
        a20.set(true);
      },
    };
  },
});
