#include "daemon/core/request.h"

#include <limits>
#include <string>
#include <vector>

#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

v1::AllocateBuffersRequest Good() {
  v1::AllocateBuffersRequest request;
  request.set_heap("heaps/system");
  request.set_size_bytes(4096);
  request.set_session_id("a session");
  return request;
}

// The fields that a BadRequest names, each once more in the text.
std::vector<std::string> FieldsOf(const absl::Status& status) {
  google::rpc::BadRequest bad_request;
  EXPECT_TRUE(GetDetail(status, bad_request)) << status;
  std::vector<std::string> fields;
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
    EXPECT_FALSE(violation.description().empty());
    EXPECT_NE(status.message().find(violation.field()), absl::string_view::npos) << status;
  }
  return fields;
}

void ExpectRefused(const v1::AllocateBuffersRequest& request, ErrorReason reason,
                   const std::string& field) {
  const absl::Status status = CheckAllocateRequest(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << request.ShortDebugString();
  EXPECT_EQ(GetReason(status), reason) << status;
  EXPECT_EQ(FieldsOf(status), std::vector<std::string>{field});
  // Whatever was sent, the text is for a terminal and a log line.
  for (const char c : status.message()) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << status;
  EXPECT_LT(status.message().size(), 1000u);
}

TEST(RequestTest, AGoodRequestIsTakenAsItIs) {
  v1::AllocateBuffersRequest request = Good();
  request.set_count(3);
  request.set_label("camera");
  request.set_request_id("id-1");
  request.set_validate_only(true);

  const absl::StatusOr<AllocateRequest> checked = CheckAllocateRequest(request);

  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->heap, "system");
  EXPECT_EQ(checked->size_bytes, 4096);
  EXPECT_EQ(checked->count, 3);
  EXPECT_EQ(checked->label, "camera");
  EXPECT_EQ(checked->request_id, "id-1");
  EXPECT_TRUE(checked->repeatable);
  EXPECT_TRUE(checked->validate_only);
  EXPECT_EQ(checked->purpose, AllocateRequest::Purpose::kDeliver);
  EXPECT_EQ(checked->lease, absl::nullopt);
  EXPECT_EQ(checked->deadline, absl::InfiniteFuture());
}

TEST(RequestTest, WhatIsNotSaidHasItsDefault) {
  const absl::StatusOr<AllocateRequest> one = CheckAllocateRequest(Good());
  const absl::StatusOr<AllocateRequest> other = CheckAllocateRequest(Good());
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(one->count, 1);
  EXPECT_FALSE(one->repeatable);
  EXPECT_FALSE(one->validate_only);
  EXPECT_EQ(one->request_id.size(), kSecretHexDigits);
  EXPECT_NE(one->request_id, other->request_id);
}

TEST(RequestTest, Sizes) {
  for (const int64_t size :
       std::vector<int64_t>{1, 4095, 4096, 4097, int64_t{1} << 31, int64_t{1} << 32, kMax}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_size_bytes(size);
    EXPECT_TRUE(CheckAllocateRequest(request).ok()) << size;
  }
  for (const int64_t size :
       std::vector<int64_t>{0, -1, -4096, std::numeric_limits<int64_t>::min()}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_size_bytes(size);
    ExpectRefused(request, ErrorReason::INVALID_SIZE, "size_bytes");
  }
}

