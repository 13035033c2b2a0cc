// Streams of what becomes of requests, over gRPC with a real daemon on its simulated area of 64
// MiB: what they tell, when they end, and what they leave behind.

#include <signal.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/wire.h"
#include "tests/e2e/agent_process.h"
#include "tests/e2e/daemon_fixture.h"
#include "tests/e2e/process_view.h"
#include "tests/e2e/watch_stream.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

// "eager" tries about once a millisecond, for ever.
constexpr char kPolicy[] = R"(
    access {
      who { everybody: true } rights: [ALLOCATE, INSPECT, ADMIN] heaps: '*' retry_policies: '*'
    }
    retry_policies { name: 'eager' max_backoff { nanos: 1000000 } }
    retry_policies { name: 'asks' ask_clients { } })";

// Of the same name, and gives up: whoever waits learns of it from the next decision.
constexpr char kEagerGivesUp[] = R"(
    access { who { everybody: true } rights: [ALLOCATE, INSPECT] heaps: '*' retry_policies: '*' }
    retry_policies { name: 'eager' max_attempts: 1 })";

constexpr char kMayNotInspect[] = R"(
    access { who { everybody: true } rights: [ALLOCATE, ADMIN] heaps: '*' })";

// More than the area has where alice has her 60 MiB.
constexpr int64_t kTooMuch = 32 * kMiB;

bool BacksOff(const v1::Allocation& allocation) {
  return allocation.state() == v1::Allocation::BACKING_OFF;
}

// A request under way, of root.
class Request {
 public:
  Request(Client& client, AllocateOptions options)
      : handle_(client.AllocateAsync(std::move(options), [this](absl::StatusOr<Buffer> buffer) {
          buffer_ = std::move(buffer);
          ended_.Notify();
        })) {}
  ~Request() {
    handle_.Cancel();
    ended_.WaitForNotification();
  }

  void Cancel() { handle_.Cancel(); }
  absl::Status Outcome() {
    ended_.WaitForNotification();
    return buffer_.status();
  }

 private:
  absl::Notification ended_;
  absl::StatusOr<Buffer> buffer_ = absl::UnknownError("none");
  AllocationHandle handle_;
};

