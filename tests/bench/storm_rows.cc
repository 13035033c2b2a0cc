#include "tests/bench/storm_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "tests/bench/bootstrap.h"
#include "tests/bench/distribution.h"

namespace dmaheap::bench {
namespace {

// Who must lose no attempt, in no scenario.
constexpr absl::string_view kNeverLose[] = {"dmaheapd", "dmaheapd_barrier"};
// What they are measured by, in the fork storm.
constexpr absl::string_view kBounded = "fork_storm";
constexpr absl::string_view kNaive = "naive_1ms";
constexpr absl::string_view kKernel = "kernel_5x100ms";
constexpr double kMeanOfNaive = 1.1;
constexpr double kP99OfKernel = 0.5;

// A pin that ends after 2 s: what was waited for it has to end soon after it, and with few tries.
constexpr absl::string_view kLongPin = "long_pin_2s";
constexpr double kLongPinMs = 2000;
constexpr double kAfterTheReleaseMs = 100;
constexpr double kTriesOfALongPin = 14;

// Where contenders differ by the length of their barrier, in ms: box_LENGTH.
constexpr absl::string_view kBarrier = "barrier";
constexpr absl::string_view kBoxPrefix = "box_";
// So much later than its box a cgroup goes on at the latest.
constexpr double kLateMs = 10;

// Of one contender in one scenario.
struct Outcomes {
  size_t attempts = 0;
  std::vector<double> success_ms;
  // Of these, where the first try failed.
  std::vector<double> retried_ms;
  // Until success or until it gave up.
  std::vector<double> answer_ms;
  int64_t tries = 0;
  int64_t most_tries = 0;
  std::vector<double> frozen_ms;
  size_t cured = 0;

