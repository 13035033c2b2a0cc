// Reservations as their owner sees them: booked, drawn, made again, given back, kept.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "daemon/core/allocation_view.h"
#include "daemon/core/holds.h"
#include "daemon/core/listing.h"
#include "daemon/core/testing/core_fixture.h"
#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

class ReservationsTest : public CoreFixture {
 protected:
  AllocateRequest Booking(const std::shared_ptr<FakeRecipient>& session, int count,
                          v1::Priority priority = v1::PRIORITY_UNSPECIFIED) {
    AllocateRequest request = Request(session, 1, count);
    request.purpose = AllocateRequest::Purpose::kReserve;
    request.refill_below = count;
    request.priority = priority;
    return request;
  }
  // The id of a new reservation of count pages.
  uint64_t Book(const std::shared_ptr<FakeRecipient>& session, int count,
                v1::Priority priority = v1::PRIORITY_UNSPECIFIED) {
    const Call call = Allocate(Booking(session, count, priority));
    EXPECT_TRUE(call->ok()) << call->status();
    if (!call->ok()) return 0;
    EXPECT_EQ(call->result->buffers_size(), count);
    return ParseReservationName("name", call->result->buffers(0).reservation()).value();
  }
  AllocateRequest DrawOf(uint64_t id, const std::shared_ptr<FakeRecipient>& session,
                         int count = 1) {
    AllocateRequest request = Request(session, 1, count);
    request.heap.clear();
    request.size_bytes = 0;
    request.reservation = id;
    return request;
  }
  v1::Reservation Look(uint64_t id) {
    v1::Reservation found;
    Do([&] { found = allocator_->GetReservation(kUid, id).value_or(v1::Reservation()); });
    return found;
  }
  absl::Status Delete(uint64_t id, uint32_t uid = kUid) {
    absl::Status status;
    Do([&] { status = allocator_->DeleteReservation(uid, id); });
    return status;
  }
  // The client reads, and closes, everything.
  static void CloseAll(const std::shared_ptr<FakeRecipient>& session) { session->Read(); }
  // The daemon dies and another one takes up what its keeper and its journal have.
  void Restart() {
    Inventory left;
    left.entries = journal_.TakeEntries();
    left.reservations = journal_.TakeReservations();
    for (const JournalEntry& entry : left.entries) {
      left.alive.insert(entry.record.key);
      const std::string name = HeldFdName(entry.record.key);
      if (store_.Has(name)) left.held[entry.record.key] = store_.Copy(name);
    }
    Drain();
    allocator_.reset();
    Start(kEverything);
    Do([&] { report_ = allocator_->Restore(std::move(left)); });
  }

  RestoreReport report_;
};

TEST_F(ReservationsTest, WhatIsBookedExistsIsChargedAndIsWithTheKeeper) {
  const auto session = Connect();

  const uint64_t id = Book(session, 3);

  const v1::Reservation found = Look(id);
  EXPECT_EQ(found.heap(), "heaps/cma");
  EXPECT_EQ(found.size_bytes(), kPage);
  EXPECT_EQ(found.count(), 3);
  EXPECT_EQ(found.ready_count(), 3);
  EXPECT_EQ(found.drawn_count(), 0);
  EXPECT_EQ(found.client(), "clients/1");
  EXPECT_FALSE(found.has_expire_time());
  EXPECT_EQ(ChargedOf(), (Charged{3 * kPage, 3}));
  EXPECT_EQ(store_.size(), 3u);
  EXPECT_EQ(cma_->given().size(), 3u);
  const auto buffers = ListBuffers(*allocator_, kUid, {.size = 10});
  ASSERT_EQ(buffers.buffers_size(), 3);
  EXPECT_EQ(buffers.buffers(0).state(), v1::Buffer::RESERVED);
  EXPECT_EQ(buffers.buffers(0).reservation(), found.name());
}

