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
  pipe: "48cbec75",
  fault: "77665dc5",
  signal: "000927c0",
  forkexec: "00000082",
  smc: "cb523724",
  gen: "6d707577",
  sha256: "1424c023",
  md5: "2ccc8d75",
  gzip1: "2cdcdbe6",
  gunzip: "e1a1f165",
  sh: "2961d637",
  awk: "56d0158f",
};
