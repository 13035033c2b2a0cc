#include "heaps/registry.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "heaps/kernel_names.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// For texts: what a client sent may be long, or no text at all.
std::string Quote(absl::string_view name) {
  const absl::string_view shown = name.substr(0, kMaxHeapNameBytes);
  return absl::StrCat("'", absl::CHexEscape(shown), shown.size() < name.size() ? "...'" : "'");
}

absl::Status InvalidName(absl::string_view name, absl::string_view why) {
  return Error(ErrorReason::INVALID_NAME, absl::StrCat("heap name ", Quote(name), " ", why))
      .With("name", absl::CHexEscape(name.substr(0, kMaxHeapNameBytes)));
}

constexpr absl::string_view kNameRule =
    "is not 1 to 64 printable ASCII characters without space, '/' and '*'";

}  // namespace

bool IsValidHeapName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxHeapNameBytes && name != "." && name != ".." &&
         absl::c_all_of(name,
                        [](char c) { return absl::ascii_isgraph(c) && c != '/' && c != '*'; });
}

bool HeapRegistry::Entry::HasAlias(absl::string_view alias) const {
  return absl::c_linear_search(aliases, alias);
}

const HeapRegistry::Entry* HeapRegistry::FindByName(absl::string_view name) const {
  const auto it = absl::c_find_if(entries_, [&](const Entry& e) { return e.name() == name; });
  return it == entries_.end() ? nullptr : &*it;
}

const HeapRegistry::Entry* HeapRegistry::FindByAlias(absl::string_view alias) const {
  const auto it = absl::c_find_if(entries_, [&](const Entry& e) { return e.HasAlias(alias); });
  return it == entries_.end() ? nullptr : &*it;
}

const VirtualHeapName* HeapRegistry::FindVirtual(absl::string_view name) const {
  const auto it =
      absl::c_find_if(virtual_heaps_, [&](const VirtualHeapName& v) { return v.name == name; });
  return it == virtual_heaps_.end() ? nullptr : &*it;
}

absl::Status HeapRegistry::Add(std::unique_ptr<Heap> heap) {
  const HeapDescription& description = heap->description();
  if (!IsValidHeapName(description.name)) return InvalidName(description.name, kNameRule);
  if (FindByName(description.name) != nullptr || FindVirtual(description.name) != nullptr) {
    return InvalidName(description.name, "is taken by another heap: give one of them another name");
  }
  Entry entry;
  for (const std::string& alias : description.aliases) {
    if (!IsValidHeapName(alias)) return InvalidName(alias, kNameRule);
    if (alias == description.name || entry.HasAlias(alias)) continue;
    if (FindByName(alias) != nullptr) {
      return InvalidName(alias, absl::StrCat("can not be an alias of ", Quote(description.name),
                                             ": it is the own name of another heap"));
    }
    if (FindByAlias(alias) == nullptr && FindVirtual(alias) == nullptr) {
      entry.aliases.push_back(alias);
    }
  }
  for (Entry& other : entries_) {
    other.aliases.erase(std::remove(other.aliases.begin(), other.aliases.end(), description.name),
                        other.aliases.end());
  }
  entry.heap = std::move(heap);
  const auto place =
      std::upper_bound(entries_.begin(), entries_.end(), entry,
                       [](const Entry& a, const Entry& b) { return a.name() < b.name(); });
  entries_.insert(place, std::move(entry));
  return absl::OkStatus();
}

absl::Status HeapRegistry::AddAlias(absl::string_view alias, absl::string_view heap) {
  if (!IsValidHeapName(alias)) return InvalidName(alias, kNameRule);
  const auto target = Find(heap);
  if (!target.ok()) return target.status();
  if (FindVirtual(alias) != nullptr) {
    return InvalidName(alias, "can not be an alias: it is the name of a virtual heap");
  }
  const auto current = [&]() -> const Entry* {
    const Entry* entry = FindByName(alias);
    return entry != nullptr ? entry : FindByAlias(alias);
  }();
  if (current != nullptr) {
    if (current->heap.get() == *target) return absl::OkStatus();
    return InvalidName(alias, absl::StrCat("can not be an alias of ", Quote(heap),
                                           ": it is a name of heap ", Quote(current->name())));
  }
  for (Entry& entry : entries_) {
    if (entry.heap.get() == *target) entry.aliases.emplace_back(alias);
  }
  return absl::OkStatus();
}

