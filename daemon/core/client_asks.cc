#include "daemon/core/client_asks.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "daemon/limits.h"

namespace dmaheap {

void ClientAsks::Ask(Allocation& allocation, ClientAskCounts& counts) {
  const std::string& heap = allocation.heap->description().name;
  const absl::Time now = executor_.Now();
  const auto last = last_asked_.find(heap);
  if (last != last_asked_.end() && now - last->second < kMinAskInterval) return;

  // Also who waits itself: its own pool may have what it needs.
  std::set<uint64_t> holders;
  for (const auto& [number, record] : table_.records()) {
    if (record.heap == heap && record.client_id != 0) holders.insert(record.client_id);
  }
  v1::GiveBack question;
  question.set_heap(absl::StrCat("heaps/", heap));
  question.set_size_bytes(allocation.rounded_bytes);
  question.set_count(allocation.request.count - static_cast<int>(allocation.buffers.size()));
  question.set_priority(static_cast<v1::Priority>(allocation.priority + 1));
  int clients = 0;
  for (const uint64_t client : holders) clients += ask_(client, question) ? 1 : 0;
  if (clients == 0) return;
  last_asked_[heap] = now;
  allocation.clients_asked += clients;
  allocation.asked_of = allocation.heap;
  ++counts.asked;
  counts.clients += clients;
}

void ClientAsks::OnEnd(const Allocation& allocation, ClientAskCounts& counts) {
  const bool helped = allocation.outcome.ok() && allocation.heap == allocation.asked_of;
  ++(helped ? counts.helped : counts.not_helped);
}

}  // namespace dmaheap
