/**
 * The keyboard behind an 8042: its commands, and the controller's translation of its codes.
 *
 * IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard (101/102-key)".
 *
 * @module
 */

// Commands to the keyboard
const SET_LEDS = 0xed;
const ECHO = 0xee;
const SCAN_CODE_SET = 0xf0;
const IDENTIFY = 0xf2;
const SET_RATE = 0xf3;
const ENABLE = 0xf4;
const DEFAULT_DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
/** F7h to FAh set the type of all keys; FBh to FDh that of one, which follows. They count in scan code set 3 only. */
const SET_ALL_KEYS = 0xf7;
const SET_KEY_TYPE = 0xfb;
const RESEND = 0xfe;
const RESET = 0xff;

// Answers
const ACKNOWLEDGE = 0xfa;
const SELF_TEST_PASSED = 0xaa;
/** A 101- or 102-key keyboard. */
const IDENTITY = [0xab, 0x83] as const;

/** The keyboard's state. */
export interface Keyboard {
  /** The command whose parameter comes next; -1 if none. */
  pending: number;
  /** Keys are reported. */
  scanning: boolean;
  /** LEDs: bit 0 scroll lock, bit 1 num lock, bit 2 caps lock. */
  leds: number;
  /** Scan code set, 1 to 3. Codes come as the other end gives them: this is only remembered. */
  set: number;
  /** Typematic rate and delay. */
  rate: number;
  /** The last byte sent, for a resend. */
  last: number;
}

/** A keyboard at power-on. */
export const keyboard = (): Keyboard => ({ pending: -1, scanning: true, leds: 0, set: 2, rate: 0x2b, last: 0 });

/** Takes a byte from the controller and gives the keyboard's answer. */
export function answerKeyboard(keyboard: Keyboard, byte: number): readonly number[] {
  const answer = respond(keyboard, byte);
  if (answer.length > 0) keyboard.last = answer.at(-1)!;
  return answer;
}

function respond(keyboard: Keyboard, byte: number): readonly number[] {
  const { pending } = keyboard;
  keyboard.pending = -1;
  // A command in the place of a parameter is taken as a command.
  if (pending >= 0 && byte < SET_LEDS) {
    switch (pending) {
      case SET_LEDS:
        keyboard.leds = byte & 7;
        break;
      case SET_RATE:
        keyboard.rate = byte & 0x7f;
        break;
      case SCAN_CODE_SET:
        if (byte === 0) return [ACKNOWLEDGE, keyboard.set];
        if (byte <= 3) keyboard.set = byte;
        break;
    }
    return [ACKNOWLEDGE];
  }
  switch (byte) {
    case SET_LEDS:
    case SCAN_CODE_SET:
    case SET_RATE:
    case SET_KEY_TYPE:
    case SET_KEY_TYPE + 1:
    case SET_KEY_TYPE + 2:
      keyboard.pending = byte;
      return [ACKNOWLEDGE];
    case ECHO:
      return [ECHO];
    case IDENTIFY:
      return [ACKNOWLEDGE, ...IDENTITY];
    case ENABLE:
      keyboard.scanning = true;
      return [ACKNOWLEDGE];
    case DEFAULT_DISABLE:
      Object.assign(keyboard, { ...initial(), scanning: false });
      return [ACKNOWLEDGE];
    case SET_DEFAULT:
      Object.assign(keyboard, initial());
      return [ACKNOWLEDGE];
    case SET_ALL_KEYS:
    case SET_ALL_KEYS + 1:
    case SET_ALL_KEYS + 2:
    case SET_ALL_KEYS + 3:
      return [ACKNOWLEDGE];
    case RESEND:
      return [keyboard.last];
    case RESET:
      Object.assign(keyboard, initial());
      return [ACKNOWLEDGE, SELF_TEST_PASSED];
    default:
      return [RESEND];
  }
}

/** Defaults; the LEDs stay as they are but for a reset at power-on. */
const initial = () => ({ scanning: true, set: 2, rate: 0x2b });

/** Scan codes of set 1 by those of set 2, 00h to 8Fh (reference, "Scan code translation"); others stay as they are. */
// deno-fmt-ignore
const SET_1 = Uint8Array.of(
  0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
  0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
  0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
  0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
  0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
  0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
  0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
  0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
  0x80, 0x81, 0x82, 0x41, 0x54, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
);

/** In set 2: the next code is that of a released key. */
const BREAK_PREFIX = 0xf0;

/**
 * Translates a code of set 2 into set 1, as the controller does.
 *
 * @param state Remembers a break prefix.
 * @returns The code, or -1 where there is none.
 */
export function translateScanCode(state: { breakPrefix: boolean }, code: number): number {
  if (code === BREAK_PREFIX) {
    state.breakPrefix = true;
    return -1;
  }
  const translated = SET_1[code] ?? code;
  if (!state.breakPrefix) return translated;
  state.breakPrefix = false;
  return translated | 0x80;
}
