#include "daemon/core/lane.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/limits.h"

namespace dmaheap {
namespace {

// An area and a heap may bear the same name.
std::string LaneKey(const HeapDescription& heap) {
  return heap.area.empty() ? absl::StrCat("heap ", heap.name) : absl::StrCat("area ", heap.area);
}

}  // namespace

Lane::Lane(std::unique_ptr<Worker> its_worker, int its_capacity)
    : queue(kMaxQueuePerHeap, kMaxQueuePerUid),
      worker(std::move(its_worker)),
      capacity(its_capacity) {}

Lane& Lanes::Of(const Heap& heap) {
  const HeapDescription& description = heap.description();
  const std::string key = LaneKey(description);
  const auto it = lanes_.find(key);
  if (it != lanes_.end()) return it->second;
  const int capacity = description.area.empty() ? kUnorderedWorkers : 1;
  return lanes_
      .try_emplace(key, factory_(capacity, absl::StrCat(kHeapThreadPrefix, description.name)),
                   capacity)
      .first->second;
}

const Lane* Lanes::Find(const Heap& heap) const {
  const auto it = lanes_.find(LaneKey(heap.description()));
  return it == lanes_.end() ? nullptr : &it->second;
}

Lane* Lanes::Find(const Heap& heap) {
  const auto it = lanes_.find(LaneKey(heap.description()));
  return it == lanes_.end() ? nullptr : &it->second;
}

size_t Lanes::Depth(const Heap& heap) const {
  const Lane* lane = Find(heap);
  return lane == nullptr ? 0 : lane->queue.admitted();
}

}  // namespace dmaheap
