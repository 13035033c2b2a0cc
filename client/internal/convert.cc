#include "client/internal/convert.h"

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/wire.h"

namespace dmaheap::client_internal {
namespace {

// The wire and the public header give these the same numbers; one that a newer daemon adds is no
// value of ours.
static_assert(static_cast<int>(Priority::kLow) == v1::LOW);
static_assert(static_cast<int>(Priority::kNormal) == v1::NORMAL);
static_assert(static_cast<int>(Priority::kHigh) == v1::HIGH);
static_assert(static_cast<int>(AllocationState::kInLine) == v1::Allocation::IN_LINE);
static_assert(static_cast<int>(AllocationState::kAttempting) == v1::Allocation::ATTEMPTING);
static_assert(static_cast<int>(AllocationState::kBackingOff) == v1::Allocation::BACKING_OFF);
static_assert(static_cast<int>(Obstacle::kPinned) == v1::Allocation::PINNED);
static_assert(static_cast<int>(Obstacle::kNoRoom) == v1::Allocation::NO_ROOM);
static_assert(static_cast<int>(Obstacle::kOwnBuffers) == v1::Allocation::OWN_BUFFERS);
static_assert(static_cast<int>(Obstacle::kEachOther) == v1::Allocation::EACH_OTHER);

AllocationState ToState(v1::Allocation::State state) {
  if (state < v1::Allocation::IN_LINE || state > v1::Allocation::BACKING_OFF) {
    return AllocationState::kUnspecified;
  }
  return static_cast<AllocationState>(state);
}

Priority ToPriority(v1::Priority priority) {
  if (!v1::Priority_IsValid(priority)) return Priority::kUnspecified;
  return static_cast<Priority>(priority);
}

Obstacle ToObstacle(v1::Allocation::Obstacle obstacle) {
  if (!v1::Allocation::Obstacle_IsValid(obstacle)) return Obstacle::kUnspecified;
  return static_cast<Obstacle>(obstacle);
}

}  // namespace

Contiguity ToContiguity(v1::Contiguity contiguity) {
  switch (contiguity) {
    case v1::PHYSICAL:
      return Contiguity::kPhysical;
    case v1::SCATTERED:
      return Contiguity::kScattered;
    case v1::SIMULATED:
      return Contiguity::kSimulated;
    default:
      return Contiguity::kUnspecified;
  }
}

BufferInfo ToBufferInfo(const v1::Buffer& buffer) {
  BufferInfo info;
  info.name = buffer.name();
  info.heap = buffer.heap();
  info.size_bytes = buffer.size_bytes();
  info.contiguity = ToContiguity(buffer.contiguity());
  info.label = buffer.label();
  if (buffer.has_create_time()) info.create_time = ToTime(buffer.create_time());
  if (buffer.has_expire_time()) info.expire_time = ToTime(buffer.expire_time());
  return info;
}

HeapInfo ToHeapInfo(const v1::Heap& heap) {
  HeapInfo info;
  info.name = heap.name();
  info.kind = v1::HeapKind_Name(heap.kind());
  info.contiguity = ToContiguity(heap.contiguity());
  info.aliases.assign(heap.aliases().begin(), heap.aliases().end());
  if (heap.has_size_bytes()) info.size_bytes = heap.size_bytes();
  if (heap.has_free_bytes()) info.free_bytes = heap.free_bytes();
  if (heap.has_largest_free_bytes()) info.largest_free_bytes = heap.largest_free_bytes();
  info.live_buffers = heap.live_buffers();
  info.live_bytes = heap.live_bytes();
  info.queue_depth = heap.queue_depth();
  info.page_size_bytes = heap.page_size_bytes();
  info.backing_heap = heap.backing_heap();
  info.retry_policy = heap.retry_policy();
  return info;
}

ReservationInfo ToReservationInfo(const v1::Reservation& reservation) {
  ReservationInfo info;
  info.name = reservation.name();
  info.heap = reservation.heap();
  info.size_bytes = reservation.size_bytes();
  info.count = reservation.count();
  info.label = reservation.label();
  info.priority = ToPriority(reservation.priority());
  info.retry_policy = reservation.retry_policy();
  info.refill_below = reservation.refill_below();
  info.lease = ToDuration(reservation.lease());
  info.client = reservation.client();
  if (reservation.has_create_time()) info.create_time = ToTime(reservation.create_time());
  if (reservation.has_expire_time()) info.expire_time = ToTime(reservation.expire_time());
  info.ready = reservation.ready_count();
  info.drawn = reservation.drawn_count();
  info.refilling = reservation.refilling_count();
  info.last_error = reservation.last_error();
  info.hits = reservation.hits();
  info.misses = reservation.misses();
  info.given_back = reservation.given_back();
  info.refills = reservation.refills();
  return info;
}

std::string ToText(const v1::Allocation::PinnedPage& page) {
  return absl::StrJoin(page.mappers(), ", ", [](std::string* out, const auto& process) {
    // The daemon names another user's only to who may inspect.
    if (process.pid() == 0) return absl::StrAppend(out, "another process");
    absl::StrAppend(out, process.process_name(), " (pid ", process.pid(), ", uid ", process.uid(),
                    ")");
  });
}

GiveBackRequest ToGiveBackRequest(const v1::GiveBack& question) {
  GiveBackRequest request;
  request.heap = question.heap();
  request.size_bytes = question.size_bytes();
  request.count = question.count();
  if (v1::Priority_IsValid(question.priority())) {
    request.priority = static_cast<Priority>(question.priority());
  }
  return request;
}

AllocationProgress ToProgress(const v1::Allocation& allocation) {
  AllocationProgress progress;
  progress.attempts = allocation.attempts();
  progress.state = ToState(allocation.state());
  progress.obstacle = ToObstacle(allocation.obstacle());
  progress.next_delay = ToDuration(allocation.next_delay());
  progress.elapsed = ToDuration(allocation.elapsed_duration());
  progress.heap = allocation.heap();
  if (allocation.has_free_bytes()) progress.free_bytes = allocation.free_bytes();
  if (allocation.has_largest_free_bytes()) {
    progress.largest_free_bytes = allocation.largest_free_bytes();
  }
  progress.own_bytes = allocation.own_bytes();
  progress.waiting_others_bytes = allocation.waiting_others_bytes();
  progress.last_error = allocation.last_error();
  progress.retry_policy = allocation.retry_policy();
  if (allocation.has_pinned_page()) {
    progress.stuck_for = ToDuration(allocation.pinned_page().stuck_duration());
    progress.pinned_by = ToText(allocation.pinned_page());
  }
  return progress;
}

v1::Priority FromPriority(Priority priority) { return static_cast<v1::Priority>(priority); }

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration FromDuration(absl::Duration duration) {
  google::protobuf::Duration message;
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  message.set_seconds(seconds);
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return message;
}

std::string ResourceName(absl::string_view collection, absl::string_view name) {
  const std::string prefix = absl::StrCat(collection, "/");
  if (name.empty() || absl::StartsWith(name, prefix)) return std::string(name);
  return absl::StrCat(prefix, name);
}

std::string DefaultLabel() {
  std::string label;
  for (const char* c = program_invocation_short_name; *c != '\0'; ++c) {
    if (label.size() == kMaxClientTextBytes) break;
    label.push_back(absl::ascii_isprint(static_cast<unsigned char>(*c)) ? *c : '?');
  }
  return label;
}

}  // namespace dmaheap::client_internal
