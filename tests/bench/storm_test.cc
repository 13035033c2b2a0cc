// The storm benchmark on its real kernel, shortened: that its storm is one, and that the daemon
// loses nobody's allocation in it.

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/bench/program_output.h"
#include "tests/bench/runfile.h"

namespace dmaheap::bench {
namespace {

using Json = nlohmann::json;

ProgramOutput RunStorm(const std::string& arguments) {
  return RunProgram(Runfile("tests/bench/storm"), arguments);
}

std::set<std::string> AgreedNames() {
  std::set<std::string> names;
  for (const char* scenario : {"fork_storm", "exit_storm", "long_pin_2s"}) {
    for (const char* contender :
         {"direct", "kernel_5x100ms", "naive_1ms", "dmaheapd", "dmaheapd_barrier"}) {
      if (std::string(contender) == "dmaheapd_barrier" && std::string(scenario) != "fork_storm") {
        continue;
      }
      for (const char* metric : {"success_ratio", "mean_ms", "p50_ms", "p99_ms", "max_ms",
                                 "attempts_mean", "attempts_max"}) {
        names.insert(absl::StrCat(scenario, ".", contender, ".", metric));
      }
    }
  }
  for (const char* contender : {"dmaheapd", "dmaheapd_barrier"}) {
    for (const char* metric : {"mean_of_naive", "retried_mean_of_naive"}) {
      for (const char* end : {"", "_low", "_high"}) {
        names.insert(absl::StrCat("fork_storm.", contender, ".", metric, end));
      }
    }
  }
  for (const char* box : {"box_5", "box_10", "box_20", "box_50"}) {
    for (const char* metric :
         {"barriers", "cure_ratio", "frozen_p50_ms", "frozen_p99_ms", "frozen_max_ms"}) {
      names.insert(absl::StrCat("barrier.", box, ".", metric));
    }
  }
  return names;
}

Json ValueOf(const Json& report, const std::string& name) {
  for (const Json& row : report["rows"]) {
    if (row["name"] == name) return row["value"];
  }
  return nullptr;
}

// A benchmark whose storm was too weak, or in which memory ended, has no exit code 0.
TEST(StormTest, TheDaemonLosesNoneWhereTheBareIoctlFails) {
  const ProgramOutput run = RunStorm("--json --attempts=60");

  ASSERT_EQ(run.exit_code, 0);
  const Json report = Json::parse(run.text);
  EXPECT_EQ(report["benchmark"], "storm");
  std::set<std::string> names;
  for (const Json& row : report["rows"]) {
    const std::string name = row["name"];
    names.insert(name);
    // The bounds on times are for the long form: sixty attempts are few.
    if (absl::EndsWith(name, ".success_ratio")) {
      EXPECT_EQ(row["ok"], true) << row;
    }
  }
  EXPECT_EQ(names, AgreedNames());
  EXPECT_LE(ValueOf(report, "fork_storm.direct.success_ratio").get<double>(), 0.75);
  for (const char* scenario : {"fork_storm", "exit_storm", "long_pin_2s"}) {
    EXPECT_EQ(ValueOf(report, absl::StrCat(scenario, ".dmaheapd.success_ratio")), 1.0) << scenario;
  }
  EXPECT_EQ(ValueOf(report, "fork_storm.dmaheapd_barrier.success_ratio"), 1.0);
  // The pin is as long as it says: who gives up after half a second gets nothing.
  EXPECT_EQ(ValueOf(report, "long_pin_2s.kernel_5x100ms.success_ratio"), 0.0);
  EXPECT_GE(ValueOf(report, "long_pin_2s.dmaheapd.p50_ms").get<double>(), 2000);
}

TEST(StormTest, ExplainsItself) {
  const ProgramOutput help = RunStorm("--help");

  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.text.find("--attempts"), std::string::npos) << help.text;
  EXPECT_NE(help.text.find("linux,cma-nofail"), std::string::npos) << help.text;
}

}  // namespace
}  // namespace dmaheap::bench
