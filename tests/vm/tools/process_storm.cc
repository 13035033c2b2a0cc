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

// In the processes of a storm; above the standard streams.
constexpr int kAliveFd = 3;

// What all processes of a storm share.
struct Tally {
  std::atomic<int> ready;
  std::atomic<int64_t> rounds;
  std::atomic<int64_t> failures;
};

// What a process of a storm is told.
struct Orders {
  size_t size_bytes;
  size_t rewrite_bytes;
  // Held open by every process of the storm until after its memory is gone.
  int alive;
};

// In a process of the storm: gone with the storm, and the first to go when memory ends. It keeps no
// file of its parent's open, as its children would still hold the buffers of MemoryHold.
void BecomeVictim(const Orders& orders) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(orders.alive, kAliveFd);
  close_range(kAliveFd + 1, ~0u, 0);
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

// Runs child in a new process, parent meanwhile in this one, and waits for the child's end.
template <typename Child, typename Parent>
void Round(Tally& tally, Child child, Parent parent) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child();
    _exit(0);
  }
  if (pid < 0) {
    ++tally.failures;
    return;
  }
  parent();
  waitpid(pid, nullptr, 0);
  ++tally.rounds;
}

// The parent writes to its memory as it forks. What the child still shares is copied then, to new
// pages, which come to lie in the area: without that, all of the storm's memory would have moved
// out of it for good after the first allocation.
[[noreturn]] void ForkForEver(const Orders& orders, Tally& tally) {
  BecomeVictim(orders);
  uint8_t* const memory = TouchMemory(orders.size_bytes);
  if (memory == nullptr) _exit(1);
  ++tally.ready;
  size_t at = 0;
  while (true) {
    Round(
        tally, [] {},
        [&] {
          for (size_t done = 0; done < orders.rewrite_bytes; done += kPageBytes) {
            memory[at] = 1;
            at = (at + kPageBytes) % orders.size_bytes;
          }
        });
  }
}

[[noreturn]] void ExitForEver(const Orders& orders, Tally& tally) {
  BecomeVictim(orders);
  ++tally.ready;
  while (true) {
    Round(
        tally, [&] { TouchMemory(orders.size_bytes); }, [] {});
  }
}

using Process = void (*)(const Orders&, Tally&);

class ProcessStorm final : public Trouble {
 public:
  ProcessStorm(const Settings& settings, Process process, std::string cause)
      : processes_(static_cast<int>(settings.at("processes"))),
        process_bytes_(settings.at("mib") << 20),
        rewrite_bytes_(settings.at("rewrite_kib") << 10),
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
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
    all_gone_.Reset(ends[0]);
    const UniqueFd alive(ends[1]);
    const Orders orders = {.size_bytes = static_cast<size_t>(process_bytes_),
                           .rewrite_bytes = static_cast<size_t>(rewrite_bytes_),
                           .alive = alive.get()};
    for (int i = 0; i < processes_; ++i) {
      const pid_t pid = fork();
      if (pid < 0) return ErrnoStatus(errno, "fork");
      if (pid == 0) process_(orders, tally());
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
    // Their children too, which are nobody's to wait for now: the end of the pipe.
    char byte;
    while (read(all_gone_.get(), &byte, 1) < 0 && errno == EINTR) {
    }
    absl::StatusOr<std::string> let_go = hold_.End();
    if (!let_go.ok()) return let_go.status();
    return absl::StrCat("rounds=", tally().rounds.load(), " failures=", tally().failures.load(),
                        " oom_kills=", OomKills() - oom_kills_);
  }

 private:
  Tally& tally() const { return *reinterpret_cast<Tally*>(shared_.start()); }

  const int processes_;
  const int64_t process_bytes_;
  const int64_t rewrite_bytes_;
  MemoryHold hold_;
  const Process process_;
  const std::string cause_;
  int64_t oom_kills_ = 0;
  Mapping shared_;
  UniqueFd all_gone_;
  std::vector<pid_t> pids_;
};

}  // namespace

Settings ForkStormDefaults() {
  return {{"processes", 4}, {"mib", 24}, {"leave_mib", 78}, {"rewrite_kib", 512}};
}
Settings ExitStormDefaults() {
  return {{"processes", 8}, {"mib", 12}, {"leave_mib", 74}, {"rewrite_kib", 0}};
}

std::unique_ptr<Trouble> MakeForkStorm(const Settings& settings) {
  return std::make_unique<ProcessStorm>(settings, &ForkForEver, "FORK_COPY");
}

std::unique_ptr<Trouble> MakeExitStorm(const Settings& settings) {
  return std::make_unique<ProcessStorm>(settings, &ExitForEver, "EXIT_UNMAP");
}

}  // namespace dmaheap
