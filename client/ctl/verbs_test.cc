#include "client/ctl/verbs.h"

#include <unistd.h>

#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// What a verb has written and flushed so far, for another thread to wait for.
class Written : public std::stringbuf {
 public:
  bool WaitFor(absl::string_view text) {
    return FakeDaemon::WaitUntil([&] {
      std::lock_guard<std::mutex> lock(mutex_);
      return absl::StrContains(flushed_, text);
    });
  }

 private:
  int sync() override {
    std::lock_guard<std::mutex> lock(mutex_);
    flushed_ = str();
    return 0;
  }

  std::mutex mutex_;
  std::string flushed_;
};

class VerbsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Before the threads of the daemon, as main does.
    interrupt_ = *Interrupt::Create();
    daemon_ = FakeDaemon::Start();
  }
  void TearDown() override {
    // It ends in order only while it runs.
    if (killed_) daemon_->Restart();
    daemon_.reset();
    interrupt_.reset();
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  void KillDaemon() {
    daemon_->Kill();
    killed_ = true;
  }

  // Runs a command line; its output is in out_ and err_.
  // during: is given what it writes there, on another thread.
  int Ctl(std::vector<std::string> words, const std::string& input = "",
          const std::function<void(Written& out, Written& err)>& during = nullptr) {
    words.insert(words.begin(), {"dmaheapctl", "--socket-dir", daemon_->dir()});
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    const CommandLine line = ParseCommandLine(static_cast<int>(argv.size()), argv.data());
    EXPECT_TRUE(line.arguments.has_value()) << line.text;
    if (!line.arguments.has_value()) return -1;
    std::istringstream in(input);
    Written out_buffer;
    Written err_buffer;
    std::ostream out(&out_buffer);
    std::ostream err(&err_buffer);
    std::thread other;
    if (during) other = std::thread([&] { during(out_buffer, err_buffer); });
    const int code = RunVerb(*line.arguments, *interrupt_, {in, out, err});
    if (other.joinable()) other.join();
    out_ = out_buffer.str();
    err_ = err_buffer.str();
    return code;
  }

  // The first two words that hold -o name printed: a name and its token.
  std::pair<std::string, std::string> Hold(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"hold", "reserved", "4k", "-o", "name"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(Ctl(words), 0) << err_;
    std::istringstream line(out_);
    std::pair<std::string, std::string> held;
    line >> held.first >> held.second;
    return held;
  }

  const FdLeakCheck leaks_;
  std::unique_ptr<Interrupt> interrupt_;
  std::unique_ptr<FakeDaemon> daemon_;
  bool killed_ = false;
  std::string out_;
  std::string err_;
};

TEST_F(VerbsTest, GetHeapsTurnsAllPages) {
  EXPECT_EQ(Ctl({"get", "heaps", "-o", "name"}), 0) << err_;

  EXPECT_EQ(out_, "heaps/reserved\nheaps/system\n");
  EXPECT_EQ(err_, "");
}

TEST_F(VerbsTest, GetHeapsAsJsonIsOneListOfAllPages) {
  EXPECT_EQ(Ctl({"get", "heaps", "-o", "json"}), 0) << err_;

  EXPECT_THAT(out_, StartsWith("{\n \"heaps\": [\n  {\n   \"name\": \"heaps/reserved\",\n"));
  EXPECT_THAT(out_, HasSubstr("\"name\": \"heaps/system\""));
  EXPECT_THAT(out_, HasSubstr("\"next_page_token\": \"\""));
}

TEST_F(VerbsTest, GetReservationsAsksForTheCallersAndWithAllForEverybodys) {
  EXPECT_EQ(Ctl({"get", "reservations"}), 0) << err_;
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre());
  EXPECT_EQ(Ctl({"get", "reservations", "--all"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("UID"));
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre("ListReservations"));
}

