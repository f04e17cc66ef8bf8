/**
 * The pair of 8259A interrupt controllers of a PC, the second cascaded into input 2 of the first.
 *
 * Intel 8259A Programmable Interrupt Controller, order number 231468-003. The edge/level control registers are those of
 * the 82371AB (PIIX4) datasheet, section 4.2.5.
 *
 * @module
 */

import { device, interruptAcknowledger, type SyncRegister } from "../core/bus/mod.ts";

// Offsets in each controller's region.
/** ICW1, OCW2, OCW3; reads IRR, ISR or the poll word. */
const COMMAND = 0;
/** ICW2 to ICW4, OCW1; reads IMR. */
const DATA = 1;

// ICW1
const ICW1 = 0x10;
const ICW1_LTIM = 0x08;
const ICW1_SNGL = 0x02;
const ICW1_IC4 = 0x01;

// ICW4
const ICW4_SFNM = 0x10;
const ICW4_AEOI = 0x02;
const ICW4_UPM = 0x01;

// OCW2: R, SL and EOI are bits 7 to 5
const OCW2_ROTATE_IN_AEOI_CLEAR = 0;
const OCW2_EOI = 1;
const OCW2_SPECIFIC_EOI = 3;
const OCW2_ROTATE_IN_AEOI_SET = 4;
const OCW2_ROTATE_ON_EOI = 5;
const OCW2_SET_PRIORITY = 6;
const OCW2_ROTATE_ON_SPECIFIC_EOI = 7;

// OCW3
const OCW3 = 0x08;
const OCW3_ESMM = 0x40;
const OCW3_SMM = 0x20;
const OCW3_POLL = 0x04;
const OCW3_RR = 0x02;
const OCW3_RIS = 0x01;

/** Set in a poll word if a request was waiting. */
const POLL_REQUEST = 0x80;

/** The input of the first controller that the second one drives, and the identity of the second. */
const CASCADE = 2;
/** What an acknowledge finds when the request has gone (8259A datasheet, "Interrupt Sequence"). */
const SPURIOUS = 7;
/** Inputs that can be level-triggered: not the timer, the keyboard, the cascade, the clock and the coprocessor. */
const ELCR_MASKS = [0xf8, 0xde] as const;

interface Chip {
  /** Interrupt requests: edges that were seen, or high level inputs. */
  irr: number;
  /** In service. */
  isr: number;
  /** Interrupt mask. */
  imr: number;
  /** Input pins. */
  pins: number;
  /** Edge/level control. */
  elcr: number;
  /** ICW1. */
  icw1: number;
  /** Vector of input 0. */
  icw2: number;
  icw3: number;
  icw4: number;
  /** The initialization word expected next, 2 to 4; 0 when initialized. */
  expects: number;
  /** The input of lowest priority. */
  lowest: number;
  rotateInAeoi: boolean;
  specialMask: boolean;
  /** A read gives ISR, not IRR. */
  readsIsr: boolean;
  /** The next read is an acknowledge. */
  polls: boolean;
}

const chip = (elcr: number): Chip => ({
  irr: 0,
  isr: 0,
  imr: 0,
  pins: 0,
  elcr,
  icw1: 0,
  icw2: 0,
  icw3: 0,
  icw4: 0,
  expects: 0,
  lowest: 7,
  rotateInAeoi: false,
  specialMask: false,
  readsIsr: false,
  polls: false,
});

/** Inputs of the pair: `ir0` to `ir15`; `ir2` is the cascade and not for use. */
const INPUTS = [
  "ir0",
  "ir1",
  "ir3",
  "ir4",
  "ir5",
  "ir6",
  "ir7",
  "ir8",
  "ir9",
  "ir10",
  "ir11",
  "ir12",
  "ir13",
  "ir14",
  "ir15",
] as const;

const levelMask = (chip: Chip) => (chip.icw1 & ICW1_LTIM) !== 0 ? 0xff : chip.elcr;

/** The input of highest priority among `bits`, or -1. */
function highest(chip: Chip, bits: number): number {
  if (bits === 0) return -1;
  for (let step = 1; step <= 8; step++) {
    const input = (chip.lowest + step) & 7;
    if ((bits & 1 << input) !== 0) return input;
  }
  return -1;
}

/** 0 for the highest priority, 7 for the lowest. */
const rank = (chip: Chip, input: number) => (input - chip.lowest - 1) & 7;

