// Which rights are for heaps, and how they are listed.

#ifndef DAEMON_CONFIG_RIGHTS_H_
#define DAEMON_CONFIG_RIGHTS_H_

#include <algorithm>

#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

inline constexpr char kAllRights[] = "ALLOCATE, HOLD, RESERVE, INSPECT, ADMIN";
inline constexpr char kMemoryRights[] = "ALLOCATE, HOLD or RESERVE";

// Gives memory of the heaps that its rule names.
inline bool IsMemoryRight(int right) {
  return right == config::v1::ALLOCATE || right == config::v1::HOLD || right == config::v1::RESERVE;
}

inline bool GivesMemory(const config::v1::AccessRule& rule) {
  return std::any_of(rule.rights().begin(), rule.rights().end(), IsMemoryRight);
}

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_RIGHTS_H_
