// The library against a scripted daemon: what a caller gets when all is well, and when it is not.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "client/dmaheap.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMiB = 1 << 20;

class ClientTest : public ::testing::Test {
 protected:
  void TearDown() override {
    client_ = nullptr;
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  void StartDaemon(FakeDaemonOptions options = {}) { daemon_ = FakeDaemon::Start(options); }

  absl::StatusOr<std::unique_ptr<Client>> TryConnect(absl::Duration timeout = absl::Seconds(5)) {
    return Client::Connect({.socket_dir = daemon_->dir(), .label = "test", .timeout = timeout});
  }

  void Connect(FakeDaemonOptions options = {}) {
    StartDaemon(options);
    absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  std::unique_ptr<Client> client_;
};

AllocateOptions Request(int64_t size_bytes = kMiB) {
  return {.heap = "reserved", .size_bytes = size_bytes, .label = "frame"};
}

// The result of an asynchronous request, for a test to wait for.
class Outcome {
 public:
  Client::AllocateCallback Callback() {
    return [this](absl::StatusOr<Buffer> buffer) { promise_.set_value(std::move(buffer)); };
  }
  bool ReadyWithin(std::chrono::seconds time) {
    return future_.wait_for(time) == std::future_status::ready;
  }
  absl::StatusOr<Buffer> Get() {
    if (!ReadyWithin(std::chrono::seconds(20))) return absl::InternalError("no callback came");
    return future_.get();
  }

 private:
  std::promise<absl::StatusOr<Buffer>> promise_;
  std::future<absl::StatusOr<Buffer>> future_ = promise_.get_future();
};

// ---- all is well
// ----------------------------------------------------------------------------------

TEST_F(ClientTest, AllocateGivesTheBufferThatTheDaemonDescribes) {
  Connect();

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request(kMiB + 1));

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->size_bytes(), kMiB + 4096);
  EXPECT_EQ(buffer->heap(), "heaps/reserved");
  EXPECT_EQ(buffer->label(), "frame");
  EXPECT_EQ(buffer->contiguity(), Contiguity::kSimulated);
  struct stat status;
  ASSERT_EQ(fstat(buffer->fd(), &status), 0);
  EXPECT_EQ(buffer->name(), "buffers/memfd-" + std::to_string(status.st_ino));
  EXPECT_EQ(fcntl(buffer->fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_THAT(daemon_->WaitForReceipts(1), SizeIs(1));
  EXPECT_THAT(daemon_->labels(), ElementsAre("test"));
}

TEST_F(ClientTest, EachRequestHasARequestIdOfItsOwnUnlessTheCallerGivesOne) {
  Connect();

  ASSERT_TRUE(client_->Allocate(Request()).ok());
  ASSERT_TRUE(client_->Allocate(Request()).ok());
  AllocateOptions named = Request();
  named.request_id = "mine";
  ASSERT_TRUE(client_->Allocate(named).ok());

  const auto requests = daemon_->requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_THAT(requests[0].request_id(), SizeIs(32));
  EXPECT_NE(requests[0].request_id(), requests[1].request_id());
  EXPECT_EQ(requests[2].request_id(), "mine");
}

TEST_F(ClientTest, AllocateManyGivesAllInTheOrderOfTheReply) {
  Connect();

  absl::StatusOr<std::vector<Buffer>> buffers = client_->AllocateMany(Request(4096), 20);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  ASSERT_THAT(*buffers, SizeIs(20));
  for (const Buffer& buffer : *buffers) {
    struct stat status;
    ASSERT_EQ(fstat(buffer.fd(), &status), 0);
    EXPECT_EQ(buffer.name(), "buffers/memfd-" + std::to_string(status.st_ino));
  }
  const auto receipts = daemon_->WaitForReceipts(2);
  ASSERT_THAT(receipts, SizeIs(2));
  EXPECT_EQ(receipts[0].received(), 16);
  EXPECT_EQ(receipts[1].first_index(), 16);
  EXPECT_EQ(receipts[1].received(), 4);
}

TEST_F(ClientTest, MappingShowsTheBuffersMemoryAndSyncAcceptsAMemfd) {
  Connect();
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request(8192));
  ASSERT_TRUE(buffer.ok()) << buffer.status();

  absl::StatusOr<Mapping> mapping = buffer->Map();

  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->size_bytes(), 8192);
  EXPECT_TRUE(mapping->BeginCpuAccess(CpuAccess::kReadWrite).ok());
  memset(mapping->data(), 0x5A, 8192);
  EXPECT_TRUE(mapping->EndCpuAccess(CpuAccess::kReadWrite).ok());
  char byte = 0;
  ASSERT_EQ(pread(buffer->fd(), &byte, 1, 8191), 1);
  EXPECT_EQ(byte, 0x5A);
}

TEST_F(ClientTest, DestructionClosesTheFdAndTellsTheDaemon) {
  Connect();
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  const std::string name = buffer->name();
  const int fd = buffer->fd();

  { const Buffer gone = *std::move(buffer); }

  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
  EXPECT_THAT(daemon_->WaitForReleases(1), ElementsAre(name));
}