absl::Status HeapRegistry::AddVirtual(absl::string_view name, absl::string_view heap) {
  if (!IsValidHeapName(name)) return InvalidName(name, kNameRule);
  const auto target = Find(heap);
  if (!target.ok()) return target.status();
  if (const auto current = Find(name); current.ok()) {
    return InvalidName(name, absl::StrCat("can not be a virtual heap: it is a name of heap ",
                                          Quote((*current)->description().name)));
  }
  const auto place = absl::c_find_if(
      virtual_heaps_, [&](const VirtualHeapName& other) { return name < other.name; });
  virtual_heaps_.insert(place, {std::string(name), *target});
  return absl::OkStatus();
}

absl::StatusOr<Heap*> HeapRegistry::Find(absl::string_view name) const {
  const Entry* entry = FindByName(name);
  if (entry == nullptr) entry = FindByAlias(name);
  if (entry != nullptr) return entry->heap.get();
  if (const VirtualHeapName* heap = FindVirtual(name); heap != nullptr) return heap->heap;
  if (entries_.empty()) return NoHeaps(name);

  std::vector<std::string> known;
  std::vector<std::string> own_names;
  for (const Entry& e : entries_) {
    own_names.push_back(e.name());
    known.push_back(e.aliases.empty()
                        ? e.name()
                        : absl::StrCat(e.name(), " (also ", absl::StrJoin(e.aliases, "; "), ")"));
  }
  for (const VirtualHeapName& v : virtual_heaps_) {
    own_names.push_back(v.name);
    known.push_back(v.name);
  }
  std::string text = absl::StrCat("no heap has the name ", Quote(name));
  const std::vector<std::string> tried = OtherNamesOf(name);
  if (!tried.empty()) {
    absl::StrAppend(&text, ", and none the names that other kernels give it (",
                    absl::StrJoin(tried, "; "), ")");
  }
  absl::StrAppend(&text, "; the heaps are: ", absl::StrJoin(known, "; "));
  // Names may contain a comma, but no space.
  return Error(ErrorReason::HEAP_NOT_FOUND, text)
      .With("heap", absl::CHexEscape(name.substr(0, kMaxHeapNameBytes)))
      .With("heaps", absl::StrJoin(own_names, " "))
      .With("aliases_tried", absl::StrJoin(tried, " "));
}

absl::Status HeapRegistry::NoHeaps(absl::string_view name) const {
  const std::string heap = absl::CHexEscape(name.substr(0, kMaxHeapNameBytes));
  constexpr absl::string_view kSimulate =
      "start the daemon with --simulate, or give the policy a simulated heap, to use ordinary "
      "memory";
  if (kernel_heaps_ == KernelHeaps::kUnsupported) {
    return Error(
               ErrorReason::KERNEL_LACKS_HEAPS,
               absl::StrCat("no heap ", Quote(name),
                            ": this kernel has no /dev/dma_heap; it needs CONFIG_DMABUF_HEAPS with "
                            "CONFIG_DMABUF_HEAPS_SYSTEM or CONFIG_DMABUF_HEAPS_CMA; or ",
                            kSimulate))
        .With("heap", heap);
  }
  const absl::string_view why = kernel_heaps_ == KernelHeaps::kSupported
                                    ? "the daemon could open none of /dev/dma_heap (its log says "
                                      "why for each node)"
                                    : "the daemon serves no heap of the kernel";
  return Error(ErrorReason::HEAP_ABSENT,
               absl::StrCat("no heap ", Quote(name), ": ", why, "; or ", kSimulate))
      .With("heap", heap);
}

std::vector<Heap*> HeapRegistry::heaps() const {
  std::vector<Heap*> heaps;
  for (const Entry& entry : entries_) heaps.push_back(entry.heap.get());
  return heaps;
}

std::vector<std::string> HeapRegistry::NamesOf(const Heap& heap) const {
  for (const Entry& entry : entries_) {
    if (entry.heap.get() != &heap) continue;
    std::vector<std::string> names = {entry.name()};
    names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
    for (const VirtualHeapName& v : virtual_heaps_) {
      if (v.heap == &heap) names.push_back(v.name);
    }
    return names;
  }
  return {};
}

}  // namespace dmaheap
