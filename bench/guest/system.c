/* The kernel's part: system calls, signals, pipes, page faults, processes. */
#include "guest.h"

/* By the kernel's own entry in the vDSO, which is sysenter where the CPU has it. */
u32 syscall_sysenter(void) {
  u32 sum = 0;
  if (!kernel_entry) fail("no AT_SYSINFO");
  for (u32 i = 0; i < 250000; i++) {
    long result;
    __asm__ volatile("call *%2" : "=a"(result) : "0"(SYS_getppid), "r"(kernel_entry) : "memory", "cc", "ecx", "edx");
    sum += result >= 0;
  }
  return sum;
}

u32 int80(void) {
  u32 sum = 0;
  for (u32 i = 0; i < 250000; i++) sum += call(SYS_getppid, 0, 0, 0) >= 0;
  return sum;
}

static void wait_for(long process) {
  int status = 0;
  if (call(SYS_waitpid, process, (long)&status, 0) != process || status != 0) fail("a child failed");
}

/* Two processes send a number to and fro: each step is a write, a read and a task switch. */
u32 pipe_pingpong(void) {
  enum { ROUNDS = 8500 };
  int there[2], back[2];
  if (call(SYS_pipe, (long)there, 0, 0) < 0 || call(SYS_pipe, (long)back, 0, 0) < 0) fail("pipe");
  long child = call(SYS_fork, 0, 0, 0);
  u32 value = 1;
  if (child == 0) {
    call(SYS_close, there[1], 0, 0);
    while (call(SYS_read, there[0], (long)&value, 4) == 4) {
      value = value * 1664525 + 1013904223;
      call(SYS_write, back[1], (long)&value, 4);
    }
    call(SYS_exit, 0, 0, 0);
  }
  for (u32 round = 0; round < ROUNDS; round++) {
    call(SYS_write, there[1], (long)&value, 4);
    if (call(SYS_read, back[0], (long)&value, 4) != 4) fail("pipe: the other end is gone");
  }
  for (int end = 0; end < 2; end++) {
    call(SYS_close, there[end], 0, 0);
    call(SYS_close, back[end], 0, 0);
  }
  wait_for(child);
  return value;
}

/* Fresh pages: each first touch is a page fault. */
u32 fault(void) {
  enum { SIZE = 8 << 20 };
  u32 sum = FNV_BASIS;
  for (u32 round = 0; round < 40; round++) {
    u8 *area = pages(SIZE, 0);
    for (u32 offset = 0; offset < SIZE; offset += 4096) {
      sum = fnv(sum, area[offset + 8]);
      area[offset] = (u8)round;
      sum += area[offset];
    }
    release(area, SIZE);
  }
  return sum;
}

static volatile u32 signals;
static void count_signal(int number) { signals += (u32)number; }

u32 signal_delivery(void) {
  enum { SIGUSR1 = 10, COUNT = 60000 };
  struct {
    void (*handler)(int);
    unsigned long flags;
    void *restorer;
    u32 mask[2];
  } action = {count_signal, 0, 0, {0, 0}};
  if (call4(SYS_rt_sigaction, SIGUSR1, (long)&action, 0, sizeof action.mask) < 0) fail("sigaction");
  long self = call(SYS_getpid, 0, 0, 0);
  signals = 0;
  for (u32 i = 0; i < COUNT; i++) call(SYS_kill, self, SIGUSR1, 0);
  return signals;
}

/* Processes that are started and end at once: fork, exec of a static program, exit, wait. */
u32 forkexec(void) {
  enum { COUNT = 130 };
  static char *const ARGUMENTS[] = {"busybox", "true", 0};
  static char *const ENVIRONMENT[] = {0};
  for (u32 i = 0; i < COUNT; i++) {
    long child = call(SYS_fork, 0, 0, 0);
    if (child == 0) {
      call(SYS_execve, (long)"bin/busybox", (long)ARGUMENTS, (long)ENVIRONMENT);
      call(SYS_exit, 1, 0, 0);
    }
    wait_for(child);
  }
  return COUNT;
}
