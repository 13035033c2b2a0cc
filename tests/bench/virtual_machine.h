// The virtual machine of ./dev vm, for a benchmark that needs a real kernel's heaps.

#ifndef TESTS_BENCH_VIRTUAL_MACHINE_H_
#define TESTS_BENCH_VIRTUAL_MACHINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/bench/run_folder.h"

namespace dmaheap::bench {

struct GuestCommand {
  // A program, in the data of this one, and its words.
  std::string program;
  std::vector<std::string> arguments;
  // More files that it needs, likewise.
  std::vector<std::string> files;
  // More options of ./dev vm.
  std::vector<std::string> options;
  // For the whole run.
  absl::Duration limit;
};

// Where the command leaves its result.
inline constexpr absl::string_view kGuestResult = "/out/result";

// Boots, runs the command beside dmaheapd, and returns what it wrote to kGuestResult. What it says
// goes to standard error, and so does the daemon's log if it fails.
absl::StatusOr<std::string> RunInVirtualMachine(const GuestCommand& command,
                                                const RunFolder& folder);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_VIRTUAL_MACHINE_H_