TEST_F(VerbsTest, GetBuffersAsksForTheCallersAndWithAllForEverybodys) {
  Hold();

  EXPECT_EQ(Ctl({"get", "buffers"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("HELD"));
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre());
  EXPECT_EQ(Ctl({"get", "buffers", "--all"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("UID"));
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre("ListBuffers"));
}

TEST_F(VerbsTest, GetClientsAsksTheAdminSocket) {
  EXPECT_EQ(Ctl({"get", "clients"}), 0) << err_;

  EXPECT_EQ(out_,
            "NAME   UID   PID  LABEL       BUFFERS     LIVE  IDLE   AGE\n"
            "7     1000  4711  camera-hal        6  71.1MiB    3s  150m\n");
}

v1::Metrics TestMetrics() {
  v1::Metrics metrics;
  v1::MetricFamily& family = *metrics.add_families();
  family.set_name("dmaheap_attempts_total");
  family.set_help("Tries.");
  family.set_type(v1::MetricFamily::COUNTER);
  for (const char* result : {"ok", "late"}) {
    v1::Metric& metric = *family.add_metrics();
    metric.add_labels()->set_name("result");
    metric.mutable_labels(0)->set_value(result);
    metric.set_number(absl::string_view(result) == "ok" ? 7 : 0);
  }
  return metrics;
}

TEST_F(VerbsTest, GetMetricsAsksTheAdminSocketAndLeavesOutWhatNeverHappened) {
  daemon_->SetMetrics(TestMetrics());

  EXPECT_EQ(Ctl({"get", "metrics"}), 0) << err_;
  EXPECT_EQ(out_,
            "NAME            LABELS     VALUE  MEAN  P50  P99\n"
            "attempts_total  result=ok      7     -    -    -\n");
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre("GetMetrics"));
  EXPECT_EQ(Ctl({"get", "metrics", "-o", "wide"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("result=late"));
  EXPECT_EQ(Ctl({"get", "metrics", "-o", "name"}), 0) << err_;
  EXPECT_EQ(out_, "dmaheap_attempts_total\n");
}

TEST_F(VerbsTest, GetMetricsAsJsonIsWholeWithItsZeros) {
  daemon_->SetMetrics(TestMetrics());

  EXPECT_EQ(Ctl({"get", "metrics", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("{\n \"families\": [\n  {\n"
                               "   \"name\": \"dmaheap_attempts_total\",\n"));
  EXPECT_THAT(out_, HasSubstr("\"type\": \"COUNTER\""));
  EXPECT_THAT(out_, HasSubstr("\"number\": 0\n"));
}

TEST_F(VerbsTest, GetPinnersTellsWhoKeptRequestsWaiting) {
  EXPECT_EQ(Ctl({"get", "pinners"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("NAME      UID  CAUSE  REQUESTS  DELAY  CGROUP  AGE\n"));
  EXPECT_THAT(out_, HasSubstr("spooler  1000  PIPE          3     2s  /apps"));

  EXPECT_EQ(Ctl({"get", "pinners", "-o", "wide"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("/usr/bin/spooler"));
}

TEST_F(VerbsTest, GetEvidenceTellsWhatIsMissingAndWhatWouldHelp) {
  EXPECT_EQ(Ctl({"get", "evidence"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("FREE_LIST  L1     TELLS\n"));
  EXPECT_THAT(out_, HasSubstr("TRACE      L2     ENOTSUP\n"));

  EXPECT_EQ(Ctl({"get", "evidence", "-o", "wide"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("it needs tracefs"));
  EXPECT_EQ(Ctl({"get", "evidence", "-o", "name"}), 0) << err_;
  EXPECT_EQ(Ctl({"get", "evidence", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"evidence_level\": \"L1\""));
}

TEST_F(VerbsTest, GetMetricsWithoutTheRightIsToldSo) {
  daemon_->FailQueries(Error(ErrorReason::ACCESS_DENIED, "no right INSPECT"));

  EXPECT_EQ(Ctl({"get", "metrics"}), 4);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("reason=ACCESS_DENIED"));
}

TEST_F(VerbsTest, DescribeShowsOneHeapByItsAlias) {
  EXPECT_EQ(Ctl({"describe", "heap/linux,cma"}), 0) << err_;

  EXPECT_THAT(out_, StartsWith("NAME          heaps/reserved\n"));
}

TEST_F(VerbsTest, WhatDoesNotExistIsToldWithItsReason) {
  EXPECT_EQ(Ctl({"describe", "heap/nope"}), 5);

  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("  code=NOT_FOUND\n  reason=HEAP_NOT_FOUND\n"));
}

TEST_F(VerbsTest, AllocShowsWhatItGotAndReleasesIt) {
  EXPECT_EQ(Ctl({"alloc", "reserved", "8k", "--count", "2", "--label", "cam"}), 0) << err_;

  EXPECT_THAT(out_, HasSubstr("8KiB"));
  EXPECT_EQ(daemon_->WaitForReleases(2).size(), 2u);
  const auto requests = daemon_->requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].heap(), "heaps/reserved");
  EXPECT_EQ(requests[0].size_bytes(), 8192);
  EXPECT_EQ(requests[0].count(), 2);
  EXPECT_EQ(requests[0].label(), "cam");
}

TEST_F(VerbsTest, AllocRunsACommandWithTheFds) {
  EXPECT_EQ(Ctl({"alloc", "reserved", "8k", "--count", "2", "--", "sh", "-c",
                 "test $DMAHEAP_FDS = 3,4 || exit 1; "
                 "test $(stat -Lc %s /proc/self/fd/3) = 8192 && exit 42"}),
            42)
      << err_;

  EXPECT_EQ(out_, "");
  EXPECT_EQ(daemon_->WaitForReleases(2).size(), 2u);
}

TEST_F(VerbsTest, ADryRunAsksForEveryCheckAndNoMemory) {
  EXPECT_EQ(Ctl({"alloc", "reserved", "8k", "--dry-run", "--", "false"}), 0) << err_;

  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("nothing was allocated"));
  ASSERT_EQ(daemon_->requests().size(), 1u);
  EXPECT_TRUE(daemon_->requests()[0].validate_only());
}

TEST_F(VerbsTest, SigintCancelsTheRequestInTheDaemon) {
  std::promise<bool> cancelled;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    // The request is in the daemon: now the person loses patience.
    kill(getpid(), SIGINT);
    call.WaitForCancellation();
    cancelled.set_value(call.context.IsCancelled());
    return absl::CancelledError("cancelled");
  });

  EXPECT_EQ(Ctl({"alloc", "reserved", "8k", "--timeout", "1m"}), 130);

  EXPECT_TRUE(cancelled.get_future().get());
  EXPECT_THAT(err_, HasSubstr("reason=REQUEST_CANCELLED"));
}

TEST_F(VerbsTest, SigintCancelsAHoldToo) {
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    kill(getpid(), SIGINT);
    call.WaitForCancellation();
    return absl::CancelledError("cancelled");
  });

  EXPECT_EQ(Ctl({"hold", "reserved", "8k", "--timeout", "1m"}), 130);
}

// A request that lacks the room which its own user takes.
v1::Allocation OwnBuffers() {
  v1::Allocation allocation;
  allocation.set_name("allocations/7");
  allocation.set_heap("heaps/reserved");
  allocation.set_owner_uid(1000);
  allocation.set_size_bytes(8192);
  allocation.set_count(1);
  allocation.set_state(v1::Allocation::BACKING_OFF);
  allocation.set_attempts(3);
  allocation.mutable_next_delay()->set_seconds(2);
  allocation.mutable_elapsed_duration()->set_seconds(5);
  allocation.set_obstacle(v1::Allocation::OWN_BUFFERS);
  allocation.set_own_bytes(24 << 20);
  return allocation;
}

TEST_F(VerbsTest, WaitHasNoDeadlineTellsHowItFaresAndEndsWithSigint) {
  for (const char* verb : {"alloc", "hold"}) {
    std::promise<bool> endless;
    daemon_->ScriptNext([&](FakeDaemon::Call& call) {
      endless.set_value(call.context.deadline() == std::chrono::system_clock::time_point::max());
      call.Report(OwnBuffers());
      call.WaitForCancellation();
      return absl::CancelledError("cancelled");
    });

    EXPECT_EQ(Ctl({verb, "reserved", "8k", "--wait", "--timeout", "100ms"}, "",
                  [](Written&, Written& err) {
                    EXPECT_TRUE(err.WaitFor("attempt 3"));
                    kill(getpid(), SIGINT);
                  }),
              130)
        << verb;

    EXPECT_TRUE(endless.get_future().get()) << verb;
    EXPECT_THAT(err_, StartsWith("dmaheapctl: attempt 3, 5s, next in 2s: you hold 24MiB of "
                                 "reserved yourself; release some: dmaheapctl get buffers"))
        << verb;
    EXPECT_THAT(err_, HasSubstr("reason=REQUEST_CANCELLED")) << verb;
    EXPECT_TRUE(FakeDaemon::WaitUntil([&] { return daemon_->open_watches() == 0; })) << verb;
  }
}

TEST_F(VerbsTest, PriorityAndPolicyReachTheDaemonAndNothingIsWatchedWithoutWait) {
  EXPECT_EQ(Ctl({"alloc", "reserved", "4k", "--priority", "high", "--policy", "nofail"}), 0);
  EXPECT_EQ(Ctl({"hold", "reserved", "4k", "--priority", "low", "--policy", "batch"}), 0);
  EXPECT_EQ(Ctl({"alloc", "reserved", "4k", "--policy", "x", "--dry-run"}), 0);

  const auto requests = daemon_->requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].priority(), v1::HIGH);
  EXPECT_EQ(requests[0].retry_policy(), "nofail");
  EXPECT_EQ(requests[1].priority(), v1::LOW);
  EXPECT_EQ(requests[1].retry_policy(), "batch");
  EXPECT_EQ(requests[2].retry_policy(), "x");
  EXPECT_THAT(daemon_->watched(), ElementsAre());
}

TEST_F(VerbsTest, GetAllocationsTurnsAllPagesOfTheAdminSocket) {
  v1::Allocation second = OwnBuffers();
  second.set_name("allocations/8");
  daemon_->SetAllocations({OwnBuffers(), second});

  EXPECT_EQ(Ctl({"get", "allocations"}), 0) << err_;
  EXPECT_EQ(out_,
            "NAME  HEAP      SIZE   UID  STATE        ATTEMPTS  OBSTACLE     AGE\n"
            "7     reserved  8KiB  1000  BACKING_OFF         3  OWN_BUFFERS   5s\n"
            "8     reserved  8KiB  1000  BACKING_OFF         3  OWN_BUFFERS   5s\n");
  EXPECT_EQ(Ctl({"get", "allocations", "-o", "name"}), 0) << err_;
  EXPECT_EQ(out_, "allocations/7\nallocations/8\n");
  EXPECT_EQ(Ctl({"get", "allocations", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"obstacle\": \"OWN_BUFFERS\""));
  EXPECT_EQ(Ctl({"describe", "allocation/8"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("ATTEMPTS        3\n"));
  EXPECT_EQ(Ctl({"describe", "allocation/9"}), 5);
  EXPECT_THAT(err_, HasSubstr("no allocations/9 under way"));
}

TEST_F(VerbsTest, WatchedAllocationsComeAsTheyChangeUntilSigint) {
  daemon_->SetAllocations({OwnBuffers()});
  const auto change_and_interrupt = [this](Written& out, Written&) {
    EXPECT_TRUE(out.WaitFor("OWN_BUFFERS"));
    v1::Allocation done = OwnBuffers();
    done.set_state(v1::Allocation::SUCCEEDED);
    done.clear_obstacle();
    daemon_->ChangeAllocation(done);
    EXPECT_TRUE(out.WaitFor("SUCCEEDED"));
    kill(getpid(), SIGINT);
  };

  EXPECT_EQ(Ctl({"get", "allocations", "-w", "--timeout", "10ms"}, "", change_and_interrupt), 130);
  EXPECT_EQ(out_,
            "NAME   HEAP          SIZE    UID  STATE        ATTEMPTS  OBSTACLE      AGE\n"
            "7      reserved      8KiB   1000  BACKING_OFF         3  OWN_BUFFERS    5s\n"
            "7      reserved      8KiB   1000  SUCCEEDED           3  -              5s\n");
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Ctl({"get", "allocations", "-w", "-o", "json"}, "", change_and_interrupt), 130);
  EXPECT_THAT(out_, StartsWith("{\"name\":\"allocations/7\","));
}

TEST_F(VerbsTest, TheEndOfAWatchThatTheDaemonWantedIsAnError) {
  daemon_->EndWatches(Error(ErrorReason::SHUTTING_DOWN, "the daemon is shutting down"));

  EXPECT_EQ(Ctl({"get", "allocations", "-w"}), 6);
  EXPECT_THAT(err_, HasSubstr("reason=SHUTTING_DOWN"));
}

TEST_F(VerbsTest, TheDeadlineIsToldAsSuch) {
  daemon_->ScriptNext([](FakeDaemon::Call& call) {
    call.WaitForCancellation();
    return absl::CancelledError("late");
  });

  EXPECT_EQ(Ctl({"alloc", "reserved", "8k", "--timeout", "100ms"}), 7);

  EXPECT_THAT(err_, HasSubstr("deadline=100ms"));
}

TEST_F(VerbsTest, ARefusalIsToldWithItsValuesAndWhenToTryAgain) {
  daemon_->ScriptNext([](FakeDaemon::Call&) {
    return Error(ErrorReason::CONTIGUOUS_MEMORY_PINNED, "pinned")
        .With("largest_free_bytes", 4096)
        .RetryAfter(absl::Seconds(2))
        .ToStatus();
  });

  EXPECT_EQ(Ctl({"alloc", "reserved", "8k"}), 6);

  EXPECT_EQ(err_,
            "dmaheapctl: pinned\n"
            "  code=UNAVAILABLE\n"
            "  reason=CONTIGUOUS_MEMORY_PINNED\n"
            "  largest_free_bytes=4096\n"
            "  retry-after=2s\n");
}

TEST_F(VerbsTest, HoldPassesTheLeaseOnAndPrintsNamesWithTheToken) {
  EXPECT_EQ(Ctl({"hold", "reserved", "8k", "--count", "2", "--lease", "90s", "-o", "name"}), 0)
      << err_;

  EXPECT_THAT(out_, MatchesRegex("buffers/[^ ]+ [^ ]+\nbuffers/[^ ]+ [^ ]+\n"));
  ASSERT_EQ(daemon_->requests().size(), 1u);
  EXPECT_EQ(daemon_->requests()[0].hold().lease().seconds(), 90);
}

TEST_F(VerbsTest, WithoutALeaseTheDaemonsDefaultHolds) {
  Hold();

  ASSERT_EQ(daemon_->requests().size(), 1u);
  EXPECT_TRUE(daemon_->requests()[0].has_hold());
  EXPECT_FALSE(daemon_->requests()[0].hold().has_lease());
}

TEST_F(VerbsTest, ClaimRunsACommandWithTheHeldBuffer) {
  const auto [name, token] = Hold();

  EXPECT_EQ(Ctl({"claim", name, token, "--", "sh", "-c",
                 "test $DMAHEAP_FDS = 3 && test $(stat -Lc %s /proc/self/fd/3) = 4096 && exit 42"}),
            42)
      << err_;
}

TEST_F(VerbsTest, ATokenMayComeOnStandardInput) {
  const auto [name, token] = Hold();

  EXPECT_EQ(Ctl({"claim", name, "-"}, token + "\n"), 0) << err_;
  EXPECT_THAT(out_, HasSubstr(name.substr(name.find('/') + 1)));
}

TEST_F(VerbsTest, AnEmptyStandardInputIsNoToken) {
  const auto [name, token] = Hold();

  EXPECT_EQ(Ctl({"claim", name, "-"}, "\n"), 2);
  EXPECT_THAT(err_, HasSubstr("no token on standard input"));
}

TEST_F(VerbsTest, ReleaseFreesAHeldBufferOnce) {
  const auto [name, token] = Hold();

  EXPECT_EQ(Ctl({"release", name.substr(name.find('/') + 1), "--token", token}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "dmaheapctl: released " + name + "\n");
  EXPECT_EQ(Ctl({"release", name}), 5);
}

TEST_F(VerbsTest, ReserveBooksWithoutASessionAndTellsWhenThatEnds) {
  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "3", "--lease", "90s", "--label", "cam", "--priority",
                 "high", "--retry-policy", "nofail", "--refill-below", "2", "-o", "name"}),
            0)
      << err_;

  EXPECT_EQ(out_, "reservations/1\n");
  const auto bookings = daemon_->reservations().bookings();
  ASSERT_EQ(bookings.size(), 1u);
  EXPECT_EQ(bookings[0].session_id(), "");
  EXPECT_EQ(bookings[0].heap(), "heaps/reserved");
  EXPECT_EQ(bookings[0].size_bytes(), 8192);
  EXPECT_EQ(bookings[0].count(), 3);
  EXPECT_EQ(bookings[0].lease().seconds(), 90);
  EXPECT_EQ(bookings[0].label(), "cam");
  EXPECT_EQ(bookings[0].priority(), v1::HIGH);
  EXPECT_EQ(bookings[0].retry_policy(), "nofail");
  EXPECT_EQ(bookings[0].refill_below(), 2);
  EXPECT_THAT(err_, MatchesRegex("dmaheapctl: no session keeps reservations/1: it ends at "
                                 "20..-..-..T..:..:..\\+00:00, 1m30s from now, .*"
                                 "release reservations/1 ends it\n"));
}

TEST_F(VerbsTest, ReserveShowsWhatItBooked) {
  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "3"}), 0) << err_;

  EXPECT_FALSE(daemon_->reservations().bookings()[0].has_lease());
  EXPECT_FALSE(daemon_->reservations().bookings()[0].has_refill_below());
  EXPECT_THAT(out_,
              MatchesRegex("NAME  HEAP      SIZE  READY  DRAWN  COUNT  LABEL  EXPIRES   AGE\n"
                           "1     reserved  8KiB      3      0      3  -      *[56].s  150m\n"));
  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "3", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("{\n \"name\": \"reservations/2\",\n"));
}

