#include "tests/vm/tools/process_storm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/memory_hold.h"
#include "tests/vm/tools/oom_kills.h"

namespace dmaheap {
namespace {

constexpr size_t kPageBytes = 4096;

// What all processes of a storm share.
struct Tally {
  std::atomic<int> ready;
  std::atomic<int64_t> rounds;
  std::atomic<int64_t> failures;
};

// Ends the program with one second's memory and none of its own; busybox is there.
constexpr char kProgram[] = "/bin/busybox";

// In a process of the storm: gone with the storm, and the first to go when memory ends.
void BecomeVictim() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "storm");
  const UniqueFd score(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (write(score.get(), "1000", 4) != 4) _exit(1);
}

// Anonymous memory with its pages there; null if there is none.
uint8_t* TouchMemory(size_t size_bytes) {
  void* start =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  uint8_t* bytes = static_cast<uint8_t*>(start);
  for (size_t at = 0; at < size_bytes; at += kPageBytes) bytes[at] = 1;
  return bytes;
}

// Runs child in a new process and waits for its end.
template <typename Child>
void Round(Tally& tally, Child child) {
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(0);
  }
  if (pid < 0) {
    ++tally.failures;
    return;
  }
  waitpid(pid, nullptr, 0);
  ++tally.rounds;
}

[[noreturn]] void ForkForEver(size_t size_bytes, Tally& tally) {
  BecomeVictim();
  if (TouchMemory(size_bytes) == nullptr) _exit(1);
  ++tally.ready;
  while (true) {
    Round(tally, [] {
      const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
      dup2(null.get(), STDOUT_FILENO);
      execl(kProgram, "true", nullptr);
    });
  }
}

[[noreturn]] void ExitForEver(size_t size_bytes, Tally& tally) {
  BecomeVictim();
  ++tally.ready;
  while (true) {
    Round(tally, [size_bytes] {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      TouchMemory(size_bytes);
    });
  }
}

using Process = void (*)(size_t, Tally&);

class ProcessStorm final : public Trouble {
 public:
  ProcessStorm(const Settings& settings, Process process, std::string cause)
      : processes_(static_cast<int>(settings.at("processes"))),
        process_bytes_(settings.at("mib") << 20),
        hold_((settings.at("leave_mib") << 20) + processes_ * process_bytes_),
        process_(process),
        cause_(std::move(cause)) {}
  ~ProcessStorm() override {
    if (!pids_.empty()) End().IgnoreError();
  }

  TroubleLabel label() const override { return {"PINNED_TRANSIENT", cause_}; }

  absl::StatusOr<std::string> Begin() override {
    oom_kills_ = OomKills();
    absl::StatusOr<std::string> held = hold_.Begin();
    if (!held.ok()) return held.status();
    void* shared =
        mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return ErrnoStatus(errno, "mmap");
    shared_ = Mapping(shared, sizeof(Tally));
    for (int i = 0; i < processes_; ++i) {
      const pid_t pid = fork();
      if (pid < 0) return ErrnoStatus(errno, "fork");
      if (pid == 0) process_(static_cast<size_t>(process_bytes_), tally());
      pids_.push_back(pid);
    }
    // Until all are at it: a yield at a time, as there is nothing to wait on in shared memory that
    // would not need a lock.
    while (tally().ready < processes_ || tally().rounds < processes_) {
      if (waitpid(-1, nullptr, WNOHANG) > 0) return absl::InternalError("a process ended");
      sched_yield();
    }
    return absl::StrCat(*held, " processes=", processes_, " mib=", process_bytes_ >> 20);
  }

  absl::StatusOr<std::string> End() override {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
    pids_.clear();
    absl::StatusOr<std::string> let_go = hold_.End();
    if (!let_go.ok()) return let_go.status();
    return absl::StrCat("rounds=", tally().rounds.load(), " failures=", tally().failures.load(),
                        " oom_kills=", OomKills() - oom_kills_);
  }

 private:
  Tally& tally() const { return *reinterpret_cast<Tally*>(shared_.start()); }

  const int processes_;
  const int64_t process_bytes_;
  MemoryHold hold_;
  const Process process_;
  const std::string cause_;
  int64_t oom_kills_ = 0;
  Mapping shared_;
  std::vector<pid_t> pids_;
};

}  // namespace

Settings ForkStormDefaults() { return {{"processes", 4}, {"mib", 24}, {"leave_mib", 74}}; }
Settings ExitStormDefaults() { return {{"processes", 8}, {"mib", 12}, {"leave_mib", 74}}; }

std::unique_ptr<Trouble> MakeForkStorm(const Settings& settings) {
  return std::make_unique<ProcessStorm>(settings, &ForkForEver, "FORK_COPY");
}

std::unique_ptr<Trouble> MakeExitStorm(const Settings& settings) {
  return std::make_unique<ProcessStorm>(settings, &ExitForEver, "EXIT_UNMAP");
}

}  // namespace dmaheap