class WatchTest : public DaemonFixture {
 protected:
  void StartWithPolicy(const std::string& policy = kPolicy, std::vector<std::string> more = {}) {
    more.push_back("--policy=" + folder_.Write("policy", policy));
    Start(std::move(more));
    auto client = Client::Connect({.socket_dir = dir()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void TearDown() override {
    client_.reset();
    alice_.reset();
    DaemonFixture::TearDown();
  }

  // Alice takes so much that nothing of kTooMuch fits, until FreeTheArea.
  void FillTheArea() {
    alice_ = std::make_unique<AgentProcess>(dir(), kAliceUid);
    const auto held = alice_->Expect(absl::StrCat("alloc simulated ", 60 * kMiB, " 1"));
    ASSERT_EQ(held.size(), 1u);
    held_ = held[0];
  }
  void FreeTheArea() { alice_->Expect("release " + held_); }

  static AllocateOptions Wanting(const std::string& request_id, const std::string& retry_policy) {
    return {.heap = "simulated",
            .size_bytes = kTooMuch,
            .deadline = absl::InfiniteDuration(),
            .request_id = request_id,
            .retry_policy = retry_policy};
  }

  std::shared_ptr<grpc::Channel> Connect(Reader reader = Reader::kReady) const {
    return ConnectWatcher(absl::StrCat(dir(), "/", kRpcSocketName), reader);
  }
  std::shared_ptr<grpc::Channel> ConnectAdmin(Reader reader = Reader::kReady) const {
    return ConnectWatcher(absl::StrCat(dir(), "/", kAdminSocketName), reader);
  }

  // How often the request under way with this id was tried; -1: there is none.
  int AttemptsOf(const std::string& request_id) {
    for (const v1::Allocation& allocation : operator_->Allocations()) {
      if (allocation.request_id() == request_id) return allocation.attempts();
    }
    return -1;
  }

  // The broker's RPC connections, whose numbers are not soon used again (daemon/limits.h). It opens
  // other files for a moment.
  std::set<int> Connections() const {
    const std::set<int> fds = OpenFdsOf(broker_);
    return {fds.lower_bound(kFirstRpcFd), fds.end()};
  }
  // Whether all others than these are closed, sooner or later.
  bool OnlyTheseStay(const std::set<int>& connections) {
    return operator_->Within(20, [&] {
      const std::set<int> now = Connections();
      return std::includes(connections.begin(), connections.end(), now.begin(), now.end());
    });
  }

  std::unique_ptr<Client> client_;
  std::unique_ptr<AgentProcess> alice_;
  std::string held_;
};

TEST_F(WatchTest, ShowsTheAttemptsWhatBlocksThemAndWhenTheNextOneIs) {
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(), "shown");
  Request request(*client_, Wanting("shown", "nofail"));

  const v1::Allocation first = watch.NextThat(BacksOff);
  const v1::Allocation third = watch.NextThat(
      [](const v1::Allocation& now) { return BacksOff(now) && now.attempts() == 3; });

  EXPECT_EQ(first.request_id(), "shown");
  EXPECT_EQ(first.owner_uid(), 0);
  EXPECT_EQ(first.heap(), "heaps/simulated");
  EXPECT_EQ(first.size_bytes(), kTooMuch);
  EXPECT_EQ(first.retry_policy(), "nofail");
  EXPECT_EQ(first.attempts(), 1);
  EXPECT_EQ(first.obstacle(), v1::Allocation::NO_ROOM);
  EXPECT_EQ(first.free_bytes(), 4 * kMiB);
  EXPECT_TRUE(absl::StrContains(first.last_error(), "ENOMEM")) << first.last_error();
  EXPECT_EQ(third.name(), first.name());
  for (const v1::Allocation& state : {first, third}) {
    const auto& delay = state.next_delay();
    EXPECT_TRUE(delay.seconds() == 0 && delay.nanos() > 0 && delay.nanos() <= 120'000'000)
        << state.ShortDebugString();
  }
}

TEST_F(WatchTest, ShowsThatTheBuffersOfTheSameUserAreInTheWay) {
  StartWithPolicy();
  const auto own = client_->Allocate({.heap = "simulated", .size_bytes = 60 * kMiB});
  ASSERT_TRUE(own.ok()) << own.status();
  WatchStream watch(Connect(), "own");
  Request request(*client_, Wanting("own", "nofail"));

  const v1::Allocation state = watch.NextThat(BacksOff);

  EXPECT_EQ(state.obstacle(), v1::Allocation::OWN_BUFFERS);
  EXPECT_EQ(state.own_bytes(), 60 * kMiB);
}

TEST_F(WatchTest, CountsTheClientsThatWereAskedToGiveBack) {
  StartWithPolicy();
  const auto holder =
      Client::Connect({.socket_dir = dir(), .on_give_back = [](const GiveBackRequest&) {}});
  ASSERT_TRUE(holder.ok()) << holder.status();
  const auto held = (*holder)->Allocate({.heap = "simulated", .size_bytes = 60 * kMiB});
  ASSERT_TRUE(held.ok()) << held.status();
  WatchStream watch(Connect(), "asks");
  Request request(*client_, Wanting("asks", "asks"));

  const v1::Allocation state =
      watch.NextThat([](const v1::Allocation& now) { return now.clients_asked() > 0; });

  EXPECT_EQ(state.clients_asked(), 1);
}

TEST_F(WatchTest, EndsWithTheSuccessOfTheRequest) {
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(), "succeeds");
  Request request(*client_, Wanting("succeeds", "nofail"));
  watch.NextThat(BacksOff);

  FreeTheArea();

  const std::vector<v1::Allocation> rest = watch.Rest();
  EXPECT_EQ(watch.End(), absl::OkStatus());
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().state(), v1::Allocation::SUCCEEDED);
  EXPECT_EQ(rest.back().last_error(), "");
  EXPECT_EQ(request.Outcome(), absl::OkStatus());
}

