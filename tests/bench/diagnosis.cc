// ./dev bench diagnosis: what it costs to be able to tell why requests fail.
//
// This side starts the virtual machine and reports; tests/bench/guest measures, inside.

#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/diagnosis_record.h"
#include "tests/bench/diagnosis_rows.h"
#include "tests/bench/progress.h"
#include "tests/bench/run_benchmark.h"
#include "tests/bench/run_folder.h"
#include "tests/bench/virtual_machine.h"

namespace dmaheap::bench {
namespace {

const About kAbout = {
    .name = "diagnosis",
    .text =
        "In a virtual machine with a real kernel: counts the system calls of a daemon with a\n"
        "prober and of one without while so many requests succeed (success.*), by the\n"
        "kernel's trace; measures how long it takes to look at an area of 64 MiB and into\n"
        "200 processes (scan.*); and lets requests fail beside these (failure.*).\n"
        "Void, with exit code 1: a run in which nothing was counted, or nothing failed.",
    .default_attempts = 200};

const char* const kMachine[] = {"--accel=tcg", "--smp=2", "--mem=768", "--cma=64M", "--no-daemon"};

constexpr absl::Duration kPerAttempt = absl::Milliseconds(500);
constexpr absl::Duration kBeside = absl::Seconds(180);

absl::Status MeasureDiagnosis(const Wish& wish, Report& report) {
  const absl::Duration limit = kBeside + wish.attempts * kPerAttempt;
  const auto folder = RunFolder::Create(limit + absl::Seconds(10));
  if (!folder.ok()) return folder.status();
  const GuestCommand command = {
      .program = "tests/bench/guest/diagnosis_in_guest",
      .arguments = {absl::StrCat(wish.attempts), std::string(kGuestResult)},
      .files = {"daemon/dmaheapd"},
      .options = {std::begin(kMachine), std::end(kMachine)},
      .limit = limit};
  Say("starting the virtual machine");
  const auto result = RunInVirtualMachine(command, **folder);
  if (!result.ok()) return result.status();
  const auto record = ParseDiagnosisRecord(*result);
  if (!record.ok()) return record.status();
  if (absl::Status status = CheckDiagnosis(*record); !status.ok()) return status;
  report.rows = DiagnosisRows(*record);
  report.notes = DiagnosisNotes(*record);
  return absl::OkStatus();
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) {
  using namespace dmaheap::bench;
  return RunBenchmark(kAbout, argc, argv, MeasureDiagnosis);
}