TEST_F(ClientTest, AMappingKeepsTheBufferUntilItGoes) {
  Connect();
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  const std::string name = buffer->name();
  absl::optional<Mapping> mapping(*buffer->Map());

  { const Buffer gone = *std::move(buffer); }

  // Still synchronizes: the fd has not been closed, so nobody was told.
  EXPECT_TRUE(mapping->BeginCpuAccess(CpuAccess::kRead).ok());
  static_cast<volatile char*>(mapping->data())[0] = 1;
  // A second buffer's release overtakes nothing: the first release that the daemon hears is that
  // one's.
  absl::StatusOr<Buffer> other = client_->Allocate(Request());
  ASSERT_TRUE(other.ok());
  const std::string other_name = other->name();
  { const Buffer gone = *std::move(other); }
  EXPECT_THAT(daemon_->WaitForReleases(1), ElementsAre(other_name));
  mapping.reset();
  EXPECT_THAT(daemon_->WaitForReleases(2), ElementsAre(other_name, name));
}

TEST_F(ClientTest, ATakenFdIsTheCallersAndNoReleaseIsSent) {
  Connect();
  absl::StatusOr<Buffer> first = client_->Allocate(Request());
  absl::StatusOr<Buffer> second = client_->Allocate(Request());
  ASSERT_TRUE(first.ok() && second.ok());
  const std::string second_name = second->name();
  absl::StatusOr<Mapping> mapping = first->Map();
  ASSERT_TRUE(mapping.ok());

  const int fd = first->TakeFd();

  EXPECT_EQ(first->fd(), -1);
  EXPECT_EQ(mapping->BeginCpuAccess(CpuAccess::kRead).code(),
            absl::StatusCode::kFailedPrecondition);
  { const Buffer gone = *std::move(first); }
  EXPECT_NE(fcntl(fd, F_GETFD), -1);
  { const Buffer gone = *std::move(second); }
  EXPECT_THAT(daemon_->WaitForReleases(1), ElementsAre(second_name));
  close(fd);
}

TEST_F(ClientTest, ABufferMayOutliveItsClient) {
  Connect();
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());
  ASSERT_TRUE(buffer.ok()) << buffer.status();

  client_ = nullptr;

  EXPECT_TRUE(buffer->Map().ok());
}

TEST_F(ClientTest, AHeldBufferIsClaimedWithItsTokenOnce) {
  Connect();
  absl::StatusOr<HeldBuffers> held =
      client_->Hold({.heap = "reserved", .size_bytes = 4096, .label = "spare"});
  ASSERT_TRUE(held.ok()) << held.status();
  ASSERT_THAT(held->buffers, SizeIs(1));
  const std::string name = held->buffers[0].name;

  absl::StatusOr<Buffer> wrong =
      client_->Claim({.name = name, .token = "ffffffffffffffffffffffffffffffff"});
  absl::StatusOr<Buffer> buffer = client_->Claim({.name = name, .token = held->claim_token});
  absl::StatusOr<Buffer> again = client_->Claim({.name = name, .token = held->claim_token});

  EXPECT_EQ(ErrorReasonName(wrong.status()), "BUFFER_NOT_FOUND");
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->name(), name);
  EXPECT_EQ(buffer->size_bytes(), 4096);
  EXPECT_EQ(ErrorReasonName(again.status()), "BUFFER_NOT_FOUND");
}

TEST_F(ClientTest, ListHeapsTurnsThePages) {
  Connect();

  absl::StatusOr<std::vector<HeapInfo>> heaps = client_->ListHeaps();

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  ASSERT_THAT(*heaps, SizeIs(2));
  EXPECT_EQ((*heaps)[0].name, "heaps/reserved");
  EXPECT_EQ((*heaps)[0].kind, "SIMULATED_CMA");
  EXPECT_EQ((*heaps)[0].free_bytes, 48 * kMiB);
  EXPECT_THAT((*heaps)[0].aliases, ElementsAre("linux,cma"));
  EXPECT_EQ((*heaps)[0].retry_policy, "default");
  EXPECT_EQ((*heaps)[0].backing_heap, "");
  EXPECT_EQ((*heaps)[1].contiguity, Contiguity::kScattered);
  EXPECT_FALSE((*heaps)[1].size_bytes.has_value());
}

TEST_F(ClientTest, EightThreadsShareOneClient) {
  Connect();
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;

  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        // Frames of all sizes cross each other; whoever reads the socket files those of others.
        const int count = 1 + (t * 7 + i) % 12;
        absl::StatusOr<std::vector<Buffer>> buffers = client_->AllocateMany(Request(4096), count);
        if (!buffers.ok() || buffers->size() != static_cast<size_t>(count)) {
          ADD_FAILURE() << buffers.status();
          ++failures;
          continue;
        }
        for (const Buffer& buffer : *buffers) {
          struct stat status;
          if (fstat(buffer.fd(), &status) != 0 ||
              !absl::EndsWith(buffer.name(), std::to_string(status.st_ino))) {
            ++failures;
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(failures, 0);
  EXPECT_EQ(daemon_->sessions_opened(), 1);
}

// ---- asynchronous requests
// ------------------------------------------------------------------------

TEST_F(ClientTest, AllocateAsyncCallsBackWithTheBuffer) {
  Connect();
  Outcome outcome;

  client_->AllocateAsync(Request(), outcome.Callback());

  absl::StatusOr<Buffer> buffer = outcome.Get();
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->size_bytes(), kMiB);
}

TEST_F(ClientTest, MoreAsynchronousRequestsThanTheWindowAllSucceedWithinIt) {
  Connect({.window = 4});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  daemon_->ScriptAlways([&](FakeDaemon::Call& call) {
    const int now = ++running;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    const absl::Status status = call.Serve();
    --running;
    return status;
  });
  std::vector<Outcome> outcomes(60);

  for (Outcome& outcome : outcomes) client_->AllocateAsync(Request(4096), outcome.Callback());

  for (Outcome& outcome : outcomes) {
    absl::StatusOr<Buffer> buffer = outcome.Get();
    EXPECT_TRUE(buffer.ok()) << buffer.status();
  }
  EXPECT_LE(most, 4);
}

TEST_F(ClientTest, CancelEndsARequestAndALateBufferIsClosedWithoutAFurtherCall) {
  Connect();
  std::promise<void> begun;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    begun.set_value();
    call.WaitForCancellation();
    return call.Serve();
  });
  Outcome outcome;
  AllocationHandle handle = client_->AllocateAsync(Request(), outcome.Callback());
  begun.get_future().wait();

  handle.Cancel();

  EXPECT_EQ(ErrorReasonName(outcome.Get().status()), "REQUEST_CANCELLED");
  // Nobody calls the library any more, and still the frame is read, acknowledged and closed.
  EXPECT_THAT(daemon_->WaitForReceipts(1), SizeIs(1));
  EXPECT_THAT(daemon_->WaitForReleases(1), SizeIs(1));
}

