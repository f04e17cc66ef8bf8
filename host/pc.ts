/**
 * The standard PC: which devices it has, where, and how they are wired.
 *
 * As an IBM PC/AT and its successors: two interrupt controllers, a timer, the clock chip with its CMOS memory, the keyboard controller, the
 * system ports, the FPU's error logic and two serial ports; a PCI bus behind the host bridge of a 440FX and the ISA bridge of a PIIX3; then
 * what tests and debugging use.
 *
 * @module
 */
import { Net, type Output } from "../core/bus/lines.ts";
import type { Board } from "../core/machine/board.ts";
import { debugConsole } from "../devices/debug_console.ts";
import { exitPort } from "../devices/exit_port.ts";
import { fpuError } from "../devices/fpu_error.ts";
import { i440fx } from "../devices/i440fx.ts";
import { i8042 } from "../devices/i8042.ts";
import { i8254 } from "../devices/i8254.ts";
import { i8259a } from "../devices/i8259a.ts";
import { mc146818 } from "../devices/mc146818.ts";
import { ns16550a } from "../devices/ns16550a.ts";
import { piix3 } from "../devices/piix3.ts";
import { postPort } from "../devices/post_port.ts";
import { powerOff } from "../devices/power_off.ts";
import { systemPorts } from "../devices/system_ports.ts";
import { virtioBlk } from "../devices/virtio_blk.ts";

/** Where test ROMs of the processor report, and the code by which they report success. */
const TEST_POST = { PORT: 0x190, SUCCESS: 0xff } as const;

/** Interrupt requests that the board's own devices take; 2 is the cascade. */
const TAKEN = new Set([0, 1, 2, 3, 4, 8, 12, 13]);

/** What firmware would give to devices on the PCI bus: addresses above any RAM, ports above those of ISA, and two interrupt requests. */
const PCI = {
  memory: { first: 0xe000_0000, last: 0xefff_ffff },
  ports: { first: 0xc000, last: 0xcfff },
  requests: [11, 9, 11, 9],
} as const;

const pc: Board = (host, signals, { memory, date, firmware }) => {
  const level = PCI.requests.reduce((mask, request) => mask | 1 << request, 0);
  const pic = host.attach(i8259a, { name: "pic", config: { level } });
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

  const pci = host.addPciBus(PCI);
  const bridge = host.attach(i440fx, { name: "pci" });
  const [pirqa, pirqb, pirqc, pirqd] = PCI.requests;
  const router = host.attach(piix3, { name: "piix3", config: { pirqa, pirqb, pirqc, pirqd } });
  host.connect(bridge.uses("configuration"), pci);
  (["pirqa", "pirqb", "pirqc", "pirqd"] as const).forEach((pin, wire) => pci.interrupts[wire]!.to(router.input(pin)));

  // Whoever raises a request shares it with whoever else does: one wire to each input.
  const requests = new Map<number, Net>();
  for (const number of [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const) {
    const net = new Net();
    net.to(pic.input(`ir${number}`));
    requests.set(number, net);
  }
  const wire = (output: Output, number: number) => output.join(requests.get(number)!);
  for (const number of [3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15] as const) wire(router.line(`irq${number}`), number);

  host.join(pic.line("intr"), signals.intr);
  wire(pit.line("irq0"), 0);
  wire(keyboard.line("irq1"), 1);
  wire(com2.line("irq"), 3);
  wire(com1.line("irq"), 4);
  wire(rtc.line("irq8"), 8);
  wire(keyboard.line("irq12"), 12);
  wire(fpu.line("irq13"), 13);
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
    request: (number) => TAKEN.has(number) ? undefined : requests.get(number),
    drive(name) {
      const drive = host.attach(virtioBlk, { name });
      return { disk: drive.uses("disk"), frontEnd: drive.provides("frontEnd") };
    },
    postCode: () => (post.state as { codes: number[] }).codes.at(-1),
  };
};

export default pc;
