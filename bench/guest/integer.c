/* Integer arithmetic, branches, calls and memory accesses of user programs. */
#include "guest.h"

/* Registers only: arithmetic, logic, shifts, rotates, a multiplication. */
u32 alu(void) {
  u32 a = 1, b = 2, c = 3, d = 5;
  for (u32 i = 0; i < 32000000; i++) {
    a = a * 0x9e3779b1u + i;
    b ^= rotate(a, 7);
    c += b ^ (a >> 3);
    d = (d << 5) - d + (c & 0xff);
    a ^= d;
    b -= c | 1;
  }
  return a ^ b ^ c ^ d;
}

/* Eratosthenes over bytes: strided stores, a data-dependent branch. */
u32 sieve(void) {
  enum { SIZE = 1 << 20 };
  u8 *composite = pages(SIZE, 0);
  u32 sum = 0;
  for (u32 round = 0; round < 32; round++) {
    memset(composite, 0, SIZE);
    u32 count = 0;
    for (u32 i = 2; i < SIZE; i++) {
      if (composite[i]) continue;
      count++;
      for (u32 j = i + i; j < SIZE; j += i) composite[j] = 1;
    }
    sum = fnv(sum, count + round);
  }
  release(composite, SIZE);
  return sum;
}

/* Recursion: calls, returns, the stack. */
__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline"))) static u32 fibonacci(u32 n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

u32 fib(void) { return fibonacci(35); }

/* 64-bit arithmetic of a 32-bit program: carries, double shifts, long multiplications and divisions. */
u32 u64_arithmetic(void) {
  u64 x = 0x9e3779b97f4a7c15ull, sum = 0;
  for (u32 i = 1; i <= 12000000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    sum += x * 0xbf58476d1ce4e5b9ull;
    if ((i64)x < (i64)sum) sum -= x >> (i & 31);
    if ((i & 7) == 0) {
      /* A division of 64 bits by 32, as compilers do long division. */
      u32 divisor = i | 0x10000, high = (u32)(sum >> 32) % divisor, quotient, rest;
      __asm__("divl %4" : "=a"(quotient), "=d"(rest) : "0"((u32)sum), "1"(high), "r"(divisor));
      sum += ((u64)rest << 32) | quotient;
    }
  }
  return fold(sum ^ x);
}

typedef int comparison(const u32 *, const u32 *);
static int ascending(const u32 *left, const u32 *right) { return *left < *right ? -1 : *left > *right; }

static void sort(u32 *from, u32 *to, comparison *compare) {
  while (to - from > 12) {
    u32 pivot = from[(to - from) / 2], *left = from, *right = to - 1;
    for (;;) {
      while (compare(left, &pivot) < 0) left++;
      while (compare(&pivot, right) < 0) right--;
      if (left >= right) break;
      u32 value = *left;
      *left++ = *right;
      *right-- = value;
    }
    u32 *middle = right + 1;
    if (middle == to) middle--;
    if (middle - from < to - middle) {
      sort(from, middle, compare);
      from = middle;
    } else {
      sort(middle, to, compare);
      to = middle;
    }
  }
  for (u32 *at = from + 1; at < to; at++) {
    u32 value = *at, *hole = at;
    for (; hole > from && compare(&value, hole - 1) < 0; hole--) *hole = hole[-1];
    *hole = value;
  }
}

/* Quicksort with a comparison function: indirect calls, branches that cannot be predicted. */
u32 quicksort(void) {
  enum { COUNT = 650000 };
  comparison *volatile compare = ascending;
  u32 *values = pages(COUNT * sizeof(u32), 0), state = 12345, sum = FNV_BASIS;
  for (u32 i = 0; i < COUNT; i++) values[i] = next_random(&state);
  sort(values, values + COUNT, compare);
  for (u32 i = 0; i < COUNT; i += 97) sum = fnv(sum, values[i]);
  for (u32 i = 1; i < COUNT; i++) {
    if (values[i - 1] > values[i]) fail("qsort: not sorted");
  }
  release(values, COUNT * sizeof(u32));
  return sum;
}

/* An interpreter of byte code, with a switch: an indirect jump for each operation. */
u32 vm(void) {
  enum { PUSH, ADD, XOR, MULTIPLY, SHIFT, DUPLICATE, SWAP, LOAD, STORE, LESS, BRANCH, JUMP, END };
  /* v0 counts, v1 is the sum: while (v0 < limit) { v1 = (v1 * 31 ^ v0) + (v1 >> 5); v0 = v0 + 1; } */
  static const u8 PROGRAM[] = {
      LOAD, 0, LESS, BRANCH, 28, LOAD, 1, DUPLICATE, PUSH, 31, MULTIPLY, LOAD, 0, XOR, SWAP, SHIFT, 5, ADD, STORE, 1,
      LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, END,
  };
  const u32 limit = 2600000;
  u32 stack[16], *top = stack, variables[2] = {0, 7};
  const u8 *volatile program = PROGRAM;
  const u8 *code = program;
  for (;;) {
    switch (*code++) {
      case PUSH: *top++ = *code++; break;
      case ADD: top--, top[-1] += top[0]; break;
      case XOR: top--, top[-1] ^= top[0]; break;
      case MULTIPLY: top--, top[-1] *= top[0]; break;
      case SHIFT: top[-1] >>= *code++; break;
      case DUPLICATE: top[0] = top[-1], top++; break;
      case SWAP: {
        u32 value = top[-1];
        top[-1] = top[-2];
        top[-2] = value;
        break;
      }
      case LOAD: *top++ = variables[*code++]; break;
      case STORE: variables[*code++] = *--top; break;
      case LESS: top[-1] = top[-1] < limit; break;
      case BRANCH: {
        u8 target = *code++;
        if (!*--top) code = program + target;
        break;
      }
      case JUMP: code = program; break;
      default: return variables[1];
    }
  }
}

/* Pointer chasing through 16 MB in random order: every access misses the caches, and many the TLB. */
enum { LINKS = 1 << 22 };
static u32 *links;

void prepare_chase(void) {
  if (links) return;
  links = pages(LINKS * sizeof(u32), 0);
  u32 state = 99;
  for (u32 i = 0; i < LINKS; i++) links[i] = i;
  /* Sattolo's algorithm: one cycle through all. */
  for (u32 i = LINKS - 1; i > 0; i--) {
    u32 j = (u32)(((u64)next_random(&state) * i) >> 32), value = links[i];
    links[i] = links[j];
    links[j] = value;
  }
}

u32 chase(void) {
  u32 at = 0, sum = 0;
  for (u32 step = 0; step < 6000000; step++) {
    at = links[at];
    sum += at;
  }
  return sum;
}
