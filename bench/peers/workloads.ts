/**
 * The workloads of the benchmark guest, each with the result that it must have: what the same program computes on a real processor. Each
 * counts the same.
 *
 * @module
 */

/** Results by name, in the order in which they run. */
export const WORKLOADS: Readonly<Record<string, string>> = {
  alu: "3e328a00",
  sieve: "1624ac68",
  fib: "00e3d1b0",
  u64: "144f479c",
  qsort: "25c1daca",
  vm: "5adf6e3a",
  chase: "cba578fa",
  memcpy_rep: "b4f9b29c",
  memcpy_sse: "2e900bf7",
  sse2int: "e8359bd8",
  mandel_x87: "43029893",
  mandel_sse2: "43029893",
  nbody_x87: "70d1f58f",
  nbody_sse2: "71a455b0",
  syscall: "0003d090",
  int80: "0003d090",
  pipe: "4b611031",
  fault: "7d3c6dc5",
  signal: "000b71b0",
  forkexec: "000000fa",
  smc: "5983e18e",
  gen: "ec4162bd",
  sha256: "9408cdbe",
  md5: "14a8f083",
  gzip1: "c078175f",
  gunzip: "c078175f",
  sh: "cce43161",
  awk: "4414fe68",
};
