#include "daemon/core/proto_time.h"

#include <limits>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(ProtoTimeTest, ADurationComesBackAsItWas) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1500), absl::Hours(1000),
        absl::Nanoseconds(-1), absl::Milliseconds(-1500)}) {
    EXPECT_EQ(FromProtoDuration(ToProtoDuration(duration)), duration);
  }
}

TEST(ProtoTimeTest, SecondsAndNanosHaveOneSign) {
  const auto negative = ToProtoDuration(absl::Milliseconds(-1500));
  EXPECT_EQ(negative.seconds(), -1);
  EXPECT_EQ(negative.nanos(), -500'000'000);
}

TEST(ProtoTimeTest, TheLongestDurationStaysPositive) {
  google::protobuf::Duration longest;
  longest.set_seconds(std::numeric_limits<int64_t>::max());
  longest.set_nanos(999'999'999);
  EXPECT_GT(FromProtoDuration(longest), absl::Hours(24 * 365 * 100));
}

TEST(ProtoTimeTest, ATimestampIsOfTheUnixEpoch) {
  const auto timestamp = ToTimestamp(absl::FromUnixNanos(1'700'000'000'000'000'007));
  EXPECT_EQ(timestamp.seconds(), 1'700'000'000);
  EXPECT_EQ(timestamp.nanos(), 7);
}

}  // namespace
}  // namespace dmaheap
