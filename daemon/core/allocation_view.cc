#include "daemon/core/allocation_view.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/core/obstacle.h"
#include "daemon/core/proto_time.h"

namespace dmaheap {
namespace {

v1::Allocation::State StateOf(const Allocation& allocation) {
  switch (allocation.state) {
    case Allocation::State::kInLine:
    case Allocation::State::kNew:
      return v1::Allocation::IN_LINE;
    case Allocation::State::kFreezing:
    case Allocation::State::kAttempting:
      return v1::Allocation::ATTEMPTING;
    case Allocation::State::kBackingOff:
      return v1::Allocation::BACKING_OFF;
    case Allocation::State::kEnded:
      return allocation.outcome.ok() ? v1::Allocation::SUCCEEDED : v1::Allocation::FAILED;
  }
  return v1::Allocation::STATE_UNSPECIFIED;
}

// Other uids that wait for room on the same heap.
std::set<uint32_t> OthersThatLackRoom(const Allocator& allocator, const Allocation& allocation) {
  std::set<uint32_t> uids;
  for (const auto& [id, other] : allocator.allocations()) {
    if (other->heap == allocation.heap && other->attempts_on_heap > 0 &&
        other->request.principal.uid != allocation.request.principal.uid &&
        LacksRoom(other->usage_at_failure, other->rounded_bytes)) {
      uids.insert(other->request.principal.uid);
    }
  }
  return uids;
}

void FillObstacle(const Allocator& allocator, const Allocation& allocation,
                  v1::Allocation& message) {
  const HeapUsage& usage = allocation.usage_at_failure;
  if (usage.free_bytes) message.set_free_bytes(*usage.free_bytes);
  if (usage.largest_free_bytes) message.set_largest_free_bytes(*usage.largest_free_bytes);
  ObstacleFacts facts;
  facts.buffer_bytes = allocation.rounded_bytes;
  facts.missing_bytes =
      allocation.rounded_bytes *
      (allocation.request.count - static_cast<int64_t>(allocation.buffers.size()));
  facts.usage = usage;
  const std::set<uint32_t> others = OthersThatLackRoom(allocator, allocation);
  for (const auto& [number, record] : allocator.table().records()) {
    if (record.heap != allocation.heap->description().name) continue;
    if (record.charge.uid() == allocation.request.principal.uid) {
      facts.own_bytes += record.size_bytes;
    } else if (others.contains(record.charge.uid())) {
      facts.waiting_others_bytes += record.size_bytes;
    }
  }
  message.set_own_bytes(facts.own_bytes);
  message.set_waiting_others_bytes(facts.waiting_others_bytes);
  message.set_obstacle(ObstacleOf(facts));
}

// uid: whose processes are named; absent: all.
void FillPinnedPage(const PinnedPage& page, absl::optional<uint32_t> uid,
                    v1::Allocation::PinnedPage& message) {
  *message.mutable_stuck_duration() = ToProtoDuration(page.StuckFor());
  message.set_release_watched(page.watched);
  if (!page.mappers.has_value()) return;
  for (const PageUser& process : page.mappers->processes) {
    v1::Allocation::Process& mapper = *message.add_mappers();
    if (uid.has_value() && process.uid != *uid) continue;
    mapper.set_pid(process.pid);
    mapper.set_uid(process.uid);
    mapper.set_process_name(process.name);
  }
  message.set_mappers_complete(page.mappers->complete);
}

}  // namespace

v1::Allocation ToProto(const Allocator& allocator, const Allocation& allocation,
                       Onlooker onlooker) {
  const AllocateRequest& request = allocation.request;
  v1::Allocation message;
  message.set_name(absl::StrCat("allocations/", allocation.id));
  message.set_request_id(request.request_id);
  message.set_owner_uid(request.principal.uid);
  if (request.recipient != nullptr) {
    message.set_client(absl::StrCat("clients/", request.recipient->client_id()));
  }
  message.set_heap(absl::StrCat(
      "heaps/", allocation.heap != nullptr ? allocation.heap->description().name : request.heap));
  message.set_size_bytes(allocation.rounded_bytes);
  message.set_count(request.count);
  const bool succeeded = allocation.state == Allocation::State::kEnded && allocation.outcome.ok();
  // What it got is not its own any more.
  message.set_allocated(succeeded ? request.count : static_cast<int>(allocation.buffers.size()));
  message.set_priority(static_cast<v1::Priority>(allocation.priority + 1));
  message.set_retry_policy(allocation.retry_policy);
  if (request.reservation != 0) {
    message.set_reservation(absl::StrCat("reservations/", request.reservation));
  }
  message.set_state(StateOf(allocation));
  message.set_attempts(allocation.attempts);
  message.set_attempts_behind_barrier(allocation.attempts_behind_barrier);
  message.set_clients_asked(allocation.clients_asked);
  message.set_attempts_after_sync(allocation.attempts_after_sync);
  const absl::Time now = allocator.Now();
  *message.mutable_elapsed_duration() = ToProtoDuration(now - allocation.start);
  if (allocation.state == Allocation::State::kBackingOff) {
    *message.mutable_next_delay() =
        ToProtoDuration(std::max(allocation.next_attempt - now, absl::ZeroDuration()));
  }
  const absl::Status& error =
      allocation.state == Allocation::State::kEnded ? allocation.outcome : allocation.last_error;
  if (!error.ok()) message.set_last_error(std::string(error.message()));
  if (!succeeded && allocation.attempts_on_heap > 0 && !allocation.last_error.ok()) {
    FillObstacle(allocator, allocation, message);
  }
  if (allocation.page.frame != 0)
    FillPinnedPage(allocation.page,
                   onlooker == Onlooker::kOwner
                       ? absl::optional<uint32_t>(allocation.request.principal.uid)
                       : absl::nullopt,
                   *message.mutable_pinned_page());
  return message;
}

v1::ListAllocationsResponse ListAllocations(const Allocator& allocator, const Page& page) {
  v1::ListAllocationsResponse response;
  uint64_t last = 0;
  const auto& allocations = allocator.allocations();
  for (auto it = allocations.upper_bound(page.after); it != allocations.end(); ++it) {
    if (response.allocations_size() == page.size) {
      response.set_next_page_token(absl::StrCat(last));
      break;
    }
    *response.add_allocations() = ToProto(allocator, *it->second);
    last = it->first;
  }
  return response;
}

}  // namespace dmaheap