TEST_F(ReservationsTest, ABookingThatTheHeapCanNotServeIsToldSoAndBooksNothing) {
  cma_->Script({0, ENOMEM, ENOMEM, ENOMEM});

  const Call call = Allocate(Booking(Connect(), 2));
  executor_.Advance(absl::Seconds(1));

  EXPECT_TRUE(call->done());
  EXPECT_EQ(GetReason(call->status()), ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  EXPECT_TRUE(allocator_->reservations().empty());
  Reconcile();
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(ReservationsTest, ABookingCountsForTheQuotaAsAWhole) {
  SetPolicy(std::string(kEverything) + " quotas { who { everybody: true } max_buffers: 2 }");

  EXPECT_EQ(GetReason(Allocate(Booking(Connect(), 3))->status()), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_NE(Book(Connect(), 2), 0u);
}

TEST_F(ReservationsTest, BookingAndDrawingTakeTheRightToReserve) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  SetPolicy("access { who { everybody: true } heaps: '*' rights: [ALLOCATE, HOLD] }");

  const absl::Status booking = Allocate(Booking(session, 1))->status();
  EXPECT_EQ(GetReason(booking), ErrorReason::ACCESS_DENIED);
  EXPECT_EQ(GetErrorValue(booking, "right"), "RESERVE");
  EXPECT_EQ(GetReason(Allocate(DrawOf(id, session))->status()), ErrorReason::ACCESS_DENIED);
}

TEST_F(ReservationsTest, ADrawTakesWhatIsReadyWithoutAnAttempt) {
  const auto session = Connect();
  const uint64_t id = Book(session, 3);
  const int calls = cma_->calls();

  const Call draw = Allocate(DrawOf(id, session, 2));

  ASSERT_TRUE(draw->ok()) << draw->status();
  EXPECT_EQ(draw->result->drawn(), 2);
  EXPECT_EQ(draw->result->attempts(), 0);
  EXPECT_EQ(draw->result->buffers(0).state(), v1::Buffer::DELIVERED);
  EXPECT_EQ(draw->result->buffers(0).reservation(), Look(id).name());
  EXPECT_EQ(cma_->calls(), calls);
  EXPECT_EQ(session->Read()[0].fds.size(), 2u);
  EXPECT_EQ(Look(id).ready_count(), 1);
  EXPECT_EQ(Look(id).drawn_count(), 2);
  EXPECT_EQ(Look(id).hits(), 2);
  EXPECT_EQ(store_.size(), 1u);
  EXPECT_EQ(ChargedOf(), (Charged{3 * kPage, 3}));
}

TEST_F(ReservationsTest, WhatWasDrawnAndReleasedIsMadeAgain) {
  const auto session = Connect();
  const uint64_t id = Book(session, 2);
  const Call draw = Allocate(DrawOf(id, session));
  const std::string drawn = draw->result->buffers(0).name();

  CloseAll(session);
  Reconcile();

  EXPECT_EQ(Look(id).ready_count(), 2);
  EXPECT_EQ(Look(id).drawn_count(), 0);
  EXPECT_EQ(Look(id).refills(), 1);
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 2}));
  // Its memory is another one: nobody sees what somebody else wrote.
  const auto listed = ListBuffers(*allocator_, kUid, {.size = 10});
  for (const auto& buffer : listed.buffers()) EXPECT_NE(buffer.name(), drawn);
}

TEST_F(ReservationsTest, FromTheLowWatermarkOnItIsFilledUp) {
  const auto session = Connect();
  AllocateRequest booking = Booking(session, 4);
  booking.refill_below = 2;
  const Call booked = Allocate(std::move(booking));
  const uint64_t id =
      ParseReservationName("name", booked->result->buffers(0).reservation()).value();
  Allocate(DrawOf(id, session, 2));
  CloseAll(session);
  Reconcile();
  EXPECT_EQ(Look(id).ready_count(), 2);  // not below 2

  Allocate(DrawOf(id, session, 1));
  CloseAll(session);
  Reconcile();

  EXPECT_EQ(Look(id).ready_count(), 4);
  EXPECT_EQ(ChargedOf(), (Charged{4 * kPage, 4}));
}

TEST_F(ReservationsTest, WhatIsNotReadyIsAllocatedOnTopOfIt) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);

  const Call draw = Allocate(DrawOf(id, session, 3));

  ASSERT_TRUE(draw->ok()) << draw->status();
  EXPECT_EQ(draw->result->drawn(), 1);
  EXPECT_EQ(draw->result->buffers_size(), 3);
  EXPECT_EQ(ChargedOf(), (Charged{3 * kPage, 3}));
  EXPECT_EQ(Look(id).misses(), 2);
  CloseAll(session);
  Reconcile();
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(Look(id).ready_count(), 1);
}