TEST(RequestTest, Counts) {
  for (const int count : {1, kFdWindow}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_count(count);
    EXPECT_TRUE(CheckAllocateRequest(request).ok()) << count;
  }
  for (const int count :
       {0, -1, kFdWindow + 1, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_count(count);
    ExpectRefused(request, ErrorReason::INVALID_COUNT, "count");
  }
}

TEST(RequestTest, HeapNames) {
  for (const std::string& name :
       {std::string("heaps/linux,cma"), "heaps/" + std::string(kMaxClientTextBytes, 'x')}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_heap(name);
    EXPECT_TRUE(CheckAllocateRequest(request).ok()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("heaps/"), std::string("system"), std::string("Heaps/system"),
        std::string("heaps/a\nb"), std::string("heaps/\xc3\xa4"), std::string("heaps/a\0b", 9),
        "heaps/" + std::string(kMaxClientTextBytes + 1, 'x'), std::string(15000, 'x')}) {
    v1::AllocateBuffersRequest request = Good();
    request.set_heap(name);
    ExpectRefused(request, ErrorReason::INVALID_NAME, "heap");
  }
}

TEST(RequestTest, Labels) {
  v1::AllocateBuffersRequest request = Good();
  request.set_label(std::string(kMaxLabelBytes, '~'));
  EXPECT_TRUE(CheckAllocateRequest(request).ok());
  for (const std::string& label : {std::string(kMaxLabelBytes + 1, 'x'), std::string("a\tb"),
                                   std::string("\x7f"), std::string("\xe2\x82\xac")}) {
    request.set_label(label);
    ExpectRefused(request, ErrorReason::INVALID_LABEL, "label");
  }
}

TEST(RequestTest, RequestIds) {
  v1::AllocateBuffersRequest request = Good();
  request.set_request_id(std::string(kMaxClientTextBytes, 'i'));
  EXPECT_TRUE(CheckAllocateRequest(request).ok());
  for (const std::string& id :
       {std::string(kMaxClientTextBytes + 1, 'i'), std::string("a\n"), std::string("\x1b[31m")}) {
    request.set_request_id(id);
    ExpectRefused(request, ErrorReason::INVALID_REQUEST_ID, "request_id");
  }
}

TEST(RequestTest, Leases) {
  struct Row {
    int64_t seconds;
    int nanos;
    bool good;
  };
  for (const Row& row : std::vector<Row>{{0, 1, true},
                                         {60, 0, true},
                                         {kMax, 999'999'999, true},
                                         {0, 0, false},
                                         {-1, 0, false},
                                         {1, -1, false},
                                         {0, -1, false},
                                         {1, 1'000'000'000, false},
                                         {std::numeric_limits<int64_t>::min(), 0, false}}) {
    v1::AllocateBuffersRequest request = Good();
    request.clear_session_id();
    request.mutable_hold()->mutable_lease()->set_seconds(row.seconds);
    request.mutable_hold()->mutable_lease()->set_nanos(row.nanos);
    if (row.good) {
      const absl::StatusOr<AllocateRequest> checked = CheckAllocateRequest(request);
      ASSERT_TRUE(checked.ok()) << checked.status();
      EXPECT_EQ(checked->purpose, AllocateRequest::Purpose::kHold);
      EXPECT_GT(checked->lease.value(), absl::ZeroDuration()) << row.seconds;
    } else {
      ExpectRefused(request, ErrorReason::INVALID_LEASE, "hold.lease");
    }
  }
}

TEST(RequestTest, AHoldWithoutALeaseLeavesItToThePolicy) {
  v1::AllocateBuffersRequest request = Good();
  request.clear_session_id();
  request.mutable_hold();
  const absl::StatusOr<AllocateRequest> checked = CheckAllocateRequest(request);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->purpose, AllocateRequest::Purpose::kHold);
  EXPECT_EQ(checked->lease, absl::nullopt);
}

TEST(RequestTest, SessionAndHoldTogetherAreRefused) {
  v1::AllocateBuffersRequest request = Good();
  request.mutable_hold();
  ExpectRefused(request, ErrorReason::INVALID_LEASE, "hold");
}

TEST(RequestTest, EveryWrongFieldIsNamedAtOnce) {
  v1::AllocateBuffersRequest request;
  request.set_heap("x");
  request.set_count(0);
  request.set_label("\n");
  request.set_request_id("\n");

  const absl::Status status = CheckAllocateRequest(request).status();

  EXPECT_EQ(GetReason(status), ErrorReason::INVALID_NAME);  // of the first
  EXPECT_EQ(FieldsOf(status),
            (std::vector<std::string>{"heap", "size_bytes", "count", "label", "request_id"}));
}

TEST(RequestTest, TheFingerprintTellsWhatARepeatMustAgreeIn) {
  AllocateRequest base;
  base.heap = "system";
  base.size_bytes = 4096;
  std::vector<AllocateRequest> others(8, base);
  others[0].heap = "reserved";
  others[1].size_bytes = 8192;
  others[2].count = 2;
  others[3].label = "x";
  others[4].purpose = AllocateRequest::Purpose::kHold;
  others[5].purpose = AllocateRequest::Purpose::kHold;
  others[5].lease = absl::Seconds(5);
  others[6].reservation = 1;
  others[7].refill_below = 1;
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(others[i].Fingerprint(), base.Fingerprint()) << i;
  }
  EXPECT_NE(others[4].Fingerprint(), others[5].Fingerprint());
  AllocateRequest same = base;
  same.deadline = absl::UnixEpoch();
  same.principal.gid = 9;
  EXPECT_EQ(same.Fingerprint(), base.Fingerprint());
}

TEST(RequestTest, ADrawLeavesOutWhatItsReservationSays) {
  v1::AllocateBuffersRequest request;
  request.set_reservation("reservations/42");
  request.set_session_id("0123");

  const auto checked = CheckAllocateRequest(request);

  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->reservation, 42u);
  EXPECT_EQ(checked->heap, "");
  EXPECT_EQ(checked->size_bytes, 0);
}

