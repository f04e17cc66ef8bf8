/**
 * The workloads of the benchmark guest, each with the result that it must have: what the same program computes on a real processor. Each
 * counts the same.
 *
 * @module
 */

/** Results by name, in the order in which they run. */
export const WORKLOADS: Readonly<Record<string, string>> = {
  alu: "3e328a00",
  sieve: "0539d2a0",
  fib: "008cccc9",
  u64: "144f479c",
  qsort: "348463fc",
  vm: "5adf6e3a",
  chase: "cba578fa",
  memcpy_rep: "6e9db534",
  memcpy_sse: "4868738c",
  sse2int: "97dbddaa",
  mandel_x87: "43029893",
  mandel_sse2: "71167035",
  nbody_x87: "70d1f58f",
  nbody_sse2: "f7139f97",
  syscall: "0003d090",
  int80: "0003d090",
  pipe: "f5e2cf49",
  fault: "41bcddc5",
  signal: "00050910",
  forkexec: "0000003c",
  smc: "cb523724",
  gen: "6d707577",
  sha256: "13745845",
  md5: "8715463d",
  gzip1: "18a031d8",
  gunzip: "84c70f09",
  sh: "461d35aa",
  awk: "66f6fc38",
};