TEST_F(ReservationsTest, ADrawThatFailsGivesBackWhatWasReady) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  cma_->Script({ENOMEM, ENOMEM, ENOMEM});

  const Call draw = Allocate(DrawOf(id, session, 2));
  executor_.Advance(absl::Seconds(1));

  EXPECT_EQ(GetReason(draw->status()), ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE);
  EXPECT_EQ(Look(id).ready_count(), 1);
  EXPECT_EQ(Look(id).drawn_count(), 0);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(ReservationsTest, ADrawThatWaitsGetsWhatIsMadeAgain) {
  const auto session = Connect();
  const auto reader = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, reader));
  // The area is full: the second draw waits, and only the release of the first makes room.
  SetPolicy(std::string(kEverything) + " retry_policies { name: 'nofail' }");
  cma_->Script({ENOMEM});
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  AllocateRequest second = DrawOf(id, session);
  second.retry_policy = "nofail";
  const Call waits = Allocate(std::move(second));
  EXPECT_FALSE(waits->done());
  const int calls = cma_->calls();

  CloseAll(reader);
  Reconcile();

  // Its own attempt makes what was to be made again: there is one buffer, not two.
  ASSERT_TRUE(waits->ok()) << waits->status();
  EXPECT_EQ(cma_->calls(), calls + 1);
  EXPECT_EQ(Look(id).drawn_count(), 1);
  EXPECT_EQ(Look(id).refilling_count(), 0);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(ReservationsTest, ADrawThatComesWhileOneIsMadeAgainGetsThat) {
  const auto session = Connect();
  const auto reader = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, reader));
  workers_.Hold("heap-cma");
  CloseAll(reader);
  Reconcile();
  ASSERT_EQ(Look(id).refilling_count(), 1);
  const int calls = cma_->calls();

  const Call draw = Allocate(DrawOf(id, session));
  EXPECT_FALSE(draw->done());
  workers_.LetGo("heap-cma");

  ASSERT_TRUE(draw->ok()) << draw->status();
  EXPECT_EQ(draw->result->attempts(), 0);
  EXPECT_EQ(cma_->calls(), calls + 1);
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
}

TEST_F(ReservationsTest, WhereADrawThatWaitedFailsItIsMadeAgainAllTheSame) {
  const auto session = Connect();
  const auto reader = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, reader));
  cma_->Script({ENOMEM, ENOMEM, ENOMEM});
  const Call draw = Allocate(DrawOf(id, session));
  CloseAll(reader);
  Reconcile();
  EXPECT_FALSE(draw->done());

  Cancel(draw);
  executor_.Advance(absl::Seconds(5));

  EXPECT_EQ(Look(id).ready_count(), 1);
}

TEST_F(ReservationsTest, ADrawAsksForNothingElseThanWhatWasBooked) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  AllocateRequest heap = DrawOf(id, session), size = heap, label = heap, same = heap;
  heap.heap = "system";
  size.size_bytes = 2 * kPage;
  label.label = "other";
  same.heap = "reserved";  // an alias
  same.size_bytes = kPage - 1;

  for (const AllocateRequest& wrong : {heap, size, label}) {
    EXPECT_EQ(GetReason(Allocate(wrong)->status()), ErrorReason::INVALID_RESERVATION);
  }
  EXPECT_TRUE(Allocate(same)->ok());
}

TEST_F(ReservationsTest, AReservationOfAnotherUidIsNotThere) {
  const uint64_t id = Book(Connect(), 1);
  AllocateRequest draw = DrawOf(id, Connect());
  draw.principal.uid = kUid + 1;

  EXPECT_EQ(GetReason(Allocate(std::move(draw))->status()), ErrorReason::RESERVATION_NOT_FOUND);
  EXPECT_EQ(GetReason(Delete(id, kUid + 1)), ErrorReason::RESERVATION_NOT_FOUND);
  EXPECT_EQ(ListReservations(*allocator_, kUid + 1, {.size = 10}).reservations_size(), 0);
  EXPECT_EQ(ListReservations(*allocator_, kUid, {.size = 10}).reservations_size(), 1);
}

