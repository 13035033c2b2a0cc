#include "tests/bench/parallel.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace dmaheap::bench {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

absl::StatusOr<Throughput> RunInParallel(absl::Span<const Operation> clients, absl::Duration time) {
  std::atomic<int64_t> operations{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  absl::Status error;
  std::latch start(static_cast<ptrdiff_t>(clients.size()) + 1);
  std::vector<std::thread> threads;
  for (const Operation& client : clients) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      const Clock::time_point end = Clock::now() + absl::ToChronoNanoseconds(time);
      int64_t done = 0;
      do {
        if (absl::Status status = client(); !status.ok()) {
          failed.store(true, std::memory_order_relaxed);
          const std::lock_guard<std::mutex> lock(mutex);
          error.Update(status);
          break;
        }
        ++done;
      } while (Clock::now() < end && !failed.load(std::memory_order_relaxed));
      operations += done;
    });
  }
  const Clock::time_point begin = Clock::now();
  start.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();
  if (!error.ok()) return error;
  return Throughput{operations.load(), absl::FromChrono(Clock::now() - begin)};
}

}  // namespace dmaheap::bench
