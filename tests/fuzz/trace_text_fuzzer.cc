// Lines of trace_pipe: what was read can be written and read again, and what the tracer calculates
// with the numbers does not overflow.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/diagnosis/prober/trace_text.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

std::string Begin(int32_t thread, absl::string_view event) {
  return absl::StrCat("  a-b [9] c-", thread, "  [001] d..1.  4.088399: ", event, ": ");
}

std::string Written(const TraceLine& line) {
  if (const auto* refused = std::get_if<WindowRefused>(&line)) {
    return absl::StrCat(Begin(refused->thread, "test_pages_isolated"),
                        "start_pfn=0x1 end_pfn=0x2 fin_pfn=0x", absl::Hex(refused->frame),
                        " ret=fail\n");
  }
  if (const auto* finished = std::get_if<AllocationFinished>(&line)) {
    return absl::StrCat(
        Begin(finished->thread, "cma_alloc_finish"),
        "name=reserved pfn=0x0 page=0 count=1 align=8 errorno=", -finished->error_number, "\n");
  }
  const auto& dropped = std::get<ReferenceDropped>(line);
  return absl::StrCat(Begin(dropped.thread, "page_ref_mod_and_test"), "pfn=0x",
                      absl::Hex(dropped.frame), " flags=none count=", dropped.references,
                      " mapcount=", dropped.mappings - 1, " mapping=0 mt=1 val=-1 ret=0\n");
}

bool Same(const TraceLine& a, const TraceLine& b) {
  if (a.index() != b.index()) return false;
  if (const auto* refused = std::get_if<WindowRefused>(&a)) {
    const auto& other = std::get<WindowRefused>(b);
    return refused->thread == other.thread && refused->frame == other.frame;
  }
  if (const auto* finished = std::get_if<AllocationFinished>(&a)) {
    const auto& other = std::get<AllocationFinished>(b);
    return finished->thread == other.thread && finished->error_number == other.error_number;
  }
  const auto& one = std::get<ReferenceDropped>(a);
  const auto& other = std::get<ReferenceDropped>(b);
  return one.thread == other.thread && one.frame == other.frame &&
         one.references == other.references && one.mappings == other.mappings;
}

void Check(absl::string_view text) {
  const TraceLine line = ParseTraceLine(text);
  if (std::holds_alternative<std::monostate>(line)) return;
  if (const auto* finished = std::get_if<AllocationFinished>(&line)) {
    DEMAND(finished->error_number >= 0 && finished->error_number < 4096);
  }
  if (const auto* dropped = std::get_if<ReferenceDropped>(&line)) {
    // The kernel counts both in an int, and the tracer subtracts.
    constexpr int64_t kMost = int64_t{std::numeric_limits<int32_t>::max()} + 1;
    DEMAND(dropped->references >= -kMost && dropped->references < kMost);
    DEMAND(dropped->mappings >= -kMost && dropped->mappings <= kMost);
  }
  DEMAND(Same(line, ParseTraceLine(Written(line))));
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = dmaheap::fuzz::AsText(data, size);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) dmaheap::fuzz::Check(line);
  return 0;
}
