/**
 * The public contract for devices and plugins: everything that a device's file imports.
 *
 * @module
 */

export * from "./backend.ts";
export * from "./backend_contract.ts";
export * from "./backend_kinds.ts";
export * from "./claims.ts";
export * from "./config.ts";
export * from "./contract.ts";
export * from "./error.ts";
export * from "./host_rights.ts";
export * from "./interface.ts";
export * from "./log.ts";
export * from "./rate.ts";
export type { InterruptAcknowledger } from "./system.ts";
