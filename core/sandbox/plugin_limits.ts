/**
 * How long plugins may take, and how much memory, before they are taken to be stuck. Decided at the owner's side, and sent along with the
 * plugins.
 *
 * @module
 */

/** Milliseconds and bytes. */
export interface PluginLimits {
  /** Milliseconds in which a plugin's file tells what it is. */
  readonly describe: number;
  /** Milliseconds in which a plugin's thread or process is up, and a back end open. */
  readonly start: number;
  /** Milliseconds in which a device's state is made and it is wired, where it does not run in the virtual CPU's thread. */
  readonly wire: number;
  /** Milliseconds that a device may take for one access in the virtual CPU's thread. */
  readonly confined: number;
  /** Milliseconds that a device may take for one access in a Worker. */
  readonly access: number;
  /** The same in a process of its own: its messages are carried by two other processes. */
  readonly process: number;
  /** Milliseconds that a back end may take for a request: a disk of the host may have to wake up. */
  readonly request: number;
  /** Milliseconds in which a machine's back ends close. */
  readonly close: number;
  /** Bytes that a machine's process may grow by besides its guest's memory: its own, and for each plugin in it. */
  readonly ownGrowth: number;
  readonly pluginGrowth: number;
  /** Bytes that a plugin's own process may hold, and MB of its heap. */
  readonly held: number;
  readonly heapMegabytes: number;
}

/** What holds, unless a test says otherwise. */
export const PLUGIN_LIMITS: PluginLimits = {
  describe: 5000,
  start: 20_000,
  wire: 5000,
  confined: 3000,
  access: 3000,
  process: 5000,
  request: 30_000,
  close: 3000,
  ownGrowth: 384 * 2 ** 20,
  pluginGrowth: 256 * 2 ** 20,
  held: 512 * 2 ** 20,
  heapMegabytes: 192,
};

let inForce = PLUGIN_LIMITS;

/** The limits for plugins that are started from here on. */
export function pluginLimits(): PluginLimits {
  return inForce;
}

/** Sets limits in this process until the result is disposed of: for tests that wait for them. */
export function usePluginLimits(limits: Partial<PluginLimits>): Disposable {
  const before = inForce;
  inForce = { ...before, ...limits };
  return { [Symbol.dispose]: () => void (inForce = before) };
}
