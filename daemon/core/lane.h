// Lanes: the heaps of one area share a line and a worker.
//
// The kernel serialises allocations of a CMA area anyway, and parallel attempts make each other
// fail; so one runs at a time, and the order is ours. Heaps without an area have a lane each, with
// a few workers. Inside tasks of the executor only.

#ifndef DAEMON_CORE_LANE_H_
#define DAEMON_CORE_LANE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "daemon/core/allocation.h"
#include "daemon/core/fair_queue.h"
#include "daemon/core/lane_share.h"
#include "daemon/core/pin_lifetimes.h"
#include "daemon/core/worker.h"

namespace dmaheap {

struct Lane {
  Lane(std::unique_ptr<Worker> its_worker, int its_capacity);

  FairQueue<std::shared_ptr<Allocation>> queue;
  // Wait for their next attempt.
  absl::flat_hash_set<std::shared_ptr<Allocation>> backing_off;
  PinLifetimes lifetimes;
  LaneShare share;
  std::unique_ptr<Worker> worker;
  // Attempts that may run at once, and that do.
  int capacity;
  int running = 0;
};

// Makes a worker of so many threads; name tells them apart in ps.
using WorkerFactory = std::function<std::unique_ptr<Worker>(int threads, const std::string& name)>;

class Lanes {
 public:
  explicit Lanes(WorkerFactory factory) : factory_(std::move(factory)) {}

  // The lane of a heap, made at first use.
  Lane& Of(const Heap& heap);
  // nullptr if it was never used.
  Lane* Find(const Heap& heap);
  const Lane* Find(const Heap& heap) const;
  // Requests of the heap's lane that are not finished; 0 if it was never used.
  size_t Depth(const Heap& heap) const;

  // Joins the workers of all lanes. No lane may be used afterwards.
  void Stop() { lanes_.clear(); }

 private:
  WorkerFactory factory_;
  std::map<std::string, Lane> lanes_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_LANE_H_
