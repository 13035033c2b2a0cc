#include "daemon/core/delivery.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

void AddEntry(v1::Buffers& frame, const BufferKey& key, int64_t size_bytes) {
  v1::BufferEntry* entry = frame.add_entries();
  entry->set_name(absl::StrCat("buffers/", key.ToString()));
  entry->set_size_bytes(size_bytes);
  entry->set_inode(key.inode);
}

absl::Status Explain(const absl::Status& push) {
  switch (GetErrno(push)) {
    case EAGAIN:
    case ENOBUFS:
      return Error(ErrorReason::FD_CHANNEL_FULL,
                   absl::StrCat("the fd channel takes no more: ", push.message(),
                                ". Read the frames that wait on it."));
    case ETOOMANYREFS:
    case ENOMEM:
      return Error(
                 ErrorReason::DAEMON_FD_LIMIT,
                 absl::StrCat("the daemon can not send the buffers: ", push.message(),
                              " (too many of its fds wait unread in clients' sockets). Try again."))
          .RetryAfter(absl::Milliseconds(100));
    default:
      return Error(ErrorReason::SESSION_UNKNOWN,
                   absl::StrCat("the session ended while its buffers were sent: ", push.message()));
  }
}

}  // namespace

PushResult PushBatch(Recipient& recipient, int64_t batch_id, const std::string& request_id,
                     const std::vector<Buffer>& buffers) {
  PushResult result;
  const int total = static_cast<int>(buffers.size());
  while (result.fds < total) {
    v1::Buffers frame;
    frame.set_batch_id(batch_id);
    frame.set_request_id(request_id);
    frame.set_first_index(result.fds);
    frame.set_total(total);
    std::vector<int> fds;
    for (int i = result.fds; i < std::min(total, result.fds + kMaxFdsPerFrame); ++i) {
      AddEntry(frame, buffers[i].key, buffers[i].size_bytes);
      fds.push_back(buffers[i].fd.get());
    }
    if (absl::Status status = recipient.Push(std::move(frame), fds); !status.ok()) {
      result.status = Explain(status);
      return result;
    }
    result.fds += static_cast<int>(fds.size());
  }
  return result;
}

PushResult PushOne(Recipient& recipient, int64_t batch_id, const std::string& request_id,
                   const LiveBuffer& record, int fd) {
  v1::Buffers frame;
  frame.set_batch_id(batch_id);
  frame.set_request_id(request_id);
  frame.set_total(1);
  AddEntry(frame, record.key, record.size_bytes);
  if (absl::Status status = recipient.Push(std::move(frame), {fd}); !status.ok())
    return {0, Explain(status)};
  return {1, absl::OkStatus()};
}

}  // namespace dmaheap