  double success_ratio() const {
    return static_cast<double>(success_ms.size()) / static_cast<double>(attempts);
  }
};

Outcomes OutcomesOf(const StormRecord& record, absl::string_view scenario,
                    absl::string_view contender) {
  Outcomes outcomes;
  for (const StormSample& sample : record.samples) {
    if (sample.scenario != scenario || sample.contender != contender) continue;
    ++outcomes.attempts;
    outcomes.tries += sample.tries;
    outcomes.most_tries = std::max<int64_t>(outcomes.most_tries, sample.tries);
    outcomes.answer_ms.push_back(sample.ms);
    for (const Freeze& freeze : sample.freezes) {
      outcomes.frozen_ms.push_back(freeze.ms);
      if (freeze.cured) ++outcomes.cured;
    }
    if (!sample.success) continue;
    outcomes.success_ms.push_back(sample.ms);
    if (sample.tries > 1) outcomes.retried_ms.push_back(sample.ms);
  }
  return outcomes;
}

bool NeverLoses(absl::string_view contender) {
  return std::find(std::begin(kNeverLose), std::end(kNeverLose), contender) != std::end(kNeverLose);
}

Row TimeRow(std::string name, const absl::optional<Distribution>& times,
            double Distribution::*member) {
  absl::optional<double> value;
  if (times.has_value()) value = (*times).*member;
  return {std::move(name), value, "ms", absl::nullopt};
}

void AddRows(const std::string& prefix, const Outcomes& outcomes, std::vector<Row>& rows) {
  rows.push_back({prefix + "success_ratio", outcomes.success_ratio(), "ratio", absl::nullopt});
  const auto times = Describe(outcomes.success_ms);
  rows.push_back(TimeRow(prefix + "mean_ms", times, &Distribution::mean));
  rows.push_back(TimeRow(prefix + "p50_ms", times, &Distribution::p50));
  rows.push_back(TimeRow(prefix + "p99_ms", times, &Distribution::p99));
  rows.push_back(TimeRow(prefix + "max_ms", times, &Distribution::max));
  rows.push_back({prefix + "attempts_mean",
                  static_cast<double>(outcomes.tries) / static_cast<double>(outcomes.attempts),
                  "tries", absl::nullopt});
  rows.push_back(
      {prefix + "attempts_max", static_cast<double>(outcomes.most_tries), "tries", absl::nullopt});
}

void AddComparison(const std::string& name, const absl::optional<Interval>& interval,
                   std::vector<Row>& rows) {
  absl::optional<double> ratio, low, high;
  if (interval.has_value()) {
    ratio = interval->ratio;
    low = interval->low;
    high = interval->high;
  }
  rows.push_back({name, ratio, "ratio",
                  Bound{Bound::Side::kAtMost, kMeanOfNaive, absl::StrCat("the mean of ", kNaive)}});
  rows.push_back({name + "_low", low, "ratio", absl::nullopt});
  rows.push_back({name + "_high", high, "ratio", absl::nullopt});
}

// Rows of a scenario in which retrying is compared.
void AddContest(const StormRecord& record, const std::string& scenario, std::vector<Row>& rows) {
  const Outcomes naive = OutcomesOf(record, scenario, kNaive);
  const auto kernel = Describe(OutcomesOf(record, scenario, kKernel).answer_ms);
  for (const std::string& contender : record.contenders) {
    const Outcomes outcomes = OutcomesOf(record, scenario, contender);
    if (outcomes.attempts == 0) continue;
    const std::string prefix = absl::StrCat(scenario, ".", contender, ".");
    const size_t first = rows.size();
    AddRows(prefix, outcomes, rows);
    if (!NeverLoses(contender)) continue;
    const auto bound = [&](absl::string_view row, Bound to) {
      for (size_t i = first; i < rows.size(); ++i) {
        if (rows[i].name == absl::StrCat(prefix, row)) rows[i].bound = to;
      }
    };
    bound("success_ratio", {Bound::Side::kAtLeast, 1, ""});
    if (scenario == kLongPin) {
      bound("max_ms", {Bound::Side::kAtMost, kLongPinMs + kAfterTheReleaseMs,
                       absl::StrCat(kAfterTheReleaseMs, " ms after the release")});
      bound("attempts_max", {Bound::Side::kAtMost, kTriesOfALongPin, ""});
    }
    if (scenario != kBounded) continue;
    if (kernel.has_value()) {
      bound("p99_ms", {Bound::Side::kAtMost, kP99OfKernel * kernel->p99,
                       absl::StrCat(kP99OfKernel, " x what ", kKernel, " takes to answer")});
    }
    AddComparison(prefix + "mean_of_naive", RatioOfMeans(outcomes.success_ms, naive.success_ms),
                  rows);
    AddComparison(prefix + "retried_mean_of_naive",
                  RatioOfMeans(outcomes.retried_ms, naive.retried_ms), rows);
  }
}

void AddBoxes(const StormRecord& record, std::vector<Row>& rows) {
  for (const std::string& contender : record.contenders) {
    const Outcomes outcomes = OutcomesOf(record, kBarrier, contender);
    if (outcomes.attempts == 0) continue;
    const std::string prefix = absl::StrCat(kBarrier, ".", contender, ".");
    const auto frozen = Describe(outcomes.frozen_ms);
    absl::optional<double> barriers;
    absl::optional<double> cure_ratio;
    if (frozen.has_value()) {
      barriers = static_cast<double>(frozen->count);
      cure_ratio = static_cast<double>(outcomes.cured) / *barriers;
    }
    rows.push_back({prefix + "barriers", barriers, "barriers", absl::nullopt});
    rows.push_back({prefix + "cure_ratio", cure_ratio, "ratio", absl::nullopt});
    rows.push_back(TimeRow(prefix + "frozen_p50_ms", frozen, &Distribution::p50));
    rows.push_back(TimeRow(prefix + "frozen_p99_ms", frozen, &Distribution::p99));
    rows.push_back(TimeRow(prefix + "frozen_max_ms", frozen, &Distribution::max));
    double box_ms = 0;
    if (!absl::SimpleAtod(absl::StripPrefix(contender, kBoxPrefix), &box_ms)) continue;
    rows[rows.size() - 2].bound = Bound{Bound::Side::kAtMost, box_ms, "its box"};
    rows[rows.size() - 1].bound =
        Bound{Bound::Side::kAtMost, box_ms + kLateMs, absl::StrCat("its box and ", kLateMs, " ms")};
  }
}

std::string MemoryOf(const StormScenario& scenario) {
  const auto free_mib = Describe(scenario.free_mib);
  if (!free_mib.has_value()) return "nobody looked how much memory was free";
  const double least = *std::min_element(scenario.free_mib.begin(), scenario.free_mib.end());
  return absl::StrFormat("%.0f MiB of memory were free (%.0f to %.0f)", free_mib->p50, least,
                         free_mib->max);
}

}  // namespace

absl::Status CheckStorm(const StormRecord& record) {
  for (const StormScenario& scenario : record.scenarios) {
    if (scenario.oom_kills == 0) continue;
    return absl::FailedPreconditionError(absl::StrCat("the run is void: under ", scenario.name,
                                                      " memory ended, and the OOM killer "
                                                      "acted ",
                                                      scenario.oom_kills, " times; ",
                                                      MemoryOf(scenario)));
  }
  const bool has_fork_storm =
      std::any_of(record.scenarios.begin(), record.scenarios.end(),
                  [](const StormScenario& scenario) { return scenario.name == kBounded; });
  // Another part was measured alone.
  if (!has_fork_storm && !record.scenarios.empty()) return absl::OkStatus();
  const Outcomes direct = OutcomesOf(record, kBounded, "direct");
  const size_t failed = direct.attempts - direct.success_ms.size();
  if (direct.attempts == 0 ||
      static_cast<double>(failed) < kStormFailsAtLeast * static_cast<double>(direct.attempts)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the run is void: its fork storm was too weak, as the bare ioctl failed in ", failed,
        " of ", direct.attempts, " attempts only, and at least a quarter are needed",
        record.scenarios.empty() ? "" : "; " + MemoryOf(record.scenarios[0])));
  }
  return absl::OkStatus();
}

