// Records of /dev/kmsg, each of the input: whatever a record is taken for can be written again and
// is then the same.

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/kmsg_text.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/free_list_property.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

std::string Written(const CmaAllocFailure& failure) {
  return absl::StrCat("cma: cma_alloc: ", failure.area, failure.area.empty() ? "" : ": ",
                      "alloc failed, req-size: ", failure.request_pages, " pages, ret: -",
                      failure.error_number);
}

void Check(absl::string_view text, FreeListParts& parts) {
  const KmsgLine line = ParseKmsgText(text);
  if (const auto* failure = std::get_if<CmaAllocFailure>(&line)) {
    DEMAND(failure->error_number > 0 && failure->error_number < 4096);
    DEMAND(failure->request_pages >= 0);
    const KmsgLine again = ParseKmsgText(Written(*failure));
    const auto* same = std::get_if<CmaAllocFailure>(&again);
    DEMAND(same != nullptr && same->area == failure->area);
    DEMAND(same->request_pages == failure->request_pages);
    DEMAND(same->error_number == failure->error_number);
  } else if (const auto* list = std::get_if<CmaFreeList>(&line)) {
    DemandSound(*list);
  } else if (const auto* range = std::get_if<PfnRange>(&line)) {
    DEMAND(range->first < range->end);
  } else if (const auto* part = std::get_if<FreeListPart>(&line)) {
    DEMAND(part->text == text);
    DEMAND(!(part->first && part->last));
    const absl::optional<CmaFreeList> whole = parts.Take(*part);
    if (!whole.has_value()) return;
    DEMAND(part->last);
    DemandSound(*whole);
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  FreeListParts parts;
  // As one record with its keys; and each line as a record of its own.
  const auto whole = ParseKmsgRecord(text);
  if (whole.has_value()) fuzz::Check(whole->text, parts);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const auto record = ParseKmsgRecord(absl::StrCat(line, "\n"));
    if (record.has_value()) {
      DEMAND(record->priority >= 0 && record->priority < 2048);
      DEMAND(record->microseconds >= 0);
      DEMAND(record->text.size() <= line.size());
      DEMAND(record->FromKernel() == (record->priority < 8));
      // A record that is cut off is none.
      DEMAND(!ParseKmsgRecord(line).has_value());
    }
    fuzz::Check(record.has_value() ? absl::string_view(record->text) : line, parts);
  }
  return 0;
}
