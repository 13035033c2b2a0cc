#include "tests/vm/tools/memory_hold.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/vm/tools/area_pages.h"

namespace dmaheap {
namespace {

constexpr int64_t kBufferBytes = 1 << 20;

// Pages that each processor keeps on a list of its own are in nobody's count of what is free, and
// the kernel lets the lists grow to an eighth of all memory (mm/page_alloc.c, pcp->high).
constexpr char kListsFile[] = "/proc/sys/vm/percpu_pagelist_high_fraction";
constexpr char kShortLists[] = "1024";
constexpr char kListsByKernel[] = "0";

absl::Status SetLists(const char* fraction) {
  std::ofstream file(kListsFile);
  file << fraction << std::flush;
  if (!file) return absl::UnavailableError(absl::StrCat("writing to ", kListsFile));
  return absl::OkStatus();
}

// Until MemFree is true. Every contiguous allocation empties the lists (alloc_contig_range); where
// there is no area, nobody minds.
absl::Status MakeFreeMemoryCount() {
  if (absl::Status status = SetLists(kShortLists); !status.ok()) return status;
  const absl::StatusOr<HeapBuffers> area = HeapBuffers::Open("reserved");
  if (area.ok()) area->Allocate(1).IgnoreError();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> MemoryHold::Begin() {
  if (absl::Status status = MakeFreeMemoryCount(); !status.ok()) return status;
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
  if (absl::Status status = SetLists(kListsByKernel); !status.ok()) return status;
  return std::string();
}

Settings MemoryHoldDefaults() { return {{"leave_mib", 170}}; }

std::unique_ptr<Trouble> MakeMemoryHold(const Settings& settings) {
  return std::make_unique<MemoryHold>(settings.at("leave_mib") << 20);
}

}  // namespace dmaheap
