/**
 * A 16550A UART.
 *
 * National Semiconductor PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs, datasheet of June 1995.
 *
 * By default a character is transmitted at the instant it is written, so that a guest's output is not slowed to the line
 * speed it asked for: the transmitter is then always empty. With `transmit: "baud"` each takes its time. Characters pass
 * with 8 bits whatever the word length, so that a guest that sets up nothing can be read: no firmware did it before.
 *
 * @module
 */

import { characterBackend, characterFrontEnd, device } from "../core/bus/mod.ts";

// Offsets. 0 and 1 are the divisor while LCR.DLAB is set.
const RBR_THR = 0;
const IER = 1;
const IIR_FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCR = 7;

const IER_RECEIVED = 0x01;
const IER_THRE = 0x02;
const IER_LINE_STATUS = 0x04;
const IER_MODEM_STATUS = 0x08;
const IER_ALL = 0x0f;

const IIR_NONE = 0x01;
const IIR_MODEM_STATUS = 0x00;
const IIR_THRE = 0x02;
const IIR_RECEIVED = 0x04;
const IIR_LINE_STATUS = 0x06;
const IIR_TIMEOUT = 0x0c;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_RESET_RECEIVER = 0x02;
const FCR_RESET_TRANSMITTER = 0x04;

const LCR_WORD_LENGTH = 0x03;
const LCR_STOP_BITS = 0x04;
const LCR_PARITY = 0x08;
const LCR_BREAK = 0x40;
const LCR_DLAB = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;
const MCR_ALL = 0x1f;

const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_BREAK = 0x10;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;
const LSR_FIFO_ERROR = 0x80;
/** Overrun, parity, framing, break: what raises the line status interrupt. */
const LSR_ERRORS = 0x1e;

const MSR_TERI = 0x04;
const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;

const FIFO_SIZE = 16;
/** Received characters that raise the interrupt, by FCR bits 7 and 6. */
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
/** The input clock of a PC's UART, which divides by 16 times the divisor. */
const CLOCK_HERTZ = 1_843_200;
/** Character times without traffic after which waiting characters raise the timeout interrupt. */
const TIMEOUT_CHARACTERS = 4;

const hasError = (character: number) => character > 0xff;

const initial = () => ({
  ier: 0,
  fcr: 0,
  lcr: 0,
  mcr: 0,
  scr: 0,
  divisor: 12,
  /** Overrun and error bits of LSR; the others follow from the queues. */
  lineStatus: 0,
  /** Delta bits of MSR. */
  modemDeltas: 0,
  /** Received characters, with their error bits of LSR above bit 7. */
  received: [] as number[],
  /** Characters in THR or its FIFO. */
  sending: [] as number[],
  /** The character in the transmit shift register; -1 if none. Only with `transmit: "baud"`. */
  shifting: -1,
  /** The transmitter became empty and has not been answered. */
  emptied: false,
  /** The timeout interrupt is pending. */
  timedOut: false,
  /** The back end was refused characters and waits for room. */
  refused: false,
});