TEST_F(WatchTest, WhatSucceededHasAllItsBuffersAndNothingInItsWay) {
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(), "succeeds");
  Request request(*client_, Wanting("succeeds", "nofail"));
  watch.NextThat(BacksOff);

  FreeTheArea();

  const v1::Allocation last = watch.NextThat(
      [](const v1::Allocation& now) { return now.state() == v1::Allocation::SUCCEEDED; });
  EXPECT_EQ(last.allocated(), 1);
  EXPECT_EQ(last.obstacle(), v1::Allocation::OBSTACLE_UNSPECIFIED);
  EXPECT_FALSE(last.has_free_bytes());
}

TEST_F(WatchTest, EndsWithTheFailureOfTheRequestAndItsReason) {
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(), "fails");
  Request request(*client_, Wanting("fails", "eager"));
  watch.NextThat(BacksOff);

  folder_.Write("policy", kEagerGivesUp);
  ASSERT_TRUE(operator_->Reload().ok());

  const std::vector<v1::Allocation> rest = watch.Rest();
  EXPECT_EQ(watch.End(), absl::OkStatus());
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().state(), v1::Allocation::FAILED);
  EXPECT_EQ(rest.back().last_error(), request.Outcome().message());
}

TEST_F(WatchTest, EndsWithTheCancellationOfTheRequest) {
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(), "cancelled");
  Request request(*client_, Wanting("cancelled", "nofail"));
  watch.NextThat(BacksOff);

  request.Cancel();

  const std::vector<v1::Allocation> rest = watch.Rest();
  EXPECT_EQ(watch.End(), absl::OkStatus());
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().state(), v1::Allocation::FAILED);
}

// All that one user may have, on as many connections as it takes.
TEST_F(WatchTest, WatchersThatCancelLeaveNothingBehindAndDoTheRequestNoHarm) {
  StartWithPolicy();
  FillTheArea();
  Request request(*client_, Wanting("watched", "nofail"));
  ASSERT_TRUE(operator_->Within(20, [&] { return AttemptsOf("watched") > 0; }));
  const std::set<int> before = Connections();
  {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    std::vector<std::unique_ptr<WatchStream>> watches;
    for (size_t i = 0; i < kMaxWatchesPerUid; ++i) {
      if (i % (kMaxConcurrentStreams / 2) == 0) channels.push_back(Connect());
      watches.push_back(std::make_unique<WatchStream>(channels.back(), "watched"));
      ASSERT_TRUE(watches.back()->Next().has_value()) << watches.back()->End();
    }
    EXPECT_EQ(GetReason(WatchStream(channels.back(), "watched").End()), ErrorReason::OVERLOADED);

    for (const auto& watch : watches) watch->Cancel();
    for (const auto& watch : watches) EXPECT_TRUE(absl::IsCancelled(watch->End()));
  }

  EXPECT_TRUE(OnlyTheseStay(before));
  const auto channel = Connect();
  EXPECT_TRUE(
      operator_->Within(20, [&] { return WatchStream(channel, "watched").Next().has_value(); }));
  FreeTheArea();
  EXPECT_EQ(request.Outcome(), absl::OkStatus());
}

TEST_F(WatchTest, AWatcherWhoseProcessIsGoneGivesItsPlaceBack) {
  StartWithPolicy();
  FillTheArea();
  Request request(*client_, Wanting("watched", "nofail"));
  ASSERT_TRUE(operator_->Within(20, [&] { return AttemptsOf("watched") > 0; }));
  const std::set<int> before = Connections();
  {
    GuestProcess ctl({Runfile("client/ctl/dmaheapctl"), "--socket-dir", dir(), "get", "allocations",
                      "-w", "-o", "name"},
                     /*uid=*/0);
    ASSERT_TRUE(absl::StartsWith(ctl.ReadLine(), "allocations/"));
    ASSERT_GT(Connections().size(), before.size());
  }  // killed

  EXPECT_TRUE(OnlyTheseStay(before));
}