TEST_F(VerbsTest, ADryRunOfABookingBooksNothing) {
  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "3", "--dry-run"}), 0) << err_;

  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("nothing was allocated"));
  EXPECT_TRUE(daemon_->reservations().bookings()[0].validate_only());
  EXPECT_TRUE(daemon_->reservations().List().empty());
}

TEST_F(VerbsTest, ABookingThatWaitsTellsHowItFares) {
  std::promise<void> told;
  daemon_->reservations().SetBeforeBooking([&](const v1::ReserveBuffersRequest& request) {
    v1::Allocation allocation;
    allocation.set_heap("heaps/reserved");
    allocation.set_state(v1::Allocation::BACKING_OFF);
    allocation.set_attempts(7);
    daemon_->Report(request.request_id(), allocation);
    told.get_future().wait_for(std::chrono::seconds(10));
    return absl::OkStatus();
  });

  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "3", "--wait", "--timeout", "1ms"}, "",
                [&](Written&, Written& err) {
                  EXPECT_TRUE(err.WaitFor("attempt 7"));
                  told.set_value();
                }),
            0)
      << err_;
}

TEST_F(VerbsTest, ReservationsAreListedAndDescribed) {
  ASSERT_EQ(Ctl({"reserve", "reserved", "8k", "3"}), 0) << err_;
  ASSERT_EQ(Ctl({"reserve", "reserved", "4k", "2"}), 0) << err_;

  EXPECT_EQ(Ctl({"get", "reservations", "-o", "name"}), 0) << err_;
  EXPECT_EQ(out_, "reservations/1\nreservations/2\n");
  EXPECT_EQ(Ctl({"get", "reservations", "-o", "json"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("{\n \"reservations\": [\n"));
  EXPECT_EQ(Ctl({"describe", "reservation/2"}), 0) << err_;
  EXPECT_THAT(out_, StartsWith("NAME          reservations/2\n"));
  EXPECT_EQ(Ctl({"describe", "reservation/9"}), 5);
  EXPECT_THAT(err_, HasSubstr("reason=RESERVATION_NOT_FOUND"));
}

TEST_F(VerbsTest, AllocDrawsFromAReservation) {
  ASSERT_EQ(Ctl({"reserve", "reserved", "8k", "3", "--label", "cam"}), 0) << err_;

  EXPECT_EQ(Ctl({"alloc", "--reservation", "reservations/1", "--count", "2", "-o", "json"}), 0)
      << err_;

  EXPECT_EQ(err_, "");
  EXPECT_THAT(out_, HasSubstr("\"reservation\": \"reservations/1\""));
  EXPECT_THAT(out_, HasSubstr("\"drawn\": 2"));
  EXPECT_EQ(daemon_->requests()[0].reservation(), "reservations/1");
  EXPECT_EQ(daemon_->requests()[0].heap(), "");
  EXPECT_EQ(daemon_->WaitForReleases(2).size(), 2u);
}

TEST_F(VerbsTest, ADrawThatWasAMissIsServedAndTold) {
  ASSERT_EQ(Ctl({"reserve", "reserved", "8k", "1"}), 0) << err_;

  EXPECT_EQ(Ctl({"alloc", "--reservation", "1", "--count", "3"}), 0) << err_;

  EXPECT_THAT(err_, HasSubstr("reservations/1 had 1 of 3 ready"));
  EXPECT_EQ(daemon_->WaitForReleases(3).size(), 3u);
}

TEST_F(VerbsTest, ADrawFromNoReservationIs5AndADryRunSaysWhatItIs) {
  EXPECT_EQ(Ctl({"alloc", "--reservation", "9"}), 5);
  EXPECT_THAT(err_, HasSubstr("reason=RESERVATION_NOT_FOUND"));

  ASSERT_EQ(Ctl({"reserve", "reserved", "8k", "1"}), 0) << err_;
  EXPECT_EQ(Ctl({"alloc", "--reservation", "1", "--dry-run"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("a draw of 1 from reservations/1 passed every check"));
}

TEST_F(VerbsTest, ReleaseEndsAReservationOnce) {
  ASSERT_EQ(Ctl({"reserve", "reserved", "8k", "1"}), 0) << err_;

  EXPECT_EQ(Ctl({"release", "reservations/1"}), 0) << err_;
  EXPECT_THAT(err_, HasSubstr("ended reservations/1"));
  EXPECT_TRUE(daemon_->reservations().List().empty());
  EXPECT_EQ(Ctl({"release", "reservation/1"}), 5);
}

TEST_F(VerbsTest, AnOlderDaemonIsSaidToMissTheCall) {
  daemon_ = nullptr;
  daemon_ = FakeDaemon::Start({.knows_reservations = false});

  EXPECT_EQ(Ctl({"reserve", "reserved", "8k", "1"}), 1);
  EXPECT_THAT(err_, HasSubstr("does not know ReserveBuffers: it is older; update dmaheapd"));
  EXPECT_EQ(Ctl({"get", "reservations"}), 1);
  EXPECT_THAT(err_, HasSubstr("does not know ListReservations"));
}

TEST_F(VerbsTest, VersionSaysThatOfBothSides) {
  EXPECT_EQ(Ctl({"version"}), 0) << err_;

  EXPECT_THAT(out_, MatchesRegex("NAME     VERSION\nlibrary  [0-9.]+\ndaemon   [^\n]+\n"));
}

TEST_F(VerbsTest, VersionSaysItsOwnWithoutADaemonAndFails) {
  KillDaemon();

  EXPECT_EQ(Ctl({"version", "-o", "json"}), 3);
  EXPECT_THAT(out_, HasSubstr("\"daemon_version\": null"));
}

TEST_F(VerbsTest, ReloadAndLogLevelAreMessagesOrJson) {
  EXPECT_EQ(Ctl({"reload"}), 0) << err_;
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "dmaheapctl: the daemon read the policy /etc/dmaheapd/policy.textproto\n");
  EXPECT_EQ(Ctl({"log-level", "debug"}), 0);
  EXPECT_EQ(err_, "dmaheapctl: the log level is debug, it was info\n");
  EXPECT_EQ(Ctl({"log-level", "warn", "-o", "json"}), 0);
  EXPECT_EQ(out_, "{\n \"previous_level\": \"INFO\"\n}\n");
  EXPECT_THAT(daemon_->admin_calls(),
              ElementsAre("ReloadPolicy", "SetLogLevel DEBUG", "SetLogLevel WARN"));
}

TEST_F(VerbsTest, PolicyCheckShowsWhatThePolicyDoes) {
  EXPECT_EQ(Ctl({"policy", "check", "-"}, "a policy"), 0) << err_;
  EXPECT_EQ(out_, "Who may do what.\n\n  Rule 0: everybody.\n");
  EXPECT_EQ(err_, "");
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre("CheckPolicy a policy"));
}

TEST_F(VerbsTest, PolicyCheckOfAWrongPolicyShowsItsLinesAndIs2) {
  EXPECT_EQ(Ctl({"policy", "check", "-"}, "wrong"), 2);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_,
            "-:3:7: access[0].who: is required?[31m\n"
            "-:9:1: Expected identifier\n");
  EXPECT_EQ(Ctl({"policy", "check", "-", "-o", "json"}, "wrong"), 2);
  EXPECT_THAT(out_, HasSubstr("\"line\": 3"));
}

TEST_F(VerbsTest, PolicyCheckOfWhatIsNoPolicyFileAsksNobody) {
  EXPECT_EQ(Ctl({"policy", "check", "/nonexistent/policy"}), 5);
  EXPECT_THAT(err_, HasSubstr("can not open /nonexistent/policy"));
  EXPECT_EQ(Ctl({"policy", "check", "/tmp"}), 1);
  EXPECT_EQ(Ctl({"policy", "check", "/dev/zero"}), 2);
  EXPECT_THAT(err_, HasSubstr("more than 1048576 bytes"));
  EXPECT_THAT(daemon_->admin_calls(), ElementsAre());
}

TEST_F(VerbsTest, PolicyCheckWithoutTheRightIs4) {
  daemon_->FailQueries(Error(ErrorReason::ACCESS_DENIED, "no right inspect").ToStatus());
  EXPECT_EQ(Ctl({"policy", "check", "-"}, "a policy"), 4);
}

TEST_F(VerbsTest, ARefusedReloadIsNoUsageError) {
  daemon_->FailQueries(Error(ErrorReason::INVALID_POLICY, "line 3: no field hea").ToStatus());

  EXPECT_EQ(Ctl({"reload"}), 1);
  EXPECT_THAT(err_, HasSubstr("line 3"));
}

TEST_F(VerbsTest, ARightThatIsMissingIs4) {
  daemon_->FailQueries(Error(ErrorReason::ACCESS_DENIED, "no right inspect").ToStatus());

  EXPECT_EQ(Ctl({"get", "clients"}), 4);
}

TEST_F(VerbsTest, WithoutADaemonEveryVerbNamesTheSocketAndTheErrno) {
  KillDaemon();

  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"get", "heaps"},
                                             {"get", "clients"},
                                             {"get", "allocations", "-w"},
                                             {"alloc", "reserved", "4k"},
                                             {"hold", "reserved", "4k"},
                                             {"claim", "memfd-1", "aa"},
                                             {"release", "memfd-1"},
                                             {"reload"}}) {
    EXPECT_EQ(Ctl(words), 3) << words[0];
    EXPECT_THAT(err_, HasSubstr("reason=DAEMON_UNREACHABLE")) << words[0];
    EXPECT_THAT(err_, HasSubstr("socket_path=" + daemon_->dir())) << words[0];
    EXPECT_THAT(err_, HasSubstr("errno=E")) << words[0];
  }
}

TEST_F(VerbsTest, AFullDiskIsNoSuccess) {
  std::istringstream in;
  std::ostringstream err;
  std::ostream broken(nullptr);
  Arguments arguments;
  arguments.verb = Verb::kCompletion;
  arguments.shell = "bash";

  EXPECT_EQ(RunVerb(arguments, *interrupt_, {in, broken, err}), 1);
  EXPECT_THAT(err.str(), HasSubstr("can not write"));
}

}  // namespace
}  // namespace dmaheap::ctl
