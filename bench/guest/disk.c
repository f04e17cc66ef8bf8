/* The disk benchmark: reads and writes a block device whose every word it knows, and tells the host when each part begins and ends.
 *
 *   disk DEVICE MEGABYTES
 *
 *   @@ready
 *   @@NAME begin, @@NAME end          NAME: seqread, randread, seqwrite, randwrite
 *   @@checked                         every word of the device was as it is to be, with the cache dropped before
 *   @@done
 */
#include "guest.h"

enum {
  SYS_pread = 180,
  SYS_pwrite = 181,
  SYS_fsync = 118,
  SYS_fadvise64 = 250,
  BLOCK = 4096,
  WORDS = BLOCK / 4,
  CHUNK = 1 << 17,
  RANDOM_READS = 4000,
  RANDOM_WRITES = 2000,
};

static u32 blocks;
static long device;
/* How often a block was written here: its words depend on that. */
static u8 *versions;

static u32 word(u32 block, u32 index, u32 version) { return block * 0x9e3779b1u ^ index ^ version << 24; }

static void say(const char *name, const char *what) {
  call(SYS_write, 1, (long)"@@", 2);
  call(SYS_write, 1, (long)name, (long)length_of(name));
  call(SYS_write, 1, (long)what, (long)length_of(what));
  call(SYS_write, 1, (long)"\n", 1);
  struct {
    long seconds, nanoseconds;
  } rest = {0, 20000000};
  call(SYS_nanosleep, (long)&rest, 0, 0);
}

static long transfer(long number, void *bytes, u32 size, u32 block) {
  long result;
  /* The offset is two words, in ESI and EDI. */
  u32 low = block * BLOCK, high = block >> 20;
  register long five __asm__("edi") = (long)high;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(device), "c"(bytes), "d"(size), "S"(low), "r"(five) : "memory");
  return result;
}

static void drop_cache(void) {
  call(SYS_fsync, device, 0, 0);
  long file = call(SYS_open, (long)"/proc/sys/vm/drop_caches", O_WRONLY, 0);
  if (file < 0 || call(SYS_write, file, (long)"3", 1) != 1) fail("drop_caches");
  call(SYS_close, file, 0, 0);
}

static void fill(u32 *bytes, u32 block) {
  versions[block]++;
  for (u32 i = 0; i < WORDS; i++) bytes[i] = word(block, i, versions[block]);
}

/* What is timed looks at each block's first and last word; everything is looked at afterwards. */
static void glance(const u32 *bytes, u32 block) {
  if (bytes[0] != word(block, 0, versions[block]) || bytes[WORDS - 1] != word(block, WORDS - 1, versions[block])) fail("data");
}

static void sequential_read(u32 *buffer) {
  for (u32 block = 0; block < blocks; block += CHUNK / BLOCK) {
    if (transfer(SYS_pread, buffer, CHUNK, block) != CHUNK) fail("read");
    for (u32 i = 0; i < CHUNK / BLOCK; i++) glance(buffer + i * WORDS, block + i);
  }
}

static void random_read(u32 *buffer) {
  u32 state = 1;
  for (u32 i = 0; i < RANDOM_READS; i++) {
    u32 block = next_random(&state) % blocks;
    if (transfer(SYS_pread, buffer, BLOCK, block) != BLOCK) fail("read");
    glance(buffer, block);
  }
}

static void sequential_write(u32 *buffer) {
  for (u32 block = 0; block < blocks / 2; block += CHUNK / BLOCK) {
    for (u32 i = 0; i < CHUNK / BLOCK; i++) fill(buffer + i * WORDS, block + i);
    if (transfer(SYS_pwrite, buffer, CHUNK, block) != CHUNK) fail("write");
  }
  if (call(SYS_fsync, device, 0, 0)) fail("fsync");
}

static void random_write(u32 *buffer) {
  u32 state = 7;
  for (u32 i = 0; i < RANDOM_WRITES; i++) {
    u32 block = next_random(&state) % blocks;
    fill(buffer, block);
    if (transfer(SYS_pwrite, buffer, BLOCK, block) != BLOCK) fail("write");
  }
  if (call(SYS_fsync, device, 0, 0)) fail("fsync");
}

static void check(u32 *buffer) {
  for (u32 block = 0; block < blocks; block += CHUNK / BLOCK) {
    if (transfer(SYS_pread, buffer, CHUNK, block) != CHUNK) fail("read");
    for (u32 i = 0; i < CHUNK / 4; i++) {
      u32 at = block + i / WORDS;
      if (buffer[i] != word(at, i % WORDS, versions[at])) fail("data");
    }
  }
}

int main_program(int count, char **arguments) {
  enum { POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1 };
  if (count < 3) fail("arguments");
  u32 megabytes = 0;
  for (const char *digit = arguments[2]; *digit; digit++) megabytes = megabytes * 10 + (u32)(*digit - '0');
  blocks = megabytes * (1048576 / BLOCK);
  versions = pages(blocks, 0);
  u32 *buffer = pages(CHUNK, 0);
  device = call(SYS_open, (long)arguments[1], O_RDWR, 0);
  if (device < 0) fail("open");
  static const struct {
    const char *name;
    void (*run)(u32 *);
    long advice;
  } parts[] = {
      {"seqread", sequential_read, POSIX_FADV_NORMAL},
      {"randread", random_read, POSIX_FADV_RANDOM},
      {"seqwrite", sequential_write, POSIX_FADV_NORMAL},
      {"randwrite", random_write, POSIX_FADV_RANDOM},
  };
  say("ready", "");
  for (u32 i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    drop_cache();
    long closed = call(SYS_close, device, 0, 0);
    device = call(SYS_open, (long)arguments[1], O_RDWR, 0);
    if (closed || device < 0) fail("open");
    if (parts[i].advice == POSIX_FADV_RANDOM) {
      /* Not ahead of what is asked for. */
      register long advice __asm__("edi") = parts[i].advice;
      long result;
      __asm__ volatile("int $0x80" : "=a"(result) : "0"(SYS_fadvise64), "b"(device), "c"(0), "d"(0), "S"(0), "r"(advice) : "memory");
      if (result) fail("fadvise");
    }
    say(parts[i].name, " begin");
    parts[i].run(buffer);
    say(parts[i].name, " end");
  }
  drop_cache();
  check(buffer);
  say("checked", "");
  say("done", "");
  return 0;
}