TEST_F(WatchTest, ASlowReaderGetsTheNewestState) {
  constexpr int kAttempts = 300;
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(Connect(Reader::kSlow), "slow");
  Request request(*client_, Wanting("slow", "eager"));
  ASSERT_TRUE(watch.Next().has_value());
  ASSERT_TRUE(operator_->Within(30, [&] { return AttemptsOf("slow") >= kAttempts; }));
  FreeTheArea();
  ASSERT_EQ(request.Outcome(), absl::OkStatus());

  const std::vector<v1::Allocation> read = watch.Rest();

  EXPECT_EQ(watch.End(), absl::OkStatus());
  ASSERT_FALSE(read.empty());
  EXPECT_EQ(read.back().state(), v1::Allocation::SUCCEEDED);
  EXPECT_GT(read.back().attempts(), kAttempts);
  // Each attempt changes it three times.
  EXPECT_LT(read.size(), size_t{kAttempts});
  EXPECT_TRUE(std::is_sorted(read.begin(), read.end(), [](const auto& a, const auto& b) {
    return a.attempts() < b.attempts();
  }));
}

// Those before it change again before the reader has read one.
TEST_F(WatchTest, ASlowReaderGetsTheStatesOfAllRequestsInTurn) {
  constexpr int kBusy = 12;
  StartWithPolicy();
  FillTheArea();
  WatchStream watch(ConnectAdmin(Reader::kSlow));
  std::vector<std::unique_ptr<Request>> busy;
  for (int i = 0; i < kBusy; ++i) {
    busy.push_back(std::make_unique<Request>(*client_, Wanting(absl::StrCat("busy", i), "eager")));
  }
  ASSERT_TRUE(operator_->Within(20, [&] { return operator_->Allocations().size() == kBusy; }));
  Request last(*client_, Wanting("last", "eager"));

  const auto all_change = [&] {
    const std::vector<v1::Allocation> before = operator_->Allocations();
    return operator_->Within(20, [&] {
      const std::vector<v1::Allocation> now = operator_->Allocations();
      return std::equal(before.begin(), before.end(), now.begin(), now.end(),
                        [](const auto& a, const auto& b) { return a.attempts() < b.attempts(); });
    });
  };
  ASSERT_TRUE(operator_->Within(20, [&] { return AttemptsOf("last") > 0; }));
  bool shown = false;
  for (int read = 0; read < 6 * kBusy && !shown; ++read) {
    ASSERT_TRUE(all_change());
    const absl::optional<v1::Allocation> state = watch.Next();
    ASSERT_TRUE(state.has_value()) << watch.End();
    shown = state->request_id() == "last";
  }

  EXPECT_TRUE(shown);
}

TEST_F(WatchTest, AReaderThatStoppedIsSentAwayBeforeItFillsTheMemory) {
  log_level_ = "info";
  StartWithPolicy();
  WatchStream watch(ConnectAdmin(Reader::kSlow));
  for (size_t i = 0; i < 2 * kMaxUnreadEnds; ++i) {
    const auto buffer = client_->Allocate({.heap = "simulated", .size_bytes = 4096});
    ASSERT_TRUE(buffer.ok()) << buffer.status();
  }

  const std::vector<v1::Allocation> read = watch.Rest();

  EXPECT_LT(read.size(), kMaxUnreadEnds);
  EXPECT_EQ(GetReason(watch.End()), ErrorReason::OVERLOADED) << watch.End();
}

// Nothing is there for who asks about another's request; a request of its own with that id is what
// it waits for, as with an id that nobody has.
TEST_F(WatchTest, TheRequestOfAnotherUserIsLikeOneThatDoesNotExist) {
  StartWithPolicy();
  FillTheArea();
  AgentProcess bob(dir(), kBobUid);
  bob.Tell(absl::StrCat("allocid taken linux,cma-nofail ", kTooMuch, " 1"));
  ASSERT_TRUE(operator_->Within(20, [&] { return AttemptsOf("taken") > 0; }));

  for (const std::string id : {"taken", "nobodys"}) {
    SCOPED_TRACE(id);
    WatchStream watch(Connect(), id);
    Request request(*client_, Wanting(id, "eager"));
    std::vector<v1::Allocation> all;
    watch.NextThat([&](const v1::Allocation& state) {
      all.push_back(state);
      return BacksOff(state);
    });
    request.Cancel();
    for (v1::Allocation& state : watch.Rest()) all.push_back(std::move(state));

    EXPECT_EQ(watch.End(), absl::OkStatus());
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(all.back().state(), v1::Allocation::FAILED);
    for (const v1::Allocation& state : all) EXPECT_EQ(state.owner_uid(), 0);
  }
  EXPECT_FALSE(bob.Answered());
}

