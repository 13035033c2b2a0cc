// The part of ./dev bench neighbours that runs in the virtual machine, as root:
//
//   neighbours_in_guest MILLISECONDS FILE
//
// Writes what it measured to FILE (neighbours_record.h), and what it is at to standard error.

#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "tests/bench/guest/area_attempts.h"
#include "tests/bench/guest/trace_instance.h"
#include "tests/bench/neighbours_record.h"
#include "tests/bench/progress.h"
#include "tests/vm/tools/pipe_pin.h"

namespace dmaheap::bench {
namespace {

constexpr char kHeap[] = "linux,cma-nofail";
constexpr int64_t kSmallBytes = 1 << 20;
constexpr int64_t kLargeBytes = 60 << 20;
constexpr int64_t kLargePages = kLargeBytes / 4096;

// Spread over the area: one is in each window of the large request, and most small ones have none.
constexpr int kPinnedPages = 4;

// Quiet and busy take turns, so that what disturbs the machine disturbs both.
constexpr int kTurns = 4;

// A large request that waits until it is cancelled.
class Waiter {
 public:
  explicit Waiter(Client& client)
      : request_(client.AllocateAsync(
            {.heap = kHeap, .size_bytes = kLargeBytes, .deadline = absl::Hours(1)},
            [this](absl::StatusOr<Buffer> buffer) { ended_.set_value(buffer.ok()); })) {}

  // Whether it came to something.
  bool Cancel() {
    request_.Cancel();
    return ended_.get_future().get();
  }

 private:
  std::promise<bool> ended_;
  AllocationHandle request_;
};

absl::Status AskForSmallOnes(Client& client, absl::Duration time, std::vector<double>& ms) {
  for (const absl::Time end = absl::Now() + time; absl::Now() < end;) {
    const absl::Time start = absl::Now();
    const auto buffer = client.Allocate({.heap = kHeap, .size_bytes = kSmallBytes});
    if (!buffer.ok()) return buffer.status();
    ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  return absl::OkStatus();
}

absl::StatusOr<NeighboursRecord> Measure(absl::Duration time) {
  auto small = Client::Connect({.label = "small"});
  if (!small.ok()) return small.status();
  auto large = Client::Connect({.label = "large"});
  if (!large.ok()) return large.status();
  const auto pin = MakeVmsplicePin({{"pages", kPinnedPages}});
  const auto begun = pin->Begin();
  if (!begun.ok()) return begun.status();
  Say(*begun);
  const auto trace =
      TraceInstance::Start("neighbours", {"cma/cma_alloc_start", "cma/cma_alloc_finish"});
  if (!trace.ok()) return trace.status();

  NeighboursRecord record;
  std::vector<double> not_counted;
  const absl::Duration part = time / kTurns / 2;
  absl::Status status = AskForSmallOnes(**small, part / 4, not_counted);
  for (int turn = 0; status.ok() && turn < kTurns; ++turn) {
    Say(absl::StrCat("turn ", turn + 1, " of ", kTurns));
    status = AskForSmallOnes(**small, part, record.quiet_ms);
    if (!status.ok()) break;
    if (const auto before = (*trace)->Take(); !before.ok()) return before.status();
    const absl::Time start = absl::Now();
    Waiter waiter(**large);
    ++record.large_requests;
    status = AskForSmallOnes(**small, part, record.busy_ms);
    record.busy_seconds += absl::ToDoubleSeconds(absl::Now() - start);
    if (waiter.Cancel()) ++record.large_successes;
    const auto text = (*trace)->Take();
    if (!text.ok()) return text.status();
    for (const AreaAttempt& attempt : ParseAreaAttempts(*text)) {
      if (attempt.pages == kLargePages) record.large_attempt_ms.push_back(attempt.ms);
    }
  }
  if (!status.ok()) return status;
  if (const auto ended = pin->End(); !ended.ok()) return ended.status();
  return record;
}

int Main(int argc, char** argv) {
  int64_t milliseconds = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[1], &milliseconds)) {
    Say("usage: neighbours_in_guest MILLISECONDS FILE");
    return EXIT_FAILURE;
  }
  const auto record = Measure(absl::Milliseconds(milliseconds));
  if (!record.ok()) {
    Say(record.status().ToString());
    return EXIT_FAILURE;
  }
  std::ofstream file(argv[2]);
  file << FormatNeighboursRecord(*record) << std::flush;
  return file ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) { return dmaheap::bench::Main(argc, argv); }