TEST_F(ReservationsTest, DeletingFreesWhatIsReadyAndLeavesWhatIsDrawn) {
  const auto session = Connect();
  const uint64_t id = Book(session, 3);
  Allocate(DrawOf(id, session));

  EXPECT_TRUE(Delete(id).ok());

  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_EQ(ListBuffers(*allocator_, kUid, {.size = 10}).buffers(0).reservation(), "");
  CloseAll(session);
  Reconcile();
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(ReservationsTest, DeletingEndsWhatIsBeingMade) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, session));
  workers_.Hold("heap-cma");
  CloseAll(session);
  Reconcile();
  ASSERT_EQ(Look(id).refilling_count(), 1);

  EXPECT_TRUE(Delete(id).ok());
  workers_.LetGo("heap-cma");

  Reconcile();
  EXPECT_EQ(ChargedOf(), Charged{});
  EXPECT_TRUE(cma_->given().empty());
}

TEST_F(ReservationsTest, ASessionKeepsItAndTheLeaseOutlivesTheSession) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  executor_.Advance(absl::Hours(1));

  Disconnect(session);

  EXPECT_EQ(Look(id).client(), "");
  EXPECT_TRUE(Look(id).has_expire_time());
  executor_.Advance(absl::Seconds(59));
  EXPECT_EQ(Look(id).ready_count(), 1);
  executor_.Advance(absl::Seconds(2));
  EXPECT_TRUE(allocator_->reservations().empty());
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(ReservationsTest, AnotherSessionTakesItUpByADraw) {
  const auto first = Connect();
  const uint64_t id = Book(first, 1);
  Disconnect(first);
  const auto second = Connect();

  EXPECT_TRUE(Allocate(DrawOf(id, second))->ok());

  executor_.Advance(absl::Hours(1));
  EXPECT_EQ(Look(id).client(), "clients/2");
}

TEST_F(ReservationsTest, WithoutASessionItIsKeptByWhoComesInTime) {
  AllocateRequest booking = Booking(nullptr, 1);
  booking.lease = absl::Seconds(10);
  const Call booked = Allocate(std::move(booking));
  const uint64_t id =
      ParseReservationName("name", booked->result->buffers(0).reservation()).value();

  for (int i = 0; i < 3; ++i) {
    executor_.Advance(absl::Seconds(9));
    Do([&] { EXPECT_TRUE(allocator_->KeepReservation(kUid, id, nullptr).ok()); });
  }
  EXPECT_EQ(Look(id).ready_count(), 1);
  executor_.Advance(absl::Seconds(11));

  EXPECT_TRUE(allocator_->reservations().empty());
}

TEST_F(ReservationsTest, WhoAsksWithAHigherPriorityGetsTheRoomOfWhatIsReady) {
  const uint64_t low = Book(Connect(), 2, v1::LOW);
  const uint64_t normal = Book(Connect(), 2, v1::NORMAL);
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  cma_->Script({ENOMEM});
  AllocateRequest high = Request(Connect(), 3);
  high.priority = v1::HIGH;

  const Call call = Allocate(std::move(high));
  executor_.Advance(absl::Milliseconds(10));

  EXPECT_TRUE(call->ok()) << call->status();
  // Three pages: first the two of LOW, then one of NORMAL.
  EXPECT_EQ(Look(low).ready_count(), 0);
  EXPECT_EQ(Look(low).given_back(), 2);
  EXPECT_EQ(Look(normal).ready_count(), 1);
  // Made again when some time has passed.
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(Look(low).ready_count(), 2);
  EXPECT_EQ(Look(normal).ready_count(), 2);
}

TEST_F(ReservationsTest, WhoAsksWithTheSamePriorityGetsNothingOfIt) {
  const uint64_t id = Book(Connect(), 2, v1::NORMAL);
  cma_->SetUsage({.free_bytes = 0, .largest_free_bytes = 0});
  cma_->Script({ENOMEM, ENOMEM, ENOMEM});

  const Call call = Allocate(Request(Connect(), 1));
  executor_.Advance(absl::Seconds(1));

  EXPECT_EQ(GetReason(call->status()), ErrorReason::HEAP_EXHAUSTED);
  EXPECT_EQ(Look(id).ready_count(), 2);
}

TEST_F(ReservationsTest, ARefillThatFailsIsTriedAgainLessAndLessOften) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, session));
  cma_->Script({ENOMEM, ENOMEM, ENOMEM, ENOMEM, ENOMEM, ENOMEM});
  CloseAll(session);
  Reconcile();
  executor_.Advance(absl::Milliseconds(400));

  EXPECT_EQ(Look(id).ready_count(), 0);
  EXPECT_NE(Look(id).last_error().find("ENOMEM"), std::string::npos) << Look(id).last_error();
  EXPECT_EQ(ChargedOf(), (Charged{kPage, 1}));
  executor_.Advance(absl::Seconds(2));

  EXPECT_EQ(Look(id).ready_count(), 1);
  EXPECT_EQ(Look(id).last_error(), "");
}

