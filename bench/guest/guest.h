/* The benchmark guest: one freestanding program for Linux on the i686, without a C library. It is the initial root file system's /init,
 * so that nothing but the kernel and the workloads themselves runs. Numbers of system calls: arch/x86/entry/syscalls/syscall_32.tbl. */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

enum {
  SYS_exit = 1,
  SYS_fork = 2,
  SYS_read = 3,
  SYS_write = 4,
  SYS_open = 5,
  SYS_close = 6,
  SYS_waitpid = 7,
  SYS_execve = 11,
  SYS_chdir = 12,
  SYS_getpid = 20,
  SYS_kill = 37,
  SYS_pipe = 42,
  SYS_ioctl = 54,
  SYS_dup2 = 63,
  SYS_getppid = 64,
  SYS_reboot = 88,
  SYS_mmap = 90,
  SYS_munmap = 91,
  SYS_syslog = 103,
  SYS_nanosleep = 162,
  SYS_rt_sigaction = 174,
  SYS_clock_gettime = 265,
};

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000 };

/* A system call by int 80h, with up to three arguments. */
static inline long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

static inline long call4(long number, long a, long b, long c, long d) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
  return result;
}

static inline u32 rotate(u32 value, int count) { return value << count | value >> (32 - count); }

/* A pseudo-random sequence (Marsaglia's xorshift), the same on every machine. */
static inline u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/* One step of the 32-bit FNV-1a hash. */
enum { FNV_BASIS = 0x811c9dc5u };
static inline u32 fnv(u32 hash, u32 value) { return (hash ^ value) * 0x01000193u; }
static inline u32 fold(u64 value) { return (u32)value ^ (u32)(value >> 32); }

/* runtime.c */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
size_t length_of(const char *text);
int equal(const char *left, const char *right);
void fail(const char *what) __attribute__((noreturn));
/* Pages from the kernel; executable ones where code is to be generated. */
void *pages(size_t size, int executable);
void release(void *address, size_t size);
/* Microseconds of the monotonic clock. */
u64 now(void);
extern char **environment;
/* What AT_SYSINFO names: the kernel's fastest way into itself (sysenter where the CPU has it). */
extern void *kernel_entry;

/* A workload: what is done before the clock starts, what is timed, and how its result is checked afterwards. */
struct workload {
  const char *name;
  u32 (*run)(void);
  void (*prepare)(void);
  u32 (*check)(u32 result);
};

/* integer.c */
u32 alu(void), sieve(void), fib(void), u64_arithmetic(void), quicksort(void), vm(void), chase(void);
void prepare_chase(void);
/* memory.c */
u32 memcpy_rep(void), memcpy_sse(void), sse2int(void);
/* float_x87.c, float_sse2.c */
u32 mandel_x87(void), mandel_sse2(void), nbody_x87(void), nbody_sse2(void);
/* system.c */
u32 syscall_sysenter(void), int80(void), pipe_pingpong(void), fault(void), signal_delivery(void), forkexec(void);
/* code.c */
u32 smc(void), gen(void);
/* programs.c */
u32 sha256(void), md5(void), gzip1(void), gunzip(void), sh(void), awk(void), check_gzip1(u32);
void prepare_text(void), prepare_gunzip(void);

#endif
