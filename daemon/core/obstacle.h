// What keeps a request waiting, as far as the heap's numbers and the books tell: a pure function.
//
// A waiter that holds the very memory it waits for, or two that wait for each other's, may wait for
// ever: nothing is taken from them, but they are told, and the first release lets them go on.

#ifndef DAEMON_CORE_OBSTACLE_H_
#define DAEMON_CORE_OBSTACLE_H_

#include <cstdint>

#include "dmaheap/v1/resources.pb.h"
#include "heaps/heap.h"

namespace dmaheap {

struct ObstacleFacts {
  // What is missing of the request: of each buffer, and of all.
  int64_t buffer_bytes = 0;
  int64_t missing_bytes = 0;
  // At the last failure.
  HeapUsage usage;
  // Of the same heap: what the waiter's uid holds, and what other uids hold that wait for room.
  int64_t own_bytes = 0;
  int64_t waiting_others_bytes = 0;
};

// Whether somebody has to release something before the heap can give the buffer: its free bytes, or
// their largest run where that is known, are too few.
bool LacksRoom(const HeapUsage& usage, int64_t buffer_bytes);

v1::Allocation::Obstacle ObstacleOf(const ObstacleFacts& facts);

}  // namespace dmaheap

#endif  // DAEMON_CORE_OBSTACLE_H_
