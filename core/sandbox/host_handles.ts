/**
 * The handles that a back end is given for what its owner bound: each made from one agreed right, each use checked, counted and attributed.
 *
 * A handle holds no path that a plugin could read, and neither do its errors: a plugin knows its own names only. What it hands over is
 * treated as hostile: an array's buffer, place and length are asked of the engine, not of the array.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import type { Connection, FileHandle, HostRights, Listener } from "../bus/host_rights.ts";
import { openFile } from "./host_file.ts";
import { connectTo, listenAt } from "./host_net.ts";
import { type HostAudit, Uses } from "./host_uses.ts";
import { UseTally } from "./use_tally.ts";

export type { HostAudit, HostUse } from "./host_uses.ts";

/** What a back end's context offers of the host. */
export interface HostHandles {
  /** As in `BackendContext.file`. */
  file(name: string): FileHandle;
  /** As in `BackendContext.connect`. */
  connect(name: string): Promise<Connection>;
  /** As in `BackendContext.listen`. */
  listen(name: string): Promise<Listener>;
  /** Closes what is open, and tells the audit of uses that were not told yet. */
  close(): void;
}

/**
 * Handles for a plugin's rights.
 *
 * @param host What its manifest asks for, as it was agreed to.
 * @param bindings Real things by placeholder: an absolute real path, `host:port`, or `unix:` and an absolute path.
 * @param audit Told of each use; many small ones of one kind together, at most once a second.
 */
export function hostHandles(
  host: HostRights | undefined,
  bindings: Readonly<Record<string, string>>,
  audit: HostAudit,
): HostHandles {
  const tally = new UseTally(audit), told: HostAudit = (use) => tally.tell(use);
  const rights = new Map(Object.entries(host ?? {})), real = new Map(Object.entries(bindings));
  const open = new Set<() => void>();
  const uses = (kind: string, name: string): { uses: Uses; value: string; access: string } => {
    const right = rights.get(name), value = real.get(name);
    if (right === undefined || right.kind !== kind || value === undefined) {
      const asked = [...rights].filter(([, { kind: other }]) => other === kind).map(([name]) => name);
      const cause = `the manifest declares ${asked.length === 0 ? `no right to ${kind}` : `only ${asked.join(", ")}`}`;
      told({ right: String(name), value: "", action: "open", uses: 1, bytes: 0, outcome: "denied", cause });
      throw new BulkheadError({
        code: "right-not-granted",
        subject: `the right "${name}"`,
        expected: asked.length === 0 ? "nothing of the kind, as the manifest declares none" : asked.join(", "),
        found: `"${name}"`,
        remedy: "declare it under host, with its reason",
      });
    }
    const made = new Uses(name, value, told);
    open.add(() => made.tell());
    return { uses: made, value, access: right.kind === "file" ? right.access : "" };
  };
  return Object.freeze(
    {
      file: (name) => {
        const { uses: told, value, access } = uses("file", name);
        const { handle, close } = openFile(value, access as "read", told);
        open.add(close);
        return handle;
      },
      connect: async (name) => {
        const { uses: told, value } = uses("connect", name);
        return await connectTo(value, told, open);
      },
      listen: (name) => {
        const { uses: told, value } = uses("listen", name);
        // What cannot listen rejects, as what cannot connect.
        return Promise.resolve().then(() => listenAt(value, told, open));
      },
      close: () => {
        for (const close of [...open].reverse()) close();
        open.clear();
        tally.flush();
      },
    } satisfies HostHandles,
  );
}
