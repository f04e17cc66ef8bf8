/**
 * What a callout is: the TypeScript half of an instruction that emitted code does not carry out itself.
 *
 * @module
 */
import type { Cpu } from "../cpu.ts";
import type { Instruction } from "../instruction.ts";

/**
 * Executes one instruction. `cpu.eip` is the instruction's own address and `cpu.next` the one after it, which a control
 * transfer replaces. Throws `GuestFault` or `UnbuiltFeature` before it has committed anything.
 */
export type Callout = (cpu: Cpu, instruction: Instruction) => void;
