#include "tests/bench/parallel.h"

#include <atomic>
#include <latch>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(ParallelTest, CountsWhatAllClientsDid) {
  std::atomic<int64_t> calls{0};
  const std::vector<Operation> clients(3, [&] { return ++calls, absl::OkStatus(); });

  const auto throughput = RunInParallel(clients, absl::Milliseconds(10));

  ASSERT_TRUE(throughput.ok()) << throughput.status();
  EXPECT_EQ(throughput->operations, calls.load());
  EXPECT_GE(throughput->time, absl::Milliseconds(10));
}

TEST(ParallelTest, EveryClientHasAThreadOfItsOwn) {
  // Nobody gets on before all four are there.
  std::latch all(4);
  const std::vector<Operation> clients(4, [&] { return all.arrive_and_wait(), absl::OkStatus(); });

  const auto throughput = RunInParallel(clients, absl::ZeroDuration());

  ASSERT_TRUE(throughput.ok()) << throughput.status();
  EXPECT_EQ(throughput->operations, 4);
}

TEST(ParallelTest, OneErrorEndsAll) {
  const std::vector<Operation> clients = {
      [] { return absl::OkStatus(); },
      [] { return absl::UnavailableError("gone"); },
  };

  const auto throughput = RunInParallel(clients, absl::Minutes(1));

  EXPECT_EQ(throughput.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ParallelTest, AddsUpRatesByTheirTime) {
  Throughput sum;
  sum += {100, absl::Seconds(1)};
  sum += {500, absl::Seconds(2)};

  EXPECT_DOUBLE_EQ(sum.per_second(), 200);
  EXPECT_DOUBLE_EQ(Throughput().per_second(), 0);
}

}  // namespace
}  // namespace dmaheap::bench
