// Lists: the books as resources of the API, page by page. Inside tasks of the executor only.

#ifndef DAEMON_CORE_LISTING_H_
#define DAEMON_CORE_LISTING_H_

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "daemon/config/effective_policy.h"
#include "daemon/core/allocator.h"
#include "daemon/core/request.h"
#include "dmaheap/v1/admin.pb.h"
#include "dmaheap/v1/allocator.pb.h"
#include "dmaheap/v1/resources.pb.h"

namespace dmaheap {

// Oldest first; all uids' if uid is absent.
v1::ListBuffersResponse ListBuffers(const Allocator& allocator, absl::optional<uint32_t> uid,
                                    const Page& page);

// BUFFER_NOT_FOUND, also for another uid's.
absl::StatusOr<v1::Buffer> GetBuffer(const Allocator& allocator, uint32_t uid,
                                     const BufferKey& key);

// Oldest first; all uids' if uid is absent.
v1::ListReservationsResponse ListReservations(const Allocator& allocator,
                                              absl::optional<uint32_t> uid, const Page& page);

// The heaps that the principal may have memory of, by name; virtual ones after the others.
v1::ListHeapsResponse ListHeaps(const Allocator& allocator, const Principal& principal,
                                const Page& page);

// HEAP_NOT_FOUND, ACCESS_DENIED.
absl::StatusOr<v1::Heap> GetHeap(const Allocator& allocator, const Principal& principal,
                                 const std::string& name);

// Every uid with a charge.
void FillAccounts(const Allocator& allocator, v1::ServerInfo& info);

}  // namespace dmaheap

#endif  // DAEMON_CORE_LISTING_H_