TEST_F(ClientTest, AClientMayGoTheMomentItsLastCallbackHasRun) {
  // The request that just ended may then be the last that holds the connection. Many times, for the
  // two threads to meet in every way.
  StartDaemon();
  for (int i = 0; i < 30; ++i) {
    absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();
    ASSERT_TRUE(client.ok()) << client.status();
    Outcome outcome;
    (*client)->AllocateAsync(Request(4096), outcome.Callback());
    absl::StatusOr<Buffer> buffer = outcome.Get();
    *client = nullptr;
    EXPECT_TRUE(buffer.ok()) << buffer.status();
  }
}

TEST_F(ClientTest, AClientThatNeverAsksLeavesNoConnectionBehind) {
  StartDaemon();

  for (int i = 0; i < 10; ++i) EXPECT_TRUE(TryConnect().ok());

  EXPECT_EQ(daemon_->sessions_opened(), 10);
  daemon_ = nullptr;
  EXPECT_EQ(leaks_.Leaked(), "");
}

TEST_F(ClientTest, CancelAfterTheEndDoesNothing) {
  Connect();
  Outcome outcome;
  AllocationHandle handle = client_->AllocateAsync(Request(), outcome.Callback());
  absl::StatusOr<Buffer> buffer = outcome.Get();
  ASSERT_TRUE(buffer.ok()) << buffer.status();

  handle.Cancel();
  client_ = nullptr;
  handle.Cancel();

  EXPECT_TRUE(buffer->Map().ok());
}

TEST_F(ClientTest, CancelReachesARequestThatWaitsForTheWindow) {
  Connect({.window = 1});
  std::promise<void> begun;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    begun.set_value();
    call.WaitForCancellation();
    return absl::CancelledError();
  });
  Outcome first;
  Outcome second;
  AllocationHandle one = client_->AllocateAsync(Request(), first.Callback());
  begun.get_future().wait();
  AllocationHandle two = client_->AllocateAsync(Request(), second.Callback());

  two.Cancel();

  EXPECT_EQ(second.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(first.ReadyWithin(std::chrono::seconds(0)));
  one.Cancel();
  EXPECT_EQ(first.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(daemon_->requests(), SizeIs(1));
}

TEST_F(ClientTest, ARequestThatWaitsForTheWindowEndsAtItsDeadline) {
  Connect({.window = 1});
  std::promise<void> begun;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    begun.set_value();
    call.WaitForCancellation();
    return absl::CancelledError();
  });
  Outcome first;
  AllocationHandle holder = client_->AllocateAsync(Request(), first.Callback());
  begun.get_future().wait();
  AllocateOptions brief = Request();
  brief.deadline = absl::Milliseconds(50);
  Outcome second;

  client_->AllocateAsync(brief, second.Callback());
  absl::StatusOr<Buffer> third = client_->Allocate(brief);

  EXPECT_EQ(ErrorReasonName(third.status()), "DEADLINE");
  EXPECT_EQ(ErrorReasonName(second.Get().status()), "DEADLINE");
  holder.Cancel();
  EXPECT_FALSE(first.Get().ok());
}

TEST_F(ClientTest, DestroyingTheClientCancelsAndWaitsForItsCallbacks) {
  Connect();
  std::promise<void> begun;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    begun.set_value();
    call.WaitForCancellation();
    return absl::CancelledError();
  });
  bool called = false;
  client_->AllocateAsync(Request(), [&](absl::StatusOr<Buffer> buffer) {
    EXPECT_EQ(buffer.status().code(), absl::StatusCode::kCancelled);
    called = true;
  });
  begun.get_future().wait();

  client_ = nullptr;

  EXPECT_TRUE(called);
}

// ---- refusals
// -------------------------------------------------------------------------------------

TEST_F(ClientTest, AnErrorOfTheDaemonKeepsTextReasonAndDetails) {
  Connect();
  AllocateOptions options = Request();
  options.heap = "nowhere";

  absl::StatusOr<Buffer> buffer = client_->Allocate(options);

  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReasonName(buffer.status()), "HEAP_NOT_FOUND");
  EXPECT_EQ(ErrorDetails(buffer.status()).at("heaps"), "reserved, system");
  EXPECT_THAT(std::string(buffer.status().message()), HasSubstr("the heaps are"));
}

TEST_F(ClientTest, RetryAfterIsPassedOn) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call&) -> absl::Status {
    return Error(ErrorReason::OVERLOADED, "the queue is full").RetryAfter(absl::Milliseconds(250));
  });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_EQ(ErrorReasonName(buffer.status()), "OVERLOADED");
  EXPECT_EQ(ErrorRetryAfter(buffer.status()), absl::Milliseconds(250));
  EXPECT_THAT(daemon_->requests(), SizeIs(1));
}

