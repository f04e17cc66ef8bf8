/**
 * The ISA bridge of a PIIX3, as far as it routes PCI interrupts to the interrupt controllers.
 *
 * Intel 82371FB (PIIX) and 82371SB (PIIX3) PCI ISA IDE Xcelerator datasheet, order number 290550-002, section 2.2.4 (PIRQRC). Its other parts
 * (controllers, timer, system ports) are devices of their own.
 *
 * @module
 */

import { device } from "../core/bus/mod.ts";

/** PIRQRC: routing is disabled. */
const PIRQRC_DISABLED = 0x80;
/** PIRQRC: the interrupt request. */
const PIRQRC_ROUTING = 0x0f;
/** Interrupt requests to which PIRQRC can route; the others are reserved. */
const ROUTABLE = 0b1101_1110_1111_1000;

/** Offsets of PIRQRC[A:D] in configuration space. */
const PIRQRC = 0x60;

const LINES = {
  irq3: "level",
  irq4: "level",
  irq5: "level",
  irq6: "level",
  irq7: "level",
  irq9: "level",
  irq10: "level",
  irq11: "level",
  irq12: "level",
  irq14: "level",
  irq15: "level",
} as const;

/** A PIIX3's ISA bridge. Its registers start as firmware would leave them. */
export const piix3 = device({
  id: "bulkhead/piix3",
  api: 1,
  version: 1,
  config: {
    pirqa: { default: 11, min: 3, max: 15, doc: "interrupt request of PIRQA#" },
    pirqb: { default: 9, min: 3, max: 15, doc: "interrupt request of PIRQB#" },
    pirqc: { default: 11, min: 3, max: 15, doc: "interrupt request of PIRQC#" },
    pirqd: { default: 9, min: 3, max: 15, doc: "interrupt request of PIRQD#" },
  },
  needs: {
    pci: { vendor: 0x8086, device: 0x7000, class: 0x060100 },
    configuration: { routing: { at: PIRQRC, size: 4 } },
    inputs: ["pirqa", "pirqb", "pirqc", "pirqd"],
    lines: LINES,
  },
  state: ({ pirqa, pirqb, pirqc, pirqd }) => ({
    /** PIRQRC, A to D. */
    routes: [pirqa, pirqb, pirqc, pirqd],
    /** Which inputs are high. */
    pins: [false, false, false, false],
  }),
  wire({ state, config, irq }) {
    const lines = Object.keys(LINES).map((name) => ({
      number: Number(name.slice("irq".length)),
      line: irq(name as keyof typeof LINES),
    }));
    const drive = () => {
      let high = 0;
      state.routes.forEach((route, index) => {
        if (state.pins[index] && (route & PIRQRC_DISABLED) === 0) high |= 1 << (route & PIRQRC_ROUTING);
      });
      high &= ROUTABLE;
      for (const { number, line } of lines) line.set((high >> number & 1) !== 0);
    };
    const input = (index: number) => (level: boolean) => {
      state.pins[index] = level;
      drive();
    };
    return {
      regions: {
        routing: [0, 1, 2, 3].map((index) => ({
          name: `PIRQRC${"ABCD"[index]}`,
          at: index,
          width: 1,
          kind: "sync",
          read: () => state.routes[index]!,
          write: (value: number) => {
            state.routes[index] = value & (PIRQRC_DISABLED | PIRQRC_ROUTING);
            drive();
          },
        } as const)),
      },
      inputs: { pirqa: input(0), pirqb: input(1), pirqc: input(2), pirqd: input(3) },
      reset() {
        state.routes = [config.pirqa, config.pirqb, config.pirqc, config.pirqd];
        drive();
      },
    };
  },
});

export default piix3;
