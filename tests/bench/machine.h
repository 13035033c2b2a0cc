// On what a benchmark ran: figures of two machines are not to be compared.

#ifndef TESTS_BENCH_MACHINE_H_
#define TESTS_BENCH_MACHINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace dmaheap::bench {

struct Machine {
  // The model, as /proc/cpuinfo names it.
  std::string cpu = "unknown";
  // That this process may use.
  int cpus = 0;
  int64_t memory_mib = 0;
  // uname -r.
  std::string kernel;
  // Of the last minute, before the benchmark: what else the machine had to do.
  double load_average = 0;
  // "release", or "debug" for one whose figures mean nothing.
  std::string build;
};

Machine ThisMachine();

// The first model name in the text of /proc/cpuinfo; empty where the kernel names none (arm64).
std::string CpuModelIn(absl::string_view cpuinfo);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_MACHINE_H_
