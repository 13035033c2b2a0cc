// ./dev bench verdicts: how often the daemon's diagnoses are the truth.
//
// This side starts the virtual machine and reports; tests/bench/guest makes things fail, inside.

#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/progress.h"
#include "tests/bench/run_benchmark.h"
#include "tests/bench/run_folder.h"
#include "tests/bench/verdict_record.h"
#include "tests/bench/verdict_rows.h"
#include "tests/bench/virtual_machine.h"

namespace dmaheap::bench {
namespace {

const About kAbout = {
    .name = "verdicts",
    .text =
        "Makes requests for memory of the CMA area of a real kernel fail on purpose, in a\n"
        "virtual machine, so many times in each way: pages in a pipe (of anonymous memory,\n"
        "mapped and not, of a memfd, of tmpfs, of the page cache), under a direct transfer,\n"
        "while processes fork and exit; a full area, a fragmented one, one client that only\n"
        "takes. Compares what the daemon says with the truth: the verdict, the cause of a\n"
        "pin, and the process that is named for it. And, beside the score, that requests for\n"
        "a heap that there is not, by a retry policy or of a size that are not allowed, and at\n"
        "the daemon's limit of open files get the right error.\n"
        "Void, with exit code 1: a run with fewer than 5 failures of a kind.",
    .default_attempts = 5};

const char* const kMachine[] = {"--accel=tcg", "--smp=2", "--mem=512", "--cma=64M",
                                "--daemon-arg=--policy=/files/verdict_policy.textproto"};

// Of all kinds together, on a busy machine; and the boot and the end.
constexpr absl::Duration kPerAttempt = absl::Seconds(90);
constexpr absl::Duration kBeside = absl::Seconds(120);

absl::Status MeasureVerdicts(const Wish& wish, Report& report) {
  const absl::Duration limit = kBeside + wish.attempts * kPerAttempt;
  const auto folder = RunFolder::Create(limit + absl::Seconds(10));
  if (!folder.ok()) return folder.status();
  const GuestCommand command = {
      .program = "tests/bench/guest/verdicts_in_guest",
      .arguments = {absl::StrCat(wish.attempts), std::string(kGuestResult)},
      .files = {"tests/bench/guest/verdict_policy.textproto"},
      .options = {std::begin(kMachine), std::end(kMachine)},
      .limit = limit};
  Say("starting the virtual machine");
  const auto result = RunInVirtualMachine(command, **folder);
  if (!result.ok()) return result.status();
  const auto record = ParseVerdictRecord(*result);
  if (!record.ok()) return record.status();
  if (absl::Status status = CheckVerdicts(*record); !status.ok()) return status;
  report.rows = VerdictRows(*record);
  report.notes = VerdictNotes(*record);
  return absl::OkStatus();
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) {
  using namespace dmaheap::bench;
  return RunBenchmark(kAbout, argc, argv, MeasureVerdicts);
}