std::vector<Row> StormRows(const StormRecord& record) {
  std::vector<Row> rows;
  for (const StormScenario& scenario : record.scenarios) {
    if (scenario.oom_kills > 0) continue;
    if (scenario.name == kBarrier) {
      AddBoxes(record, rows);
    } else {
      AddContest(record, scenario.name, rows);
    }
  }
  return rows;
}

std::vector<std::string> StormNotes(const StormRecord& record) {
  std::vector<std::string> notes = {
      "Times are of the attempts that succeeded; attempts_mean and _max are how often the kernel",
      "was asked, by its own count, and are of all. *_of_naive: the mean beside that of naive_1ms, "
      "of all and",
      "of those whose first try failed, with the ends of its 95 % bootstrap interval. Frozen times",
      "are by the kernel's trace. It is an emulated machine: compare rows, not machines."};
  for (const StormScenario& scenario : record.scenarios) {
    std::string line = absl::StrCat("  ", scenario.name, ": ");
    for (const std::string& contender : record.contenders) {
      const Outcomes outcomes = OutcomesOf(record, scenario.name, contender);
      if (outcomes.attempts == 0) continue;
      absl::StrAppend(&line, contender, " ", outcomes.success_ms.size(), " of ", outcomes.attempts);
      if (!outcomes.frozen_ms.empty()) {
        absl::StrAppend(&line, " (", outcomes.cured, " of ", outcomes.frozen_ms.size(),
                        " barriers cured)");
      }
      absl::StrAppend(&line, ", ");
    }
    notes.push_back(absl::StrCat(line, MemoryOf(scenario)));
  }
  return notes;
}

}  // namespace dmaheap::bench
