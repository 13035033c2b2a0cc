// How the daemon's messages look as tables. Pure functions; the clock is a parameter.

#ifndef CLIENT_CTL_VIEWS_H_
#define CLIENT_CTL_VIEWS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/ctl/table.h"
#include "dmaheap/v1/admin.pb.h"
#include "dmaheap/v1/allocator.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace dmaheap::ctl {

// Names stand without their collection: "reserved" for "heaps/reserved".
absl::string_view ShortName(absl::string_view name);

// "2023-11-14T22:13:10+00:00".
std::string UtcText(const google::protobuf::Timestamp& time);

Table HeapTable(const v1::ListHeapsResponse& heaps, bool wide);
// of_all: the buffers of several users, so that the table names them.
Table BufferTable(const v1::ListBuffersResponse& buffers, bool wide, bool of_all, absl::Time now);
Table ClientTable(const v1::ListClientsResponse& clients, bool wide, absl::Time now);
// Requests that are under way.
Table UnderWayTable(const v1::ListAllocationsResponse& allocations, bool wide);
Table ReservationTable(const v1::ListReservationsResponse& reservations, bool wide, bool of_all,
                       absl::Time now);
// What an alloc, a claim or a hold got; the last with the token that claims each.
Table AllocationTable(const v1::AllocateBuffersResponse& got);
Table HeldTable(const v1::AllocateBuffersResponse& held, bool wide, absl::Time now);

// One field a line, "FIELD  value".
std::string DescribeHeap(const v1::Heap& heap);
std::string DescribeBuffer(const v1::Buffer& buffer, absl::Time now);
std::string DescribeAllocation(const v1::Allocation& allocation);
std::string DescribeReservation(const v1::Reservation& reservation, absl::Time now);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VIEWS_H_
