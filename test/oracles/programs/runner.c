// Runs the programs of a file in a process of its own, one instruction at a time under ptrace; see cases.ts.
//
// gcc -O2 runner.c -o runner; ./runner CASES OUT CODE DATA STACK, the last three addresses in hexadecimal: where a
// case's code, its data and the lowest of its stack words stand.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { data_words = 8, stack_words = 32, code_bytes = 256, most_steps = 400 };

struct in {
  uint64_t rip, end, flags, registers[16], data[data_words], stack[stack_words];
  uint8_t code[code_bytes];
};
struct out {
  uint64_t ended, flags, registers[16], data[data_words], stack[stack_words];
};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void *map(uint64_t at) {
  uint64_t page = at & ~4095ul;
  void *p = mmap((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != (void *)page) fail("mmap");
  return (void *)at;
}

// The manual's numbers.
static unsigned long long *at(struct user_regs_struct *u, int r) {
  switch (r) {
    case 0: return &u->rax;
    case 1: return &u->rcx;
    case 2: return &u->rdx;
    case 3: return &u->rbx;
    case 4: return &u->rsp;
    case 5: return &u->rbp;
    case 6: return &u->rsi;
    case 7: return &u->rdi;
    case 8: return &u->r8;
    case 9: return &u->r9;
    case 10: return &u->r10;
    case 11: return &u->r11;
    case 12: return &u->r12;
    case 13: return &u->r13;
    case 14: return &u->r14;
    default: return &u->r15;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (!in || !out) fail("fopen");
  uint8_t *code = map(strtoull(argv[3], 0, 16));
  uint64_t *data = map(strtoull(argv[4], 0, 16));
  uint64_t *stack = map(strtoull(argv[5], 0, 16));

  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    // What goes wrong there must not go on for ever, nor write anything.
    struct rlimit seconds = {600, 600}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_CORE, &none);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) fail("waitpid");
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL);
  struct user_regs_struct first;
  if (ptrace(PTRACE_GETREGS, child, 0, &first)) fail("PTRACE_GETREGS");

  struct in c;
  while (fread(&c, sizeof c, 1, in) == 1) {
    memcpy(code, c.code, code_bytes);
    memcpy(data, c.data, sizeof c.data);
    memcpy(stack, c.stack, sizeof c.stack);
    struct user_regs_struct u = first;
    // No system call is to be begun again.
    u.orig_rax = -1;
    u.rip = c.rip;
    u.eflags = c.flags;
    for (int r = 0; r < 16; r++) *at(&u, r) = c.registers[r];
    if (ptrace(PTRACE_SETREGS, child, 0, &u)) fail("PTRACE_SETREGS");
    struct out o = {0};
    for (int n = 0; u.rip != c.end; n++) {
      if (n == most_steps) {
        o.ended = 1000;
        break;
      }
      if (ptrace(PTRACE_SINGLESTEP, child, 0, 0)) fail("PTRACE_SINGLESTEP");
      if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) fail("waitpid");
      if (ptrace(PTRACE_GETREGS, child, 0, &u)) fail("PTRACE_GETREGS");
      if (WSTOPSIG(status) != SIGTRAP) {
        o.ended = WSTOPSIG(status);
        break;
      }
    }
    o.flags = u.eflags;
    for (int r = 0; r < 16; r++) o.registers[r] = *at(&u, r);
    memcpy(o.data, data, sizeof o.data);
    memcpy(o.stack, stack, sizeof o.stack);
    if (fwrite(&o, sizeof o, 1, out) != 1) fail("fwrite");
  }
  kill(child, SIGKILL);
  return fclose(out) ? 1 : 0;
}
