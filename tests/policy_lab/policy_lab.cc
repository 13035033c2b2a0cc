// policy_lab: which retry policy fits a machine? Compares policies on the simulated area, in
// virtual time, over made-up or recorded traces of pins.
//
//   bazel run //tests/policy_lab -- --trace recorded_fork_storm --svg waits.svg
//   bazel run //tests/policy_lab -- --policy-file my_policy.textproto --trace my_storm.trace
//
// recording/record_pins.cc makes traces. Files are looked for where the person is.

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/config/policy_file.h"
#include "tests/policy_lab/contest.h"
#include "tests/policy_lab/named_trace.h"
#include "tests/policy_lab/pin_trace.h"
#include "tests/policy_lab/score_table.h"
#include "tests/policy_lab/wait_plot.h"

namespace dmaheap::policy_lab {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int64_t kPageBytes = 4096;

struct Wishes {
  std::string trace = "fork_storm";
  std::string policy_file;
  std::vector<std::string> policies;
  std::string svg;
  std::string save_trace;
  int64_t size_kib = 0;
  Demand demand;
  double deadline_seconds = 30;
  double interval_ms = 200;
};

absl::StatusOr<std::vector<RetryPolicy>> PoliciesOf(const Wishes& wishes) {
  std::vector<RetryPolicy> there = ShippedRetryPolicies();
  if (!wishes.policy_file.empty()) {
    const auto policy = ReadPolicyFile(wishes.policy_file);
    if (!policy.ok()) return policy.status();
    there = policy->retry_policies();
  }
  if (wishes.policies.empty()) return there;
  std::vector<RetryPolicy> chosen;
  for (const std::string& name : wishes.policies) {
    const auto found = std::find_if(there.begin(), there.end(),
                                    [&](const RetryPolicy& p) { return p.name == name; });
    if (found == there.end()) {
      return absl::NotFoundError(absl::StrCat("there is no retry policy ", name));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

absl::Status Save(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? absl::OkStatus()
              : absl::UnavailableError(absl::StrCat(path, " can not be written"));
}

absl::Status Compare(Wishes wishes) {
  const auto trace = NamedTrace(wishes.trace, wishes.demand.seed);
  if (!trace.ok()) return trace.status();
  const auto policies = PoliciesOf(wishes);
  if (!policies.ok()) return policies.status();
  wishes.demand.pages = wishes.size_kib * 1024 / kPageBytes;
  wishes.demand.interval = absl::Milliseconds(wishes.interval_ms);
  wishes.demand.deadline = absl::Seconds(wishes.deadline_seconds);
  if (!wishes.save_trace.empty()) {
    if (absl::Status status = Save(wishes.save_trace, WriteTrace(*trace)); !status.ok()) {
      return status;
    }
  }
  std::cout << absl::StreamFormat(
      "%d pins in %s, an area of %d pages, %d requests\n", trace->pins.size(),
      absl::FormatDuration(absl::Trunc(trace->length(), absl::Milliseconds(1))), trace->area_pages,
      wishes.demand.requests);
  std::cout << ScoreHead();
  std::vector<Score> scores;
  for (const RetryPolicy& policy : *policies) {
    auto score = Play(policy, *trace, wishes.demand);
    if (!score.ok()) return score.status();
    std::cout << ScoreLine(*score);
    scores.push_back(*std::move(score));
  }
  std::cout << ScoreNotes();
  return wishes.svg.empty() ? absl::OkStatus() : Save(wishes.svg, PlotWaits(scores));
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Compares retry policies on the simulated area, in virtual time, over traces of pins. To "
      "record one of your own storm: //tests/policy_lab/recording:record_pins --help.");
  Wishes wishes;
  app.add_option("--trace", wishes.trace,
                 absl::StrCat(TraceNames(),
                              " (a fork storm and pins of 2 s: mixed; of a kernel: recorded_...), "
                              "or a file"))
      ->capture_default_str();
  app.add_option("--policy-file", wishes.policy_file, "take the retry policies of this file too");
  app.add_option("--policy", wishes.policies, "only these policies, by name");
  app.add_option("--requests", wishes.demand.requests,
                 "how many, spread over the trace, each alone")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--interval-ms", wishes.interval_ms,
                 "from one request to the next at least: a shorter trace is played again")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 60'000.0));
  app.add_option("--size-kib", wishes.size_kib, "of each request; 0: the whole area")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--deadline", wishes.deadline_seconds, "of each request's caller, in seconds")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_flag("--page-watch,!--no-page-watch", wishes.demand.page_watch,
               "the daemon sees which page is in the way, from the 4th failure on, and when it is "
               "let go, as where the kernel has tracefs and CONFIG_DEBUG_PAGE_REF (default: yes)");
  app.add_option("--frozen-pins", wishes.demand.frozen.pins,
                 "of the pins, the part that processes in a barrier's cgroup cause")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--staying-pins", wishes.demand.frozen.staying,
                 "of their pins that are there when the cgroup stands still, the part that stays "
                 "until it goes on")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", wishes.demand.seed)->capture_default_str();
  app.add_option("--svg", wishes.svg, "write a plot of the waits there");
  app.add_option("--save-trace", wishes.save_trace, "write the trace there");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  // Of `bazel run`.
  if (const char* folder = getenv("BUILD_WORKING_DIRECTORY");
      folder != nullptr && chdir(folder) != 0) {
    std::cerr << "policy_lab: can not enter " << folder << "\n";
    return kExitFailed;
  }
  if (absl::Status status = Compare(std::move(wishes)); !status.ok()) {
    std::cerr << "policy_lab: " << status.message() << "\n";
    return kExitFailed;
  }
  return 0;
}

}  // namespace
}  // namespace dmaheap::policy_lab

int main(int argc, char** argv) { return dmaheap::policy_lab::Main(argc, argv); }
