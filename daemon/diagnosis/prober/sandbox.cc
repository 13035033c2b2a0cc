#include "daemon/diagnosis/prober/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// The lists, by purpose. A name that an architecture does not have is passed over by libseccomp.
// What all of them may.
constexpr const char* kLookAndAnswer[] = {
    // A socket that is open already: a request comes, datagrams go.
    "recvmsg",
    "sendmsg",
    "poll",
    "ppoll",
    "ppoll_time64",
    // Reading what is below the roots: folders, files, and the targets of fd links. Opening is
    // below,
    // since its flags are checked.
    "getdents64",
    "read",
    "pread64",
    "readlinkat",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "lseek",
    "_llseek",
    "fcntl",
    "fcntl64",
    "close",
    // The log, on standard error.
    "write",
    "writev",
    // The time box: looking at the clock, and an alarm that interrupts a read that sleeps.
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    "setitimer",
    "rt_sigreturn",
    "sigreturn",
    "restart_syscall",
    // The C library, the allocator and the log: memory (mmap and mprotect are below), locks, and
    // who
    // we are.
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "futex",
    "futex_time64",
    "sched_yield",
    "getpid",
    "gettid",
    "rt_sigprocmask",
    "sigaltstack",
    "getrandom",
    // Leaving.
    "exit",
    "exit_group",
};
// Which pages a pipe holds: a copy of them in a pipe of one's own (pipe_touch.h).
constexpr const char* kTouchPipes[] = {
    "pipe2",
    "tee",
};
// Beside what is below: whose child one is, that it has ended, and what fork(3) does in it.
constexpr const char* kMakeScouts[] = {
    "getppid", "wait4", "set_robust_list", "rseq", "seccomp",
};

struct Filter {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Filter>;

absl::Status Failed(int negative_errno, absl::string_view what) {
  return ErrnoStatus(-negative_errno, absl::StrCat("seccomp: ", what));
}

absl::Status AllowByName(scmp_filter_ctx context, absl::Span<const char* const> names) {
  for (const char* name : names) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    const int result = seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
    if (result != 0) return Failed(result, name);
  }
  return absl::OkStatus();
}

// Allows a call if none of bits is set in its argument.
absl::Status AllowWithout(scmp_filter_ctx context, const char* name, unsigned argument,
                          uint64_t bits) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return absl::OkStatus();
  const scmp_arg_cmp none_set = SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, bits, 0);
  const int result = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 1, &none_set);
  if (result != 0) return Failed(result, name);
  return absl::OkStatus();
}

// Allows a call if its argument is this.
absl::Status AllowWith(scmp_filter_ctx context, const char* name, unsigned argument,
                       uint64_t value) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return absl::OkStatus();
  const scmp_arg_cmp same = SCMP_CMP(argument, SCMP_CMP_EQ, value);
  const int result = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 1, &same);
  if (result != 0) return Failed(result, name);
  return absl::OkStatus();
}

absl::Status AllowReadingOnly(scmp_filter_ctx context) {
  // Opening for anything but reading. openat2 is not allowed: its flags are behind a pointer, which
  // a filter can not see.
  constexpr uint64_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  if (absl::Status status = AllowWithout(context, "openat", 2, kWriting); !status.ok()) {
    return status;
  }
  if (absl::Status status = AllowWithout(context, "open", 1, kWriting); !status.ok()) {
    return status;
  }
  // Memory, but no code.
  for (const char* name : {"mmap", "mmap2", "mprotect"}) {
    absl::Status status = AllowWithout(context, name, 2, PROT_EXEC);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AllowScouts(scmp_filter_ctx context) {
  // fork(3), and no other kind of child: the flags are the first argument on every architecture
  // that Android or Debian 12 runs on but s390.
  constexpr uint64_t kForked = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
  if (absl::Status status = AllowWith(context, "clone", 0, kForked); !status.ok()) return status;
  if (absl::Status status = AllowWith(context, "kill", 1, SIGKILL); !status.ok()) return status;
  if (absl::Status status = AllowWith(context, "socketpair", 0, AF_UNIX); !status.ok()) {
    return status;
  }
  for (const int option : {PR_SET_NAME, PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP}) {
    absl::Status status = AllowWith(context, "prctl", 0, static_cast<uint64_t>(option));
    if (!status.ok()) return status;
  }
  return AllowByName(context, kMakeScouts);
}

enum class Part { kProber, kScout, kZygote };

absl::Status Enter(Part part) {
  const Context context(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (context == nullptr) return ErrnoStatus(ENOMEM, "seccomp_init");
  // A call by the number of another architecture (32-bit on 64-bit) is as bad as any other.
  int result = seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (result != 0) return Failed(result, "SCMP_FLTATR_ACT_BADARCH");
  absl::Status status = AllowByName(context.get(), kLookAndAnswer);
  if (status.ok()) status = AllowReadingOnly(context.get());
  if (status.ok() && part != Part::kProber) status = AllowByName(context.get(), kTouchPipes);
  if (status.ok() && part == Part::kZygote) status = AllowScouts(context.get());
  if (!status.ok()) return status;
  result = seccomp_load(context.get());
  if (result != 0) return Failed(result, "loading the filter");
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterProberSandbox() { return Enter(Part::kProber); }
absl::Status EnterScoutSandbox() { return Enter(Part::kScout); }
absl::Status EnterZygoteSandbox() { return Enter(Part::kZygote); }

bool IsWithoutSeccomp(const absl::Status& sandbox) {
  const int error = GetErrno(sandbox);
  return error == EINVAL || error == ENOSYS;
}

}  // namespace dmaheap