TEST_F(ClientTest, AFullFdChannelIsTriedAgainWithTheSameRequestId) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call&) -> absl::Status {
    return Error(ErrorReason::FD_CHANNEL_FULL, "un-acknowledged fds");
  });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_TRUE(buffer.ok()) << buffer.status();
  const auto requests = daemon_->requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].request_id(), requests[1].request_id());
}

TEST_F(ClientTest, ThePartOfAFailedPushIsClosed) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call& call) -> absl::Status {
    call.MakeBuffers();
    EXPECT_TRUE(call.Push(0, 16).ok());
    return Error(ErrorReason::DAEMON_FD_LIMIT, "no fd left");
  });

  absl::StatusOr<std::vector<Buffer>> buffers = client_->AllocateMany(Request(4096), 20);

  EXPECT_EQ(ErrorReasonName(buffers.status()), "DAEMON_FD_LIMIT");
  EXPECT_THAT(daemon_->WaitForReleases(16), SizeIs(16));
}

TEST_F(ClientTest, ADeadlineEndsTheCallAndTheLateBufferIsClosed) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call& call) {
    call.WaitForCancellation();
    return call.Serve();
  });
  AllocateOptions options = Request();
  options.deadline = absl::Milliseconds(50);

  absl::StatusOr<Buffer> buffer = client_->Allocate(options);

  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReasonName(buffer.status()), "DEADLINE");
  EXPECT_EQ(ErrorDetails(buffer.status()).at("deadline"), "50ms");
  EXPECT_THAT(daemon_->WaitForReceipts(1), SizeIs(1));
  EXPECT_THAT(daemon_->WaitForReleases(1), SizeIs(1));
}

TEST_F(ClientTest, TheDaemonsExplanationOfADeadlineIsKept) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call&) -> absl::Status {
    return Error(ErrorReason::DEADLINE, "8 attempts, pinned by another process")
        .With("attempts", 8);
  });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_EQ(ErrorDetails(buffer.status()).at("attempts"), "8");
}

TEST_F(ClientTest, ARequestIdInUseIsRefusedHere) {
  Connect();
  std::promise<void> begun;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    begun.set_value();
    call.WaitForCancellation();
    return absl::CancelledError();
  });
  AllocateOptions options = Request();
  options.request_id = "twice";
  Outcome outcome;
  AllocationHandle handle = client_->AllocateAsync(options, outcome.Callback());
  begun.get_future().wait();

  absl::StatusOr<Buffer> second = client_->Allocate(options);

  EXPECT_EQ(ErrorReasonName(second.status()), "REQUEST_ID_REUSED");
  handle.Cancel();
  EXPECT_FALSE(outcome.Get().ok());
}

// ---- waiting, and what is told of it
// --------------------------------------------------------------

v1::Allocation BackingOff() {
  v1::Allocation allocation;
  allocation.set_heap("heaps/reserved");
  allocation.set_state(v1::Allocation::BACKING_OFF);
  allocation.set_attempts(3);
  allocation.mutable_next_delay()->set_nanos(250'000'000);
  allocation.mutable_elapsed_duration()->set_seconds(7);
  allocation.set_last_error("ENOMEM");
  allocation.set_retry_policy("nofail");
  allocation.set_obstacle(v1::Allocation::OWN_BUFFERS);
  allocation.set_free_bytes(8 * kMiB);
  allocation.set_own_bytes(24 * kMiB);
  allocation.set_waiting_others_bytes(kMiB);
  allocation.mutable_pinned_page()->mutable_stuck_duration()->set_seconds(2);
  for (const char* name : {"camera", "codec"}) {
    v1::Allocation::Process& mapper = *allocation.mutable_pinned_page()->add_mappers();
    mapper.set_pid(42);
    mapper.set_uid(1047);
    mapper.set_process_name(name);
  }
  return allocation;
}

class ProgressTest : public ClientTest {
 protected:
  // A request that waits until its caller was told, and then is served.
  void ScriptAWait() {
    daemon_->ScriptNext([this](FakeDaemon::Call& call) {
      call.Report(BackingOff());
      told_.get_future().wait();
      return call.Serve();
    });
  }
  // A request that waits for ever, with a caller who was told so.
  void ScriptAnEndlessWait() {
    daemon_->ScriptNext([](FakeDaemon::Call& call) -> absl::Status {
      call.Report(BackingOff());
      call.WaitForCancellation();
      return absl::CancelledError();
    });
  }
  AllocateOptions Watched() {
    AllocateOptions options = Request();
    options.deadline = absl::InfiniteDuration();
    options.on_progress = [this](const AllocationProgress& progress) {
      progress_ = progress;
      told_.set_value();
    };
    return options;
  }
  bool NoWatchIsLeft() {
    return FakeDaemon::WaitUntil([this] { return daemon_->open_watches() == 0; });
  }

  std::promise<void> told_;
  AllocationProgress progress_;
};

