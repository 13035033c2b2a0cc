#include "daemon/transport/identity_table.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "proto/error.h"

namespace dmaheap {

uint64_t IdentityTable::Insert(int fd, PeerIdentity identity) {
  auto shared = std::make_shared<const PeerIdentity>(std::move(identity));
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t generation = next_generation_++;
  entries_[fd] = {generation, std::move(shared)};
  return generation;
}

void IdentityTable::Erase(int fd, uint64_t generation) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = entries_.find(fd);
  if (it != entries_.end() && it->second.generation == generation) entries_.erase(it);
}

absl::StatusOr<std::shared_ptr<const PeerIdentity>> IdentityTable::Find(
    absl::string_view peer) const {
  int fd;
  if (absl::ConsumePrefix(&peer, "fd:") && absl::SimpleAtoi(peer, &fd)) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto it = entries_.find(fd);
    if (it != entries_.end()) return it->second.identity;
  }
  return Error(ErrorReason::SESSION_UNKNOWN, "the connection of this call is not known any more");
}

size_t IdentityTable::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

}  // namespace dmaheap
