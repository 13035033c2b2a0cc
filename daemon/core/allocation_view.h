// Requests under way as resources of the API. Inside tasks of the executor only.

#ifndef DAEMON_CORE_ALLOCATION_VIEW_H_
#define DAEMON_CORE_ALLOCATION_VIEW_H_

#include "daemon/core/allocation.h"
#include "daemon/core/allocator.h"
#include "daemon/core/request.h"
#include "dmaheap/v1/admin.pb.h"

namespace dmaheap {

// Whom it is shown to: who may inspect is told of all processes, others of those of its own uid.
enum class Onlooker { kOwner, kInspector };

v1::Allocation ToProto(const Allocator& allocator, const Allocation& allocation,
                       Onlooker onlooker = Onlooker::kInspector);

// Oldest first, of all uids.
v1::ListAllocationsResponse ListAllocations(const Allocator& allocator, const Page& page);

}  // namespace dmaheap

#endif  // DAEMON_CORE_ALLOCATION_VIEW_H_
