/**
 * Ends a process that holds far more memory than it needs: what is outside of V8's heap has no limit of its own.
 *
 * @module
 */

/** Milliseconds between two looks. */
const INTERVAL = 50;

/** Watches this process from a thread of its own, which goes on while the others are busy. */
export function watchMemory(limit: number): void {
  const text = `
    const { memoryUsage, kill, pid } = Deno;
    setInterval(() => { if (memoryUsage().rss > ${limit}) kill(pid, "SIGKILL"); }, ${INTERVAL});
  `;
  new Worker("data:application/javascript," + encodeURIComponent(text), {
    type: "module",
    name: "memory",
    deno: { permissions: "none" },
  });
}
