/**
 * What crosses between whoever owns a machine, the machine process, and the virtual CPU's thread.
 *
 * @module
 */
import type { BulkheadErrorJson } from "../bus/error.ts";
import type { LogRecord } from "../bus/log.ts";
import type { BackendOpened } from "../sandbox/backend_runtime.ts";
import type { CpuStart } from "../engine/cpu_start.ts";
import type { RegionReports } from "../engine/translator/region_watch.ts";
import type { MemoryLayout } from "../memory/layout.ts";
import type { DebugAnswer, DebugCommand, DebugStop } from "./debug/commands.ts";
import type { GdbAddress } from "./debug/gdb_server.ts";
import type { HostUse } from "../sandbox/host_uses.ts";
import type { ResolvedDefinition, ResolvedStep } from "./definition.ts";
import type { PluginParts, ThreadPlugins } from "./plugin_parts.ts";
import type { LoadedPiece, Piece } from "./pieces.ts";
import type { CpuReport, ExitReport } from "./report.ts";
import type { ScriptMatch } from "./script.ts";
import type { MachineImageJson } from "./snapshot/machine_image.ts";
import type { SaveResult } from "./snapshot/save.ts";
import type { MachineStatistics } from "./statistics.ts";

/**
 * Where a machine is in its life.
 *
 * - `running`: the guest runs, or sleeps until its next alarm.
 * - `paused`: it stands still until `resume`.
 * - `held`: it stands still at the byte that met an expectation, until the script's next call.
 * - `stopped`: the run has ended; what it left can still be asked for.
 */
export type LifeState = "running" | "paused" | "held" | "stopped";

/** A machine at an instruction boundary. */
export interface MachineState {
  /** Where it is in its life. */
  readonly life: LifeState;
  /** Instructions retired since power-on. */
  readonly retired: number;
  /** Virtual nanoseconds since power-on. */
  readonly time: number;
  /** Where its processor is. */
  readonly cpu: CpuReport;
  /** A hash of processor and memory: equal runs have equal hashes. Only where it was asked for. */
  readonly hash?: string;
}

/** Milliseconds in which the guest is in RAM again at a reset: what it wrote before is taken first, by somebody who may be slow. */
export const RELOAD_LIMIT = 600_000;

type Nothing = Record<never, never>;

/** Requests to a virtual CPU that its owner makes, answered at its next safe point. */
export type OwnedRequests = {
  pause: { ask: Nothing; answer: Nothing };
  resume: { ask: Nothing; answer: Nothing };
  reset: { ask: Nothing; answer: Nothing };
  state: { ask: { hash: boolean }; answer: MachineState };
  statistics: { ask: Nothing; answer: MachineStatistics };
  /** The hottest regions of translated code, at most so many; null where they are not counted. */
  regions: { ask: { most: number }; answer: { reports: RegionReports | null } };
  /** Adds a step to the serial script. With `hold` a deterministic machine stands still once it has acted. */
  step: { ask: { id: number; step: ResolvedStep; hold: boolean }; answer: Nothing };
  /** Takes back a step that has not acted. */
  unstep: { ask: { id: number }; answer: Nothing };
  stop: { ask: Nothing; answer: Nothing };
  /** Ends the run if it has not ended, and lets back ends close, as long as they do so in time. Nothing can be saved afterwards. */
  close: { ask: Nothing; answer: Nothing };
};

/** All requests to a virtual CPU. */
export type VcpuRequests = OwnedRequests & {
  /** The machine without its memory, which then stands still until `release`. Refused where the run has ended for good. */
  checkpoint: { ask: Nothing; answer: { image: MachineImageJson } };
  release: { ask: Nothing; answer: Nothing };
  debug: { ask: DebugCommand; answer: DebugAnswer };
};

/** What a virtual CPU tells. */
export type VcpuEvents = {
  /** It is assembled and waits for its first `resume`. */
  ready: Nothing;
  /** The payload is what the guest wrote to its first serial port. */
  output: Nothing;
  /** The payload is what the guest wrote to its debug console. */
  debug: Nothing;
  /** A step met its expectation. */
  matched: { id: number; match: ScriptMatch };
  /** The run has ended. Nothing of the guest follows. */
  exit: { report: ExitReport };
  log: { record: LogRecord };
  /** The payload is the next part of the snapshot that is being saved. The machine process tells this itself. */
  saved: Nothing;
};

