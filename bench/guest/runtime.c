/* What a C library would give: the entry point, memory and the clock. */
#include "guest.h"

char **environment;
void *kernel_entry;

int main_program(int count, char **arguments);

/* The kernel leaves the argument count at the top of the stack (System V ABI, Intel386 supplement, 3-28). */
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xorl %ebp, %ebp\n"
    "  movl %esp, %eax\n"
    "  andl $-16, %esp\n"
    "  subl $12, %esp\n"
    "  pushl %eax\n"
    "  call start\n");

__attribute__((used, noreturn)) void start(long *stack) {
  int count = (int)stack[0];
  environment = (char **)(stack + 2 + count);
  long *vector = (long *)environment;
  while (*vector) vector++;
  enum { AT_SYSINFO = 32 };
  for (vector++; vector[0]; vector += 2) {
    if (vector[0] == AT_SYSINFO) kernel_entry = (void *)vector[1];
  }
  call(SYS_exit, main_program(count, (char **)(stack + 1)), 0, 0);
  __builtin_unreachable();
}

void *memcpy(void *to, const void *from, size_t size) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return start;
}

void *memset(void *to, int value, size_t size) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return start;
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

int equal(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

void fail(const char *what) {
  call(SYS_write, 1, (long)"@@failed ", 9);
  call(SYS_write, 1, (long)what, (long)length_of(what));
  call(SYS_write, 1, (long)"\n", 1);
  for (;;) call(SYS_exit, 1, 0, 0);
}

void *pages(size_t size, int executable) {
  enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
  long arguments[6] = {0, (long)size, PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  long address = call(SYS_mmap, (long)arguments, 0, 0);
  if ((unsigned long)address > -4096ul) fail("mmap");
  return (void *)address;
}

void release(void *address, size_t size) { call(SYS_munmap, (long)address, (long)size, 0); }

u64 now(void) {
  struct {
    long seconds, nanoseconds;
  } time;
  enum { CLOCK_MONOTONIC = 1 };
  call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0);
  return (u64)(u32)time.seconds * 1000000 + (u32)time.nanoseconds / 1000;
}
