#include "client/dmaheap_c_support.h"

#include "absl/strings/str_cat.h"

namespace dmaheap::c_library {
namespace {

// C++ and C give these the same numbers.
static_assert(static_cast<int>(dmaheap::Priority::kLow) == DMAHEAP_PRIORITY_LOW);
static_assert(static_cast<int>(dmaheap::Priority::kHigh) == DMAHEAP_PRIORITY_HIGH);
static_assert(static_cast<int>(dmaheap::AllocationState::kInLine) == DMAHEAP_ALLOCATION_IN_LINE);
static_assert(static_cast<int>(dmaheap::AllocationState::kBackingOff) ==
              DMAHEAP_ALLOCATION_BACKING_OFF);
static_assert(static_cast<int>(dmaheap::Obstacle::kPinned) == DMAHEAP_OBSTACLE_PINNED);
static_assert(static_cast<int>(dmaheap::Obstacle::kEachOther) == DMAHEAP_OBSTACLE_EACH_OTHER);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) == DMAHEAP_UNAUTHENTICATED);

}  // namespace

dmaheap_error MakeError(const absl::Status& status) {
  return {status, std::string(status.message()), dmaheap::ErrorReasonName(status),
          dmaheap::ErrorDetails(status)};
}

dmaheap_code CodeOf(const absl::Status& status) { return static_cast<dmaheap_code>(status.code()); }

dmaheap_code Finish(const absl::Status& status, dmaheap_error** error) {
  if (!status.ok() && error != nullptr) *error = new dmaheap_error(MakeError(status));
  return CodeOf(status);
}

absl::Status MissingArgument(absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(name, " is NULL, and is required"));
}

std::string StringOrEmpty(const char* text) { return text == nullptr ? "" : text; }

absl::Duration DurationOr(int64_t milliseconds, absl::Duration fallback) {
  return milliseconds == 0 ? fallback : absl::Milliseconds(milliseconds);
}

int64_t Milliseconds(absl::Duration duration) { return absl::ToInt64Milliseconds(duration); }

absl::StatusOr<int> ConvertCount(absl::string_view name, uint32_t count) {
  // The daemon's own limit is far below; this keeps the number from turning negative on its way.
  if (count <= INT32_MAX) return static_cast<int>(count);
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", count, " is more than 2^31-1"));
}

dmaheap::ProgressCallback ConvertProgress(dmaheap_progressed on_progress, void* context) {
  if (on_progress == nullptr) return nullptr;
  return [on_progress, context](const dmaheap::AllocationProgress& progress) {
    const dmaheap_progress message = {
        .struct_size = sizeof(dmaheap_progress),
        .attempts = progress.attempts,
        .state = static_cast<dmaheap_allocation_state>(progress.state),
        .obstacle = static_cast<dmaheap_obstacle>(progress.obstacle),
        .next_delay_ms = Milliseconds(progress.next_delay),
        .elapsed_ms = Milliseconds(progress.elapsed),
        .heap = progress.heap.c_str(),
        .free_bytes = progress.free_bytes.value_or(-1),
        .largest_free_bytes = progress.largest_free_bytes.value_or(-1),
        .own_bytes = progress.own_bytes,
        .waiting_others_bytes = progress.waiting_others_bytes,
        .last_error = progress.last_error.c_str(),
        .retry_policy = progress.retry_policy.c_str(),
        .stuck_ms = Milliseconds(progress.stuck_for),
        .pinned_by = progress.pinned_by.c_str()};
    on_progress(context, &message);
  };
}

absl::Status CheckReserved(uint32_t reserved) {
  if (reserved == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a reserved member of options is ", reserved, " and has to be 0"));
}

absl::Status CheckOptionsSize(const void* from, uint32_t size, size_t known, size_t least) {
  if (size < known) {
    return absl::InvalidArgumentError(absl::StrCat(
        "options->struct_size is ", size, "; set it to sizeof, which is at least ", least));
  }
  if (size > kMaxStructBytes) {
    return absl::InvalidArgumentError(absl::StrCat("options->struct_size is ", size,
                                                   ", more than any version of it has; set it to "
                                                   "sizeof"));
  }
  const char* bytes = static_cast<const char*>(from);
  if (std::any_of(bytes + known, bytes + size, [](char byte) { return byte != 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("options->struct_size is ", size, " and this library, ",
                     dmaheap::LibraryVersion(), ", knows the first ", known,
                     " bytes; what comes after them has to be zero, or the library newer"));
  }
  return absl::OkStatus();
}

absl::Status CheckInfoSize(uint32_t size, size_t least) {
  if (size >= least && size <= kMaxStructBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("info->struct_size is ", size, "; set it to sizeof, which is at least ", least));
}

}  // namespace dmaheap::c_library
