#include "daemon/core/live_buffer.h"

#include "absl/strings/str_cat.h"
#include "daemon/core/proto_time.h"

namespace dmaheap {

v1::Buffer ToProto(const LiveBuffer& record) {
  v1::Buffer buffer;
  buffer.set_name(absl::StrCat("buffers/", record.key.ToString()));
  buffer.set_heap(absl::StrCat("heaps/", record.heap));
  buffer.set_size_bytes(record.size_bytes);
  buffer.set_contiguity(record.contiguity);
  buffer.set_label(record.label);
  buffer.set_state(record.state);
  buffer.set_owner_uid(record.charge.uid());
  if (record.client_id != 0) buffer.set_client(absl::StrCat("clients/", record.client_id));
  *buffer.mutable_create_time() = ToTimestamp(record.create_time);
  if (record.expire_time.has_value()) {
    *buffer.mutable_expire_time() = ToTimestamp(*record.expire_time);
  }
  buffer.set_request_id(record.request_id);
  if (record.reservation != 0) {
    buffer.set_reservation(absl::StrCat("reservations/", record.reservation));
  }
  return buffer;
}

}  // namespace dmaheap