TEST_F(WatchTest, WithoutARequestIdNothingIsWatched) {
  StartWithPolicy();

  EXPECT_EQ(GetReason(WatchStream(Connect(), "").End()), ErrorReason::INVALID_REQUEST_ID);
}

TEST_F(WatchTest, TheOperatorSeesTheRequestsOfAllBeginAndEnd) {
  StartWithPolicy();
  WatchStream watch(ConnectAdmin());
  FillTheArea();
  const v1::Allocation alices =
      watch.NextThat([](const v1::Allocation& now) { return now.owner_uid() == kAliceUid; });
  Request request(*client_, Wanting("roots", "nofail"));
  const v1::Allocation waits = watch.NextThat(BacksOff);

  FreeTheArea();
  const v1::Allocation served = watch.NextThat([&](const v1::Allocation& now) {
    return now.name() == waits.name() && now.state() == v1::Allocation::SUCCEEDED;
  });

  EXPECT_EQ(waits.request_id(), "roots");
  EXPECT_NE(alices.name(), waits.name());
  EXPECT_GT(served.attempts(), waits.attempts());
  watch.Cancel();
  EXPECT_TRUE(absl::IsCancelled(watch.End()));
}

TEST_F(WatchTest, WithoutTheRightInspectTheOperatorSeesNothing) {
  StartWithPolicy(kMayNotInspect);
  WatchStream watch(ConnectAdmin());

  EXPECT_FALSE(watch.Next().has_value());

  EXPECT_EQ(GetReason(watch.End()), ErrorReason::ACCESS_DENIED) << watch.End();
  EXPECT_EQ(GetErrorValue(watch.End(), "right"), "INSPECT") << watch.End();
}

TEST_F(WatchTest, ADaemonThatStopsTellsItsWatchers) {
  StartWithPolicy();
  FillTheArea();
  WatchStream all(ConnectAdmin());
  WatchStream one(Connect(), "stopped");
  Request request(*client_, Wanting("stopped", "nofail"));
  // Whoever has got a message is known to the daemon.
  all.NextThat(BacksOff);
  one.NextThat(BacksOff);

  daemon_->Signal(SIGTERM);

  EXPECT_EQ(GetReason(all.End()), ErrorReason::SHUTTING_DOWN) << all.End();
  EXPECT_EQ(GetReason(one.End()), ErrorReason::SHUTTING_DOWN) << one.End();
}

TEST_F(WatchTest, TheCommandPrintsEachChangeAndEndsWithSigint) {
  // A shell's background jobs ignore it, and so would what they start.
  signal(SIGINT, SIG_DFL);
  StartWithPolicy();
  FillTheArea();
  GuestProcess ctl(
      {Runfile("client/ctl/dmaheapctl"), "--socket-dir", dir(), "get", "allocations", "-w"},
      /*uid=*/0);
  Request request(*client_, Wanting("printed", "nofail"));
  std::string line;
  do {
    line = ctl.ReadLine();
  } while (!line.empty() && !absl::StrContains(line, "BACKING_OFF"));
  EXPECT_TRUE(absl::StrContains(line, "NO_ROOM")) << ctl.output();
  FreeTheArea();
  do {
    line = ctl.ReadLine();
  } while (!line.empty() && !absl::StrContains(line, "SUCCEEDED"));
  EXPECT_FALSE(line.empty()) << ctl.output();

  kill(ctl.pid(), SIGINT);

  EXPECT_EQ(ctl.Wait(), 130);
  EXPECT_EQ(ctl.error(), "");
  EXPECT_TRUE(absl::StartsWith(ctl.output(), "NAME ")) << ctl.output();
}

}  // namespace
}  // namespace dmaheap
