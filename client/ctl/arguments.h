// The command line of dmaheapctl.

#ifndef CLIENT_CTL_ARGUMENTS_H_
#define CLIENT_CTL_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/ctl/completion.h"
#include "client/dmaheap.h"

namespace dmaheap::ctl {

enum class Verb {
  kGetHeaps,
  kGetBuffers,
  kGetClients,
  kGetAllocations,
  kGetReservations,
  kGetMetrics,
  kGetPinners,
  kGetEvidence,
  kGetDiagnoses,
  kDescribeHeap,
  kDescribeBuffer,
  kDescribeAllocation,
  kDescribeReservation,
  kExplain,
  kAlloc,
  kHold,
  kClaim,
  kRelease,
  kReserve,
  kReleaseReservation,
  kVersion,
  kReload,
  kPolicyCheck,
  kLogLevel,
  kCompletion,
};

enum class Format { kTable, kWide, kJson, kName };

// Fields that a verb does not have keep their default.
struct Arguments {
  Verb verb = Verb::kVersion;
  // Empty: the environment's, else the built-in one (client/internal/socket_path.h).
  std::string socket_dir;
  Format format = Format::kTable;
  absl::Duration timeout = absl::Seconds(5);

  // Of everybody.
  bool all = false;
  // Also each change, until interrupted.
  bool watch = false;
  // The heap, buffer, allocation or reservation in question, as written.
  std::string heap;
  std::string buffer;
  std::string allocation;
  // Empty: the newest.
  std::string diagnosis;
  // Of alloc: to draw from; heap and size_bytes may then be empty and 0.
  std::string reservation;
  int64_t size_bytes = 0;
  int count = 1;
  std::string label;
  bool dry_run = false;
  Priority priority = Priority::kUnspecified;
  // Empty: the heap's.
  std::string retry_policy;
  // Until interrupted; timeout is for the connecting only.
  bool wait = false;
  // Zero: the daemon's default.
  absl::Duration lease = absl::ZeroDuration();
  // Absent: the daemon's default, count.
  absl::optional<int> refill_below;
  // "-": the first line of standard input, where nobody else can read it.
  std::string token;
  std::string log_level;
  // "-": standard input.
  std::string file;
  std::string shell;
  // What stands behind "--".
  std::vector<std::string> command;
};

struct CommandLine {
  // Absent: text is all there is to say, on standard output if exit_code is 0, else on standard
  // error.
  absl::optional<Arguments> arguments;
  std::string text;
  int exit_code = 0;
};

// Reads argv of main. A pure function.
CommandLine ParseCommandLine(int argc, const char* const* argv);

// What a shell may complete: read off the same definitions, so that it can not go stale.
CompletionWords CommandLineWords();

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_ARGUMENTS_H_
