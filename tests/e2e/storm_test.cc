// A hundred thousand connects of two users: who is who, and what is left of it.

#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/unique_fd.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"
#include "tests/e2e/process_view.h"
#include "tests/e2e/raw_client.h"

namespace dmaheap {
namespace {

constexpr char kConnector[] = "tests/e2e/connector";
constexpr int kConnectsOfEach = 50'000;

// What can be open at once: two numbers for an RPC connection, one for a session, and what the
// broker had before it served anybody.
constexpr size_t kMostFds = 2 * kMaxRpcConnections + kMaxSessions + 64;

// The numbers that the RPC connections have (daemon/limits.h).
std::set<int> RpcFds(const std::set<int>& fds) {
  return std::set<int>(fds.lower_bound(kFirstRpcFd), fds.end());
}

class StormTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    log_level_ = "info";
    // ASan keeps the call stacks of all that was ever allocated. gRPC has no frame pointers, so
    // that each of its stacks looks new: without this every connect would take longer than the
    // last.
    const char* options = getenv("ASAN_OPTIONS");
    environment_["ASAN_OPTIONS"] =
        absl::StrCat(options == nullptr ? "" : options, ":malloc_context_size=1");
  }
};

TEST_F(StormTest, AHundredThousandConnectsMixNobodyUpAndLeaveNothing) {
  Start({absl::StrCat(
      "--policy=", folder_.Write("policy", absl::StrCat(R"(
    access { who { uids: )",
                                                        kAliceUid, R"( } rights: HOLD heaps: "*" }
    access { who { uids: )",
                                                        kBobUid, " uids: ", kCarolUid,
                                                        R"( } rights: ALLOCATE heaps: "*" }
    access { who { uids: 0 } rights: INSPECT })")))});
  AgentProcess alice_at_home(dir(), kAliceUid), bob_at_home(dir(), kBobUid);
  const std::string of_alice = alice_at_home.Expect("hold simulated 4096 1 600000").at(1);
  const std::string of_bob = bob_at_home.Expect("alloc simulated 4096 1").at(0);
  AgentProcess alice(dir(), kAliceUid, kConnector), bob(dir(), kBobUid, kConnector);
  // A third one, who wants no more than its buffers.
  AgentProcess carol(dir(), kCarolUid);
  // What is opened once is open now.
  alice.Expect(absl::StrCat("storm 100 ", of_alice, " HOLD"));
  carol.Expect(absl::StrCat("release ", carol.Expect("alloc simulated 4096 1").at(0)));
  ASSERT_TRUE(operator_->Within(5, [&] { return operator_->Buffers().size() == 2; }));
  ASSERT_TRUE(operator_->Within(5, [&] { return RpcFds(OpenFdsOf(broker_)).size() <= 4; }));
  const size_t fds_before = OpenFdsOf(broker_).size();

  const absl::Time start = absl::Now();
  const absl::Duration cpu_before = CpuTimeOf(broker_);
  alice.Tell(absl::StrCat("storm ", kConnectsOfEach, " ", of_alice, " HOLD"));
  bob.Tell(absl::StrCat("storm ", kConnectsOfEach, " ", of_bob, " ALLOCATE"));
  size_t most_fds = 0;
  int highest = 0, lowest = FdLimitOf(broker_);
  std::vector<absl::Duration> waits;
  while (!alice.Answered() || !bob.Answered()) {
    const absl::Time asked = absl::Now();
    carol.Expect("connect");
    const absl::Time connected = absl::Now();
    const auto names = carol.Expect("alloc simulated 4096 1");
    waits.insert(waits.end(), {connected - asked, absl::Now() - connected});
    ASSERT_EQ(names.size(), 1u);
    carol.Expect(absl::StrCat("release ", names[0]));
    const std::set<int> fds = OpenFdsOf(broker_);
    most_fds = std::max(most_fds, fds.size());
    const std::set<int> rpc_fds = RpcFds(fds);
    if (rpc_fds.empty()) continue;
    highest = std::max(highest, *rpc_fds.rbegin());
    lowest = std::min(lowest, *rpc_fds.begin());
  }
  const std::vector<std::string> storm_of_alice = alice.Answer(), storm_of_bob = bob.Answer();
  const absl::Duration took = absl::Now() - start;

  for (const auto& words : {storm_of_alice, storm_of_bob}) {
    ASSERT_EQ(words.size(), 4u) << absl::StrJoin(words, " ");
    ASSERT_EQ(words[0], "ok") << absl::StrJoin(words, " ");
  }
  std::sort(waits.begin(), waits.end());
  GTEST_LOG_(INFO) << "alice: " << absl::StrJoin(storm_of_alice, " ")
                   << "; bob: " << absl::StrJoin(storm_of_bob, " ") << "; carol: " << waits.size()
                   << " calls, p50 " << waits[waits.size() / 2] << ", p99 "
                   << waits[waits.size() * 99 / 100] << ", slowest " << waits.back() << "; took "
                   << took << ", of the broker's processor time " << CpuTimeOf(broker_) - cpu_before
                   << "; fds: " << fds_before << " before, at most " << most_fds << ", RPC numbers "
                   << lowest << " to " << highest;
  // That all were served is proven by now; this is how fast, on a machine that has more to do.
  EXPECT_LT(waits[waits.size() * 99 / 100], absl::Seconds(1));
  EXPECT_LE(most_fds, kMostFds);
  EXPECT_LT(highest, std::min(FdLimitOf(broker_), static_cast<int>(kMaxOpenFiles)));
  EXPECT_TRUE(operator_->Within(5, [&] { return OpenFdsOf(broker_).size() == fds_before; }))
      << OpenFdsOf(broker_).size() << " fds, before " << fds_before;
  EXPECT_EQ(operator_->Clients().size(), 3u);

  // Not a wait for something: the time over which the processor is measured.
  const absl::Duration cpu = CpuTimeOf(broker_);
  const timespec while_measured = {.tv_sec = 1, .tv_nsec = 0};
  nanosleep(&while_measured, nullptr);
  EXPECT_LT(CpuTimeOf(broker_) - cpu, absl::Milliseconds(50));
}

TEST_F(StormTest, AUserThatTakesAllItCanGetKeepsNobodyOut) {
  // More than the daemon takes on of everybody, were there no limit for each.
  constexpr int kRpc = kMaxRpcConnections + 50;
  constexpr int kSilent = kMaxSessions + 50;
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit wide = before;
  wide.rlim_cur = std::max<rlim_t>(before.rlim_cur, kRpc + kSilent + 100);
  if (setrlimit(RLIMIT_NOFILE, &wide) != 0) GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  Start();
  const size_t fds_before = OpenFdsOf(broker_).size();
  std::vector<UniqueFd> hoard;
  for (int i = 0; i < kRpc; ++i) {
    hoard.push_back(ConnectSocket(absl::StrCat(dir(), "/rpc.sock"), SOCK_STREAM).value());
  }
  for (int i = 0; i < kSilent; ++i) {
    hoard.push_back(ConnectSocket(absl::StrCat(dir(), "/fd.sock"), SOCK_SEQPACKET).value());
  }

  AgentProcess alice(dir(), kAliceUid);

  alice.Expect("alloc simulated 4096 1");
  EXPECT_LE(OpenFdsOf(broker_).size(),
            fds_before + 2 * kMaxRpcConnectionsPerUid + kMaxSessionsPerUid + 16);
  // A line for each would fill the log's disk.
  const std::string log = daemon_->Log();
  EXPECT_LT(std::count(log.begin(), log.end(), '\n'), 150);
  hoard.clear();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace dmaheap