TEST_F(ProgressTest, ABlockingRequestIsToldHowItFaresWhileItWaits) {
  Connect();
  ScriptAWait();

  absl::StatusOr<Buffer> buffer = client_->Allocate(Watched());

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(progress_.attempts, 3);
  EXPECT_EQ(progress_.state, AllocationState::kBackingOff);
  EXPECT_EQ(progress_.obstacle, Obstacle::kOwnBuffers);
  EXPECT_EQ(ObstacleName(progress_.obstacle), "OWN_BUFFERS");
  EXPECT_EQ(progress_.next_delay, absl::Milliseconds(250));
  EXPECT_EQ(progress_.elapsed, absl::Seconds(7));
  EXPECT_EQ(progress_.heap, "heaps/reserved");
  EXPECT_EQ(progress_.free_bytes, 8 * kMiB);
  EXPECT_FALSE(progress_.largest_free_bytes.has_value());
  EXPECT_EQ(progress_.own_bytes, 24 * kMiB);
  EXPECT_EQ(progress_.waiting_others_bytes, kMiB);
  EXPECT_EQ(progress_.last_error, "ENOMEM");
  EXPECT_EQ(progress_.retry_policy, "nofail");
  EXPECT_EQ(progress_.stuck_for, absl::Seconds(2));
  EXPECT_EQ(progress_.pinned_by, "camera (pid 42, uid 1047), codec (pid 42, uid 1047)");
  ASSERT_THAT(daemon_->requests(), SizeIs(1));
  EXPECT_THAT(daemon_->watched(), ElementsAre(daemon_->requests()[0].request_id()));
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, AnAsynchronousRequestIsToldToo) {
  Connect();
  ScriptAWait();
  Outcome outcome;

  client_->AllocateAsync(Watched(), outcome.Callback());

  absl::StatusOr<Buffer> buffer = outcome.Get();
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(progress_.attempts, 3);
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, AHoldIsToldToo) {
  Connect();
  ScriptAWait();

  absl::StatusOr<HeldBuffers> held = client_->Hold({.heap = "reserved",
                                                    .size_bytes = kMiB,
                                                    .priority = Priority::kLow,
                                                    .retry_policy = "batch",
                                                    .on_progress = Watched().on_progress});

  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_EQ(progress_.attempts, 3);
  ASSERT_THAT(daemon_->requests(), SizeIs(1));
  EXPECT_EQ(daemon_->requests()[0].priority(), v1::LOW);
  EXPECT_EQ(daemon_->requests()[0].retry_policy(), "batch");
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, PriorityPolicyAndAnInfiniteDeadlineReachTheDaemon) {
  Connect();
  bool endless = false;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    endless = call.context.deadline() == std::chrono::system_clock::time_point::max();
    return call.Serve();
  });
  AllocateOptions options = Request();
  options.deadline = absl::InfiniteDuration();
  options.priority = Priority::kHigh;
  options.retry_policy = "nofail";

  ASSERT_TRUE(client_->Allocate(options).ok());
  ASSERT_TRUE(client_->Allocate(Request()).ok());

  EXPECT_TRUE(endless);
  const auto requests = daemon_->requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].priority(), v1::HIGH);
  EXPECT_EQ(requests[0].retry_policy(), "nofail");
  EXPECT_EQ(requests[1].priority(), v1::PRIORITY_UNSPECIFIED);
  EXPECT_EQ(requests[1].retry_policy(), "");
  EXPECT_THAT(daemon_->watched(), IsEmpty());
}

TEST_F(ProgressTest, AnOlderDaemonServesTheRequestAndTellsNothing) {
  Connect({.knows_watch = false});

  absl::StatusOr<Buffer> buffer = client_->Allocate(Watched());

  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(progress_.attempts, 0);
}

TEST_F(ProgressTest, ARefusedWatchDoesTheRequestNoHarm) {
  Connect();
  daemon_->FailWatches(Error(ErrorReason::OVERLOADED, "too many watches"));
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    EXPECT_TRUE(FakeDaemon::WaitUntil([&] { return daemon_->watched().size() == 1; }));
    return call.Serve();
  });
  Outcome outcome;

  client_->AllocateAsync(Watched(), outcome.Callback());

  absl::StatusOr<Buffer> buffer = outcome.Get();
  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(progress_.attempts, 0);
}

TEST_F(ProgressTest, ADeadlineEndsTheWatchToo) {
  Connect();
  ScriptAnEndlessWait();
  AllocateOptions options = Watched();
  options.deadline = absl::Milliseconds(100);
  options.on_progress = [](const AllocationProgress&) {};

  absl::StatusOr<Buffer> buffer = client_->Allocate(options);

  EXPECT_EQ(ErrorReasonName(buffer.status()), "DEADLINE");
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, CancellingFromWithinTheCallbackEndsBoth) {
  Connect();
  ScriptAnEndlessWait();
  std::promise<AllocationHandle> handle;
  std::shared_future<AllocationHandle> made = handle.get_future().share();
  AllocateOptions options = Watched();
  options.on_progress = [made](const AllocationProgress&) {
    AllocationHandle(made.get()).Cancel();
  };
  Outcome outcome;

  handle.set_value(client_->AllocateAsync(options, outcome.Callback()));

  EXPECT_EQ(outcome.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, DestroyingTheClientEndsTheWatch) {
  Connect();
  ScriptAnEndlessWait();
  Outcome outcome;
  client_->AllocateAsync(Watched(), outcome.Callback());
  told_.get_future().wait();

  client_ = nullptr;

  EXPECT_EQ(outcome.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(NoWatchIsLeft());
}

TEST_F(ProgressTest, AfterARestartTheNewDaemonIsAskedToTell) {
  Connect();
  ScriptAnEndlessWait();
  std::promise<void> told_first;
  std::promise<void> told_again;
  AllocateOptions options = Watched();
  options.on_progress = [&](const AllocationProgress& progress) {
    (progress.attempts == 3 ? told_first : told_again).set_value();
  };
  Outcome outcome;
  client_->AllocateAsync(options, outcome.Callback());
  told_first.get_future().wait();

  daemon_->Kill();
  daemon_->ForgetReports();
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    v1::Allocation anew = BackingOff();
    anew.set_attempts(1);
    call.Report(anew);
    told_again.get_future().wait();
    return call.Serve();
  });
  daemon_->Restart();

  absl::StatusOr<Buffer> buffer = outcome.Get();
  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_THAT(daemon_->watched(), SizeIs(::testing::Ge(2u)));
  EXPECT_TRUE(NoWatchIsLeft());
}

