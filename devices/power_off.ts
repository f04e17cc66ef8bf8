/**
 * A port that turns the machine off, until there is ACPI: the place and meaning of QEMU's PM1a control register.
 *
 * Writing a 16-bit value with bit 13 set (`SLP_EN`; ACPI 6.5, section 4.8.3.2) to port 604h turns the machine off. So
 * `outw 0x604, 0x2000` works here as it does there.
 *
 * @module
 */

import { device, machineControl } from "../core/bus/mod.ts";

const SLP_EN = 0x2000;
/** SCI_EN: the machine is in ACPI mode. What reads back besides the sleep type. */
const SCI_EN = 0x0001;
const SLP_TYP = 0x1c00;

/** The power-off port, 604h. */
export const powerOff = device({
  id: "bulkhead/power-off",
  api: 1,
  version: 1,
  needs: { ports: { io: { base: 0x604, size: 2 } }, uses: { machine: machineControl } },
  latches: { sleepType: 0 },
  state: () => ({}),
  wire({ regs, use }) {
    const machine = use("machine");
    return {
      regions: {
        io: [{
          name: "PM1a_CNT",
          at: 0,
          width: 2,
          kind: "sync",
          read: () => SCI_EN | regs.sleepType,
          write(value) {
            regs.sleepType = value & SLP_TYP;
            if ((value & SLP_EN) !== 0) machine.powerOff();
          },
        }],
      },
    };
  },
});
