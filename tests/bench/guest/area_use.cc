#include "tests/bench/guest/area_use.h"

#include <sched.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/guest/contender.h"
#include "tests/vm/tools/number_file.h"

namespace dmaheap::bench {
namespace {

constexpr int64_t kAreaPages = kAreaBytes / 4096;

}  // namespace

absl::StatusOr<int64_t> FailedTries() {
  const auto pages =
      ReadNumberFile(absl::StrCat("/sys/kernel/mm/cma/", kAreaHeap, "/alloc_pages_fail"));
  if (!pages.ok()) return pages.status();
  return *pages / kAreaPages;
}

absl::Status WaitUntilFree(absl::Duration patience) {
  const std::string used = absl::StrCat("/sys/kernel/debug/cma/", kAreaHeap, "/used");
  const absl::Time end = absl::Now() + patience;
  while (true) {
    const auto pages = ReadNumberFile(used);
    if (!pages.ok()) return pages.status();
    if (*pages == 0) return absl::OkStatus();
    if (absl::Now() >= end) {
      return absl::DeadlineExceededError(
          absl::StrCat(*pages, " pages of the area are still in use"));
    }
    // Nobody tells of a page that comes back.
    sched_yield();
  }
}

}  // namespace dmaheap::bench
