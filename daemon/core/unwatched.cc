#include "daemon/core/unwatched.h"

#include <algorithm>

namespace dmaheap {
namespace {

// An fd that is on its way from one process to another is missed by a scan, and seen by the next.
constexpr int kScans = 2;

}  // namespace

std::vector<BufferKey> Unwatched::Judge(const BufferListing& listing) {
  source_ = listing.all_dma_bufs ? listing.source : v1::PARTIAL;
  std::vector<BufferKey> gone;
  for (auto& [key, missed] : missed_) {
    const bool whole_list = key.backing == BufferKey::Backing::kDmaBuf && listing.all_dma_bufs;
    if (listing.seen.contains(key) || (!whole_list && !listing.all_processes)) {
      // It lives, or may be in what was not looked into: the scans no longer follow each other.
      missed = 0;
    } else {
      missed = whole_list ? kScans : missed + 1;
    }
    if (missed >= kScans) gone.push_back(key);
  }
  for (const BufferKey& key : gone) missed_.erase(key);
  std::sort(gone.begin(), gone.end());
  return gone;
}

bool Unwatched::undecided() const {
  return std::any_of(missed_.begin(), missed_.end(),
                     [](const auto& buffer) { return buffer.second > 0; });
}

v1::AccountingSource Unwatched::source() const {
  if (missed_.empty()) return v1::WATCH;
  const bool has_memfds = std::any_of(missed_.begin(), missed_.end(), [](const auto& buffer) {
    return buffer.first.backing == BufferKey::Backing::kMemfd;
  });
  return has_memfds ? v1::PARTIAL : source_;
}

}  // namespace dmaheap
