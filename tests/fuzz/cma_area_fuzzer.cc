// What heaps/cma_area.h reads of the log, of sysfs and of meminfo: numbers stay in their ranges,
// and what was read can be written and read again.

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "heaps/cma_area.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/free_list_property.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  if (const auto list = ParseCmaFreeList(text); list.ok()) fuzz::DemandSound(*list);
  if (const auto failure = ParseCmaAllocFailure(text); failure.ok()) {
    DEMAND(failure->request_pages >= 0);
    DEMAND(failure->error_number > 0 && failure->error_number < 4096);
  }
  if (const auto range = ParsePfnsBusy(text); range.ok()) DEMAND(range->first < range->end);
  if (const auto count = ParseCmaCount(text); count.ok()) {
    DEMAND(*count >= 0);
    DEMAND(ParseCmaCount(absl::StrCat(*count, "\n")) == count);
  }
  if (const auto total = ParseMeminfoCmaTotal(text); total.has_value()) {
    DEMAND(*total > 0 && *total % 1024 == 0);
    DEMAND(ParseMeminfoCmaTotal(absl::StrCat("CmaTotal:  ", *total / 1024, " kB\n")) == total);
  }
  return 0;
}
