/**
 * The state of a virtio device's transport: plain data, in the device's own saved state.
 *
 * @module
 */
import type { VirtioClaim, VirtqueueClaim } from "../bus/claims.ts";
import { FEATURE_WORDS } from "./layout.ts";

/** A chain that the device has not given back. */
export interface ChainState {
  /** Index of its first descriptor. */
  head: number;
  /** Device-writable buffers: address and length of each, in turn. */
  writable: number[];
}

/** A queue. */
export interface QueueState {
  /** Entries, as the driver chose. */
  size: number;
  enabled: boolean;
  /** Addresses of the descriptor area, the driver area and the device area: low and high words. */
  areas: [number, number, number, number, number, number];
  /** The index of the available ring up to which chains were taken. */
  available: number;
  /** The index of the used ring up to which chains were given back. */
  used: number;
  /** Chains that the device has, by tag. */
  chains: Record<number, ChainState>;
  /** How many these are. */
  outstanding: number;
}

/** The transport. */
export interface TransportState {
  status: number;
  isr: number;
  deviceFeatureSelect: number;
  driverFeatureSelect: number;
  /** Feature bits that the driver wrote, by words. */
  driverFeatures: number[];
  queueSelect: number;
  generation: number;
  queues: QueueState[];
  nextTag: number;
  /** The window of struct virtio_pci_cfg_cap. */
  window: { bar: number; offset: number; length: number };
}

/** A queue as after a reset. */
export function freshQueue({ size }: VirtqueueClaim): QueueState {
  return {
    size,
    enabled: false,
    areas: [0, 0, 0, 0, 0, 0],
    available: 0,
    used: 0,
    chains: {},
    outstanding: 0,
  };
}

/** A transport as after a reset. */
export function freshTransport({ queues }: VirtioClaim): TransportState {
  return {
    status: 0,
    isr: 0,
    deviceFeatureSelect: 0,
    driverFeatureSelect: 0,
    driverFeatures: new Array(FEATURE_WORDS).fill(0),
    queueSelect: 0,
    generation: 0,
    queues: Object.values(queues).map(freshQueue),
    nextTag: 0,
    window: { bar: 0, offset: 0, length: 0 },
  };
}