// ---- fds that do not arrive
// -----------------------------------------------------------------------

class TightFdLimit {
 public:
  // Leaves room for so many fds above the lowest free number.
  explicit TightFdLimit(int room) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest = fcntl(0, F_DUPFD_CLOEXEC, 0);
    close(lowest);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(lowest + room);
    setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~TightFdLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

TEST_F(ClientTest, AReceiptThatIsTruncatedClosesWhatCameAndSaysSo) {
  Connect();
  std::promise<void> pushed;
  std::promise<void> limited;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    const absl::Status status = call.Serve();
    call.fds.clear();
    pushed.set_value();
    limited.get_future().wait();
    return status;
  });
  std::future<absl::StatusOr<std::vector<Buffer>>> result =
      std::async(std::launch::async, [&] { return client_->AllocateMany(Request(4096), 8); });
  pushed.get_future().wait();
  absl::StatusOr<std::vector<Buffer>> buffers = absl::UnknownError("");

  {
    const TightFdLimit limit(3);
    limited.set_value();
    buffers = result.get();
  }

  EXPECT_EQ(buffers.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReasonName(buffers.status()), "TRUNCATED_RECEIPT");
  EXPECT_EQ(ErrorDetails(buffers.status()).at("asked"), "8");
  const int arrived = std::stoi(ErrorDetails(buffers.status()).at("arrived"));
  EXPECT_LE(arrived, 3);
  const auto receipts = daemon_->WaitForReceipts(1);
  ASSERT_THAT(receipts, SizeIs(1));
  EXPECT_EQ(receipts[0].received(), arrived);
  // And the client works on.
  EXPECT_TRUE(client_->Allocate(Request()).ok());
}

TEST_F(ClientTest, AnFdOfAnotherInodeIsRefused) {
  Connect();
  daemon_->AlterFrames([](v1::Buffers& frame) {
    frame.mutable_entries(0)->set_inode(frame.entries(0).inode() + 1);
  });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_EQ(ErrorReasonName(buffer.status()), "TRUNCATED_RECEIPT");
  EXPECT_THAT(ErrorDetails(buffer.status()), ::testing::Contains(::testing::Key("actual_inode")));
  const auto receipts = daemon_->WaitForReceipts(1);
  ASSERT_THAT(receipts, SizeIs(1));
  EXPECT_EQ(receipts[0].received(), 0);
}

TEST_F(ClientTest, AnFdOfAnotherSizeIsRefused) {
  Connect();
  daemon_->AlterFrames([](v1::Buffers& frame) { frame.mutable_entries(0)->set_size_bytes(8192); });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorDetails(buffer.status()).at("expected_size_bytes"), "8192");
}

TEST_F(ClientTest, AReplyWithoutFramesIsBoundedInTime) {
  Connect();
  daemon_->ScriptNext([](FakeDaemon::Call& call) {
    call.MakeBuffers();
    return absl::OkStatus();
  });
  AllocateOptions options = Request();
  options.deadline = absl::Milliseconds(200);

  absl::StatusOr<Buffer> buffer = client_->Allocate(options);

  EXPECT_EQ(ErrorReasonName(buffer.status()), "TRUNCATED_RECEIPT");
  EXPECT_EQ(ErrorDetails(buffer.status()).at("arrived"), "0");
}

// ---- the daemon goes away
// -------------------------------------------------------------------------

TEST_F(ClientTest, ARestartBetweenTwoCallsIsNotNoticed) {
  Connect();
  absl::StatusOr<Buffer> before = client_->Allocate(Request());
  ASSERT_TRUE(before.ok()) << before.status();

  daemon_->Kill();
  daemon_->Restart();
  absl::StatusOr<Buffer> after = client_->Allocate(Request());

  EXPECT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(before->Map().ok());
  EXPECT_EQ(daemon_->sessions_opened(), 2);
  // What the old daemon gave is released with the new one.
  const std::string name = before->name();
  { const Buffer gone = *std::move(before); }
  EXPECT_THAT(daemon_->WaitForReleases(1), ElementsAre(name));
}

// Kills the daemon while a request is in a script, then restarts it.
class RestartDuringACall : public ClientTest {
 protected:
  // The script does its part and then waits for the end.
  absl::StatusOr<std::vector<Buffer>> Run(
      FakeDaemon::Script part, int count, std::function<void()> while_dead = [] {}) {
    std::promise<void> ready;
    daemon_->ScriptNext([&ready, part](FakeDaemon::Call& call) {
      const absl::Status status = part(call);
      call.fds.clear();
      ready.set_value();
      call.WaitForCancellation();
      return status;
    });
    std::future<absl::StatusOr<std::vector<Buffer>>> result =
        std::async(std::launch::async, [this, count] {
          AllocateOptions options = Request(4096);
          options.deadline = absl::Seconds(20);
          return client_->AllocateMany(options, count);
        });
    ready.get_future().wait();
    daemon_->Kill();
    while_dead();
    daemon_->Restart();
    return result.get();
  }
};

