/**
 * Where the structures of virtio over PCI lie: ours to choose, told to the guest by capabilities.
 *
 * @module
 */

/** Base address registers. */
export const BAR = { REGISTERS: 0, CONFIGURATION: 1 } as const;

/** Offsets in the first one. */
export const PLACE = { COMMON: 0x00, ISR: 0x40, NOTIFY: 0x80 } as const;

/** Bytes between the notification registers of two queues (`notify_off_multiplier`). */
export const NOTIFY_MULTIPLIER = 4;

/** Bytes of each base address register: a page, so that a guest can map it by itself. */
export const REGION_BYTES = 0x1000;
