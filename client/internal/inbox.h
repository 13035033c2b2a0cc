// Which frames have come for which request: the bookkeeping of one fd channel, without I/O.
//
// A request is expected from before its RPC until its outcome. Frames of a request that nobody
// expects are for the caller to close at once; those of an abandoned one as well, and are counted,
// so that it is known when the last has come. Not thread-safe.

#ifndef CLIENT_INTERNAL_INBOX_H_
#define CLIENT_INTERNAL_INBOX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/unique_fd.h"

namespace dmaheap::client_internal {

// One fd as it came, and what the daemon said of it.
struct Arrived {
  v1::BufferEntry entry;
  UniqueFd fd;
};

// The frames of one batch. A batch that lost a part stays as a mark of it, without fds.
struct Batch {
  int64_t batch_id = 0;
  int total = 0;
  int received = 0;
  // By index in the batch; an fd that has not come is invalid.
  std::vector<Arrived> parts;
  // Why the batch can not become whole.
  absl::Status broken;

  bool whole() const { return broken.ok() && total > 0 && received == total; }
};

class Inbox {
 public:
  // False if the request is expected already.
  bool Expect(const std::string& request_id);

  // Ends the expectation; returns the fds that came, for closing.
  std::vector<Arrived> Forget(const std::string& request_id);
  // The same for a request whose frames may still come.
  std::vector<Arrived> Abandon(const std::string& request_id);
  // Requests abandoned whose frames have not all come.
  bool AwaitsAbandoned() const { return !abandoned_.empty(); }
  // Nothing more will come of them.
  void GiveUpAbandoned() { abandoned_.clear(); }

  // Files the fds of one frame, one for each entry; broken tells that it did not arrive whole or is
  // not what it says. Returns the fds that nobody is to have, for closing.
  std::vector<Arrived> File(const v1::Buffers& frame, std::vector<UniqueFd> fds,
                            const absl::Status& broken);

  // The batch of a request, if any part of it came.
  const Batch* Find(const std::string& request_id, int64_t batch_id) const;
  // Takes it out.
  absl::optional<Batch> Take(const std::string& request_id, int64_t batch_id);
  // Takes out a whole batch of the request, whatever its number.
  absl::optional<Batch> TakeWhole(const std::string& request_id);

 private:
  // Most requests have one batch; a repeat after a failed push has a second.
  absl::flat_hash_map<std::string, std::vector<Batch>> expected_;
  // Fds that came so far of each abandoned request.
  absl::flat_hash_map<std::string, int> abandoned_;
};

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_INBOX_H_
