#include "tests/bench/storm_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/distribution.h"

namespace dmaheap::bench {
namespace {

// Who must lose no attempt, in no scenario.
constexpr absl::string_view kNeverLose[] = {"dmaheapd"};

// Of one contender in one scenario.
struct Outcomes {
  size_t attempts = 0;
  std::vector<double> success_ms;
  int64_t tries = 0;

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
    if (sample.success) outcomes.success_ms.push_back(sample.ms);
  }
  return outcomes;
}

absl::optional<Bound> BoundOnSuccess(absl::string_view contender) {
  if (std::find(std::begin(kNeverLose), std::end(kNeverLose), contender) == std::end(kNeverLose)) {
    return absl::nullopt;
  }
  return Bound{Bound::Side::kAtLeast, 1, ""};
}

void AddRows(const std::string& prefix, const Outcomes& outcomes, absl::optional<Bound> bound,
             std::vector<Row>& rows) {
  rows.push_back({prefix + "success_ratio", outcomes.success_ratio(), "ratio", std::move(bound)});
  const auto times = Describe(outcomes.success_ms);
  const auto add_time = [&](const char* metric, double Distribution::*member) {
    absl::optional<double> value;
    if (times.has_value()) value = (*times).*member;
    rows.push_back({prefix + metric, value, "ms", absl::nullopt});
  };
  add_time("mean_ms", &Distribution::mean);
  add_time("p50_ms", &Distribution::p50);
  add_time("p99_ms", &Distribution::p99);
  add_time("max_ms", &Distribution::max);
  rows.push_back({prefix + "attempts_mean",
                  static_cast<double>(outcomes.tries) / static_cast<double>(outcomes.attempts),
                  "tries", absl::nullopt});
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
  const Outcomes direct = OutcomesOf(record, "fork_storm", "direct");
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
    for (const std::string& contender : record.contenders) {
      const Outcomes outcomes = OutcomesOf(record, scenario.name, contender);
      if (outcomes.attempts == 0) continue;
      AddRows(absl::StrCat(scenario.name, ".", contender, "."), outcomes, BoundOnSuccess(contender),
              rows);
    }
  }
  return rows;
}

std::vector<std::string> StormNotes(const StormRecord& record) {
  std::vector<std::string> notes = {
      "Times are of the attempts that succeeded; attempts_mean is how often the kernel was asked,",
      "by its own count, and is of all. It is an emulated machine: compare rows, not machines."};
  for (const StormScenario& scenario : record.scenarios) {
    std::string line = absl::StrCat("  ", scenario.name, ": ");
    for (const std::string& contender : record.contenders) {
      const Outcomes outcomes = OutcomesOf(record, scenario.name, contender);
      if (outcomes.attempts == 0) continue;
      absl::StrAppend(&line, contender, " ", outcomes.success_ms.size(), " of ", outcomes.attempts,
                      ", ");
    }
    notes.push_back(absl::StrCat(line, MemoryOf(scenario)));
  }
  return notes;
}

}  // namespace dmaheap::bench
