#include "daemon/core/obstacle.h"

namespace dmaheap {

bool LacksRoom(const HeapUsage& usage, int64_t buffer_bytes) {
  if (usage.largest_free_bytes.has_value()) return *usage.largest_free_bytes < buffer_bytes;
  return usage.free_bytes.has_value() && *usage.free_bytes < buffer_bytes;
}

v1::Allocation::Obstacle ObstacleOf(const ObstacleFacts& facts) {
  if (!LacksRoom(facts.usage, facts.buffer_bytes)) return v1::Allocation::PINNED;
  // Without the free bytes it can not be said whose release would do.
  if (!facts.usage.free_bytes.has_value()) return v1::Allocation::NO_ROOM;
  const int64_t lacking = facts.missing_bytes - *facts.usage.free_bytes;
  if (facts.own_bytes > 0 && facts.own_bytes >= lacking) return v1::Allocation::OWN_BUFFERS;
  if (facts.waiting_others_bytes > 0 && facts.own_bytes + facts.waiting_others_bytes >= lacking) {
    return v1::Allocation::EACH_OTHER;
  }
  return v1::Allocation::NO_ROOM;
}

}  // namespace dmaheap
