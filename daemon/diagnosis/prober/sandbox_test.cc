#include "daemon/diagnosis/prober/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "daemon/log.h"
#include "gtest/gtest.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

constexpr int kNoSandbox = 99;

// Does something inside a sandbox, in a process of its own; the signal that killed it, 0 if none
// did.
int SignalFrom(const std::function<void()>& act, absl::Status (*enter)() = &EnterProberSandbox) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!enter().ok()) _exit(kNoSandbox);
    act();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(SandboxTest, LetsTheProberDoItsWork) {
  ASSERT_TRUE(InitLog("info", "prober").ok());
  spdlog::info("event=before");
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);

  EXPECT_EQ(SignalFrom([&] {
              const int file = openat(AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
              char bytes[256];
              if (read(file, bytes, sizeof(bytes)) <= 0) _exit(1);
              DIR* folder = fdopendir(open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
              while (readdir(folder) != nullptr) {
              }
              closedir(folder);
              if (readlinkat(AT_FDCWD, "/proc/self/exe", bytes, sizeof(bytes)) <= 0) _exit(2);
              iovec part = {.iov_base = bytes, .iov_len = 1};
              msghdr message = {};
              message.msg_iov = &part;
              message.msg_iovlen = 1;
              if (sendmsg(ends[0], &message, MSG_NOSIGNAL) != 1) _exit(3);
              if (recvmsg(ends[1], &message, 0) != 1) _exit(4);
              // More than malloc has at hand.
              void* block = malloc(10 << 20);
              if (block == nullptr) _exit(5);
              free(block);
              spdlog::info("event=inside");
            }),
            0);
  close(ends[0]);
  close(ends[1]);
}

TEST(SandboxTest, KillsForWritingAFile) {
  EXPECT_EQ(SignalFrom([] { (void)!openat(AT_FDCWD, "/tmp/x", O_WRONLY); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { (void)!openat(AT_FDCWD, "/tmp/x", O_RDWR); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { (void)!openat(AT_FDCWD, "/tmp/x", O_RDONLY | O_CREAT, 0600); }),
            SIGSYS);
  EXPECT_EQ(SignalFrom([] { unlinkat(AT_FDCWD, "/tmp/x", 0); }), SIGSYS);
}

TEST(SandboxTest, KillsForANewProcessOrProgram) {
  EXPECT_EQ(SignalFrom([] { syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { execl("/bin/true", "true", nullptr); }), SIGSYS);
}

TEST(SandboxTest, KillsForASocketASignalOrATrace) {
  EXPECT_EQ(SignalFrom([] { socket(AF_INET, SOCK_STREAM, 0); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { send(0, "x", 1, 0); }), SIGSYS) << "sendto(2) can name an address";
  EXPECT_EQ(SignalFrom([] { kill(getppid(), 0); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { syscall(SYS_ptrace, 0, 0, 0, 0); }), SIGSYS);
  EXPECT_EQ(SignalFrom([] { syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }), SIGSYS);
}

TEST(SandboxTest, KillsForCodeInMemory) {
  EXPECT_EQ(SignalFrom([] {
              syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
            }),
            SIGSYS);
}

TEST(SandboxTest, KillsForAPipe) {
  EXPECT_EQ(SignalFrom([] {
              int ends[2];
              (void)!pipe2(ends, O_CLOEXEC);
            }),
            SIGSYS);
  EXPECT_EQ(SignalFrom([] { tee(0, 1, 1, SPLICE_F_NONBLOCK); }), SIGSYS);
}

TEST(SandboxTest, LetsAScoutCopyAPipe) {
  EXPECT_EQ(SignalFrom(
                [] {
                  int from[2];
                  int to[2];
                  if (pipe2(from, O_CLOEXEC) != 0 || pipe2(to, O_CLOEXEC) != 0) _exit(1);
                  if (write(from[1], "x", 1) != 1) _exit(2);
                  if (tee(from[0], to[1], 1, SPLICE_F_NONBLOCK) != 1) _exit(3);
                },
                &EnterScoutSandbox),
            0);
}

TEST(SandboxTest, KillsAScoutForWhatItsZygoteMay) {
  EXPECT_EQ(SignalFrom([] { (void)!fork(); }, &EnterScoutSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { kill(getppid(), SIGKILL); }, &EnterScoutSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom(
                [] {
                  int ends[2];
                  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
                },
                &EnterScoutSandbox),
            SIGSYS);
  EXPECT_EQ(SignalFrom([] { (void)!openat(AT_FDCWD, "/tmp/x", O_WRONLY); }, &EnterScoutSandbox),
            SIGSYS);
}

TEST(SandboxTest, LetsTheZygoteForkAScoutAndEndIt) {
  EXPECT_EQ(SignalFrom(
                [] {
                  int ends[2];
                  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) _exit(1);
                  const pid_t child = fork();
                  if (child == 0) {
                    if (!EnterScoutSandbox().ok()) _exit(2);
                    // Until it is killed.
                    while (true) poll(nullptr, 0, /*timeout=*/-1);
                  }
                  if (child < 0 || kill(child, SIGKILL) != 0) _exit(3);
                  int status = 0;
                  if (waitpid(child, &status, 0) != child) _exit(4);
                  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) _exit(5);
                },
                &EnterZygoteSandbox),
            0);
}

TEST(SandboxTest, KillsTheZygoteForAnythingElse) {
  for (const unsigned long flags : {CLONE_NEWUSER | SIGCHLD, CLONE_NEWNS | SIGCHLD,
                                    CLONE_PARENT | SIGCHLD, CLONE_UNTRACED | SIGCHLD}) {
    EXPECT_EQ(SignalFrom([flags] { syscall(SYS_clone, flags, 0, 0, 0, 0); }, &EnterZygoteSandbox),
              SIGSYS)
        << flags;
  }
  EXPECT_EQ(SignalFrom([] { execl("/bin/true", "true", nullptr); }, &EnterZygoteSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { kill(getppid(), SIGTERM); }, &EnterZygoteSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { socket(AF_UNIX, SOCK_STREAM, 0); }, &EnterZygoteSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { prctl(PR_SET_DUMPABLE, 1); }, &EnterZygoteSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { syscall(SYS_ptrace, 0, 0, 0, 0); }, &EnterZygoteSandbox), SIGSYS);
  EXPECT_EQ(SignalFrom([] { (void)!openat(AT_FDCWD, "/tmp/x", O_WRONLY); }, &EnterZygoteSandbox),
            SIGSYS);
}

}  // namespace
}  // namespace dmaheap
