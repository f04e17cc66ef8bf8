/* The program itself: as process 1 it runs the workloads that `bench=` on the kernel's command line names (all, if none), `loops=` times,
 * tells the host on the serial line, and resets the machine. Started with names as arguments, as any other process, it runs those.
 *
 *   @@ready                          user space is reached
 *   @@NAME begin                     then it rests for SETTLE, so that the host's stamps are taken at a quiet moment
 *   @@NAME end CHECKSUM MILLISECONDS    CHECKSUM is - where it takes a check that is not timed:
 *   @@NAME result CHECKSUM
 *   @@done
 */
#include "guest.h"

static const struct workload WORKLOADS[] = {
    {"alu", alu, 0, 0},
    {"sieve", sieve, 0, 0},
    {"fib", fib, 0, 0},
    {"u64", u64_arithmetic, 0, 0},
    {"qsort", quicksort, 0, 0},
    {"vm", vm, 0, 0},
    {"chase", chase, prepare_chase, 0},
    {"memcpy_rep", memcpy_rep, 0, 0},
    {"memcpy_sse", memcpy_sse, 0, 0},
    {"sse2int", sse2int, 0, 0},
    {"mandel_x87", mandel_x87, 0, 0},
    {"mandel_sse2", mandel_sse2, 0, 0},
    {"nbody_x87", nbody_x87, 0, 0},
    {"nbody_sse2", nbody_sse2, 0, 0},
    {"syscall", syscall_sysenter, 0, 0},
    {"int80", int80, 0, 0},
    {"pipe", pipe_pingpong, 0, 0},
    {"fault", fault, 0, 0},
    {"signal", signal_delivery, 0, 0},
    {"forkexec", forkexec, 0, 0},
    {"smc", smc, 0, 0},
    {"gen", gen, 0, 0},
    {"sha256", sha256, prepare_text, 0},
    {"md5", md5, prepare_text, 0},
    {"gzip1", gzip1, prepare_text, check_gzip1},
    {"gunzip", gunzip, prepare_gunzip, 0},
    {"sh", sh, 0, 0},
    {"awk", awk, prepare_text, 0},
};
enum { WORKLOAD_COUNT = sizeof WORKLOADS / sizeof WORKLOADS[0] };

static char line[256];
static size_t line_length;

static void put(const char *text) {
  while (*text && line_length < sizeof line) line[line_length++] = *text++;
}

static void put_number(u32 value, u32 base, int digits) {
  char text[12];
  int at = sizeof text - 1;
  text[at] = 0;
  do {
    text[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (--digits > 0 || value);
  put(text + at);
}

/* Writes the line, and waits until the serial port has sent it. */
static void tell(void) {
  enum { TCSBRK = 0x5409 };
  put("\n");
  call(SYS_write, 1, (long)line, (long)line_length);
  call(SYS_ioctl, 1, TCSBRK, 1);
  line_length = 0;
}

static void rest(long milliseconds) {
  long time[2] = {0, milliseconds * 1000000};
  call(SYS_nanosleep, (long)time, 0, 0);
}

static void run(const struct workload *workload) {
  enum { SETTLE = 20 };
  if (workload->prepare) workload->prepare();
  put("@@");
  put(workload->name);
  put(" begin");
  tell();
  rest(SETTLE);
  u64 begin = now();
  u32 result = workload->run();
  u32 time = (u32)(now() - begin);
  put("@@");
  put(workload->name);
  put(" end ");
  /* A check may take long: the end is told first, and the result on a line of its own. */
  if (workload->check) put("-");
  else put_number(result, 16, 8);
  put(" ");
  put_number(time / 1000, 10, 1);
  put(".");
  put_number(time % 1000, 10, 3);
  tell();
  rest(SETTLE);
  if (!workload->check) return;
  result = workload->check(result);
  put("@@");
  put(workload->name);
  put(" result ");
  put_number(result, 16, 8);
  tell();
}

/* Whether a list of names with commas between them holds the name. */
static int listed(const char *list, const char *name) {
  while (*list) {
    const char *at = name;
    while (*at && *at == *list) at++, list++;
    if (!*at && (*list == ',' || !*list)) return 1;
    while (*list && *list != ',') list++;
    if (*list) list++;
  }
  return 0;
}

/* The kernel hands what it does not know of its command line to process 1, as environment. */
static const char *parameter(const char *name) {
  size_t length = length_of(name);
  for (char **at = environment; *at; at++) {
    size_t same = 0;
    while (same < length && (*at)[same] == name[same]) same++;
    if (same == length && (*at)[length] == '=') return *at + length + 1;
  }
  return 0;
}

/* Takes the serial line as standard input and outputs. */
static void become_init(void) {
  /* SYSLOG_ACTION_CONSOLE_LEVEL: no message of the kernel may fall into a line of ours. */
  call(SYS_syslog, 8, 0, 1);
  long serial = call(SYS_open, (long)"/dev/ttyS0", O_RDWR, 0);
  if (serial < 0) fail("/dev/ttyS0");
  for (long fd = 0; fd < 3; fd++) call(SYS_dup2, serial, fd, 0);
  call(SYS_chdir, (long)"/", 0, 0);
}

int main_program(int count, char **arguments) {
  if (call(SYS_getpid, 0, 0, 0) != 1) {
    for (int at = 1; at < count; at++) {
      for (int index = 0; index < WORKLOAD_COUNT; index++) {
        if (equal(WORKLOADS[index].name, arguments[at])) run(&WORKLOADS[index]);
      }
    }
    return 0;
  }
  become_init();
  put("@@ready");
  tell();
  const char *list = parameter("bench");
  u32 loops = 0;
  for (const char *digit = parameter("loops"); digit && *digit; digit++) loops = loops * 10 + (u32)(*digit - '0');
  if (loops == 0) loops = 1;
  for (u32 loop = 0; loop < loops; loop++) {
    for (int index = 0; index < WORKLOAD_COUNT; index++) {
      if (!list || !*list || listed(list, WORKLOADS[index].name)) run(&WORKLOADS[index]);
    }
  }
  put("@@done");
  tell();
  /* LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART. The rest is for the host's last look at its processes. */
  for (;;) {
    rest(900);
    call(SYS_reboot, (long)0xfee1dead, 672274793, 0x01234567);
  }
}
