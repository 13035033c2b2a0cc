// The C functions about reservations against a scripted daemon.

#include <cstddef>
#include <cstring>
#include <future>
#include <memory>
#include <string>

#include "client/dmaheap_c.h"
#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using ::testing::StrEq;

constexpr int64_t kMiB = 1 << 20;

template <typename Handle>
Handle* Untouched() {
  static char place;
  return reinterpret_cast<Handle*>(&place);
}

class DmaheapCReservationsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    dmaheap_error_free(error_);
    dmaheap_client_free(client_);
    daemon_ = nullptr;
    EXPECT_EQ(leaks_.Leaked(), "");
  }

  void Connect(FakeDaemonOptions daemon = {}) {
    daemon_ = FakeDaemon::Start(daemon);
    dmaheap_connect_options options = {};
    options.struct_size = sizeof(options);
    options.socket_dir = daemon_->dir().c_str();
    ASSERT_EQ(dmaheap_connect(&options, &client_, &error_), DMAHEAP_OK)
        << dmaheap_error_message(error_);
  }

  static dmaheap_reserve_options Wanted(uint32_t count = 2) {
    dmaheap_reserve_options options = {};
    options.struct_size = sizeof(options);
    options.count = count;
    options.heap = "reserved";
    options.size_bytes = kMiB;
    options.label = "frame";
    return options;
  }

  // The name of a new reservation.
  std::string Book(uint32_t count = 2) {
    const dmaheap_reserve_options options = Wanted(count);
    dmaheap_reservation* reservation = nullptr;
    EXPECT_EQ(dmaheap_reserve(client_, &options, &reservation, &error_), DMAHEAP_OK)
        << dmaheap_error_message(error_);
    const std::string name = dmaheap_reservation_name(reservation);
    dmaheap_reservation_free(reservation);
    return name;
  }

  static dmaheap_allocate_options DrawOf(const std::string& reservation) {
    dmaheap_allocate_options options = {};
    options.struct_size = sizeof(options);
    options.reservation = reservation.c_str();
    return options;
  }

  std::string TakeReason() {
    const std::string reason = dmaheap_error_reason(error_);
    dmaheap_error_free(error_);
    error_ = nullptr;
    return reason;
  }

  FdLeakCheck leaks_;
  std::unique_ptr<FakeDaemon> daemon_;
  // Outlives the client, and so the callback that sets it.
  std::promise<int32_t> ready_;
  dmaheap_client* client_ = nullptr;
  dmaheap_error* error_ = nullptr;
};

