#include "tests/bench/run_folder.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "tests/bench/command_line.h"
#include "tests/bench/progress.h"

namespace dmaheap::bench {
namespace {

void Remove(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Create(absl::Duration limit) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  UniqueFd signals(signalfd(-1, &ends, SFD_CLOEXEC));
  if (!signals.valid()) return ErrnoStatus(errno, "signalfd");
  UniqueFd done(eventfd(0, EFD_CLOEXEC));
  if (!done.valid()) return ErrnoStatus(errno, "eventfd");
  char path[] = "/tmp/dmaheap-bench-XXXXXX";
  if (mkdtemp(path) == nullptr) return ErrnoStatus(errno, "mkdtemp");
  // Clients of other users find the sockets in it.
  if (chmod(path, 0755) != 0) return ErrnoStatus(errno, "chmod");
  std::unique_ptr<RunFolder> folder(new RunFolder(path, std::move(signals), std::move(done)));
  folder->guard_ = std::thread([guarded = folder.get(), limit] { guarded->Guard(limit); });
  return folder;
}

RunFolder::RunFolder(std::string path, UniqueFd signals, UniqueFd done)
    : path_(std::move(path)), signals_(std::move(signals)), done_(std::move(done)) {}

RunFolder::~RunFolder() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(done_.get(), &one, sizeof(one));
  if (guard_.joinable()) guard_.join();
  Remove(path_);
}

std::string RunFolder::Below(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

void RunFolder::Guard(absl::Duration limit) {
  pollfd entries[] = {{.fd = done_.get(), .events = POLLIN, .revents = 0},
                      {.fd = signals_.get(), .events = POLLIN, .revents = 0}};
  const int ready = poll(entries, 2, static_cast<int>(absl::ToInt64Milliseconds(limit)));
  if (entries[0].revents != 0) return;
  signalfd_siginfo signal = {};
  const bool signalled =
      ready > 0 && read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal);
  Say(signalled ? "interrupted"
                : absl::StrCat("ended, as it is not done after ", absl::FormatDuration(limit)));
  Remove(path_);
  // Without destructors: other threads are in the middle of something. Children end with us.
  _exit(signalled ? 128 + static_cast<int>(signal.ssi_signo) : kExitFailed);
}

}  // namespace dmaheap::bench