TEST(RequestTest, WhatADrawSaysIsCheckedAndItIsNotHeld) {
  v1::AllocateBuffersRequest request;
  request.set_reservation("reservations/0");
  request.set_heap("system");
  request.set_size_bytes(-1);
  request.mutable_hold();

  const absl::Status status = CheckAllocateRequest(request).status();

  EXPECT_EQ(FieldsOf(status),
            (std::vector<std::string>{"reservation", "heap", "size_bytes", "reservation"}));
}

TEST(RequestTest, AReservationNeedsHeapSizeAndCount) {
  EXPECT_EQ(FieldsOf(CheckReserveRequest({}).status()),
            (std::vector<std::string>{"heap", "size_bytes", "count"}));

  v1::ReserveBuffersRequest request;
  request.set_heap("heaps/reserved");
  request.set_size_bytes(4096);
  request.set_count(4);
  const auto checked = CheckReserveRequest(request);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->purpose, AllocateRequest::Purpose::kReserve);
  EXPECT_EQ(checked->refill_below, 4);
  EXPECT_FALSE(checked->lease.has_value());

  for (const int wrong : {0, -1, 5}) {
    request.set_refill_below(wrong);
    EXPECT_EQ(GetReason(CheckReserveRequest(request).status()), ErrorReason::INVALID_RESERVATION);
  }
  request.set_refill_below(1);
  request.mutable_lease()->set_seconds(-1);
  EXPECT_EQ(FieldsOf(CheckReserveRequest(request).status()), std::vector<std::string>{"lease"});
}

TEST(RequestTest, ReservationNames) {
  EXPECT_EQ(ParseReservationName("name", "reservations/42").value(), 42u);
  for (const char* wrong : {"", "42", "reservations/", "reservations/0", "reservations/-1",
                            "reservations/x", "buffers/42", "reservations/99999999999999999999",
                            "reservations/+42", "reservations/ 42", "reservations/042"}) {
    EXPECT_EQ(GetReason(ParseReservationName("name", wrong).status()), ErrorReason::INVALID_NAME)
        << wrong;
  }
}

TEST(RequestTest, BufferNames) {
  EXPECT_EQ(ParseBufferName("name", "buffers/4711").value(),
            (BufferKey{BufferKey::Backing::kDmaBuf, 4711}));
  EXPECT_EQ(ParseBufferName("name", "buffers/memfd-4711").value(),
            (BufferKey{BufferKey::Backing::kMemfd, 4711}));
  for (const std::string& name :
       {std::string(), std::string("4711"), std::string("buffers/"), std::string("buffers/-1"),
        std::string("buffers/x"), std::string("buffers/memfd-"), std::string("heaps/4711"),
        std::string("buffers/18446744073709551616")}) {
    const absl::Status status = ParseBufferName("name", name).status();
    EXPECT_EQ(GetReason(status), ErrorReason::INVALID_NAME) << name;
    EXPECT_EQ(FieldsOf(status), std::vector<std::string>{"name"});
  }
}

TEST(RequestTest, Pages) {
  EXPECT_EQ(CheckPage(0, "").value().size, kDefaultPageSize);
  EXPECT_EQ(CheckPage(0, "").value().after, 0u);
  EXPECT_EQ(CheckPage(7, "12").value().size, 7);
  EXPECT_EQ(CheckPage(7, "12").value().after, 12u);
  EXPECT_EQ(CheckPage(std::numeric_limits<int>::max(), "").value().size, kMaxPageSize);
  EXPECT_EQ(CheckPage(1, "18446744073709551615").value().after,
            std::numeric_limits<uint64_t>::max());
}

TEST(RequestTest, WrongPagesAreRefused) {
  for (const std::string& token : {std::string("x"), std::string("-1"), std::string("1.5"),
                                   std::string("18446744073709551616"), std::string("1\n2"),
                                   std::string("+1"), std::string("01"), std::string("1 ")}) {
    const absl::Status status = CheckPage(1, token).status();
    EXPECT_EQ(GetReason(status), ErrorReason::INVALID_PAGE) << token;
    EXPECT_EQ(FieldsOf(status), std::vector<std::string>{"page_token"});
  }
  const absl::Status status = CheckPage(-1, "x").status();
  EXPECT_EQ(GetReason(status), ErrorReason::INVALID_PAGE);
  EXPECT_EQ(FieldsOf(status), (std::vector<std::string>{"page_size", "page_token"}));
}

}  // namespace
}  // namespace dmaheap
