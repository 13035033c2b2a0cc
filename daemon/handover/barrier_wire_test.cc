#include "daemon/handover/barrier_wire.h"

#include <string>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(BarrierWireTest, AMessageComesBackAsItWent) {
  BarrierRequest request;
  request.op = BarrierOp::kThaw;
  request.sequence = 0xfedcba9876543210;
  request.cgroup = 3;
  request.box_microseconds = 50'000;
  request.client_count = 2;
  request.clients[1] = 4711;

  const auto back = DecodeBarrierMessage<BarrierRequest>(EncodeBarrierMessage(request));

  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->op, BarrierOp::kThaw);
  EXPECT_EQ(back->sequence, request.sequence);
  EXPECT_EQ(back->cgroup, 3u);
  EXPECT_EQ(back->box_microseconds, 50'000u);
  EXPECT_EQ(back->client_count, 2u);
  EXPECT_EQ(back->clients[1], 4711);
}

template <typename Message>
void OtherSizesAndVersionsAreRefused() {
  const std::string good = EncodeBarrierMessage(Message());
  ASSERT_TRUE(DecodeBarrierMessage<Message>(good).has_value());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeBarrierMessage<Message>(good.substr(0, size)).has_value());
  }
  EXPECT_FALSE(DecodeBarrierMessage<Message>(good + "x").has_value());
  std::string version = good;
  version[0] = 2;
  EXPECT_FALSE(DecodeBarrierMessage<Message>(version).has_value());
}

TEST(BarrierWireTest, OtherSizesAndVersionsAreRefused) {
  OtherSizesAndVersionsAreRefused<BarrierRequest>();
  OtherSizesAndVersionsAreRefused<BarrierReply>();
  OtherSizesAndVersionsAreRefused<GuardRequest>();
  OtherSizesAndVersionsAreRefused<GuardReply>();
}

}  // namespace
}  // namespace dmaheap
