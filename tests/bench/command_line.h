// The command line that all benchmarks share.

#ifndef TESTS_BENCH_COMMAND_LINE_H_
#define TESTS_BENCH_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap::bench {

// Exit codes of a benchmark, which its help names. A missed bound is a finding: it is in the
// report, and no failure of the run.
inline constexpr int kExitMeasured = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Wish {
  bool json = false;
  // How long to measure, in all; or how often. Of the two, the one that the benchmark has.
  absl::Duration time;
  int attempts = 0;
  // One of About's parts; empty: all.
  std::string only = "";
};

// What a benchmark says of itself.
struct About {
  // The NAME of ./dev bench NAME.
  std::string name;
  // What is measured and how, for the help; lines of at most 80 columns.
  std::string text;
  // One of the two: a benchmark measures for some time, or so many attempts.
  absl::Duration default_time = absl::ZeroDuration();
  int default_attempts = 0;
  // Those of a benchmark whose parts can be measured alone.
  std::vector<std::string> parts = {};
};

// What became of a command line: a wish, or a text to print and the code to exit with.
struct CommandLine {
  absl::optional<Wish> wish;
  // For standard output when exit_code is 0 (--help), else for standard error.
  std::string text;
  int exit_code = kExitMeasured;
};

CommandLine ParseCommandLine(const About& about, int argc, const char* const* argv);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_COMMAND_LINE_H_
