#include "daemon/core/listing.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// A heap as it is listed: under its own name, or under that of a virtual heap.
struct ListedHeap {
  std::string name;
  const Heap* heap;
  bool is_virtual;
};

// Virtual heaps last, so that who takes the first heap takes a real one.
std::vector<ListedHeap> AllHeaps(const Allocator& allocator) {
  std::vector<ListedHeap> all;
  for (const Heap* heap : allocator.heaps().heaps()) {
    all.push_back({heap->description().name, heap, /*is_virtual=*/false});
  }
  for (const VirtualHeapName& heap : allocator.heaps().virtual_heaps()) {
    all.push_back({heap.name, heap.heap, /*is_virtual=*/true});
  }
  return all;
}

v1::Heap ToProto(const Allocator& allocator, const ListedHeap& listed) {
  const Heap& heap = *listed.heap;
  const HeapDescription& description = heap.description();
  const std::vector<std::string> names = allocator.heaps().NamesOf(heap);
  v1::Heap message;
  message.set_name(absl::StrCat("heaps/", listed.name));
  message.set_kind(listed.is_virtual ? v1::VIRTUAL : description.kind);
  message.set_contiguity(description.contiguity);
  if (listed.is_virtual) {
    message.set_backing_heap(absl::StrCat("heaps/", description.name));
  } else {
    const std::vector<VirtualHeapName>& virtual_heaps = allocator.heaps().virtual_heaps();
    for (const std::string& name : names) {
      const bool listed_itself =
          name == description.name ||
          std::any_of(virtual_heaps.begin(), virtual_heaps.end(),
                      [&](const VirtualHeapName& other) { return other.name == name; });
      if (!listed_itself) message.add_aliases(name);
    }
  }
  message.set_retry_policy(allocator.policy().DefaultRetryPolicyOf(listed.name, names).name);
  if (description.size_bytes) message.set_size_bytes(*description.size_bytes);
  const HeapUsage usage = heap.Usage();
  if (usage.free_bytes) message.set_free_bytes(*usage.free_bytes);
  if (usage.largest_free_bytes) message.set_largest_free_bytes(*usage.largest_free_bytes);
  const BufferTotals totals = allocator.table().OfHeap(description.name);
  message.set_live_buffers(totals.buffers);
  message.set_live_bytes(totals.bytes);
  message.set_queue_depth(static_cast<int>(allocator.QueueDepth(heap)));
  message.set_page_size_bytes(description.page_size_bytes);
  return message;
}

// By any policy: a request that chooses another than the virtual heap's may be allowed where that
// one is not.
bool MayUse(const Allocator& allocator, const Principal& principal, const Heap& heap) {
  return allocator.CheckAccess(principal, heap, MemoryRight::kAllocate).ok() ||
         allocator.CheckAccess(principal, heap, MemoryRight::kHold).ok() ||
         allocator.CheckAccess(principal, heap, MemoryRight::kReserve).ok();
}

}  // namespace

v1::ListBuffersResponse ListBuffers(const Allocator& allocator, absl::optional<uint32_t> uid,
                                    const Page& page) {
  v1::ListBuffersResponse response;
  response.set_accounting(allocator.accounting());
  const auto& records = allocator.table().records();
  uint64_t last = 0;
  for (auto it = records.upper_bound(page.after); it != records.end(); ++it) {
    if (uid.has_value() && it->second.charge.uid() != *uid) continue;
    if (response.buffers_size() == page.size) {
      response.set_next_page_token(absl::StrCat(last));
      break;
    }
    *response.add_buffers() = ToProto(it->second);
    last = it->first;
  }
  return response;
}

absl::StatusOr<v1::Buffer> GetBuffer(const Allocator& allocator, uint32_t uid,
                                     const BufferKey& key) {
  const LiveBuffer* record = allocator.table().Find(key);
  if (record != nullptr && record->charge.uid() == uid) return ToProto(*record);
  const std::string name = absl::StrCat("buffers/", key.ToString());
  return Error(ErrorReason::BUFFER_NOT_FOUND, absl::StrCat("uid ", uid, " has no buffer ", name,
                                                           "; ListBuffers tells which there are"))
      .With("buffer", name);
}

v1::ListReservationsResponse ListReservations(const Allocator& allocator,
                                              absl::optional<uint32_t> uid, const Page& page) {
  v1::ListReservationsResponse response;
  const auto& reservations = allocator.reservations();
  uint64_t last = 0;
  for (auto it = reservations.upper_bound(page.after); it != reservations.end(); ++it) {
    if (uid.has_value() && it->second.record.uid != *uid) continue;
    if (response.reservations_size() == page.size) {
      response.set_next_page_token(absl::StrCat(last));
      break;
    }
    *response.add_reservations() = ToProto(it->second);
    last = it->first;
  }
  return response;
}

v1::ListHeapsResponse ListHeaps(const Allocator& allocator, const Principal& principal,
                                const Page& page) {
  v1::ListHeapsResponse response;
  uint64_t position = 0;
  for (const ListedHeap& heap : AllHeaps(allocator)) {
    if (++position <= page.after || !MayUse(allocator, principal, *heap.heap)) continue;
    if (response.heaps_size() == page.size) {
      response.set_next_page_token(absl::StrCat(position - 1));
      break;
    }
    *response.add_heaps() = ToProto(allocator, heap);
  }
  return response;
}

absl::StatusOr<v1::Heap> GetHeap(const Allocator& allocator, const Principal& principal,
                                 const std::string& name) {
  absl::StatusOr<Heap*> heap = allocator.heaps().Find(name);
  if (!heap.ok()) return heap.status();
  if (!MayUse(allocator, principal, **heap)) {
    return allocator.CheckAccess(principal, **heap, MemoryRight::kAllocate);
  }
  for (const ListedHeap& listed : AllHeaps(allocator)) {
    if (listed.is_virtual && listed.name == name) return ToProto(allocator, listed);
  }
  return ToProto(allocator, ListedHeap{(*heap)->description().name, *heap, /*is_virtual=*/false});
}

void FillAccounts(const Allocator& allocator, v1::ServerInfo& info) {
  for (const auto& [uid, charged] : allocator.ledger().accounts()) {
    v1::Account& account = *info.add_accounts();
    account.set_uid(uid);
    account.set_charged_bytes(charged.bytes);
    account.set_charged_buffers(charged.buffers);
    Principal principal;
    principal.uid = uid;
    const QuotaLimits limits = allocator.policy().QuotaOf(principal);
    if (limits.max_bytes) account.set_limit_bytes(*limits.max_bytes);
    if (limits.max_buffers) account.set_limit_buffers(*limits.max_buffers);
  }
}

}  // namespace dmaheap
