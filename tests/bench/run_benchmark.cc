#include "tests/bench/run_benchmark.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "tests/bench/machine.h"
#include "tests/bench/progress.h"
#include "tests/bench/report_json.h"
#include "tests/bench/report_table.h"

namespace dmaheap::bench {

int RunBenchmark(const About& about, int argc, const char* const* argv, Measure measure) {
  const CommandLine line = ParseCommandLine(about, argc, argv);
  if (!line.wish.has_value()) {
    (line.exit_code == kExitMeasured ? std::cout : std::cerr) << line.text;
    return line.exit_code;
  }
  Report report;
  report.benchmark = about.name;
  report.machine = ThisMachine();
  if (report.machine.build != "release") {
    Say("this is no release build: its figures say nothing about the daemon");
  }
  if (absl::Status status = measure(*line.wish, report); !status.ok()) {
    // What was measured before: it took its time.
    if (!report.rows.empty()) std::cerr << ToTable(report) << std::flush;
    Say(absl::StrCat("the run failed: ", status.ToString()));
    return kExitFailed;
  }
  std::cout << (line.wish->json ? ToJson(report) : ToTable(report)) << std::flush;
  return kExitMeasured;
}

}  // namespace dmaheap::bench
