/* Code that changes: patched in place, and generated as a just-in-time compiler does. */
#include "guest.h"

typedef u32 code(u32);

static u8 *emit32(u8 *at, u32 value) {
  *(u32 *)at = value;
  return at + 4;
}

static u8 *emit(u8 *at, const char *bytes, u32 count) {
  memcpy(at, bytes, count);
  return at + count;
}

/* A loop whose constant is patched before each call, and which patches an instruction ahead of itself while it runs. */
u32 smc(void) {
  u8 *page = pages(4096, 1), *at = page;
  at = emit(at, "\x8b\x44\x24\x04", 4); /*       mov eax, [esp + 4] */
  at = emit(at, "\xb9\x2c\x01\0\0", 5); /*     mov ecx, 300 */
  u8 *loop = at;
  *at++ = 0x05; /* loop: add eax, constant */
  u32 *constant = (u32 *)at;
  at = emit32(at, 0);
  at = emit(at, "\xc1\xc0\x03", 3); /*           rol eax, 3 */
  at = emit(at, "\x49\x75", 2);     /*           dec ecx; jnz loop */
  *at = (u8)(loop - (at + 1));
  at++;
  *at++ = 0xa3; /*                               mov [ahead], eax */
  u8 *ahead = at;
  at += 4;
  at = emit(at, "\x81\xf2", 2); /*               xor edx, ahead */
  emit32(ahead, (u32)at);
  at = emit32(at, 0);
  at = emit(at, "\x8d\x04\x50\xc3", 4); /*       lea eax, [eax + edx * 2]; ret */
  u8 *entry = page + 4000;
  emit(entry, "\x31\xd2\xe9", 3); /*             xor edx, edx; jmp page */
  emit32(entry + 3, (u32)(page - (entry + 7)));
  u32 value = 1;
  for (u32 i = 0; i < 16000; i++) {
    *constant = i * 0x9e3779b1u;
    value = ((code *)entry)(value) + i;
  }
  release(page, 4096);
  return value;
}

/* Functions of random arithmetic, each generated, run a few hundred times and overwritten by a later one. */
u32 gen(void) {
  enum { SIZE = 1 << 18, FUNCTIONS = 2400, LENGTH = 60, ROOM = 1024 };
  u8 *buffer = pages(SIZE, 1);
  u32 state = 2718, value = 1;
  for (u32 index = 0; index < FUNCTIONS; index++) {
    u8 *start = buffer + index * ROOM % SIZE, *at = start;
    at = emit(at, "\x8b\x44\x24\x04", 4);         /* mov eax, [esp + 4] */
    at = emit(at, "\xb9\xc8\0\0\0\x31\xd2", 7);   /* mov ecx, 200; xor edx, edx */
    u8 *loop = at;
    for (u32 i = 0; i < LENGTH; i++) {
      u32 random = next_random(&state);
      switch (random >> 29) {
        case 0: *at++ = 0x05, at = emit32(at, random); break;                  /* add eax, imm32 */
        case 1: *at++ = 0x35, at = emit32(at, random); break;                  /* xor eax, imm32 */
        case 2: at = emit(at, "\xc1\xc0", 2), *at++ = random % 31 + 1; break;  /* rol eax, imm8 */
        case 3: at = emit(at, "\x01\xc2", 2); break;                           /* add edx, eax */
        case 4: at = emit(at, "\x31\xd0", 2); break;                           /* xor eax, edx */
        case 5: at = emit(at, "\x69\xc0", 2), at = emit32(at, random | 1); break; /* imul eax, eax, imm32 */
        case 6: at = emit(at, "\x85\xc0\x78\x02\x01\xc8", 6); break;           /* test eax, eax; js +2; add eax, ecx */
        default: at = emit(at, "\x29\xd0\xf7\xda", 4); break;                  /* sub eax, edx; neg edx */
      }
    }
    at = emit(at, "\x49\x0f\x85", 3); /* dec ecx; jnz loop */
    at = emit32(at, (u32)(loop - (at + 4)));
    *at++ = 0xc3;
    if (at - start > ROOM) fail("gen: a function is too long");
    value = ((code *)start)(value + index);
  }
  release(buffer, SIZE);
  return value;
}
