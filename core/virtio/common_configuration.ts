/**
 * The registers of virtio over PCI: common configuration, ISR status and notifications (Virtual I/O Device 1.2, sections 4.1.4.3 to 4.1.4.5).
 *
 * @module
 */
import type { Width } from "../bus/claims.ts";
import type { Register, SyncRegister } from "../bus/contract.ts";
import { COMMON, NO_VECTOR } from "./layout.ts";
import { NOTIFY_MULTIPLIER, PLACE } from "./places.ts";
import type { QueueState } from "./state.ts";
import type { Transport } from "./transport.ts";

/** The registers of a transport. */
export function commonConfiguration(transport: Transport): Register[] {
  const { state } = transport;
  const selected = (): QueueState | undefined => state.queues[state.queueSelect];
  const register = (
    name: string,
    at: number,
    width: Width,
    read: () => number,
    write?: (value: number) => void,
  ): SyncRegister => ({ name, at: PLACE.COMMON + at, width, kind: "sync", read, ...(write && { write }) });
  /** What a driver may set up only while the queue is not enabled. */
  const setUp = (change: (queue: QueueState) => void) => {
    const queue = selected();
    if (queue !== undefined && !queue.enabled) change(queue);
  };
  const area = (name: string, at: number, index: number): SyncRegister[] =>
    [0, 1].map((word) =>
      register(
        `${name}${word === 0 ? "" : "_hi"}`,
        at + 4 * word,
        4,
        () => selected()?.areas[index + word] ?? 0,
        (value) => setUp(({ areas }) => void (areas[index + word] = value)),
      )
    );
  return [
    register("device_feature_select", COMMON.DEVICE_FEATURE_SELECT, 4, () => state.deviceFeatureSelect, (value) => {
      state.deviceFeatureSelect = value;
    }),
    register("device_feature", COMMON.DEVICE_FEATURE, 4, () => transport.offered(state.deviceFeatureSelect)),
    register("driver_feature_select", COMMON.DRIVER_FEATURE_SELECT, 4, () => state.driverFeatureSelect, (value) => {
      state.driverFeatureSelect = value;
    }),
    register(
      "driver_feature",
      COMMON.DRIVER_FEATURE,
      4,
      () => state.driverFeatures[state.driverFeatureSelect] ?? 0,
      (value) => transport.writeFeatures(state.driverFeatureSelect, value),
    ),
    register("config_msix_vector", COMMON.CONFIG_MSIX_VECTOR, 2, () => NO_VECTOR),
    register("num_queues", COMMON.NUM_QUEUES, 2, () => state.queues.length),
    register("device_status", COMMON.DEVICE_STATUS, 1, () => state.status, (value) => transport.writeStatus(value)),
    register("config_generation", COMMON.CONFIG_GENERATION, 1, () => state.generation),
    register("queue_select", COMMON.QUEUE_SELECT, 2, () => state.queueSelect, (value) => {
      state.queueSelect = value;
    }),
    register(
      "queue_size",
      COMMON.QUEUE_SIZE,
      2,
      () => selected()?.size ?? 0,
      (value) => setUp((queue) => void (queue.size = value)),
    ),
    register("queue_msix_vector", COMMON.QUEUE_MSIX_VECTOR, 2, () => NO_VECTOR),
    register("queue_enable", COMMON.QUEUE_ENABLE, 2, () => selected()?.enabled ? 1 : 0, (value) => {
      if (value === 1) setUp(() => transport.queues[state.queueSelect]!.enable());
    }),
    register("queue_notify_off", COMMON.QUEUE_NOTIFY_OFF, 2, () => selected() === undefined ? 0 : state.queueSelect),
    ...area("queue_desc", COMMON.QUEUE_DESC, 0),
    ...area("queue_driver", COMMON.QUEUE_DRIVER, 2),
    ...area("queue_device", COMMON.QUEUE_DEVICE, 4),
    register("queue_notify_data", COMMON.QUEUE_NOTIFY_DATA, 2, () => selected() === undefined ? 0 : state.queueSelect),
    register("queue_reset", COMMON.QUEUE_RESET, 2, () => 0, (value) => {
      if (value === 1) transport.resetQueue(state.queueSelect);
    }),
    {
      name: "isr_status",
      at: PLACE.ISR,
      width: 1,
      kind: "sync",
      readEffect: true,
      read: () => transport.readIsr(),
    },
    ...transport.queues.map(({ name }, index): Register => ({
      name: `notify ${name}`,
      at: PLACE.NOTIFY + NOTIFY_MULTIPLIER * index,
      width: 2,
      kind: "posted",
      write: () => transport.notify(index),
    })),
  ];
}
