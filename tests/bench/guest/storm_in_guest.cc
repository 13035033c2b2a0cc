// The part of ./dev bench storm that runs in the virtual machine, as root:
//
//   storm_in_guest ATTEMPTS FILE
//
// Writes what it measured to FILE (storm_record.h), and what it is at to standard error.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/guest/contender_process.h"
#include "tests/bench/guest/freeze_trace.h"
#include "tests/bench/guest/run_scenario.h"
#include "tests/bench/guest/storm_contenders.h"
#include "tests/bench/guest/storm_scenarios.h"
#include "tests/bench/progress.h"
#include "tests/bench/storm_record.h"

namespace dmaheap::bench {
namespace {

// Each gets the area once before anything happens: connections, caches and pools fill, and the
// memory that they take is not taken from the storm's later.
absl::Status WarmUp(Contenders contenders) {
  for (const auto& contender : contenders) {
    if (absl::Status status = contender->Begin(); !status.ok()) return status;
    const auto attempt = contender->WaitFor(2 * kAttemptDeadline);
    if (!attempt.ok()) return attempt.status();
    if (!attempt->has_value() || !(*attempt)->success) {
      return absl::UnavailableError(
          absl::StrCat(contender->name(), " gets nothing even before the storm: ",
                       attempt->has_value() ? (*attempt)->error : "it does not come back"));
    }
  }
  return absl::OkStatus();
}

// Those of one scenario alone, and new ones: the processes of others would take memory that the
// storm is to lack.
absl::StatusOr<std::vector<std::unique_ptr<ContenderProcess>>> StartContenders(
    const Scenario& scenario) {
  std::vector<std::unique_ptr<ContenderProcess>> contenders;
  for (const ContenderKind& kind : StormContenders()) {
    const auto& names = scenario.contenders;
    if (std::find(names.begin(), names.end(), kind.name) == names.end()) continue;
    auto contender = ContenderProcess::Start(kind);
    if (!contender.ok()) return contender.status();
    contenders.push_back(*std::move(contender));
  }
  if (absl::Status status = WarmUp(contenders); !status.ok()) return status;
  return contenders;
}

// only: a scenario; empty: all.
absl::StatusOr<StormRecord> RunAll(int attempts, absl::string_view only) {
  StormRecord record;
  for (const ContenderKind& kind : StormContenders()) record.contenders.push_back(kind.name);
  auto trace = FreezeTrace::Start(kStormCgroup);
  if (!trace.ok()) return trace.status();
  for (const Scenario& scenario : StormScenarios(attempts)) {
    if (!only.empty() && scenario.name != only) continue;
    const auto contenders = StartContenders(scenario);
    if (!contenders.ok()) return contenders.status();
    if (absl::Status status = RunScenario(scenario, *contenders, *trace, record); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat(scenario.name, ": ", status.message()));
    }
  }
  return record;
}

int Main(int argc, char** argv) {
  int attempts = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[1], &attempts)) {
    Say("usage: storm_in_guest ATTEMPTS FILE SCENARIO, the last empty for all");
    return EXIT_FAILURE;
  }
  const auto record = RunAll(attempts, argv[3]);
  if (!record.ok()) {
    Say(record.status().ToString());
    return EXIT_FAILURE;
  }
  std::ofstream file(argv[2]);
  file << FormatStormRecord(*record) << std::flush;
  return file ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) { return dmaheap::bench::Main(argc, argv); }