/** The request that the controller presents, or -1. */
function request(chip: Chip, isMaster: boolean): number {
  const input = highest(chip, chip.irr & ~chip.imr);
  if (input < 0) return -1;
  let blocking = chip.isr;
  // Special mask mode: a masked level in service lets all others through.
  if (chip.specialMask) blocking &= ~chip.imr;
  // Special fully nested mode: the second controller may nest inside its own service.
  if (isMaster && (chip.icw4 & ICW4_SFNM) !== 0) blocking &= ~(1 << CASCADE);
  const served = highest(chip, blocking);
  return served < 0 || rank(chip, input) < rank(chip, served) ? input : -1;
}

/** The acknowledge of `input`: into service, unless the end of interrupt is automatic. */
function serve(chip: Chip, input: number): void {
  const bit = 1 << input;
  if ((levelMask(chip) & bit) === 0) chip.irr &= ~bit;
  if ((chip.icw4 & ICW4_AEOI) === 0) chip.isr |= bit;
  else if (chip.rotateInAeoi) chip.lowest = input;
}

function setPin(chip: Chip, input: number, level: boolean): void {
  const bit = 1 << input;
  if (level) {
    if ((chip.pins & bit) === 0) chip.irr |= bit;
    chip.pins |= bit;
  } else {
    // An edge that goes away before the acknowledge leaves no request, but a spurious one.
    chip.pins &= ~bit;
    chip.irr &= ~bit;
  }
}

function initialize(chip: Chip, icw1: number): void {
  chip.icw1 = icw1;
  chip.imr = 0;
  chip.isr = 0;
  chip.lowest = 7;
  chip.specialMask = false;
  chip.readsIsr = false;
  chip.polls = false;
  chip.rotateInAeoi = false;
  if ((icw1 & ICW1_IC4) === 0) chip.icw4 = 0;
  // The edge sense is reset: an input must fall and rise again. Levels stay.
  chip.irr = chip.pins & levelMask(chip);
  chip.expects = 2;
}

function commandEndOfInterrupt(chip: Chip, command: number): void {
  const level = command & 7;
  // A non-specific EOI does not end what special mask mode has masked.
  const current = highest(chip, chip.specialMask ? chip.isr & ~chip.imr : chip.isr);
  switch (command >> 5) {
    case OCW2_EOI:
      if (current >= 0) chip.isr &= ~(1 << current);
      break;
    case OCW2_ROTATE_ON_EOI:
      if (current >= 0) {
        chip.isr &= ~(1 << current);
        chip.lowest = current;
      }
      break;
    case OCW2_SPECIFIC_EOI:
      chip.isr &= ~(1 << level);
      break;
    case OCW2_ROTATE_ON_SPECIFIC_EOI:
      chip.isr &= ~(1 << level);
      chip.lowest = level;
      break;
    case OCW2_SET_PRIORITY:
      chip.lowest = level;
      break;
    case OCW2_ROTATE_IN_AEOI_SET:
      chip.rotateInAeoi = true;
      break;
    case OCW2_ROTATE_IN_AEOI_CLEAR:
      chip.rotateInAeoi = false;
      break;
  }
}

