// Names of resources, of fds that a keeper hands over, and tokens of lists: a thing has one name.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/core/request.h"
#include "daemon/handover/inheritance.h"
#include "heaps/buffer.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  if (const auto key = BufferKey::Parse(text); key.has_value()) DEMAND(key->ToString() == text);
  if (const auto heap = ParseHeapName("heap", text); heap.ok()) {
    DEMAND(text == absl::StrCat("heaps/", *heap) && !heap->empty());
  }
  if (const auto key = ParseBufferName("name", text); key.ok()) {
    DEMAND(text == absl::StrCat("buffers/", key->ToString()));
  }
  if (const auto id = ParseReservationName("name", text); id.ok()) {
    DEMAND(*id > 0 && text == absl::StrCat("reservations/", *id));
  }
  if (const auto id = ParseDiagnosisName("name", text); id.ok()) {
    DEMAND(*id > 0 && text == absl::StrCat("diagnoses/", *id));
  }
  if (const auto page = CheckPage(1, text); page.ok() && !text.empty()) {
    DEMAND(page->size == 1 && text == absl::StrCat(page->after));
  }

  std::vector<std::pair<std::string, UniqueFd>> fds;
  fds.emplace_back(std::string(text), UniqueFd());
  const Inheritance inheritance = SortInheritance(std::move(fds));
  for (const auto& [place, fd] : inheritance.filesystems) {
    DEMAND(text == absl::StrCat("sync.", place));
  }
  for (const auto& [key, fd] : inheritance.held_buffers) {
    DEMAND(text == absl::StrCat("buffer.", key.ToString()));
  }
  for (const HeapNode& node : inheritance.heap_nodes) {
    DEMAND(text == absl::StrCat("heap.", node.name));
  }
  return 0;
}
