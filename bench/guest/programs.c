/* BusyBox's programs, each a process of its own, over a text that is made first. */
#include "guest.h"

enum { TEXT_SIZE = 4 << 20 };

/* What a program does with its output. */
enum output { HASHED, TO_FILE };

/* Runs bin/busybox with these arguments to its end. Its input is a file; its output is hashed or goes to a file. */
static u32 busybox(char *const *arguments, const char *input, enum output output, const char *target) {
  static char *const ENVIRONMENT[] = {"PATH=/bin", "LC_ALL=C", 0};
  int ends[2];
  if (call(SYS_pipe, (long)ends, 0, 0) < 0) fail("pipe");
  long child = call(SYS_fork, 0, 0, 0);
  if (child == 0) {
    long from = call(SYS_open, (long)input, O_RDONLY, 0);
    long to = output == TO_FILE ? call(SYS_open, (long)target, O_WRONLY | O_CREAT | O_TRUNC, 0600) : ends[1];
    if (from < 0 || to < 0) call(SYS_exit, 1, 0, 0);
    call(SYS_dup2, from, 0, 0);
    call(SYS_dup2, to, 1, 0);
    call(SYS_close, ends[0], 0, 0);
    call(SYS_close, ends[1], 0, 0);
    call(SYS_execve, (long)"bin/busybox", (long)arguments, (long)ENVIRONMENT);
    call(SYS_exit, 1, 0, 0);
  }
  call(SYS_close, ends[1], 0, 0);
  static u32 block[16384 / 4];
  u32 hash = FNV_BASIS;
  long count;
  while ((count = call(SYS_read, ends[0], (long)block, sizeof block)) > 0) {
    for (long i = 0; i < count; i++) hash = fnv(hash, ((u8 *)block)[i]);
  }
  call(SYS_close, ends[0], 0, 0);
  int status = 0;
  call(SYS_waitpid, child, (long)&status, 0);
  if (status != 0) fail(arguments[1]);
  return hash;
}

/* Lines of words, short ones more often than long ones, as text is. */
void prepare_text(void) {
  static int made;
  if (made++) return;
  char *text = pages(TEXT_SIZE, 0), *at = text;
  u32 state = 42, column = 0;
  while (at < text + TEXT_SIZE - 1) {
    u32 random = next_random(&state), word = random & random >> 10 & 1023, letters = 2 + word % 9;
    u32 spelling = word * 2654435761u + 12345;
    for (u32 i = 0; i < letters && at < text + TEXT_SIZE - 1; i++) {
      *at++ = (char)('a' + (spelling >> 27) * 26 / 32);
      spelling = rotate(spelling, 5) * 69069 + 1;
    }
    column += letters + 1;
    if (at < text + TEXT_SIZE - 1) *at++ = column > 60 ? '\n' : ' ';
    if (column > 60) column = 0;
  }
  *at++ = '\n';
  long file = call(SYS_open, (long)"text", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (u32 offset = 0; offset < TEXT_SIZE;) {
    long count = call(SYS_write, file, (long)(text + offset), TEXT_SIZE - (long)offset);
    if (count <= 0) fail("text");
    offset += (u32)count;
  }
  call(SYS_close, file, 0, 0);
  release(text, TEXT_SIZE);
}

u32 sha256(void) {
  char *const arguments[] = {"busybox", "sha256sum", "text", "text", 0};
  return busybox(arguments, "text", HASHED, 0);
}

u32 md5(void) {
  char *const arguments[] = {"busybox", "md5sum", "text", "text", "text", "text", "text", "text", 0};
  return busybox(arguments, "text", HASHED, 0);
}

u32 gzip1(void) {
  char *const arguments[] = {"busybox", "gzip", "-1", "-c", 0};
  return busybox(arguments, "text", TO_FILE, "text.1.gz");
}

u32 check_gzip1(u32 result) {
  (void)result;
  char *const arguments[] = {"busybox", "gunzip", "-c", 0};
  return busybox(arguments, "text.1.gz", HASHED, 0);
}

void prepare_gunzip(void) {
  char *const arguments[] = {"busybox", "gzip", "-c", 0};
  static int made;
  if (made++) return;
  prepare_text();
  busybox(arguments, "text", TO_FILE, "text.gz");
}

u32 gunzip(void) {
  char *const arguments[] = {"busybox", "gunzip", "-c", "text.gz", "text.gz", 0};
  return busybox(arguments, "/dev/null", HASHED, 0);
}

/* Loops, arithmetic, patterns, functions, and a subshell now and then. */
static char SCRIPT[] =
    "mix() { local a=$1 b=$2; eval \"m=\\$(( (a * 31 + b) & 65535 ))\"; }\n"
    "i=0 s=1 m=0 text=\n"
    "while [ $i -lt 3500 ]; do\n"
    "  i=$((i + 1))\n"
    "  case $((i % 7)) in\n"
    "    0) s=$((s + i)) ;;\n"
    "    [1-3]) s=$((s ^ i)) ;;\n"
    "    *) s=$(((s * 17 + i) & 65535)) ;;\n"
    "  esac\n"
    "  mix $s $i\n"
    "  text=${text#????}$m\n"
    "done\n"
    "for word in one two three four five six seven eight; do\n"
    "  for n in 1 2; do text=$text$(echo ${word%e}$n | { read x; echo ${#x}$x; }); done\n"
    "done\n"
    "set -- $text $s $m; IFS=3; for part in $text; do s=$(((s * 31 + ${#part}) & 65535)); done\n"
    "echo $s $m ${#text} \"$text\"\n";

u32 sh(void) {
  char *const arguments[] = {"busybox", "sh", "-c", SCRIPT, 0};
  return busybox(arguments, "/dev/null", HASHED, 0);
}

/* Fields, associative arrays, string functions; sums do not depend on the order of an array. */
static char AWK_PROGRAM[] =
    "NR > 3500 { exit }\n"
    "{ for (i = 1; i <= NF; i++) count[$i]++; bytes += length($0) }\n"
    "NR % 4 == 0 { line = $0; changes += gsub(/[aeiou]+n?/, \"<&>\", line); bytes += length(line) }\n"
    "NR % 8 == 0 { head = toupper(substr($0, 5, 20)); at += index($0, substr(head, 1, 1)) + match($0, /z[a-m]/) }\n"
    "END { for (word in count) { words++; sum += count[word] * length(word) }\n"
    "  for (i = 0; i < 6000; i++) text = substr(text, length(text) > 30 ? 9 : 1) sprintf(\"%d:%x,\", i * i % 977, i)\n"
    "  print words, sum, bytes, changes, at, text }\n";

u32 awk(void) {
  char *const arguments[] = {"busybox", "awk", AWK_PROGRAM, 0};
  return busybox(arguments, "text", HASHED, 0);
}
