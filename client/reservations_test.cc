// Reservations by the library: booked, drawn from, kept when the daemon was started again.

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/dmaheap.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kMiB = 1 << 20;

// Closes the next so many connections to a socket of that path, which nobody else serves; how many
// came, each within 10 s.
int TurnAway(const std::string& path, int count) {
  unlink(path.c_str());
  const UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener.get(), 1) != 0) {
    return -1;
  }
  int came = 0;
  while (came < count &&
         UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)).valid()) {
    ++came;
  }
  return came;
}

class ReservationsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    client_ = nullptr;
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  void Connect(FakeDaemonOptions options = {}) {
    daemon_ = FakeDaemon::Start(options);
    client_ = AnotherClient();
    ASSERT_NE(client_, nullptr);
  }

  std::unique_ptr<Client> AnotherClient() {
    auto client = Client::Connect({.socket_dir = daemon_->dir(), .label = "test"});
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  // The name of a new reservation of count frames.
  std::string Book(int count = 2) {
    const auto booked = client_->Reserve(
        {.heap = "reserved", .size_bytes = kMiB, .count = count, .label = "frame"});
    EXPECT_TRUE(booked.ok()) << booked.status();
    return booked.ok() ? booked->name : "";
  }

  void RestartDaemon() {
    daemon_->Kill();
    daemon_->Restart();
  }

  // Waits until sessions kept reservations so often.
  bool WaitForKeeps(size_t count) {
    return FakeDaemon::WaitUntil([&] { return daemon_->reservations().keeps().size() >= count; });
  }
  std::vector<std::string> KeptNames() {
    std::vector<std::string> names;
    for (const auto& keep : daemon_->reservations().keeps()) names.push_back(keep.name());
    return names;
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  // Outlives the client, and so the callback that sets it.
  std::promise<absl::StatusOr<std::vector<Buffer>>> later_;
  std::unique_ptr<Client> client_;
};

// ---- booking ------------------------------------------------------------------------------------

TEST_F(ReservationsTest, ABookingSaysWhatTheCallerWantsAndComesBackAsTheDaemonHasIt) {
  Connect();

  const auto booked = client_->Reserve({.heap = "reserved",
                                        .size_bytes = kMiB - 1,
                                        .count = 4,
                                        .label = "frame",
                                        .lease = absl::Seconds(90),
                                        .request_id = "mine",
                                        .priority = Priority::kHigh,
                                        .retry_policy = "nofail",
                                        .refill_below = 2});

  ASSERT_TRUE(booked.ok()) << booked.status();
  const auto bookings = daemon_->reservations().bookings();
  ASSERT_THAT(bookings, SizeIs(1));
  EXPECT_EQ(bookings[0].heap(), "heaps/reserved");
  EXPECT_EQ(bookings[0].size_bytes(), kMiB - 1);
  EXPECT_EQ(bookings[0].session_id(), "session-1");
  EXPECT_EQ(bookings[0].request_id(), "mine");
  EXPECT_EQ(booked->name, "reservations/1");
  EXPECT_EQ(booked->heap, "heaps/reserved");
  EXPECT_EQ(booked->size_bytes, kMiB);
  EXPECT_EQ(booked->count, 4);
  EXPECT_EQ(booked->label, "frame");
  EXPECT_EQ(booked->lease, absl::Seconds(90));
  EXPECT_EQ(booked->priority, Priority::kHigh);
  EXPECT_EQ(booked->retry_policy, "nofail");
  EXPECT_EQ(booked->refill_below, 2);
  EXPECT_EQ(booked->client, "clients/1");
  EXPECT_EQ(booked->expire_time, absl::InfiniteFuture());
  EXPECT_LT(booked->create_time, absl::Now());
  EXPECT_EQ(booked->ready, 4);
  EXPECT_EQ(booked->drawn, 0);
}

TEST_F(ReservationsTest, WhatABookingLeavesOutIsTheDaemonsToSay) {
  Connect();

  ASSERT_TRUE(client_->Reserve({.heap = "reserved", .size_bytes = kMiB}).ok());

  const auto bookings = daemon_->reservations().bookings();
  EXPECT_EQ(bookings[0].count(), 1);
  EXPECT_FALSE(bookings[0].has_lease());
  EXPECT_FALSE(bookings[0].has_refill_below());
  EXPECT_THAT(bookings[0].request_id(), SizeIs(32));
}

TEST_F(ReservationsTest, ABookingThatIsRefusedComesWithTheDaemonsWords) {
  Connect();
  daemon_->reservations().SetBeforeBooking([](const auto&) -> absl::Status {
    return Error(ErrorReason::HEAP_EXHAUSTED, "heap reserved is full").With("heap", "reserved");
  });

  const auto booked = client_->Reserve({.heap = "reserved", .size_bytes = kMiB});

  EXPECT_EQ(booked.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReasonName(booked.status()), "HEAP_EXHAUSTED");
  EXPECT_EQ(ErrorDetails(booked.status())["heap"], "reserved");
}

TEST_F(ReservationsTest, ABookingIsToldHowItFaresWhileItWaits) {
  Connect();
  std::atomic<int> told = 0;
  daemon_->reservations().SetBeforeBooking([&](const v1::ReserveBuffersRequest& request) {
    v1::Allocation allocation;
    allocation.set_state(v1::Allocation::BACKING_OFF);
    allocation.set_attempts(7);
    daemon_->Report(request.request_id(), allocation);
    // Not before the caller was told.
    FakeDaemon::WaitUntil([&] { return told != 0; });
    return absl::OkStatus();
  });

  const auto booked = client_->Reserve(
      {.heap = "reserved",
       .size_bytes = kMiB,
       .deadline = absl::Seconds(20),
       .on_progress = [&](const AllocationProgress& progress) { told = progress.attempts; }});

  EXPECT_TRUE(booked.ok()) << booked.status();
  EXPECT_EQ(told, 7);
}

TEST_F(ReservationsTest, AreListedShownAndDeletedByNameWithOrWithoutItsCollection) {
  Connect();
  const std::string first = Book(2);
  const std::string second = Book(3);

  auto all = client_->ListReservations();
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_THAT(*all, SizeIs(2));
  EXPECT_EQ((*all)[0].name, first);
  EXPECT_EQ((*all)[1].name, second);
  EXPECT_EQ(client_->GetReservation("2")->count, 3);
  EXPECT_EQ(client_->GetReservation(second)->count, 3);
  EXPECT_TRUE(client_->DeleteReservation("1").ok());
  EXPECT_TRUE(client_->DeleteReservation(second).ok());

  EXPECT_THAT(*client_->ListReservations(), SizeIs(0));
  EXPECT_EQ(ErrorReasonName(client_->GetReservation(first).status()), "RESERVATION_NOT_FOUND");
  EXPECT_EQ(ErrorReasonName(client_->DeleteReservation(first)), "RESERVATION_NOT_FOUND");
}

// ---- drawing ------------------------------------------------------------------------------------

TEST_F(ReservationsTest, ADrawNeedsNothingButTheNameAndTellsThatItWasReady) {
  Connect();
  const std::string name = Book();

  absl::StatusOr<Buffer> buffer = client_->Allocate({.reservation = name});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_TRUE(buffer->was_ready());
  EXPECT_EQ(buffer->reservation(), name);
  EXPECT_EQ(buffer->heap(), "heaps/reserved");
  EXPECT_EQ(buffer->size_bytes(), kMiB);
  EXPECT_EQ(buffer->label(), "frame");
  EXPECT_EQ(daemon_->requests()[0].heap(), "");
  EXPECT_EQ(daemon_->requests()[0].size_bytes(), 0);
  EXPECT_EQ(client_->GetReservation(name)->hits, 1);
}

TEST_F(ReservationsTest, SeveralAreDrawnAtOnceAndAsynchronouslyToo) {
  Connect();
  const std::string name = Book(5);

  const auto buffers = client_->AllocateMany({.reservation = "1"}, 3);
  client_->AllocateManyAsync(
      {.reservation = name}, 2,
      [&](absl::StatusOr<std::vector<Buffer>> got) { later_.set_value(std::move(got)); });
  const auto more = later_.get_future().get();

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  ASSERT_TRUE(more.ok()) << more.status();
  ASSERT_THAT(*buffers, SizeIs(3));
  ASSERT_THAT(*more, SizeIs(2));
  for (const Buffer& buffer : *buffers) EXPECT_TRUE(buffer.was_ready());
  for (const Buffer& buffer : *more) EXPECT_TRUE(buffer.was_ready());
  EXPECT_EQ(client_->GetReservation(name)->drawn, 5);
}

TEST_F(ReservationsTest, OfADrawThatWasInPartAMissEachBufferSaysWhatItIs) {
  Connect();
  const std::string name = Book(1);

  const auto buffers = client_->AllocateMany({.reservation = name}, 3);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  ASSERT_THAT(*buffers, SizeIs(3));
  EXPECT_TRUE((*buffers)[0].was_ready());
  for (int i : {1, 2}) {
    EXPECT_FALSE((*buffers)[i].was_ready());
    EXPECT_EQ((*buffers)[i].reservation(), "");
    EXPECT_EQ((*buffers)[i].size_bytes(), kMiB);
  }
  EXPECT_EQ(client_->GetReservation(name)->misses, 2);
}

TEST_F(ReservationsTest, WhatWasMadeWhileTheDrawWaitedIsOfTheReservationButWasNotReady) {
  Connect();
  const std::string name = Book(2);
  daemon_->ScriptNext([&](FakeDaemon::Call& call) {
    call.MakeBuffers();
    for (auto& buffer : *call.response.mutable_buffers()) buffer.set_reservation(name);
    // One of the two; which, the daemon does not say.
    call.response.set_drawn(1);
    return call.PushAll();
  });

  const auto buffers = client_->AllocateMany({.reservation = name}, 2);

  ASSERT_TRUE(buffers.ok()) << buffers.status();
  for (const Buffer& buffer : *buffers) {
    EXPECT_EQ(buffer.reservation(), name);
    EXPECT_FALSE(buffer.was_ready());
  }
}

TEST_F(ReservationsTest, AnAllocationWithoutOneIsOfNoReservation) {
  Connect();
  Book();

  const auto buffer = client_->Allocate({.heap = "reserved", .size_bytes = kMiB});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_EQ(buffer->reservation(), "");
  EXPECT_FALSE(buffer->was_ready());
}

TEST_F(ReservationsTest, ADrawFromWhatIsNotThereSaysSo) {
  Connect();

  const auto buffer = client_->Allocate({.reservation = "reservations/9"});

  EXPECT_EQ(ErrorReasonName(buffer.status()), "RESERVATION_NOT_FOUND");
}

// ---- the daemon is started again ----------------------------------------------------------------

TEST_F(ReservationsTest, AnIdleClientKeepsItWhenTheDaemonWasStartedAgain) {
  Connect();
  const std::string name = Book();

  RestartDaemon();

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_THAT(KeptNames(), ElementsAre(name));
  EXPECT_EQ(daemon_->reservations().keeps()[0].session_id(), "session-2");
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/2");
}

TEST_F(ReservationsTest, AnIdleClientKeepsItThroughOneRestartAfterTheOther) {
  Connect();
  const std::string name = Book();

  for (size_t restart = 1; restart <= 3; ++restart) {
    RestartDaemon();
    ASSERT_TRUE(WaitForKeeps(restart));
    EXPECT_EQ(daemon_->reservations().keeps().back().session_id(),
              "session-" + std::to_string(restart + 1));
  }
}

TEST_F(ReservationsTest, AnIdleClientComesBackAlsoToADaemonThatWasAwayForLong) {
  Connect();
  Book();
  daemon_->Kill();
  EXPECT_EQ(TurnAway(daemon_->dir() + "/fd.sock", 3), 3);

  daemon_->Restart();

  EXPECT_TRUE(WaitForKeeps(1));
}

TEST_F(ReservationsTest, ARestartBetweenBookingAndDrawIsNotNoticed) {
  Connect();
  const std::string name = Book();

  RestartDaemon();
  const auto buffer = client_->Allocate({.reservation = name});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_TRUE(buffer->was_ready());
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/2");
}

TEST_F(ReservationsTest, ARestartDuringTheBookingBooksAgainWithTheSessionThatIsThen) {
  Connect();
  daemon_->reservations().SetBeforeBooking([&](const auto&) {
    daemon_->reservations().SetBeforeBooking(nullptr);
    daemon_->ForgetSessions();
    return Error(ErrorReason::SESSION_UNKNOWN, "no session of that id").ToStatus();
  });

  const auto booked = client_->Reserve({.heap = "reserved", .size_bytes = kMiB});

  ASSERT_TRUE(booked.ok()) << booked.status();
  EXPECT_EQ(booked->client, "clients/2");
  const auto bookings = daemon_->reservations().bookings();
  ASSERT_THAT(bookings, SizeIs(2));
  EXPECT_EQ(bookings[0].request_id(), bookings[1].request_id());
}

TEST_F(ReservationsTest, ADeletedOneIsNotKept) {
  Connect();
  const std::string first = Book();
  const std::string second = Book();
  ASSERT_TRUE(client_->DeleteReservation(first).ok());

  RestartDaemon();

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_THAT(KeptNames(), ElementsAre(second));
  EXPECT_EQ(daemon_->reservations().keeps_tried(), 1);
}

TEST_F(ReservationsTest, OneThatIsNotThereAnyMoreIsAskedForOnce) {
  Connect();
  const std::string first = Book();
  const std::string second = Book();
  ASSERT_TRUE(daemon_->reservations().Delete(first).ok());

  RestartDaemon();
  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_EQ(daemon_->reservations().keeps_tried(), 2);
  RestartDaemon();
  ASSERT_TRUE(WaitForKeeps(2));

  EXPECT_THAT(KeptNames(), ElementsAre(second, second));
  EXPECT_EQ(daemon_->reservations().keeps_tried(), 3);
}

TEST_F(ReservationsTest, ADaemonThatDoesNotAnswerIsAskedAgain) {
  Connect();
  Book();
  daemon_->reservations().FailKeeps(absl::DeadlineExceededError("busy"));
  RestartDaemon();
  ASSERT_TRUE(FakeDaemon::WaitUntil([&] { return daemon_->reservations().keeps_tried() >= 2; }));

  daemon_->reservations().FailKeeps(absl::OkStatus());

  EXPECT_TRUE(WaitForKeeps(1));
}

TEST_F(ReservationsTest, AClosedFdChannelIsOpenedAgainByTheIdleClient) {
  Connect();
  const std::string name = Book();

  daemon_->CloseSessions();

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/2");
}

TEST_F(ReservationsTest, ASessionThatACallHadToReplaceHandsItOnToo) {
  Connect();
  const std::string name = Book();
  daemon_->ForgetSessions();

  ASSERT_TRUE(client_->Allocate({.heap = "reserved", .size_bytes = kMiB}).ok());

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/2");
}

TEST_F(ReservationsTest, WhoDrawsFromAnothersReservationKeepsItFromThenOn) {
  Connect();
  const std::string name = Book();
  const auto other = AnotherClient();
  client_ = nullptr;

  ASSERT_TRUE(other->Allocate({.reservation = name}).ok());
  RestartDaemon();

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/3");
}

TEST_F(ReservationsTest, AProcessThatWasStartedAgainTakesUpWhatItFinds) {
  Connect();
  const std::string name = Book();
  client_ = AnotherClient();

  const auto kept = client_->KeepReservation((*client_->ListReservations())[0].name);

  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->name, name);
  EXPECT_EQ(kept->client, "clients/2");
  RestartDaemon();
  ASSERT_TRUE(WaitForKeeps(2));
  EXPECT_EQ(daemon_->reservations().Get(name)->client(), "clients/3");
}

