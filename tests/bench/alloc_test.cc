// The benchmark itself, shortened: that it runs, and what it prints. Not what it measures.

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/bench/program_output.h"
#include "tests/bench/runfile.h"

namespace dmaheap::bench {
namespace {

ProgramOutput RunAlloc(const std::string& arguments) {
  return RunProgram(Runfile("tests/bench/alloc"), arguments);
}

std::set<std::string> RunFolders() {
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
    const std::string name = entry.path().filename();
    if (name.rfind("dmaheap-bench-", 0) == 0) folders.insert(name);
  }
  return folders;
}

TEST(AllocTest, PrintsOneJsonObjectInWhichEveryRowHasItsValue) {
  const std::set<std::string> before = RunFolders();

  const ProgramOutput run = RunAlloc("--json --seconds=0.4");

  ASSERT_EQ(run.exit_code, 0);
  const auto json = nlohmann::json::parse(run.text);
  EXPECT_EQ(json["benchmark"], "alloc");
  EXPECT_EQ(json["rows"].size(), 16u);
  for (const auto& row : json["rows"]) {
    if (row["name"] == "daemon.rss_100_sessions_mib" && getuid() != 0) {
      EXPECT_TRUE(row["value"].is_null());
    } else {
      EXPECT_GT(row["value"].get<double>(), 0) << row;
    }
  }
  EXPECT_EQ(RunFolders(), before);
}

TEST(AllocTest, PrintsATable) {
  const ProgramOutput run = RunAlloc("--seconds=0.1");

  EXPECT_EQ(run.exit_code, 0);
  EXPECT_NE(run.text.find("alloc_4k.dmaheapd.p50_us"), std::string::npos) << run.text;
  EXPECT_NE(run.text.find("at most"), std::string::npos) << run.text;
}

TEST(AllocTest, ExplainsItself) {
  const ProgramOutput help = RunAlloc("--help");
  const ProgramOutput mistake = RunAlloc("--sceonds=1");

  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.text.find("--json"), std::string::npos) << help.text;
  EXPECT_EQ(mistake.exit_code, 2);
  EXPECT_EQ(mistake.text, "");
}

}  // namespace
}  // namespace dmaheap::bench
