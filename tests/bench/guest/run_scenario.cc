#include "tests/bench/guest/run_scenario.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "tests/bench/guest/area_use.h"
#include "tests/bench/progress.h"
#include "tests/vm/tools/area_pages.h"
#include "tests/vm/tools/oom_kills.h"

namespace dmaheap::bench {
namespace {

// Beyond kAttemptDeadline a contender still has to give back and to answer, on a busy machine.
constexpr absl::Duration kPatience = absl::Seconds(40);

// How often a person is told how far it is.
constexpr int kTold = 10;

class Run {
 public:
  Run(const Scenario& scenario, Contenders contenders, FreezeTrace& trace, StormRecord& record)
      : scenario_(scenario), contenders_(contenders), trace_(trace), record_(record) {}

  absl::Status All() {
    StormScenario& about = record_.scenarios.emplace_back();
    about.name = scenario_.name;
    const int64_t oom_kills = OomKills();
    absl::Status status = scenario_.ends_after.has_value() ? Rounds() : ThroughOneTrouble();
    if (!status.ok()) return status;
    about.oom_kills = OomKills() - oom_kills;
    about.free_mib = std::move(free_mib_);
    return absl::OkStatus();
  }

 private:
  absl::Status ThroughOneTrouble() {
    const std::unique_ptr<Trouble> trouble = scenario_.make();
    const auto begun = BeginInCgroup(*trouble);
    if (!begun.ok()) return begun.status();
    Tell(*begun);
    if (absl::Status status = Rounds(); !status.ok()) return status;
    const auto ended = trouble->End();
    if (!ended.ok()) return ended.status();
    Tell(*ended);
    return absl::OkStatus();
  }

  // What it starts is in the cgroup then.
  static absl::StatusOr<std::string> BeginInCgroup(Trouble& trouble) {
    if (absl::Status status = MoveTo(absl::StrCat("/", kStormCgroup)); !status.ok()) return status;
    auto begun = trouble.Begin();
    if (absl::Status status = MoveTo(""); !status.ok()) return status;
    return begun;
  }

  // This process, into a cgroup of that path; empty for the root.
  static absl::Status MoveTo(absl::string_view path) {
    std::ofstream file(absl::StrCat("/sys/fs/cgroup", path, "/cgroup.procs"));
    file << 0 << std::flush;
    if (!file) return absl::UnavailableError(absl::StrCat("can not enter the cgroup ", path));
    return absl::OkStatus();
  }

  absl::Status Rounds() {
    std::vector<size_t> order(contenders_.size());
    std::iota(order.begin(), order.end(), 0);
    // Without a seed of its own: two runs do the same.
    std::minstd_rand random;
    for (int round = 0; round < scenario_.attempts; ++round) {
      if (round % std::max(scenario_.attempts / kTold, 1) == 0) {
        if (absl::Status status = TakeFreezes(); !status.ok()) return status;
        Tell(absl::StrCat("round ", round + 1, " of ", scenario_.attempts));
      }
      // Nobody is always behind the same.
      std::shuffle(order.begin(), order.end(), random);
      for (const size_t i : order) {
        if (absl::Status status = Once(*contenders_[i]); !status.ok()) return status;
      }
    }
    return TakeFreezes();
  }

  // Gives each of the samples since the last call what the trace has of its time. Not after each:
  // to read the trace takes so long that the storm would have the area to itself before each
  // attempt.
  absl::Status TakeFreezes() {
    const auto traced = trace_.Take();
    if (!traced.ok()) return traced.status();
    size_t next = 0;
    for (size_t i = 0; i < begun_.size(); ++i) {
      StormSample& sample = record_.samples[record_.samples.size() - begun_.size() + i];
      const bool last = i + 1 == begun_.size();
      for (; next < traced->size() && (last || (*traced)[next].seconds < begun_[i + 1]); ++next) {
        sample.freezes.push_back((*traced)[next].freeze);
      }
    }
    begun_.clear();
    return absl::OkStatus();
  }

  static double MonotonicSeconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  absl::Status Once(ContenderProcess& contender) {
    if (absl::Status status = WaitUntilFree(kPatience); !status.ok()) return status;
    absl::SleepFor(scenario_.pause);
    std::unique_ptr<Trouble> trouble;
    if (scenario_.ends_after.has_value()) {
      trouble = scenario_.make();
      if (const auto begun = BeginInCgroup(*trouble); !begun.ok()) return begun.status();
    }
    const auto free_bytes = FreeMemoryBytes();
    if (!free_bytes.ok()) return free_bytes.status();
    free_mib_.push_back(static_cast<double>(*free_bytes) / (1 << 20));
    const auto failed_before = FailedTries();
    if (!failed_before.ok()) return failed_before.status();

    const double begun = MonotonicSeconds();
    const auto attempt = Try(contender, trouble.get());
    if (!attempt.ok()) return attempt.status();

    const auto failed = FailedTries();
    if (!failed.ok()) return failed.status();
    record_.samples.push_back({.scenario = scenario_.name,
                               .contender = contender.name(),
                               .success = attempt->success,
                               .ms = attempt->ms,
                               .tries = *failed - *failed_before + (attempt->success ? 1 : 0)});
    begun_.push_back(begun);
    // One line is enough to see why; a bare ioctl fails by the hundred.
    if (!attempt->success && reported_.insert(contender.name()).second) {
      Tell(absl::StrCat(contender.name(), " gave up, and says: ", attempt->error));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Attempt> Try(ContenderProcess& contender, Trouble* trouble) {
    if (absl::Status status = contender.Begin(); !status.ok()) return status;
    if (trouble != nullptr) {
      const auto early = contender.WaitFor(*scenario_.ends_after);
      if (!early.ok()) return early.status();
      if (const auto ended = trouble->End(); !ended.ok()) return ended.status();
      if (early->has_value()) return **early;
    }
    const auto attempt = contender.WaitFor(kPatience);
    if (!attempt.ok()) return attempt.status();
    if (!attempt->has_value()) {
      return absl::DeadlineExceededError(absl::StrCat(contender.name(), " does not come back"));
    }
    return **attempt;
  }

  void Tell(absl::string_view text) const { Say(absl::StrCat(scenario_.name, ": ", text)); }

  const Scenario& scenario_;
  const Contenders contenders_;
  FreezeTrace& trace_;
  StormRecord& record_;
  // When the last samples of the record began, of CLOCK_MONOTONIC; the trace is not read for them
  // yet.
  std::vector<double> begun_;
  std::vector<double> free_mib_;
  std::set<std::string> reported_;
};

}  // namespace

absl::Status RunScenario(const Scenario& scenario, Contenders contenders, FreezeTrace& trace,
                         StormRecord& record) {
  return Run(scenario, contenders, trace, record).All();
}

}  // namespace dmaheap::bench
