/**
 * Virtio over PCI (Virtual I/O Device 1.2, section 4.1): makes a device that declares `needs.virtio` into one that is a PCI device.
 *
 * What comes out is a device like any other: its state is the transport's and the device's own, so that the bus, the bench and a snapshot
 * know nothing of virtio.
 *
 * @module
 */
import type { Needs, PciCapability, VirtioClaim } from "../bus/claims.ts";
import type { AnyDevice, Context, Region, ResetKind, SyncRegister } from "../bus/contract.ts";
import { type PciBars, pciBars } from "../bus/pci_function.ts";
import type { VirtioWiring } from "../bus/virtio.ts";
import { checkAnswers, checkVirtio } from "./checks.ts";
import { commonConfiguration } from "./common_configuration.ts";
import { COMMON, PCI, STRUCTURE, VENDOR_CAPABILITY, WINDOW } from "./layout.ts";
import { BAR, NOTIFY_MULTIPLIER, PLACE, REGION_BYTES } from "./places.ts";
import { freshTransport, type TransportState } from "./state.ts";
import { Transport } from "./transport.ts";

/** Names of what the transport adds to the device's needs. */
const NAMES = {
  REGISTERS: "virtio",
  CONFIGURATION: "virtio-configuration",
  WINDOW: "virtio-window",
  INTERRUPT: "virtio-interrupt",
  MEMORY: "virtio-memory",
  BARS: "virtio-bars",
} as const;

/** A class code that fits no class (PCI Local Bus Specification 3.0, appendix D). */
const UNCLASSIFIED = 0xff0000;
/** Where capabilities begin: behind the header. */
const FIRST_CAPABILITY = 0x40;

interface PciDeviceState {
  /** The transport. */
  readonly transport: TransportState;
  /** The device's own. */
  device: object;
}

type AnyContext = Context<PciDeviceState, never, AnyDevice["needs"], string>;

/** What a device's `wire` returns. */
interface AnyWiring {
  readonly regions?: Readonly<Record<string, Region>>;
  readonly virtio?: VirtioWiring<string, string>;
  reset?(kind: ResetKind): void;
}

/**
 * A virtio device as a PCI device; any other device as it is.
 *
 * @param name The device's name in its machine, for errors.
 * @throws {BulkheadError} `bad-virtio`: a claim that no virtio device can have.
 */
export function overPci(device: AnyDevice, name: string): AnyDevice {
  const needs: Needs = device.needs;
  const claim = needs.virtio;
  if (claim === undefined || needs.dma?.[NAMES.MEMORY] !== undefined) return device;
  checkVirtio(needs, name);
  const migrate = Object.entries<(old: unknown) => unknown>(device.migrate ?? {}).map((
    [version, step],
  ) => [version, (old: PciDeviceState) => ({ ...old, device: step(old.device) })]);
  return {
    ...device,
    needs: pciNeeds(needs, claim),
    migrate: Object.fromEntries(migrate),
    state: (config: never): PciDeviceState => ({ transport: freshTransport(claim), device: device.state(config) }),
    wire: (context: AnyContext) => wire(device, claim, context) as ReturnType<AnyDevice["wire"]>,
  };
}

function wire(device: AnyDevice, claim: VirtioClaim, context: AnyContext): AnyWiring {
  const { transport: state, device: own } = context.state;
  const transport = new Transport(
    claim,
    state,
    context,
    context.dma(NAMES.MEMORY as never),
    context.irq(NAMES.INTERRUPT as never),
  );
  const { virtio = { queues: {} }, reset, ...wiring } = device.wire(
    { ...context, state: own, virtio: transport.port } as never,
  ) as AnyWiring;
  checkAnswers(device, claim, virtio);
  transport.connect(virtio);
  const bars = context.use(NAMES.BARS as never) as PciBars;
  return {
    ...wiring,
    regions: {
      ...wiring.regions,
      [NAMES.REGISTERS]: commonConfiguration(transport),
      [NAMES.WINDOW]: windowRegisters(state, bars),
      ...(claim.configurationBytes ? { [NAMES.CONFIGURATION]: virtio.configuration ?? [] } : {}),
    },
    ...(reset && {
      reset: (kind: ResetKind) => {
        transport.forget();
        context.irq(NAMES.INTERRUPT as never).set(false);
        reset(kind);
      },
    }),
  };
}

