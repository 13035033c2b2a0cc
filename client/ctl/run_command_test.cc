#include "client/ctl/run_command.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "client/ctl/interrupt.h"
#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"
#include "proto/unique_fd.h"

namespace dmaheap::ctl {
namespace {

class RunCommandTest : public ::testing::Test {
 protected:
  void SetUp() override { interrupt_ = *Interrupt::Create(); }
  void TearDown() override {
    fds_.clear();
    interrupt_.reset();
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  // A memfd with this text in it.
  int AddFd(const char* text) {
    UniqueFd fd(memfd_create("run_command_test", MFD_CLOEXEC));
    EXPECT_EQ(pwrite(fd.get(), text, strlen(text), 0), static_cast<ssize_t>(strlen(text)));
    fds_.push_back(std::move(fd));
    return fds_.back().get();
  }

  int Run(const std::vector<std::string>& command, const std::vector<int>& fds) {
    const auto code = RunCommand(command, fds, *interrupt_, error_);
    EXPECT_TRUE(code.ok()) << code.status();
    return code.value_or(-1);
  }

  const FdLeakCheck leaks_;
  std::unique_ptr<Interrupt> interrupt_;
  std::vector<UniqueFd> fds_;
  std::string error_;
};

TEST_F(RunCommandTest, TheFdsAreNumberedFrom3InTheirOrder) {
  // In the way of the numbers to be given, and in the wrong order.
  const int first = AddFd("first");
  const int second = AddFd("second");

  EXPECT_EQ(Run({"sh", "-c",
                 "test \"$DMAHEAP_FDS\" = 3,4 && test \"$(cat <&3)\" = second && "
                 "test \"$(cat <&4)\" = first"},
                {second, first}),
            0);
}

TEST_F(RunCommandTest, NoOtherFdOfThisProcessIsInherited) {
  const int given = AddFd("given");
  const int secret = AddFd("secret");
  ASSERT_GE(fcntl(secret, F_GETFD), 0);

  EXPECT_EQ(
      Run({"sh", "-c", "! grep -qs secret /proc/self/fd/[4-9] /proc/self/fd/[1-9][0-9]"}, {given}),
      0);
}

TEST_F(RunCommandTest, AnOlderValueOfTheVariableIsReplaced) {
  setenv("DMAHEAP_FDS", "77", 1);

  EXPECT_EQ(Run({"sh", "-c", "test \"$DMAHEAP_FDS\" = 3"}, {AddFd("")}), 0);

  unsetenv("DMAHEAP_FDS");
}

TEST_F(RunCommandTest, TheExitCodeIsTheCommands) {
  EXPECT_EQ(Run({"sh", "-c", "exit 42"}, {}), 42);
  EXPECT_EQ(Run({"sh", "-c", "kill -KILL $$"}, {}), 137);
  EXPECT_EQ(error_, "");
}

TEST_F(RunCommandTest, WhatCanNotBeRunIsToldAsAShellDoes) {
  EXPECT_EQ(Run({"/nonexistent/program"}, {}), 127);
  EXPECT_EQ(error_, "can not run /nonexistent/program: ENOENT");
  EXPECT_EQ(Run({"/"}, {}), 126);
  EXPECT_EQ(error_, "can not run /: EACCES");
}

TEST_F(RunCommandTest, ASignalToThisProcessGoesOnToTheCommand) {
  // The command asks for it, so that it surely runs.
  EXPECT_EQ(
      Run({"sh", "-c", "trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.01; done"}, {}),
      9);
}

TEST_F(RunCommandTest, TheCommandHasTheSignalMaskThatWeWereStartedWith) {
  EXPECT_EQ(Run({"sh", "-c", "grep -q '^SigBlk:.0000000000000000$' /proc/self/status"}, {}), 0);
}

}  // namespace
}  // namespace dmaheap::ctl
