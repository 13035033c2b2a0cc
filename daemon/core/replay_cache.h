// Answers kept for a repeated request_id, per uid: the same request gives the first answer and no
// second buffer (AIP-155).
//
// Bounded: the oldest answer of a uid goes first, and the uid that was quiet for longest. Inside
// tasks of the executor only.

#ifndef DAEMON_CORE_REPLAY_CACHE_H_
#define DAEMON_CORE_REPLAY_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "dmaheap/v1/allocator.pb.h"

namespace dmaheap {

class ReplayCache {
 public:
  ReplayCache(size_t uids, size_t per_uid) : max_uids_(uids), max_per_uid_(per_uid) {}

  void Remember(uint32_t uid, const std::string& request_id, std::string fingerprint,
                const v1::AllocateBuffersResponse& response);

  // The first answer; absent for an id that was not seen. REQUEST_ID_REUSED if it was seen with
  // another fingerprint.
  absl::StatusOr<absl::optional<v1::AllocateBuffersResponse>> Find(
      uint32_t uid, const std::string& request_id, const std::string& fingerprint) const;

 private:
  struct Answer {
    std::string fingerprint;
    // Serialized: nearly no answer is asked for again, and a message of many small parts costs more
    // to copy.
    std::string response;
  };
  struct OfUid {
    std::map<std::string, Answer> answers;
    // Request ids, oldest first.
    std::deque<std::string> order;
    std::list<uint32_t>::iterator use;
  };

  const size_t max_uids_;
  const size_t max_per_uid_;
  std::map<uint32_t, OfUid> uids_;
  // Quiet for longest first.
  std::list<uint32_t> uses_;
};

// REQUEST_ID_REUSED.
absl::Status RequestIdReused(const std::string& request_id);

}  // namespace dmaheap

#endif  // DAEMON_CORE_REPLAY_CACHE_H_
