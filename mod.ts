/**
 * Bulkhead: a virtualization runtime for Deno.
 *
 * Machines are values, and a running machine is a resource:
 *
 * ```ts ignore
 * import { boot } from "./mod.ts";
 *
 * await using vm = await boot({
 *   boot: { kernel: "linux", initrd: ["initrd.gz"], append: "console=ttyS0 rdinit=/bin/sh" },
 * });
 * await vm.serial.expect(/# /);
 * await vm.serial.send("uname -m\n");
 * const [machine] = await vm.serial.expect(/i\d86/);
 * ```
 *
 * Authors of devices import `device` and the types of the contract, and test with `bench` and `conformance`.
 *
 * @module
 */
export * from "./core/bus/mod.ts";
export * from "./core/bus/testing.ts";
export type { DmaCount } from "./core/bus/dma.ts";
export type { DiskStatistics } from "./core/disk/disk.ts";
export type { DeviceStatistics, HostStatistics, RegisterStatistics } from "./core/bus/host.ts";
export type { SlotKind } from "./core/bus/registers.ts";
export type {
  BackendDefinition,
  BootSource,
  ClockDefinition,
  CpuModelName,
  DeviceDefinition,
  DiskDefinition,
  DiskMode,
  LinuxBoot,
  MachineDefinition,
  MultibootBoot,
  Placement,
  PluginDefinition,
  RomBoot,
  ScriptStep,
} from "./core/machine/definition.ts";
export type { RegionReport, RegionReports, RegionSummary } from "./core/engine/translator/region_watch.ts";
export type { EngineName } from "./core/machine/engines.ts";
export type { LifeState, MachineState } from "./core/machine/protocol.ts";
export type { PluginAccesses } from "./core/sandbox/audit.ts";
export { describeExit } from "./core/machine/report.ts";
export type { CpuReport, ExceptionReport, ExitReason, ExitReport } from "./core/machine/report.ts";
export type { MachineStatistics, ProcessorStatistics, TranslatorStatistics } from "./core/machine/statistics.ts";
export type { GdbAddress } from "./core/machine/debug/gdb_server.ts";
export type { GdbOptions } from "./host/gdb.ts";
export {
  boot,
  type BootOptions,
  type ExpectOptions,
  restore,
  type RestoreOptions,
  type SerialPort,
  VirtualMachine,
} from "./host/boot.ts";