/** What a virtual CPU tells the machine process, too. */
export type ThreadEvents = VcpuEvents & {
  debugStop: { stop: DebugStop };
  /** A plugin, by its name, was detached. */
  detached: { plugin: string };
  /** A reset needs the guest in RAM again. The virtual CPU stands still until it reads in `reloaded` how that went. */
  reload: Nothing;
};

/** What the owner of a machine may say to the machine process. */
export type OwnerSpeech = {
  requests: OwnedRequests & {
    /** The definition and the pieces of the guest; their bytes follow in `load`. */
    assemble: {
      ask: { definition: ResolvedDefinition; plugins: PluginParts; cpu: CpuStart; pieces: Piece[] };
      answer: Nothing;
    };
    /** Builds the machine and powers it on, paused. */
    start: { ask: Nothing; answer: Nothing };
    /**
     * Builds the machine as it was saved, paused: from the file, or from what `snapshot` sent. The snapshot must have this digest.
     * Answered when all of it has been checked and taken over.
     */
    restore: {
      ask: {
        definition: ResolvedDefinition;
        plugins: PluginParts;
        subject: string;
        file: string | null;
        digest: string;
      };
      answer: Nothing;
    };
    /** Saves the machine: the snapshot is told in parts, before the answer. */
    save: { ask: Nothing; answer: SaveResult };
    /** Listens for gdb. `hold`: the machine stands still until gdb lets it run. Answers with where it listens. */
    listenForGdb: { ask: GdbAddress & { hold: boolean }; answer: GdbAddress };
    /** The payload is typed at the first serial port. Answered when it has been taken: the owner sends the next one then. */
    input: { ask: Nothing; answer: Nothing };
    /** The payload is what the process of the plugin with this index said. Answered when it has been taken. */
    fromPlugin: { ask: { index: number }; answer: Nothing };
  };
  events: {
    /** The payload is the part of a piece that begins at `offset`. */
    load: { piece: number; offset: number };
    /** The payload is the part of a snapshot that begins at `offset`; `length` is that of the whole. */
    snapshot: { offset: number; length: number };
    /** The process of the plugin with this index is up, a back end with what it said of itself; or is not, and why. */
    pluginReady: { index: number; opened: BackendOpened | null; error?: BulkheadErrorJson };
    /** The process of the plugin with this index has ended. */
    pluginEnded: { index: number; words: string };
  };
};

/** What the machine process may say to the owner. */
export type MachineSpeech = {
  requests: {
    /** Sends the guest's pieces again in `load`, those of RAM, and answers then. */
    reload: { ask: { pieces: Piece[] }; answer: Nothing };
    /** The payload is for the process of the plugin with this index. Answered when it has been taken. */
    toPlugin: { ask: { index: number }; answer: Nothing };
  };
  events: VcpuEvents & {
    /** The process of the plugin with this index is to be killed. */
    killPlugin: { index: number };
    /** A plugin, by its name in the machine, used something of the host. */
    used: { plugin: string; use: HostUse };
  };
};

/** Milliseconds of a request that waits for a guest or a plugin, which may never take what it is given; the end of either ends it. */
export const NO_LIMIT = 2 ** 31 - 1;

/** The one message that a virtual CPU's thread gets by `postMessage`. */
export interface VcpuInit {
  /** The machine. */
  readonly definition: ResolvedDefinition;
  /** Its plugins. */
  readonly plugins: ThreadPlugins;
  /** How its processor starts. */
  readonly cpu: CpuStart;
  /** The pieces of the guest. Those of RAM are put there by somebody else, before the guest runs. */
  readonly pieces: readonly LoadedPiece[];
  /** The state that the machine takes over instead of powering on. */
  readonly image: MachineImageJson | null;
  /** The machine's memory and its layout. */
  readonly memory: WebAssembly.Memory;
  readonly layout: MemoryLayout;
  /** Rings: frames of requests in, of replies and events out, bytes typed at the serial port in, frames that answer `reload` in. */
  readonly requests: SharedArrayBuffer;
  readonly reports: SharedArrayBuffer;
  readonly input: SharedArrayBuffer;
  readonly reloaded: SharedArrayBuffer;
  /** The attention word. */
  readonly attention: SharedArrayBuffer;
}
