#include "tests/vm/tools/memory_hold.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/vm/tools/area_pages.h"

namespace dmaheap {
namespace {

constexpr int64_t kBufferBytes = 1 << 20;

}  // namespace

absl::StatusOr<std::string> MemoryHold::Begin() {
  const absl::StatusOr<int64_t> free_bytes = FreeMemoryBytes();
  if (!free_bytes.ok()) return free_bytes.status();
  absl::StatusOr<HeapBuffers> buffers = HeapBuffers::Open("system");
  if (!buffers.ok()) return buffers.status();
  buffers_ = *std::move(buffers);
  const int64_t wanted = std::max<int64_t>(*free_bytes - leave_bytes_, 0) / kBufferBytes;
  const absl::StatusOr<int64_t> got = buffers_->Hold(kBufferBytes, wanted);
  if (!got.ok()) return got.status();
  if (*got < wanted) {
    return absl::ResourceExhaustedError(
        absl::StrCat("only ", *got, " of ", wanted, " MiB could be held"));
  }
  return absl::StrCat("held_mib=", *got);
}

absl::StatusOr<std::string> MemoryHold::End() {
  buffers_.reset();
  return std::string();
}

Settings MemoryHoldDefaults() { return {{"leave_mib", 170}}; }

std::unique_ptr<Trouble> MakeMemoryHold(const Settings& settings) {
  return std::make_unique<MemoryHold>(settings.at("leave_mib") << 20);
}

}  // namespace dmaheap