/** The pair of interrupt controllers, at 20h and A0h, with edge/level control at 4D0h. */
export const i8259a = device({
  id: "bulkhead/i8259a",
  api: 1,
  version: 1,
  config: {
    level: {
      default: 0,
      min: 0,
      max: 0xffff,
      doc: "inputs that are level-triggered from reset, as firmware leaves them: a mask",
    },
  },
  needs: {
    ports: {
      master: { base: 0x20, size: 2 },
      slave: { base: 0xa0, size: 2 },
      elcr: { base: 0x4d0, size: 2 },
    },
    lines: { intr: "level" },
    inputs: INPUTS,
    provides: { acknowledge: interruptAcknowledger },
  },
  state: ({ level }) => ({ master: chip(level & ELCR_MASKS[0]), slave: chip(level >> 8 & ELCR_MASKS[1]) }),
  wire({ state, config: { level }, irq, log, count }) {
    const { master, slave } = state;
    const intr = irq("intr");

    const update = () => {
      setPin(master, CASCADE, request(slave, false) >= 0);
      intr.set(request(master, true) >= 0);
    };

    /** An acknowledge ends the pulse on INT, so that the next request of the second controller is an edge again. */
    const serveSlave = (input: number) => {
      serve(slave, input);
      setPin(master, CASCADE, false);
    };

    const acknowledge = (): number => {
      const input = request(master, true);
      let vector: number;
      if (input < 0) {
        count("spurious");
        vector = master.icw2 | SPURIOUS;
      } else {
        serve(master, input);
        if (input !== CASCADE || (master.icw1 & ICW1_SNGL) !== 0) {
          vector = master.icw2 | input;
        } else {
          const cascaded = request(slave, false);
          if (cascaded < 0) {
            count("spurious");
            vector = slave.icw2 | SPURIOUS;
          } else {
            serveSlave(cascaded);
            vector = slave.icw2 | cascaded;
          }
        }
      }
      update();
      return vector;
    };

    const poll = (chip: Chip): number => {
      chip.polls = false;
      const input = request(chip, chip === master);
      if (input < 0) return SPURIOUS;
      if (chip === master) serve(master, input);
      else serveSlave(input);
      update();
      return POLL_REQUEST | input;
    };

    const command = (chip: Chip, value: number) => {
      if ((value & ICW1) !== 0) {
        initialize(chip, value);
      } else if ((value & OCW3) !== 0) {
        if ((value & OCW3_ESMM) !== 0) chip.specialMask = (value & OCW3_SMM) !== 0;
        if ((value & OCW3_POLL) !== 0) chip.polls = true;
        else if ((value & OCW3_RR) !== 0) chip.readsIsr = (value & OCW3_RIS) !== 0;
      } else {
        commandEndOfInterrupt(chip, value);
      }
      update();
    };

    const data = (chip: Chip, value: number) => {
      switch (chip.expects) {
        case 0:
          chip.imr = value;
          break;
        case 2:
          chip.icw2 = value & 0xf8;
          chip.expects = (chip.icw1 & ICW1_SNGL) === 0 ? 3 : (chip.icw1 & ICW1_IC4) !== 0 ? 4 : 0;
          break;
        case 3:
          chip.icw3 = value;
          chip.expects = (chip.icw1 & ICW1_IC4) !== 0 ? 4 : 0;
          break;
        case 4:
          chip.icw4 = value;
          chip.expects = 0;
          if ((value & ICW4_UPM) === 0) log("guest", "MCS-80/85 mode is not built; acting as in 8086 mode");
          break;
      }
      update();
    };

    const registers = (chip: Chip): SyncRegister[] => [
      {
        name: "COMMAND",
        at: COMMAND,
        width: 1,
        kind: "sync",
        readEffect: true,
        read: () => chip.polls ? poll(chip) : chip.readsIsr ? chip.isr : chip.irr,
        write: (value) => command(chip, value),
      },
      {
        name: "DATA",
        at: DATA,
        width: 1,
        kind: "sync",
        readEffect: true,
        read: () => chip.polls ? poll(chip) : chip.imr,
        write: (value) => data(chip, value),
      },
    ];

    const elcr = (chip: Chip, index: 0 | 1): SyncRegister => ({
      name: `ELCR${index + 1}`,
      at: index,
      width: 1,
      kind: "sync",
      read: () => chip.elcr,
      write: (value) => {
        chip.elcr = value & ELCR_MASKS[index];
        chip.irr = (chip.irr & ~levelMask(chip)) | (chip.pins & levelMask(chip));
        update();
      },
    });

    const input = (number: number) => (level: boolean) => {
      setPin(number < 8 ? master : slave, number & 7, level);
      update();
    };

    return {
      regions: {
        master: registers(master),
        slave: registers(slave),
        elcr: [elcr(master, 0), elcr(slave, 1)],
      },
      inputs: {
        ir0: input(0),
        ir1: input(1),
        ir3: input(3),
        ir4: input(4),
        ir5: input(5),
        ir6: input(6),
        ir7: input(7),
        ir8: input(8),
        ir9: input(9),
        ir10: input(10),
        ir11: input(11),
        ir12: input(12),
        ir13: input(13),
        ir14: input(14),
        ir15: input(15),
      },
      provides: {
        acknowledge: {
          get asserted() {
            return intr.level;
          },
          acknowledge,
        },
      },
      reset() {
        const pins = [master.pins, slave.pins] as const;
        Object.assign(master, chip(level & ELCR_MASKS[0]), { pins: pins[0] & ~(1 << CASCADE) });
        Object.assign(slave, chip(level >> 8 & ELCR_MASKS[1]), { pins: pins[1] });
        update();
      },
    };
  },
});
