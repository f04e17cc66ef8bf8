/**
 * Numbers of the Virtual I/O Device specification, version 1.2 (OASIS), by its names.
 *
 * @module
 */

/** Bits of the device status field (section 2.1). */
export const STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  DEVICE_NEEDS_RESET: 64,
  FAILED: 128,
} as const;

/** Reserved feature bits (section 6) that the core offers for every device. */
export const FEATURE = {
  RING_INDIRECT_DESC: 28,
  RING_EVENT_IDX: 29,
  VERSION_1: 32,
  RING_RESET: 40,
} as const;

/** Words of 32 feature bits that there are. */
export const FEATURE_WORDS = 4;

/** ISR status (section 4.1.4.5). */
export const ISR = { QUEUE: 1, CONFIGURATION: 2 } as const;

/** struct virtq_desc (section 2.7.5): 16 bytes, little-endian. */
export const DESCRIPTOR = {
  BYTES: 16,
  ADDRESS: 0,
  LENGTH: 8,
  FLAGS: 12,
  NEXT: 14,
} as const;

/** Flags of a descriptor. */
export const DESCRIPTOR_FLAG = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;

/** struct virtq_avail (section 2.7.6): flags, index, ring of 16-bit heads, used_event. */
export const AVAILABLE = { FLAGS: 0, INDEX: 2, RING: 4, ENTRY_BYTES: 2, NO_INTERRUPT: 1 } as const;

/** struct virtq_used (section 2.7.8): flags, index, ring of heads and lengths, avail_event. */
export const USED = { FLAGS: 0, INDEX: 2, RING: 4, ENTRY_BYTES: 8 } as const;

/** Where a queue's areas must be aligned to (section 2.7). */
export const ALIGNMENT = { DESCRIPTORS: 16, DRIVER: 2, DEVICE: 4 } as const;

/** Virtio over PCI: identities (section 4.1.2). */
export const PCI = { VENDOR: 0x1af4, DEVICE_BASE: 0x1040, REVISION: 1, SUBSYSTEM: 0x40 } as const;

/** Virtio structure PCI capabilities (section 4.1.4): `cfg_type`. */
export const STRUCTURE = { COMMON: 1, NOTIFY: 2, ISR: 3, DEVICE: 4, PCI: 5 } as const;

/** Vendor-specific capability (PCI Local Bus Specification 3.0, appendix H). */
export const VENDOR_CAPABILITY = 0x09;

/** Fields of struct virtio_pci_cfg_cap (section 4.1.4.9). */
export const WINDOW = { BAR: 4, OFFSET: 8, LENGTH: 12, DATA: 16 } as const;

/** struct virtio_pci_common_cfg (section 4.1.4.3). */
export const COMMON = {
  DEVICE_FEATURE_SELECT: 0x00,
  DEVICE_FEATURE: 0x04,
  DRIVER_FEATURE_SELECT: 0x08,
  DRIVER_FEATURE: 0x0c,
  CONFIG_MSIX_VECTOR: 0x10,
  NUM_QUEUES: 0x12,
  DEVICE_STATUS: 0x14,
  CONFIG_GENERATION: 0x15,
  QUEUE_SELECT: 0x16,
  QUEUE_SIZE: 0x18,
  QUEUE_MSIX_VECTOR: 0x1a,
  QUEUE_ENABLE: 0x1c,
  QUEUE_NOTIFY_OFF: 0x1e,
  QUEUE_DESC: 0x20,
  QUEUE_DRIVER: 0x28,
  QUEUE_DEVICE: 0x30,
  QUEUE_NOTIFY_DATA: 0x38,
  QUEUE_RESET: 0x3a,
  BYTES: 0x3c,
} as const;

/** No vector is mapped (section 4.1.5.1.2). */
export const NO_VECTOR = 0xffff;
