// The main() of a benchmark: command line in, one report out.

#ifndef TESTS_BENCH_RUN_BENCHMARK_H_
#define TESTS_BENCH_RUN_BENCHMARK_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tests/bench/command_line.h"
#include "tests/bench/report.h"

namespace dmaheap::bench {

// Fills the report's rows and notes, within about wish.time and what setting up takes.
using Measure = absl::FunctionRef<absl::Status(const Wish& wish, Report& report)>;

// Measures and prints; returns the exit code of the process.
int RunBenchmark(const About& about, int argc, const char* const* argv, Measure measure);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RUN_BENCHMARK_H_