TEST_F(ReservationsTest, ARefillIsSeenAmongWhatIsUnderWay) {
  const auto session = Connect();
  const uint64_t id = Book(session, 1);
  Allocate(DrawOf(id, session));
  workers_.Hold("heap-cma");
  CloseAll(session);
  Reconcile();

  const auto under_way = ListAllocations(*allocator_, {.size = 10});

  ASSERT_EQ(under_way.allocations_size(), 1);
  EXPECT_EQ(under_way.allocations(0).reservation(), Look(id).name());
  EXPECT_EQ(under_way.allocations(0).owner_uid(), kUid);
}

TEST_F(ReservationsTest, WhatTheKeeperDoesNotTakeIsNotBooked) {
  store_.FailStore(2);

  EXPECT_EQ(GetReason(Allocate(Booking(Connect(), 3))->status()), ErrorReason::INTERNAL_ERROR);

  Reconcile();
  EXPECT_TRUE(allocator_->reservations().empty());
  EXPECT_EQ(ChargedOf(), Charged{});
}

TEST_F(ReservationsTest, ItOutlivesTheDaemonWithWhatIsReadyAndWhatIsDrawn) {
  const auto session = Connect();
  const uint64_t id = Book(session, 3);
  Allocate(DrawOf(id, session));

  Restart();

  EXPECT_EQ(report_.reservations, 1);
  EXPECT_EQ(report_.ready, 2);
  EXPECT_EQ(Look(id).ready_count(), 2);
  EXPECT_EQ(Look(id).drawn_count(), 1);
  EXPECT_TRUE(Look(id).has_expire_time());
  EXPECT_EQ(ChargedOf(), (Charged{3 * kPage, 3}));
  const auto again = Connect();
  EXPECT_TRUE(Allocate(DrawOf(id, again, 2))->ok());
  EXPECT_GT(Book(again, 1), id);
  CloseAll(session);
  CloseAll(again);
  Reconcile();
  EXPECT_EQ(Look(id).ready_count(), 3);
}

TEST_F(ReservationsTest, WhatWasNotMadeAgainYetIsMadeByTheNextDaemon) {
  const auto session = Connect();
  const uint64_t id = Book(session, 2);
  Allocate(DrawOf(id, session));
  cma_->Script({ENOMEM, ENOMEM, ENOMEM});
  CloseAll(session);
  Reconcile();

  Restart();
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 2}));
  executor_.Advance(absl::Seconds(1));

  EXPECT_EQ(Look(id).ready_count(), 2);
  EXPECT_EQ(ChargedOf(), (Charged{2 * kPage, 2}));
}

TEST_F(ReservationsTest, AUidHasSoManyAndNoMore) {
  const auto session = Connect();
  cma_->SetUsage({});
  for (size_t i = 0; i < kMaxReservationsPerUid; ++i) {
    AllocateRequest booking = Booking(session, 1);
    booking.heap = "system";
    ASSERT_TRUE(Allocate(std::move(booking))->ok());
  }

  EXPECT_EQ(GetReason(Allocate(Booking(session, 1))->status()), ErrorReason::OVERLOADED);
}

TEST_F(ReservationsTest, ARepeatedBookingIsTheSameReservation) {
  AllocateRequest booking = Booking(Connect(), 2);
  booking.repeatable = true;

  const Call first = Allocate(booking);
  const Call again = Allocate(booking);

  EXPECT_EQ(allocator_->reservations().size(), 1u);
  EXPECT_EQ(first->result->buffers(0).reservation(), again->result->buffers(0).reservation());
}

TEST_F(ReservationsTest, ACheckAloneBooksNothing) {
  AllocateRequest booking = Booking(nullptr, 2);
  booking.validate_only = true;

  EXPECT_TRUE(Allocate(booking)->ok());

  EXPECT_TRUE(allocator_->reservations().empty());
  EXPECT_EQ(cma_->calls(), 0);
}

}  // namespace
}  // namespace dmaheap