/** Everything that the PCI device touches. */
function pciNeeds(needs: Needs, claim: VirtioClaim): Needs {
  const { type, configurationBytes = 0, class: code = UNCLASSIFIED } = claim;
  const hasConfiguration = configurationBytes > 0;
  const queues = Object.keys(claim.queues).length;
  const structures = [
    structure(STRUCTURE.COMMON, BAR.REGISTERS, PLACE.COMMON, COMMON.BYTES),
    [
      ...structure(STRUCTURE.NOTIFY, BAR.REGISTERS, PLACE.NOTIFY, NOTIFY_MULTIPLIER * queues),
      ...dword(NOTIFY_MULTIPLIER),
    ],
    structure(STRUCTURE.ISR, BAR.REGISTERS, PLACE.ISR, 1),
    [...structure(STRUCTURE.PCI, 0, 0, 0), ...dword(0)],
    ...(hasConfiguration ? [structure(STRUCTURE.DEVICE, BAR.CONFIGURATION, 0, configurationBytes)] : []),
  ];
  const capabilities: PciCapability[] = [];
  let at = FIRST_CAPABILITY, window = 0;
  for (const body of structures) {
    // cap_len counts ID and next pointer too.
    capabilities.push({ id: VENDOR_CAPABILITY, at, body: [body.length + 3, ...body] });
    if (body[0] === STRUCTURE.PCI) window = at;
    at += body.length + 3;
  }
  return {
    ...needs,
    mmio: {
      ...needs.mmio,
      [NAMES.REGISTERS]: { size: REGION_BYTES },
      ...(hasConfiguration ? { [NAMES.CONFIGURATION]: { size: REGION_BYTES } } : {}),
    },
    configuration: { ...needs.configuration, [NAMES.WINDOW]: { at: window + WINDOW.BAR, size: WINDOW.DATA } },
    lines: { ...needs.lines, [NAMES.INTERRUPT]: "level" },
    dma: { ...needs.dma, [NAMES.MEMORY]: { direction: "both", maxBytes: 2 ** 32 } },
    uses: { ...needs.uses, [NAMES.BARS]: pciBars },
    pci: {
      vendor: PCI.VENDOR,
      device: PCI.DEVICE_BASE + type,
      class: code,
      revision: PCI.REVISION,
      subsystem: { vendor: PCI.VENDOR, device: PCI.SUBSYSTEM },
      bars: hasConfiguration
        ? { [BAR.REGISTERS]: NAMES.REGISTERS, [BAR.CONFIGURATION]: NAMES.CONFIGURATION }
        : { [BAR.REGISTERS]: NAMES.REGISTERS },
      interrupt: NAMES.INTERRUPT,
      capabilities,
    },
  };
}

/** struct virtio_pci_cap from `cfg_type` on. */
function structure(type: number, bar: number, offset: number, length: number): number[] {
  return [type, bar, 0, 0, 0, ...dword(offset), ...dword(length)];
}

const dword = (value: number) => [value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, value >>> 24];

/** struct virtio_pci_cfg_cap: a way into the BARs for those who cannot reach them. */
function windowRegisters({ window }: TransportState, bars: PciBars): SyncRegister[] {
  const width = () => window.length === 1 || window.length === 2 || window.length === 4 ? window.length : undefined;
  const field = (name: string, key: keyof typeof window, at: number, bytes: 1 | 4): SyncRegister => ({
    name,
    at: at - WINDOW.BAR,
    width: bytes,
    kind: "sync",
    read: () => window[key],
    write: (value) => void (window[key] = value),
  });
  return [
    field("cap.bar", "bar", WINDOW.BAR, 1),
    field("cap.offset", "offset", WINDOW.OFFSET, 4),
    field("cap.length", "length", WINDOW.LENGTH, 4),
    {
      name: "pci_cfg_data",
      at: WINDOW.DATA - WINDOW.BAR,
      width: 4,
      access: [1, 2, 4],
      kind: "sync",
      readEffect: true,
      read: () => {
        const bytes = width();
        return bytes === undefined ? 0xffffffff : bars.read(window.bar, window.offset, bytes);
      },
      write: (value) => {
        const bytes = width();
        if (bytes !== undefined) bars.write(window.bar, window.offset, bytes, value % 2 ** (8 * bytes));
      },
    },
  ];
}