/** A UART, at 3F8h with `irq` for COM1; the machine places others elsewhere. */
export const ns16550a = device({
  id: "bulkhead/ns16550a",
  api: 1,
  version: 1,
  config: {
    transmit: {
      default: "immediate",
      choices: ["immediate", "baud"],
      doc: "whether a character is sent at once or takes its time at the guest's line speed",
    },
  },
  needs: {
    ports: { io: { base: 0x3f8, size: 8 } },
    lines: { irq: "level" },
    alarms: ["sent", "timeout"],
    uses: { backend: characterBackend },
    provides: { serial: characterFrontEnd },
  },
  state: initial,
  wire({ state, config, irq, alarm, now, use, count }) {
    const line = irq("irq");
    const backend = use("backend");
    /** What goes to the back end, one character at a time: it does not keep the array. */
    const character = Uint8Array.of(0);
    const isPaced = config.transmit === "baud";

    const hasFifos = () => (state.fcr & FCR_ENABLE) !== 0;
    const isLooping = () => (state.mcr & MCR_LOOP) !== 0;
    const capacity = () => hasFifos() ? FIFO_SIZE : 1;
    const triggerLevel = () => hasFifos() ? TRIGGER_LEVELS[state.fcr >> 6 & 3]! : 1;
    /** Start, data, parity and stop bits. */
    const characterBits = () =>
      1 + 5 + (state.lcr & LCR_WORD_LENGTH) + ((state.lcr & LCR_PARITY) !== 0 ? 1 : 0) +
      ((state.lcr & LCR_STOP_BITS) !== 0 ? 2 : 1);
    const characterTime = () => Math.ceil(characterBits() * 16 * (state.divisor || 1) * 1e9 / CLOCK_HERTZ);

    const interrupt = (): number => {
      const { ier } = state;
      if ((ier & IER_LINE_STATUS) !== 0 && (state.lineStatus & LSR_ERRORS) !== 0) return IIR_LINE_STATUS;
      if ((ier & IER_RECEIVED) !== 0) {
        if (state.received.length >= triggerLevel()) return IIR_RECEIVED;
        if (state.timedOut) return IIR_TIMEOUT;
      }
      if ((ier & IER_THRE) !== 0 && state.emptied) return IIR_THRE;
      if ((ier & IER_MODEM_STATUS) !== 0 && state.modemDeltas !== 0) return IIR_MODEM_STATUS;
      return IIR_NONE;
    };
    /** On a PC, OUT2 connects the interrupt. In loopback the pin is inactive. */
    const update = () => line.set((state.mcr & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2 && interrupt() !== IIR_NONE);

    const timeout = alarm("timeout", () => {
      state.timedOut = state.received.length > 0;
      update();
    });
    const restartTimeout = () => {
      state.timedOut = false;
      if (hasFifos() && state.received.length > 0) timeout.after(TIMEOUT_CHARACTERS * characterTime());
      else timeout.cancel();
    };

    /** Puts a character into the receiver; `false` if it overran. */
    const accept = (value: number): boolean => {
      if (state.received.length >= capacity()) {
        state.lineStatus |= LSR_OVERRUN;
        count("overruns");
        // Without FIFOs the new character replaces the old; a full FIFO loses the one in the shift register.
        if (!hasFifos()) state.received[0] = value;
        revealErrors();
        return false;
      }
      state.received.push(value);
      revealErrors();
      return true;
    };
    /** Errors show in LSR when their character is at the top of the FIFO, and are taken from it. */
    const revealErrors = () => {
      const top = state.received[0];
      if (top === undefined || top < 0x100) return;
      state.lineStatus |= top >> 8;
      state.received[0] = top & 0xff;
    };

    const transmit = (value: number) => {
      if (isLooping()) {
        accept(value);
        restartTimeout();
      } else {
        character[0] = value;
        backend.write(character);
      }
    };

    const shift = (at: number) => {
      const next = state.sending.shift();
      state.shifting = next ?? -1;
      if (next === undefined) return;
      if (state.sending.length === 0) state.emptied = true;
      sent.at(at + characterTime());
    };
    const sent = alarm("sent", (due) => {
      if (state.shifting >= 0) transmit(state.shifting);
      shift(due);
      update();
    });

    const writeTransmitter = (value: number) => {
      state.emptied = false;
      if (!isPaced) {
        state.emptied = true;
        transmit(value);
      } else {
        if (state.sending.length >= capacity()) {
          // A full FIFO loses the character; THR is overwritten.
          state.sending.pop();
        }
        state.sending.push(value);
        if (state.shifting < 0) shift(now());
      }
      update();
    };

    const readReceiver = (): number => {
      const value = state.received.shift() ?? 0;
      revealErrors();
      restartTimeout();
      update();
      if (state.refused && state.received.length < capacity()) {
        state.refused = false;
        backend.ready();
      }
      return value;
    };

    /** The modem's lines: a connected one that is ready, or our own outputs in loopback. */
    const modemLines = (mcr: number): number => {
      if ((mcr & MCR_LOOP) === 0) return MSR_CTS | MSR_DSR | MSR_DCD;
      return ((mcr & MCR_RTS) !== 0 ? MSR_CTS : 0) | ((mcr & MCR_DTR) !== 0 ? MSR_DSR : 0) |
        ((mcr & MCR_OUT1) !== 0 ? MSR_RI : 0) | ((mcr & MCR_OUT2) !== 0 ? MSR_DCD : 0);
    };

    const writeModemControl = (value: number) => {
      const before = modemLines(state.mcr);
      state.mcr = value & MCR_ALL;
      const after = modemLines(state.mcr);
      // DCTS, DDSR and DDCD: any change. TERI: the end of a ring.
      if (state.refused && !isLooping()) {
        state.refused = false;
        backend.ready();
      }
      state.modemDeltas |= (before ^ after) >> 4 & ~MSR_TERI | (before & ~after & MSR_RI) >> 4;
      update();
    };

    const resetReceiver = () => {
      state.received.length = 0;
      restartTimeout();
      if (state.refused) {
        state.refused = false;
        backend.ready();
      }
    };
    const resetTransmitter = () => {
      if (state.sending.length > 0) state.emptied = true;
      state.sending.length = 0;
    };
    const writeFifoControl = (value: number) => {
      const isSwitched = ((value ^ state.fcr) & FCR_ENABLE) !== 0;
      // The other bits count only while the FIFOs are enabled (datasheet, "FIFO control register").
      state.fcr = (value & FCR_ENABLE) !== 0 ? value & (FCR_ENABLE | 0xc0) : 0;
      if (isSwitched || (value & (FCR_ENABLE | FCR_RESET_RECEIVER)) === (FCR_ENABLE | FCR_RESET_RECEIVER)) {
        resetReceiver();
      }
      if (isSwitched || (value & (FCR_ENABLE | FCR_RESET_TRANSMITTER)) === (FCR_ENABLE | FCR_RESET_TRANSMITTER)) {
        resetTransmitter();
      }
      update();
    };

    const isEmpty = () => state.sending.length === 0;
    const readLineStatus = (): number => {
      const status = state.lineStatus | (state.received.length > 0 ? LSR_DATA_READY : 0) | (isEmpty() ? LSR_THRE : 0) |
        (isEmpty() && state.shifting < 0 ? LSR_TEMT : 0) |
        (hasFifos() && ((state.lineStatus & (LSR_ERRORS & ~LSR_OVERRUN)) !== 0 || state.received.some(hasError))
          ? LSR_FIFO_ERROR
          : 0);
      state.lineStatus = 0;
      update();
      return status;
    };

    const readIdentification = (): number => {
      const source = interrupt();
      if (source === IIR_THRE) {
        state.emptied = false;
        update();
      }
      return source | (hasFifos() ? IIR_FIFOS : 0);
    };

    const hasDivisor = () => (state.lcr & LCR_DLAB) !== 0;

    return {
      regions: {
        io: [
          {
            name: "RBR_THR",
            at: RBR_THR,
            width: 1,
            kind: "sync",
            readEffect: true,
            read: () => hasDivisor() ? state.divisor & 0xff : readReceiver(),
            write(value) {
              if (hasDivisor()) state.divisor = state.divisor & 0xff00 | value;
              else writeTransmitter(value);
            },
          },
          {
            name: "IER",
            at: IER,
            width: 1,
            kind: "sync",
            read: () => hasDivisor() ? state.divisor >> 8 : state.ier,
            write(value) {
              if (hasDivisor()) {
                state.divisor = state.divisor & 0xff | value << 8;
                return;
              }
              // Enabling the interrupt of an empty transmitter raises it.
              if ((value & ~state.ier & IER_THRE) !== 0 && isEmpty()) state.emptied = true;
              state.ier = value & IER_ALL;
              update();
            },
          },
          {
            name: "IIR_FCR",
            at: IIR_FCR,
            width: 1,
            kind: "sync",
            readEffect: true,
            read: readIdentification,
            write: writeFifoControl,
          },
          {
            name: "LCR",
            at: LCR,
            width: 1,
            kind: "sync",
            read: () => state.lcr,
            write(value) {
              // The end of a break that loops back is received as one.
              if ((state.lcr & ~value & LCR_BREAK) !== 0 && isLooping()) accept(LSR_BREAK << 8);
              state.lcr = value;
              update();
            },
          },
          { name: "MCR", at: MCR, width: 1, kind: "sync", read: () => state.mcr, write: writeModemControl },
          { name: "LSR", at: LSR, width: 1, kind: "sync", readEffect: true, read: readLineStatus },
          {
            name: "MSR",
            at: MSR,
            width: 1,
            kind: "sync",
            readEffect: true,
            read() {
              const status = modemLines(state.mcr) | state.modemDeltas;
              state.modemDeltas = 0;
              update();
              return status;
            },
          },
          {
            name: "SCR",
            at: SCR,
            width: 1,
            kind: "sync",
            read: () => state.scr,
            write: (value) => void (state.scr = value),
          },
        ],
      },
      provides: {
        serial: {
          receive(bytes) {
            // In loopback the receiver is cut off from the line.
            const room = isLooping() ? 0 : capacity() - state.received.length;
            const taken = Math.min(room, bytes.length);
            for (let index = 0; index < taken; index++) accept(bytes[index]!);
            if (taken < bytes.length) state.refused = true;
            if (taken > 0) {
              restartTimeout();
              update();
            }
            return taken;
          },
          receiveBreak() {
            accept(LSR_BREAK << 8);
            restartTimeout();
            update();
          },
        },
      },
      /** Master reset leaves the divisor and the scratch register (datasheet, table III). */
      reset(kind) {
        if (kind === "power-on") return;
        const { divisor, scr } = state;
        Object.assign(state, initial(), { divisor, scr });
        sent.cancel();
        timeout.cancel();
        update();
        backend.ready();
      },
    };
  },
});
