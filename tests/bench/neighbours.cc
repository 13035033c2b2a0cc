// ./dev bench neighbours: what small requests feel of a large one that is stuck.
//
// This side starts the virtual machine and reports; tests/bench/guest measures, inside.

#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/neighbours_record.h"
#include "tests/bench/neighbours_rows.h"
#include "tests/bench/progress.h"
#include "tests/bench/run_benchmark.h"
#include "tests/bench/run_folder.h"
#include "tests/bench/virtual_machine.h"

namespace dmaheap::bench {
namespace {

const About kAbout = {
    .name = "neighbours",
    .text =
        "Asks for 1 MiB after 1 MiB of the CMA area of a real kernel, in a virtual machine,\n"
        "through the daemon: alone (quiet), and while another client waits for 60 of the 64\n"
        "MiB (busy), which pages in a pipe keep it from all the time. The two take turns.\n"
        "neighbours.large.*: how long the kernel was at work for the large one, by its trace,\n"
        "at once and of the time.\n"
        "Void, with exit code 1: a run in which the large request was not stuck.",
    .default_time = absl::Seconds(40)};

const char* const kMachine[] = {"--accel=tcg", "--smp=2", "--mem=512", "--cma=64M"};

// Boot, pinning and the end, on a busy machine.
constexpr absl::Duration kBeside = absl::Seconds(120);

absl::Status MeasureNeighbours(const Wish& wish, Report& report) {
  const absl::Duration limit = kBeside + 2 * wish.time;
  const auto folder = RunFolder::Create(limit + absl::Seconds(10));
  if (!folder.ok()) return folder.status();
  const GuestCommand command = {
      .program = "tests/bench/guest/neighbours_in_guest",
      .arguments = {absl::StrCat(absl::ToInt64Milliseconds(wish.time)), std::string(kGuestResult)},
      .files = {},
      .options = {std::begin(kMachine), std::end(kMachine)},
      .limit = limit};
  Say("starting the virtual machine");
  const auto result = RunInVirtualMachine(command, **folder);
  if (!result.ok()) return result.status();
  const auto record = ParseNeighboursRecord(*result);
  if (!record.ok()) return record.status();
  if (absl::Status status = CheckNeighbours(*record); !status.ok()) return status;
  report.rows = NeighboursRows(*record);
  report.notes = {absl::StrCat("Small requests: ", record->quiet_ms.size(), " quiet, ",
                               record->busy_ms.size(), " busy. Large: ", record->large_requests,
                               " requests, ", record->large_attempt_ms.size(), " attempts in ",
                               absl::FormatDuration(absl::Seconds(record->busy_seconds)), "."),
                  "It is an emulated machine: compare rows, not machines."};
  return absl::OkStatus();
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) {
  using namespace dmaheap::bench;
  return RunBenchmark(kAbout, argc, argv, MeasureNeighbours);
}