TEST_F(RestartDuringACall, RepeatsWhatDidNotArriveWithTheSameRequestId) {
  Connect();

  absl::StatusOr<std::vector<Buffer>> buffers =
      Run([](FakeDaemon::Call&) { return absl::OkStatus(); }, 2);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  EXPECT_THAT(*buffers, SizeIs(2));
  const auto requests = daemon_->requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].request_id(), requests[1].request_id());
  EXPECT_NE(requests[0].session_id(), requests[1].session_id());
}

TEST_F(RestartDuringACall, KeepsWhatArrivedAndAsksNoSecondTime) {
  Connect();

  absl::StatusOr<std::vector<Buffer>> buffers =
      Run([](FakeDaemon::Call& call) { return call.Serve(); }, 20);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  ASSERT_THAT(*buffers, SizeIs(20));
  EXPECT_EQ((*buffers)[19].heap(), "heaps/reserved");
  EXPECT_EQ((*buffers)[19].contiguity(), Contiguity::kSimulated);
  EXPECT_THAT(daemon_->requests(), SizeIs(1));
}

TEST_F(RestartDuringACall, AnIncompleteBatchIsClosedAndAskedAnew) {
  Connect();

  absl::StatusOr<std::vector<Buffer>> buffers = Run(
      [](FakeDaemon::Call& call) {
        call.MakeBuffers();
        return call.Push(0, 16);
      },
      20);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  EXPECT_THAT(*buffers, SizeIs(20));
  EXPECT_THAT(daemon_->requests(), SizeIs(2));
}

TEST_F(RestartDuringACall, WhatTheNewDaemonDoesNotKnowIsAskedAnew) {
  Connect();

  absl::StatusOr<std::vector<Buffer>> buffers = Run(
      [](FakeDaemon::Call& call) { return call.Serve(); }, 2, [this] { daemon_->ForgetBuffers(); });

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  EXPECT_THAT(*buffers, SizeIs(2));
  EXPECT_THAT(daemon_->requests(), SizeIs(2));
}

TEST_F(ClientTest, ALostRpcConnectionIsReplacedAndTheSessionKept) {
  Connect();
  ASSERT_TRUE(client_->Allocate(Request()).ok());

  daemon_->BreakRpcConnections();

  EXPECT_TRUE(client_->ListHeaps().ok());
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());
  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(daemon_->sessions_opened(), 1);
}

TEST_F(ClientTest, WhatArrivedBeforeTheRpcConnectionBrokeIsKept) {
  Connect();
  std::promise<void> served;
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    const absl::Status status = call.Serve();
    served.set_value();
    call.WaitForCancellation();
    return status;
  });
  std::future<absl::StatusOr<Buffer>> result =
      std::async(std::launch::async, [this] { return client_->Allocate(Request()); });
  served.get_future().wait();

  daemon_->BreakRpcConnections();

  absl::StatusOr<Buffer> buffer = result.get();
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->contiguity(), Contiguity::kSimulated);
  EXPECT_THAT(daemon_->requests(), SizeIs(1));
  EXPECT_EQ(daemon_->sessions_opened(), 1);
}

TEST_F(ClientTest, AsynchronousRequestsSurviveARestart) {
  Connect();
  constexpr size_t kRequests = 12;
  std::atomic<size_t> begun{0};
  for (size_t i = 0; i < kRequests; ++i) {
    daemon_->ScriptNext([&begun, i](FakeDaemon::Call& call) {
      // Half of them die with their buffers on the way, half before.
      if (i % 2 == 0) {
        EXPECT_TRUE(call.Serve().ok());
      }
      call.fds.clear();
      ++begun;
      call.WaitForCancellation();
      return absl::CancelledError();
    });
  }
  std::vector<Outcome> outcomes(kRequests);
  AllocateOptions options = Request(4096);
  options.deadline = absl::Seconds(20);
  for (Outcome& outcome : outcomes) client_->AllocateAsync(options, outcome.Callback());
  ASSERT_TRUE(FakeDaemon::WaitUntil([&] { return begun == kRequests; }));

  daemon_->Kill();
  daemon_->Restart();

  for (Outcome& outcome : outcomes) {
    absl::StatusOr<Buffer> buffer = outcome.Get();
    EXPECT_TRUE(buffer.ok()) << buffer.status();
  }
}

TEST_F(ClientTest, AnAsynchronousRequestMayBeCancelledWhileTheDaemonIsAway) {
  Connect();
  daemon_->Kill();
  AllocateOptions options = Request();
  options.deadline = absl::Seconds(60);
  Outcome outcome;
  AllocationHandle handle = client_->AllocateAsync(options, outcome.Callback());

  handle.Cancel();

  EXPECT_EQ(outcome.Get().status().code(), absl::StatusCode::kCancelled);
  daemon_->Restart();
}

TEST_F(ClientTest, AnUnknownSessionIsReplaced) {
  Connect();
  daemon_->ForgetSessions();

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(daemon_->sessions_opened(), 2);
}

TEST_F(ClientTest, ADaemonThatForgetsEverySessionIsNotAskedForEver) {
  Connect();
  daemon_->ScriptAlways([](FakeDaemon::Call&) -> absl::Status {
    return Error(ErrorReason::SESSION_UNKNOWN, "which session?");
  });

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_EQ(ErrorReasonName(buffer.status()), "SESSION_UNKNOWN");
  EXPECT_LE(daemon_->requests().size(), 5u);
}

TEST_F(ClientTest, AClosedFdChannelIsOpenedAgain) {
  Connect();
  daemon_->CloseSessions();

  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());

  EXPECT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(daemon_->sessions_opened(), 2);
}

