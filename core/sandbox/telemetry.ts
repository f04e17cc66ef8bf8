/**
 * Tells the host's OpenTelemetry of what plugins do, where there is one.
 *
 * Deno puts its own implementation (`OTEL_DENO=true`) where the package `@opentelemetry/api` looks for one: under a well-known symbol. That
 * registry is all that is needed here, so there is no dependency on the package, and a program that has set up another implementation for
 * itself gets these events as well.
 *
 * @module
 */
import type { AuditRecord } from "./audit_record.ts";

/** The registry of version 1 of the API for JavaScript. */
const API = Symbol.for("opentelemetry.js.api.1");

/** The API's number for an error (SpanStatusCode). */
const ERROR = 2;

/** What is used of the API. */
interface Tracing {
  getTracer(name: string): {
    startSpan(name: string, options: { attributes: Record<string, string | number> }): {
      setStatus(status: { code: number; message: string }): unknown;
      end(): void;
    };
  };
}

/** Tells of an access, as a span of no length. */
export function hostAccessEvent({ time: _time, outcome, cause, ...record }: AuditRecord): void {
  const registered = (globalThis as unknown as Record<symbol, { trace?: Tracing } | undefined>)[API]?.trace;
  if (registered === undefined) return;
  const attributes: Record<string, string | number> = { "bulkhead.outcome": outcome, "bulkhead.cause": cause };
  for (const [key, value] of Object.entries(record)) attributes[`bulkhead.${key}`] = value;
  try {
    const span = registered.getTracer("bulkhead").startSpan(`plugin ${record.action}`, { attributes });
    if (outcome !== "done") span.setStatus({ code: ERROR, message: cause });
    span.end();
  } catch {
    // An exporter that fails is no reason for the machine to stop.
  }
}