TEST_F(ReservationsTest, AClientWithoutOneLeavesARestartAlone) {
  Connect();
  Book();
  const auto idle = AnotherClient();

  RestartDaemon();

  ASSERT_TRUE(WaitForKeeps(1));
  EXPECT_EQ(daemon_->sessions_opened(), 3);
}

TEST_F(ReservationsTest, AClientMayGoWhileTheDaemonIsAway) {
  Connect();
  Book();
  daemon_->Kill();

  const absl::Time start = absl::Now();
  client_ = nullptr;

  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  daemon_->Restart();
}

TEST_F(ReservationsTest, AClientThatGoesLeavesItToItsLease) {
  Connect();
  const std::string name = Book();

  client_ = nullptr;

  EXPECT_TRUE(daemon_->reservations().Get(name).ok());
}

TEST_F(ReservationsTest, AForkedChildIsRefused) {
  Connect();
  const std::string name = Book();

  const pid_t child = fork();
  if (child == 0) {
    const absl::Status status = client_->Reserve({.heap = "reserved", .size_bytes = 1}).status();
    _exit(status.code() == absl::StatusCode::kFailedPrecondition ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
  EXPECT_TRUE(client_->Allocate({.reservation = name}).ok());
}

// ---- an older daemon ----------------------------------------------------------------------------

TEST_F(ReservationsTest, AnOlderDaemonIsSaidToBeOneAndWhichCallItMisses) {
  Connect({.knows_reservations = false});

  const absl::Status booking = client_->Reserve({.heap = "reserved", .size_bytes = 1}).status();
  EXPECT_EQ(booking.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(booking.message()), HasSubstr("does not know ReserveBuffers"));
  EXPECT_THAT(std::string(booking.message()), HasSubstr("update dmaheapd"));
  EXPECT_THAT(std::string(client_->ListReservations().status().message()),
              HasSubstr("ListReservations"));
  EXPECT_THAT(std::string(client_->GetReservation("1").status().message()),
              HasSubstr("GetReservation"));
  EXPECT_THAT(std::string(client_->KeepReservation("1").status().message()),
              HasSubstr("KeepReservation"));
  EXPECT_THAT(std::string(client_->DeleteReservation("1").message()),
              HasSubstr("DeleteReservation"));
}

TEST_F(ReservationsTest, AnOlderDaemonThatAsksADrawForItsHeapIsSaidNotToKnowReservations) {
  Connect({.knows_reservations = false});

  const absl::Status draw = client_->Allocate({.reservation = "1"}).status();

  EXPECT_EQ(draw.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(draw.message()), HasSubstr("does not know reservations"));
}

TEST_F(ReservationsTest, AnOlderDaemonServesADrawThatSaysAllAsAMiss) {
  Connect({.knows_reservations = false});

  const auto buffer =
      client_->Allocate({.heap = "reserved", .size_bytes = kMiB, .reservation = "1"});

  ASSERT_TRUE(buffer.ok()) << buffer.status();
  EXPECT_FALSE(buffer->was_ready());
}

}  // namespace
}  // namespace dmaheap
