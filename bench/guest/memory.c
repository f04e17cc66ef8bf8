/* Blocks of memory: string instructions, and 128-bit integer vectors. Compiled for SSE2. */
#include "guest.h"

/* rep movs and rep stos, over blocks from 256 bytes to 1 MB. */
u32 memcpy_rep(void) {
  enum { SIZE = 1 << 20 };
  u32 *from = pages(SIZE, 0), *to = pages(SIZE, 0), state = 4711, sum = FNV_BASIS;
  for (u32 i = 0; i < SIZE / 4; i++) from[i] = next_random(&state);
  for (u32 round = 0; round < 1200; round++) {
    for (u32 size = 256; size <= SIZE; size *= 4) {
      void *target = to, *source = from;
      u32 count = size / 4;
      __asm__ volatile("rep movsl" : "+D"(target), "+S"(source), "+c"(count) : : "memory");
    }
    void *target = to + (round & 1023);
    u32 count = 16384;
    __asm__ volatile("rep stosl" : "+D"(target), "+c"(count) : "a"(round) : "memory");
    from[round] ^= to[SIZE / 4 - 1 - round];
  }
  for (u32 i = 0; i < SIZE / 4; i++) sum = fnv(sum, to[i]);
  release(from, SIZE);
  release(to, SIZE);
  return sum;
}

typedef int v4i __attribute__((vector_size(16)));
typedef u32 v4u __attribute__((vector_size(16)));
typedef long long v2l __attribute__((vector_size(16)));
typedef char v16c __attribute__((vector_size(16)));
typedef short v8s __attribute__((vector_size(16)));

/* 16-byte loads and stores, aligned seven times of eight. */
u32 memcpy_sse(void) {
  enum { SIZE = 1 << 16 };
  u8 *from = pages(SIZE + 4096, 0), *to = pages(SIZE + 4096, 0);
  u32 state = 815, sum = FNV_BASIS;
  for (u32 i = 0; i < SIZE; i += 4) *(u32 *)(from + i) = next_random(&state);
  for (u32 round = 0; round < 20000; round++) {
    const u8 *source = round % 8 ? from : from + 3;
    for (u8 *target = to; target < to + SIZE; target += 64, source += 64) {
      __asm__ volatile(
          "movdqu (%0), %%xmm0\n"
          "movdqu 16(%0), %%xmm1\n"
          "movdqu 32(%0), %%xmm2\n"
          "movdqu 48(%0), %%xmm3\n"
          "movdqa %%xmm0, (%1)\n"
          "movdqa %%xmm1, 16(%1)\n"
          "movaps %%xmm2, 32(%1)\n"
          "movaps %%xmm3, 48(%1)\n"
          :
          : "r"(source), "r"(target)
          : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
    }
    from[round & (SIZE - 1)] ^= to[round * 7 & (SIZE - 1)];
  }
  for (u32 i = 0; i < SIZE; i += 4) sum = fnv(sum, *(u32 *)(to + i));
  release(from, SIZE + 4096);
  release(to, SIZE + 4096);
  return sum;
}

/* Packed additions, multiplications, comparisons, shifts, shuffles, packing and sums of differences. */
u32 sse2int(void) {
  v4i a = {1, 2, 3, 4}, b = {5, 6, 7, 8}, c = {-1, 9, -3, 11}, d = {0, 0, 0, 0};
  for (u32 i = 0; i < 6000000; i++) {
    a += b ^ (v4i)__builtin_ia32_pshufd(c, 0x39);
    b = (v4i)((v4u)b << 5 | (v4u)b >> 27) + c;
    c ^= a & (b > a);
    d += (v4i)__builtin_ia32_pmuludq128(a, b);
    d ^= (v4i)__builtin_ia32_psadbw128((v16c)a, (v16c)c);
    c += (v4i)__builtin_ia32_pmullw128((v8s)b, (v8s)d);
    a ^= (v4i)__builtin_ia32_punpcklbw128((v16c)c, (v16c)d);
  }
  a ^= b ^ c ^ d;
  return (u32)(a[0] ^ a[1] * 3 ^ a[2] * 5 ^ a[3] * 7);
}
