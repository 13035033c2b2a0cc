#include "daemon/core/replay_cache.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/error.h"

namespace dmaheap {

void ReplayCache::Remember(uint32_t uid, const std::string& request_id, std::string fingerprint,
                           const v1::AllocateBuffersResponse& response) {
  auto it = uids_.find(uid);
  if (it == uids_.end()) {
    if (uids_.size() >= max_uids_) {
      uids_.erase(uses_.front());
      uses_.pop_front();
    }
    it = uids_.try_emplace(uid).first;
  } else {
    uses_.erase(it->second.use);
  }
  OfUid& of_uid = it->second;
  of_uid.use = uses_.insert(uses_.end(), uid);
  if (of_uid.answers.erase(request_id) > 0) {
    of_uid.order.erase(std::find(of_uid.order.begin(), of_uid.order.end(), request_id));
  } else if (of_uid.order.size() >= max_per_uid_) {
    of_uid.answers.erase(of_uid.order.front());
    of_uid.order.pop_front();
  }
  of_uid.answers[request_id] = Answer{std::move(fingerprint), response.SerializeAsString()};
  of_uid.order.push_back(request_id);
}

absl::StatusOr<absl::optional<v1::AllocateBuffersResponse>> ReplayCache::Find(
    uint32_t uid, const std::string& request_id, const std::string& fingerprint) const {
  const auto of_uid = uids_.find(uid);
  if (of_uid == uids_.end()) return absl::nullopt;
  const auto answer = of_uid->second.answers.find(request_id);
  if (answer == of_uid->second.answers.end()) return absl::nullopt;
  if (answer->second.fingerprint != fingerprint) return RequestIdReused(request_id);
  v1::AllocateBuffersResponse response;
  response.ParseFromString(answer->second.response);
  return response;
}

absl::Status RequestIdReused(const std::string& request_id) {
  const std::string problem = absl::StrCat(
      "\"", request_id,
      "\" was used for a request with other parameters: a repeat must be the same, a new ",
      "request needs a new id");
  return Error(ErrorReason::REQUEST_ID_REUSED, absl::StrCat("request_id: ", problem))
      .With("request_id", request_id)
      .Field("request_id", problem);
}

}  // namespace dmaheap