TEST_F(DmaheapCReservationsTest, ABookingSaysWhatTheCallerWantsAndComesBackAsTheDaemonHasIt) {
  Connect();
  dmaheap_reserve_options options = Wanted(4);
  options.lease_ms = 90'000;
  options.priority = DMAHEAP_PRIORITY_HIGH;
  options.refill_below = 2;
  options.retry_policy = "nofail";
  options.request_id = "mine";
  dmaheap_reservation* reservation = nullptr;

  ASSERT_EQ(dmaheap_reserve(client_, &options, &reservation, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  dmaheap_reservation_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(dmaheap_reservation_get_info(reservation, &info, &error_), DMAHEAP_OK);
  EXPECT_THAT(dmaheap_reservation_name(reservation), StrEq("reservations/1"));
  EXPECT_EQ(info.struct_size, sizeof(info));
  EXPECT_THAT(info.name, StrEq("reservations/1"));
  EXPECT_THAT(info.heap, StrEq("heaps/reserved"));
  EXPECT_EQ(info.size_bytes, kMiB);
  EXPECT_EQ(info.count, 4u);
  EXPECT_THAT(info.label, StrEq("frame"));
  EXPECT_EQ(info.priority, DMAHEAP_PRIORITY_HIGH);
  EXPECT_EQ(info.refill_below, 2u);
  EXPECT_THAT(info.retry_policy, StrEq("nofail"));
  EXPECT_EQ(info.lease_ms, 90'000);
  EXPECT_THAT(info.client, StrEq("clients/1"));
  EXPECT_GT(info.create_time_ms, 0);
  EXPECT_EQ(info.expire_time_ms, -1);
  EXPECT_EQ(info.ready, 4u);
  EXPECT_EQ(info.drawn, 0u);
  EXPECT_THAT(info.last_error, StrEq(""));
  EXPECT_EQ(daemon_->reservations().bookings()[0].request_id(), "mine");
  dmaheap_reservation_free(reservation);
}

TEST_F(DmaheapCReservationsTest, ADrawNeedsNothingButTheNameAndTellsThatItWasReady) {
  Connect();
  const std::string name = Book();
  const dmaheap_allocate_options options = DrawOf(name);
  dmaheap_buffer* buffer = nullptr;

  ASSERT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  EXPECT_EQ(dmaheap_buffer_was_ready(buffer), 1);
  EXPECT_EQ(dmaheap_buffer_reservation(buffer), name);
  EXPECT_EQ(dmaheap_buffer_size_bytes(buffer), kMiB);
  dmaheap_buffer_free(buffer);
}

TEST_F(DmaheapCReservationsTest, OfSeveralThatAreDrawnAMissSaysSo) {
  Connect();
  const std::string name = Book(1);
  const dmaheap_allocate_options options = DrawOf(name);
  dmaheap_buffer* buffers[2] = {};

  ASSERT_EQ(dmaheap_allocate_many(client_, &options, 2, buffers, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  EXPECT_EQ(dmaheap_buffer_was_ready(buffers[0]), 1);
  EXPECT_EQ(dmaheap_buffer_was_ready(buffers[1]), 0);
  EXPECT_THAT(dmaheap_buffer_reservation(buffers[1]), StrEq(""));
  for (dmaheap_buffer* buffer : buffers) dmaheap_buffer_free(buffer);
}

TEST_F(DmaheapCReservationsTest, AnAsynchronousDrawToo) {
  Connect();
  const std::string name = Book();
  const dmaheap_allocate_options options = DrawOf(name);

  ASSERT_EQ(dmaheap_allocate_async(
                client_, &options, 1,
                [](void* context, dmaheap_code, dmaheap_buffer* const* buffers, uint32_t count,
                   const dmaheap_error*) {
                  const int32_t was_ready = count == 1 ? dmaheap_buffer_was_ready(*buffers) : -1;
                  if (count == 1) dmaheap_buffer_free(*buffers);
                  static_cast<std::promise<int32_t>*>(context)->set_value(was_ready);
                },
                &ready_, nullptr, &error_),
            DMAHEAP_OK);

  EXPECT_EQ(ready_.get_future().get(), 1);
}

TEST_F(DmaheapCReservationsTest, AreListedShownKeptAndDeleted) {
  Connect();
  const std::string first = Book(2), second = Book(3);
  dmaheap_reservation_list* list = nullptr;
  dmaheap_reservation* one = nullptr;
  dmaheap_reservation_info info = {};
  info.struct_size = sizeof(info);

  ASSERT_EQ(dmaheap_list_reservations(client_, 0, &list, &error_), DMAHEAP_OK);
  ASSERT_EQ(dmaheap_reservation_list_count(list), 2u);
  EXPECT_EQ(dmaheap_reservation_list_get(list, 1, &info, &error_), DMAHEAP_OK);
  EXPECT_EQ(info.name, second);
  EXPECT_EQ(dmaheap_reservation_list_get(list, 2, &info, nullptr), DMAHEAP_OUT_OF_RANGE);
  dmaheap_reservation_list_free(list);

  ASSERT_EQ(dmaheap_get_reservation(client_, "2", 0, &one, &error_), DMAHEAP_OK);
  EXPECT_EQ(dmaheap_reservation_name(one), second);
  dmaheap_reservation_free(one);

  ASSERT_EQ(dmaheap_keep_reservation(client_, first.c_str(), 0, &one, &error_), DMAHEAP_OK);
  EXPECT_EQ(daemon_->reservations().keeps().size(), 1u);
  dmaheap_reservation_free(one);

  EXPECT_EQ(dmaheap_delete_reservation(client_, first.c_str(), 0, &error_), DMAHEAP_OK);
  EXPECT_NE(dmaheap_delete_reservation(client_, first.c_str(), 0, &error_), DMAHEAP_OK);
  EXPECT_EQ(TakeReason(), "RESERVATION_NOT_FOUND");
}

TEST_F(DmaheapCReservationsTest, AFailureLeavesTheOutputAsItIs) {
  Connect();
  dmaheap_reservation* const untouched = Untouched<dmaheap_reservation>();
  dmaheap_reservation* reservation = untouched;
  dmaheap_reserve_options wrong = Wanted();
  wrong.struct_size = 1;

  EXPECT_NE(dmaheap_get_reservation(client_, "9", 0, &reservation, &error_), DMAHEAP_OK);
  EXPECT_EQ(TakeReason(), "RESERVATION_NOT_FOUND");
  EXPECT_EQ(dmaheap_reserve(client_, &wrong, &reservation, nullptr), DMAHEAP_INVALID_ARGUMENT);
  EXPECT_EQ(dmaheap_reserve(client_, nullptr, &reservation, nullptr), DMAHEAP_INVALID_ARGUMENT);
  EXPECT_EQ(reservation, untouched);
  dmaheap_reservation_info info = {};
  info.struct_size = 8;
  info.count = 77;
  Book();
  dmaheap_reservation_list* list = nullptr;
  ASSERT_EQ(dmaheap_list_reservations(client_, 0, &list, &error_), DMAHEAP_OK);
  EXPECT_EQ(dmaheap_reservation_list_get(list, 0, &info, nullptr), DMAHEAP_INVALID_ARGUMENT);
  EXPECT_EQ(info.count, 77u);
  dmaheap_reservation_list_free(list);
}

TEST_F(DmaheapCReservationsTest, OptionsOfTheVersionWithoutReservationsAreTakenAsTheyWere) {
  Connect();
  dmaheap_allocate_options options = DrawOf("never read");
  options.struct_size = offsetof(dmaheap_allocate_options, reservation);
  options.heap = "reserved";
  options.size_bytes = kMiB;
  options.retry_policy = "nofail";
  dmaheap_buffer* buffer = nullptr;

  ASSERT_EQ(dmaheap_allocate(client_, &options, &buffer, &error_), DMAHEAP_OK)
      << dmaheap_error_message(error_);

  EXPECT_EQ(daemon_->requests()[0].reservation(), "");
  EXPECT_EQ(daemon_->requests()[0].retry_policy(), "nofail");
  dmaheap_buffer_free(buffer);
}

TEST_F(DmaheapCReservationsTest, AnOlderDaemonIsSaidToBeOne) {
  Connect({.knows_reservations = false});
  const dmaheap_reserve_options options = Wanted();
  dmaheap_reservation* reservation = nullptr;

  EXPECT_EQ(dmaheap_reserve(client_, &options, &reservation, &error_), DMAHEAP_UNIMPLEMENTED);

  EXPECT_THAT(dmaheap_error_message(error_), HasSubstr("does not know ReserveBuffers"));
}

}  // namespace
}  // namespace dmaheap
