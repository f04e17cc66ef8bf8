/**
 * The standard PC: which devices it has, where, and how they are wired.
 *
 * As an IBM PC/AT and its successors: two interrupt controllers, a timer, the clock chip with its CMOS memory, the keyboard controller, the
 * system ports, the FPU's error logic and two serial ports; then what tests and debugging use.
 *
 * @module
 */
import type { Board } from "../core/machine/board.ts";
import { debugConsole } from "../devices/debug_console.ts";
import { exitPort } from "../devices/exit_port.ts";
import { fpuError } from "../devices/fpu_error.ts";
import { i8042 } from "../devices/i8042.ts";
import { i8254 } from "../devices/i8254.ts";
import { i8259a } from "../devices/i8259a.ts";
import { mc146818 } from "../devices/mc146818.ts";
import { ns16550a } from "../devices/ns16550a.ts";
import { postPort } from "../devices/post_port.ts";
import { powerOff } from "../devices/power_off.ts";
import { systemPorts } from "../devices/system_ports.ts";

/** Where test ROMs of the processor report, and the code by which they report success. */
const TEST_POST = { PORT: 0x190, SUCCESS: 0xff } as const;

/** Interrupt requests that the board's own devices take; 2 is the cascade. */
const TAKEN = new Set([0, 1, 2, 3, 4, 8, 12, 13]);

const pc: Board = (host, signals, { memory, date, firmware }) => {
  const pic = host.attach(i8259a, { name: "pic" });
  const pit = host.attach(i8254, { name: "pit" });
  const rtc = host.attach(mc146818, { name: "rtc", config: { epoch: date / 1000, memoryBytes: memory } });
  const keyboard = host.attach(i8042, { name: "keyboard" });
  const ports = host.attach(systemPorts, { name: "ports" });
  const fpu = host.attach(fpuError, { name: "fpu" });
  const com1 = host.attach(ns16550a, { name: "com1" });
  const com2 = host.attach(ns16550a, { name: "com2", at: { io: 0x2f8 } });
  const debug = host.attach(debugConsole, { name: "debug" });
  const exit = host.attach(exitPort, { name: "exit" });
  const power = host.attach(powerOff, { name: "power" });
  const post = firmware
    ? host.attach(postPort, { name: "post", at: { io: TEST_POST.PORT }, config: { success: TEST_POST.SUCCESS } })
    : host.attach(postPort, { name: "post" });

  host.join(pic.line("intr"), signals.intr);
  host.join(pit.line("irq0"), pic.input("ir0"));
  host.join(keyboard.line("irq1"), pic.input("ir1"));
  host.join(com2.line("irq"), pic.input("ir3"));
  host.join(com1.line("irq"), pic.input("ir4"));
  host.join(rtc.line("irq8"), pic.input("ir8"));
  host.join(keyboard.line("irq12"), pic.input("ir12"));
  host.join(fpu.line("irq13"), pic.input("ir13"));
  host.join([keyboard.line("a20"), ports.line("a20")], signals.a20);
  host.join([keyboard.line("reset"), ports.line("reset")], signals.reset);

  host.connect(ports.uses("channel2"), pit.provides("channel2"));
  host.connect(com1.uses("backend"), signals.serial);
  host.connect(debug.uses("backend"), signals.debug);
  for (const device of [exit, power, post]) host.connect(device.uses("machine"), signals.control);

  return {
    interrupts: pic.provides("acknowledge"),
    fpuErrorPins: fpu.provides("pins"),
    serial: com1.provides("serial"),
    request: (number) => number < 16 && !TAKEN.has(number) ? pic.input(`ir${number}` as "ir5") : undefined,
    postCode: () => (post.state as { codes: number[] }).codes.at(-1),
  };
};

export default pc;
