#include "tests/bench/child_process.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class ChildProcessTest : public FdLeakCheck {
 protected:
  static std::unique_ptr<ChildProcess> StartShell(const std::string& script,
                                                  const std::string& log_file = "") {
    auto child = ChildProcess::Start({"/bin/sh", "-c", script}, log_file);
    EXPECT_TRUE(child.ok()) << child.status();
    return child.ok() ? *std::move(child) : nullptr;
  }
};

TEST_F(ChildProcessTest, WaitsUntilItIsReadyAndEndsIt) {
  const auto child = StartShell("echo READY; read line");

  EXPECT_TRUE(child->WaitReady(kPatience).ok());
  EXPECT_EQ(kill(child->pid(), 0), 0);
  child->Stop(kPatience).IgnoreError();
  EXPECT_NE(kill(child->pid(), 0), 0);
}

TEST_F(ChildProcessTest, SaysThatItEndedBeforeItWasReady) {
  const auto child = StartShell("exit 3");

  EXPECT_EQ(child->WaitReady(kPatience).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChildProcessTest, SaysThatItSaidSomethingElse) {
  const auto child = StartShell("echo nothing doing; read line");

  EXPECT_EQ(child->WaitReady(kPatience).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChildProcessTest, SaysThatThereIsNoSuchProgram) {
  auto child = ChildProcess::Start({"/nonexistent"}, "");

  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ((*child)->WaitReady(kPatience).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChildProcessTest, IsNotReadyWhenPatienceEnds) {
  const auto child = StartShell("read line");

  EXPECT_EQ(child->WaitReady(absl::Milliseconds(20)).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChildProcessTest, TellsWhetherItEndedInGoodOrder) {
  const auto good = StartShell("trap 'exit 0' TERM; echo READY; read line; exit 0");
  const auto bad = StartShell("trap 'exit 7' TERM; echo READY; read line; exit 7");
  ASSERT_TRUE(good->WaitReady(kPatience).ok());
  ASSERT_TRUE(bad->WaitReady(kPatience).ok());

  EXPECT_TRUE(good->Stop(kPatience).ok());
  EXPECT_FALSE(bad->Stop(kPatience).ok());
}

TEST_F(ChildProcessTest, KillsOneThatDoesNotEnd) {
  // exec of a program keeps what the shell ignores.
  const auto child = StartShell("trap '' TERM; echo READY; exec sleep 1000");
  ASSERT_TRUE(child->WaitReady(kPatience).ok());

  EXPECT_FALSE(child->Stop(absl::Milliseconds(20)).ok());

  EXPECT_NE(kill(child->pid(), 0), 0);
}

TEST_F(ChildProcessTest, WaitsForAnEndOfItsOwn) {
  EXPECT_EQ(*StartShell("exit 7")->WaitEnd(kPatience), 7);
  EXPECT_EQ(*StartShell("kill -9 $$")->WaitEnd(kPatience), 128 + 9);
}

TEST_F(ChildProcessTest, SaysThatItDoesNotEnd) {
  const auto child = StartShell("read line");

  EXPECT_EQ(child->WaitEnd(absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ChildProcessTest, PutsItsStandardErrorIntoAFile) {
  const std::string path = absl::StrCat("/tmp/dmaheap-bench-log-", getpid());
  const auto child = StartShell("echo trouble >&2; echo READY; read line", path);
  ASSERT_TRUE(child->WaitReady(kPatience).ok());

  std::stringstream log;
  log << std::ifstream(path).rdbuf();

  EXPECT_EQ(log.str(), "trouble\n");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace dmaheap::bench
