#include "tests/bench/guest/run_scenario.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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
  Run(const Scenario& scenario, Contenders contenders, StormRecord& record)
      : scenario_(scenario), contenders_(contenders), record_(record) {}

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
    const auto begun = trouble->Begin();
    if (!begun.ok()) return begun.status();
    Tell(*begun);
    if (absl::Status status = Rounds(); !status.ok()) return status;
    const auto ended = trouble->End();
    if (!ended.ok()) return ended.status();
    Tell(*ended);
    return absl::OkStatus();
  }

  absl::Status Rounds() {
    std::vector<size_t> order(contenders_.size());
    std::iota(order.begin(), order.end(), 0);
    // Without a seed of its own: two runs do the same.
    std::minstd_rand random;
    for (int round = 0; round < scenario_.attempts; ++round) {
      if (round % std::max(scenario_.attempts / kTold, 1) == 0) {
        Tell(absl::StrCat("round ", round + 1, " of ", scenario_.attempts));
      }
      // Nobody is always behind the same.
      std::shuffle(order.begin(), order.end(), random);
      for (const size_t i : order) {
        if (absl::Status status = Once(*contenders_[i]); !status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Once(ContenderProcess& contender) {
    if (absl::Status status = WaitUntilFree(kPatience); !status.ok()) return status;
    std::unique_ptr<Trouble> trouble;
    if (scenario_.ends_after.has_value()) {
      trouble = scenario_.make();
      if (const auto begun = trouble->Begin(); !begun.ok()) return begun.status();
    }
    const auto free_bytes = FreeMemoryBytes();
    if (!free_bytes.ok()) return free_bytes.status();
    free_mib_.push_back(static_cast<double>(*free_bytes) / (1 << 20));
    const auto failed_before = FailedTries();
    if (!failed_before.ok()) return failed_before.status();

    const auto attempt = Try(contender, trouble.get());
    if (!attempt.ok()) return attempt.status();

    const auto failed = FailedTries();
    if (!failed.ok()) return failed.status();
    record_.samples.push_back({.scenario = scenario_.name,
                               .contender = contender.name(),
                               .success = attempt->success,
                               .ms = attempt->ms,
                               .tries = *failed - *failed_before + (attempt->success ? 1 : 0)});
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
  StormRecord& record_;
  std::vector<double> free_mib_;
  std::set<std::string> reported_;
};

}  // namespace

absl::Status RunScenario(const Scenario& scenario, Contenders contenders, StormRecord& record) {
  return Run(scenario, contenders, record).All();
}

}  // namespace dmaheap::bench
