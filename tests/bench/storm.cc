// ./dev bench storm: who still gets contiguous memory while other processes are in the way of it.
//
// This side starts the virtual machine and reports; tests/bench/guest measures, inside.

#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/bench/progress.h"
#include "tests/bench/run_benchmark.h"
#include "tests/bench/run_folder.h"
#include "tests/bench/storm_record.h"
#include "tests/bench/storm_rows.h"
#include "tests/bench/virtual_machine.h"

namespace dmaheap::bench {
namespace {

const About kAbout = {
    .name = "storm",
    .text =
        "Asks for the whole CMA area of a real kernel, in a virtual machine, while pages\n"
        "in it are pinned: for an instant, by processes that fork (fork_storm) or exit\n"
        "(exit_storm), or by a pipe that is drained after 2 s (long_pin_2s; 5 attempts).\n"
        "Contenders take turns in one run of the machine: the bare ioctl (direct), 5 tries\n"
        "100 ms apart as in Android's kernel (kernel_5x100ms), tries 1 ms apart for 20 s\n"
        "(naive_1ms), and the daemon, through the client library and without privileges\n"
        "(dmaheapd: the heap linux,cma-nofail, with a deadline of 20 s; dmaheapd_barrier:\n"
        "the same, and the storm's cgroup stands still for up to 50 ms at a retry), which\n"
        "must lose no attempt. Then how often such a barrier helps, by its length, and how\n"
        "long the storm stood still (barrier.box_MS), by the kernel's trace.\n"
        "Void, with exit code 1: a run in which the bare ioctl fails in less than a quarter\n"
        "of the attempts in the fork storm, as that is none, or in which memory ended.",
    .default_attempts = 300,
    .parts = {"fork_storm", "exit_storm", "long_pin_2s", "barrier"}};

// Where the storms were measured; on a real processor they would be others.
const char* const kMachine[] = {"--accel=tcg",
                                "--smp=2",
                                "--mem=512",
                                "--cma=64M",
                                "--cgroup=storm",
                                "--daemon-arg=--barrier-cgroup=/sys/fs/cgroup/storm",
                                "--daemon-arg=--policy=/files/storm_policy.textproto"};

// On a busy machine: all contenders, in all storms; and the barriers, the long pins, the boot, the
// end.
constexpr absl::Duration kPerAttempt = absl::Seconds(5);
constexpr absl::Duration kBeside = absl::Minutes(20);

absl::Status MeasureStorm(const Wish& wish, Report& report) {
  const absl::Duration limit = kBeside + wish.attempts * kPerAttempt;
  const auto folder = RunFolder::Create(limit + absl::Seconds(10));
  if (!folder.ok()) return folder.status();
  const GuestCommand command = {
      .program = "tests/bench/guest/storm_in_guest",
      .arguments = {absl::StrCat(wish.attempts), std::string(kGuestResult), wish.only},
      .files = {"tests/bench/guest/storm_policy.textproto"},
      .options = {std::begin(kMachine), std::end(kMachine)},
      .limit = limit};
  Say("starting the virtual machine");
  const auto result = RunInVirtualMachine(command, **folder);
  if (!result.ok()) return result.status();
  const auto record = ParseStormRecord(*result);
  if (!record.ok()) return record.status();
  report.notes = StormNotes(*record);
  report.rows = StormRows(*record);
  return CheckStorm(*record);
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) {
  using namespace dmaheap::bench;
  return RunBenchmark(kAbout, argc, argv, MeasureStorm);
}
