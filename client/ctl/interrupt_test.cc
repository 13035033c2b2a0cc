#include "client/ctl/interrupt.h"

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <future>

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

// Runs body in a process of its own, for signals are of a process. Returns its exit code, or -1.
int ExitCodeOfChild(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(InterruptTest, WithNothingUnderWayASignalEndsTheProcessAsAShellWouldSay) {
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EQ(ExitCodeOfChild([signal]() -> int {
                const auto interrupt = Interrupt::Create();
                if (!interrupt.ok()) return 99;
                kill(getpid(), signal);
                for (;;) pause();
              }),
              128 + signal);
  }
}

TEST(InterruptTest, TheFirstSigintCancelsAndTheProcessGoesOn) {
  EXPECT_EQ(ExitCodeOfChild([]() -> int {
              const auto interrupt = Interrupt::Create();
              std::promise<void> cancelled;
              const Interrupt::Scope scope(
                  **interrupt, Interrupt::CancelOnce([&cancelled] { cancelled.set_value(); }));
              kill(getpid(), SIGINT);
              cancelled.get_future().wait();
              return 7;
            }),
            7);
}

TEST(InterruptTest, TheSecondSigintEndsTheProcess) {
  EXPECT_EQ(ExitCodeOfChild([]() -> int {
              const auto interrupt = Interrupt::Create();
              std::promise<void> cancelled;
              const Interrupt::Scope scope(
                  **interrupt, Interrupt::CancelOnce([&cancelled] { cancelled.set_value(); }));
              kill(getpid(), SIGINT);
              cancelled.get_future().wait();
              kill(getpid(), SIGINT);
              for (;;) pause();
            }),
            130);
}

TEST(InterruptTest, SigtermDoesNotWaitForACancellation) {
  EXPECT_EQ(ExitCodeOfChild([]() -> int {
              const auto interrupt = Interrupt::Create();
              const Interrupt::Scope scope(**interrupt, Interrupt::CancelOnce([] {}));
              kill(getpid(), SIGTERM);
              for (;;) pause();
            }),
            143);
}

TEST(InterruptTest, ASignalOfAnotherProcessIsNotTheTerminals) {
  EXPECT_EQ(ExitCodeOfChild([]() -> int {
              const auto interrupt = Interrupt::Create();
              std::promise<bool> from_terminal;
              const Interrupt::Scope scope(**interrupt, [&](const Interrupt::Signal& signal) {
                from_terminal.set_value(signal.from_terminal);
                return true;
              });
              kill(getpid(), SIGINT);
              return from_terminal.get_future().get() ? 1 : 0;
            }),
            0);
}

TEST(InterruptTest, ASignalThatWasIgnoredStaysIgnored) {
  EXPECT_EQ(ExitCodeOfChild([]() -> int {
              signal(SIGINT, SIG_IGN);
              const auto interrupt = Interrupt::Create();
              std::promise<int> first;
              const Interrupt::Scope scope(**interrupt, [&](const Interrupt::Signal& signal) {
                first.set_value(signal.number);
                return true;
              });
              kill(getpid(), SIGINT);
              kill(getpid(), SIGTERM);
              return first.get_future().get();
            }),
            SIGTERM);
}

}  // namespace
}  // namespace dmaheap::ctl
