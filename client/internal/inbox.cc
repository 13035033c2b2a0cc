#include "client/internal/inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/error.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

void MoveFds(Batch& from, std::vector<Arrived>& to) {
  for (Arrived& part : from.parts) {
    if (part.fd.valid()) to.push_back(std::move(part));
  }
  from.parts.clear();
}

// A frame within its batch: what the daemon must keep to.
bool Consistent(const v1::Buffers& frame, const Batch& batch) {
  const int entries = frame.entries_size();
  if (entries < 1 || frame.first_index() < 0 || frame.total() < 1 || frame.total() > kFdWindow) {
    return false;
  }
  if (frame.first_index() > frame.total() - entries) return false;
  if (batch.total != frame.total()) return false;
  for (int i = 0; i < entries; ++i) {
    if (batch.parts[static_cast<size_t>(frame.first_index() + i)].fd.valid()) return false;
  }
  return true;
}

}  // namespace

bool Inbox::Expect(const std::string& request_id) {
  abandoned_.erase(request_id);
  return expected_.try_emplace(request_id).second;
}

std::vector<Arrived> Inbox::Forget(const std::string& request_id) {
  std::vector<Arrived> unwanted;
  const auto it = expected_.find(request_id);
  if (it == expected_.end()) return unwanted;
  for (Batch& batch : it->second) MoveFds(batch, unwanted);
  expected_.erase(it);
  return unwanted;
}

std::vector<Arrived> Inbox::Abandon(const std::string& request_id) {
  const auto it = expected_.find(request_id);
  if (it == expected_.end()) return {};
  int came = 0;
  bool whole = false;
  for (const Batch& batch : it->second) {
    came += batch.received;
    whole = whole || batch.whole();
  }
  if (!whole) abandoned_[request_id] = came;
  return Forget(request_id);
}

std::vector<Arrived> Inbox::File(const v1::Buffers& frame, std::vector<UniqueFd> fds,
                                 const absl::Status& broken) {
  std::vector<Arrived> unwanted;
  std::vector<Arrived> parts;
  for (size_t i = 0; i < fds.size(); ++i) {
    parts.push_back({frame.entries(static_cast<int>(i)), std::move(fds[i])});
  }
  const auto it = expected_.find(frame.request_id());
  if (it == expected_.end()) {
    const auto abandoned = abandoned_.find(frame.request_id());
    if (abandoned != abandoned_.end()) {
      abandoned->second += frame.entries_size();
      if (abandoned->second >= frame.total()) abandoned_.erase(abandoned);
    }
    return parts;
  }
  std::vector<Batch>& batches = it->second;
  auto batch = std::find_if(batches.begin(), batches.end(), [&](const Batch& candidate) {
    return candidate.batch_id == frame.batch_id();
  });
  if (batch == batches.end()) {
    Batch fresh;
    fresh.batch_id = frame.batch_id();
    fresh.total = frame.total();
    fresh.parts.resize(static_cast<size_t>(std::clamp(frame.total(), 0, kFdWindow)));
    batch = batches.insert(batches.end(), std::move(fresh));
  }
  if (batch->broken.ok() && broken.ok() && Consistent(frame, *batch)) {
    std::move(parts.begin(), parts.end(), batch->parts.begin() + frame.first_index());
    batch->received += frame.entries_size();
    return unwanted;
  }
  if (batch->broken.ok()) {
    batch->broken = !broken.ok()
                        ? broken
                        : Error(ErrorReason::TRUNCATED_RECEIPT,
                                absl::StrCat("a frame of batch ", frame.batch_id(),
                                             " contradicts the one before it; its fds were closed"))
                              .With("batch_id", frame.batch_id())
                              .ToStatus();
  }
  // All or none: a batch that lost a part is no use to anybody.
  MoveFds(*batch, unwanted);
  std::move(parts.begin(), parts.end(), std::back_inserter(unwanted));
  return unwanted;
}

const Batch* Inbox::Find(const std::string& request_id, int64_t batch_id) const {
  const auto it = expected_.find(request_id);
  if (it == expected_.end()) return nullptr;
  for (const Batch& batch : it->second) {
    if (batch.batch_id == batch_id) return &batch;
  }
  return nullptr;
}

absl::optional<Batch> Inbox::Take(const std::string& request_id, int64_t batch_id) {
  const auto it = expected_.find(request_id);
  if (it == expected_.end()) return absl::nullopt;
  for (auto batch = it->second.begin(); batch != it->second.end(); ++batch) {
    if (batch->batch_id != batch_id) continue;
    Batch taken = std::move(*batch);
    it->second.erase(batch);
    return taken;
  }
  return absl::nullopt;
}

absl::optional<Batch> Inbox::TakeWhole(const std::string& request_id) {
  const auto it = expected_.find(request_id);
  if (it == expected_.end()) return absl::nullopt;
  for (const Batch& batch : it->second) {
    if (batch.whole()) return Take(request_id, batch.batch_id);
  }
  return absl::nullopt;
}

}  // namespace dmaheap::client_internal
