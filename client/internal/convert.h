// From the messages of the wire to the types of the public header, and back. Pure functions.

#ifndef CLIENT_INTERNAL_CONVERT_H_
#define CLIENT_INTERNAL_CONVERT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "dmaheap/v1/resources.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace dmaheap::client_internal {

Contiguity ToContiguity(v1::Contiguity contiguity);
BufferInfo ToBufferInfo(const v1::Buffer& buffer);
HeapInfo ToHeapInfo(const v1::Heap& heap);
ReservationInfo ToReservationInfo(const v1::Reservation& reservation);
// Who has the page, in words; empty if nobody was found.
std::string ToText(const v1::Allocation::PinnedPage& page);
GiveBackRequest ToGiveBackRequest(const v1::GiveBack& question);
AllocationProgress ToProgress(const v1::Allocation& allocation);
v1::Priority FromPriority(Priority priority);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
google::protobuf::Duration FromDuration(absl::Duration duration);

// "heaps/reserved" for "reserved" and for "heaps/reserved"; the same for any collection. Empty
// stays empty, for the daemon to refuse.
std::string ResourceName(absl::string_view collection, absl::string_view name);

// What a program calls itself when nobody says: its file name, cut to what the wire allows.
std::string DefaultLabel();

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_CONVERT_H_
