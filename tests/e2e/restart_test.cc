// A broker that is killed again and again, and a client that never waits before it asks.

#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"

namespace dmaheap {
namespace {

using RestartTest = DaemonFixture;

TEST_F(RestartTest, AClientThatAsksRightAfterEachOfTenKillsGetsItsBufferEachTime) {
  Start();
  AgentProcess alice(dir(), kAliceUid);
  alice.Expect("alloc simulated 4096 1");
  std::vector<absl::Duration> waits;

  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(kill(broker_, SIGKILL), 0);
    const absl::Time killed = absl::Now();
    // With the deadline that a client has who does not say otherwise: 5 s.
    const auto names = alice.Expect("alloc simulated 4096 1");
    waits.push_back(absl::Now() - killed);
    ASSERT_EQ(names.size(), 1u) << daemon_->Log();
    broker_ = NumberIn(daemon_->WaitLog("event=serving"), "broker");
  }

  std::sort(waits.begin(), waits.end());
  RecordProperty("kill_to_buffer_p50_ms", absl::StrCat(absl::ToInt64Milliseconds(waits[5])));
  RecordProperty("kill_to_buffer_max_ms", absl::StrCat(absl::ToInt64Milliseconds(waits[9])));
  GTEST_LOG_(INFO) << "from the kill to the buffer: "
                   << absl::StrJoin(waits, " ", [](std::string* out, absl::Duration wait) {
                        absl::StrAppend(out, absl::ToInt64Milliseconds(wait), "ms");
                      });
  // Restarts alone take less than one second (restart_policy_test.cc); the rest is for a machine
  // that is busy, and sanitizers.
  EXPECT_LT(waits[5], absl::Seconds(2));
}

}  // namespace
}  // namespace dmaheap
