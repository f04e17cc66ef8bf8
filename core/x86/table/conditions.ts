/**
 * The sixteen conditions of Jcc, SETcc and CMOVcc (Intel SDM volume 2, B.1.4.7, table B-10).
 *
 * @module
 */

/** Names of each condition in encoding order; the first is the one that the disassembler writes. */
export const CONDITIONS: readonly (readonly [string, ...string[]])[] = [
  ["o"],
  ["no"],
  ["b", "c", "nae"],
  ["ae", "nc", "nb"],
  ["e", "z"],
  ["ne", "nz"],
  ["be", "na"],
  ["a", "nbe"],
  ["s"],
  ["ns"],
  ["p", "pe"],
  ["np", "po"],
  ["l", "nge"],
  ["ge", "nl"],
  ["le", "ng"],
  ["g", "nle"],
];
