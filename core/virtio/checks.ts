/**
 * Checks what a device says of itself as a virtio device.
 *
 * @module
 */
import type { Needs, VirtioClaim } from "../bus/claims.ts";
import type { AnyDevice } from "../bus/contract.ts";
import { BulkheadError } from "../bus/error.ts";
import type { VirtioWiring } from "../bus/virtio.ts";
import { NOTIFY_MULTIPLIER, PLACE, REGION_BYTES } from "./places.ts";

/** Most queues of a device. */
const QUEUES = (REGION_BYTES - PLACE.NOTIFY) / NOTIFY_MULTIPLIER;
/** PCI device IDs 1040h to 107Fh are virtio's (section 4.1.2). */
const TYPES = 0x40;

/** @throws {BulkheadError} `bad-virtio`: a claim that no virtio device can have. */
export function checkVirtio(needs: Needs, name: string): void {
  const refuse = (where: string, expected: string, found: string): never => {
    const subject = `device "${name}"`, remedy = "correct the device's needs";
    throw new BulkheadError({ code: "bad-virtio", subject, where: `needs.${where}`, expected, found, remedy });
  };
  const { type, features = [], queues, configurationBytes = 0 } = needs.virtio!;
  if (needs.pci !== undefined) refuse("pci", "none: the core makes a virtio device a PCI device", "one");
  if (!Number.isInteger(type) || type < 1 || type >= TYPES) {
    refuse("virtio.type", "a device ID from 1 to 63", `${type}`);
  }
  for (const feature of features) {
    if (Number.isInteger(feature) && (feature >= 0 && feature <= 23 || feature >= 50 && feature <= 127)) continue;
    refuse("virtio.features", "feature numbers from 0 to 23 and from 50 to 127", `${feature}`);
  }
  const names = Object.keys(queues);
  if (names.length > QUEUES) refuse("virtio.queues", `at most ${QUEUES} queues`, `${names.length}`);
  for (const [queue, { size, readableBytes }] of Object.entries(queues)) {
    if (!Number.isInteger(size) || size < 1 || size > 0x8000 || (size & size - 1) !== 0) {
      refuse(`virtio.queues.${queue}.size`, "a power of 2 of at most 32768", `${size}`);
    }
    if (!Number.isInteger(readableBytes) || readableBytes < 0 || readableBytes > 2 ** 30) {
      refuse(`virtio.queues.${queue}.readableBytes`, "0 to 2^30 bytes", `${readableBytes}`);
    }
  }
  if (!Number.isInteger(configurationBytes) || configurationBytes < 0 || configurationBytes > REGION_BYTES) {
    refuse("virtio.configurationBytes", `0 to ${REGION_BYTES} bytes`, `${configurationBytes}`);
  }
}

/** @throws {BulkheadError} `unanswered-queue`, `undeclared-queue`: wiring that does not fit the claim. */
export function checkAnswers(device: AnyDevice, claim: VirtioClaim, { queues }: VirtioWiring<string, string>): void {
  const declared = Object.keys(claim.queues), answered = Object.keys(queues);
  const missing = declared.find((name) => !answered.includes(name));
  const extra = answered.find((name) => !declared.includes(name));
  if (missing === undefined && extra === undefined) return;
  throw new BulkheadError({
    code: missing === undefined ? "undeclared-queue" : "unanswered-queue",
    subject: `device ${device.id}`,
    expected: `its wiring to answer the queues ${declared.join(", ")}`,
    found: answered.length === 0 ? "none" : answered.join(", "),
    remedy: `correct virtio.queues in what wire() of ${device.id} returns`,
  });
}