TEST_F(ClientTest, ADaemonThatStaysAwayIsUnreachableWithinTheDeadline) {
  Connect();
  daemon_->Kill();
  AllocateOptions options = Request();
  options.deadline = absl::Milliseconds(200);

  absl::StatusOr<Buffer> buffer = client_->Allocate(options);

  EXPECT_EQ(buffer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReasonName(buffer.status()), "DAEMON_UNREACHABLE");
  EXPECT_EQ(ErrorDetails(buffer.status()).at("socket_path"), daemon_->dir() + "/fd.sock");
  EXPECT_THAT(std::string(buffer.status().message()), HasSubstr("within 200ms"));
  daemon_->Restart();
}

// ---- connecting
// -----------------------------------------------------------------------------------

TEST_F(ClientTest, ConnectWithoutADaemonNamesTheSocketAndTheRemedy) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.socket_dir = "/tmp/none-here"});

  EXPECT_EQ(ErrorReasonName(client.status()), "DAEMON_UNREACHABLE");
  EXPECT_EQ(ErrorDetails(client.status()).at("socket_path"), "/tmp/none-here/fd.sock");
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("DMAHEAPD_SOCKET_DIR"));
}

TEST_F(ClientTest, ConnectToTheSocketOfADeadDaemonIsUnreachable) {
  StartDaemon();
  daemon_->Kill();

  absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();

  EXPECT_EQ(ErrorReasonName(client.status()), "DAEMON_UNREACHABLE");
  EXPECT_EQ(ErrorDetails(client.status()).at("errno"), "ECONNREFUSED");
  daemon_->Restart();
}

TEST_F(ClientTest, ConnectWaitsForADaemonThatStartsLaterIfAsked) {
  StartDaemon();
  daemon_->Kill();
  std::future<absl::StatusOr<std::unique_ptr<Client>>> client =
      std::async(std::launch::async, [this] {
        return Client::Connect(
            {.socket_dir = daemon_->dir(), .wait_for_daemon = absl::Seconds(20)});
      });

  daemon_->Restart();

  absl::StatusOr<std::unique_ptr<Client>> connected = client.get();
  EXPECT_TRUE(connected.ok()) << connected.status();
}

TEST_F(ClientTest, TheEnvironmentSaysWhereTheSocketsAreUnlessTheCallerDoes) {
  StartDaemon();
  setenv("DMAHEAPD_SOCKET_DIR", daemon_->dir().c_str(), 1);

  const bool by_environment = Client::Connect({}).ok();
  const bool by_option = Client::Connect({.socket_dir = "/tmp/none-here"}).ok();

  unsetenv("DMAHEAPD_SOCKET_DIR");
  EXPECT_TRUE(by_environment);
  EXPECT_FALSE(by_option);
}

TEST_F(ClientTest, ASocketPathThatDoesNotFitIsRefused) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.socket_dir = "/tmp/" + std::string(120, 'x')});

  EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTest, ASilentDaemonIsGivenUpInTime) {
  StartDaemon({.silent = true});

  absl::StatusOr<std::unique_ptr<Client>> client = TryConnect(absl::Milliseconds(50));

  EXPECT_EQ(ErrorReasonName(client.status()), "DAEMON_UNREACHABLE");
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("50ms"));
}

TEST_F(ClientTest, AHandshakeThatBreaksIsUnavailable) {
  StartDaemon({.handshakes_to_break = 1});

  absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();

  EXPECT_EQ(ErrorReasonName(client.status()), "DAEMON_UNREACHABLE");
}

TEST_F(ClientTest, ANewerDaemonIsToldApartAndTheLibraryIsToBeUpdated) {
  StartDaemon({.min_wire_version = 5, .max_wire_version = 7});

  absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();

  EXPECT_EQ(client.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReasonName(client.status()), "WIRE_VERSION_UNSUPPORTED");
  const std::string text(client.status().message());
  EXPECT_THAT(text, HasSubstr("wire versions 5 to 7"));
  EXPECT_THAT(text, HasSubstr("wire versions 1 to 2"));
  EXPECT_THAT(text, HasSubstr("update the client's libdmaheap"));
}

TEST_F(ClientTest, AnOlderDaemonIsToldApartAndIsToBeUpdated) {
  // No released daemon is older than version 1; one that answers 0 stands for it.
  StartDaemon({.min_wire_version = 0, .max_wire_version = 0});

  absl::StatusOr<std::unique_ptr<Client>> client = TryConnect();

  EXPECT_EQ(ErrorReasonName(client.status()), "WIRE_VERSION_UNSUPPORTED");
}

// ---- fork
// -----------------------------------------------------------------------------------------

TEST_F(ClientTest, AForkedChildIsRefusedAndLeavesTheParentAlone) {
  Connect();
  absl::StatusOr<Buffer> buffer = client_->Allocate(Request());
  ASSERT_TRUE(buffer.ok()) << buffer.status();

  const pid_t child = fork();
  if (child == 0) {
    const bool refused =
        client_->Allocate(Request()).status().code() == absl::StatusCode::kFailedPrecondition;
    const bool readable = buffer->Map().ok();
    // Must neither hang nor tell the daemon.
    client_ = nullptr;
    { const Buffer gone = *std::move(buffer); }
    _exit(refused && readable ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
  const std::string name = buffer->name();
  EXPECT_TRUE(client_->Allocate(Request()).ok());
  { const Buffer gone = *std::move(buffer); }
  const auto releases = daemon_->WaitForReleases(2);
  EXPECT_EQ(std::count(releases.begin(), releases.end(), name), 1);
}

}  // namespace
}  // namespace dmaheap
