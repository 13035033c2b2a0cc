// The heaps of this machine, by name and alias.
//
// Kernel heaps come as fds that somebody privileged opened, each node once; the registry opens
// nothing. Immutable once built, so it may be read from any thread.

#ifndef HEAPS_REGISTRY_H_
#define HEAPS_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "heaps/heap.h"

namespace dmaheap {

class HeapRegistry {
 public:
  // Adds a heap. INVALID_NAME if its name or an alias of it is taken by another heap's own name; an
  // alias that another heap already answers to is left to that one.
  absl::Status Add(std::unique_ptr<Heap> heap);

  // Another name for a heap that is there. INVALID_NAME, HEAP_NOT_FOUND.
  absl::Status AddAlias(absl::string_view alias, absl::string_view heap);

  // By own name first, then by alias. HEAP_NOT_FOUND lists the heaps there are and the aliases
  // tried; HEAP_ABSENT or KERNEL_LACKS_HEAPS where there is none at all.
  absl::StatusOr<Heap*> Find(absl::string_view name) const;

  // In the order of their names.
  std::vector<Heap*> heaps() const;

  // All names that resolve to this heap, its own first.
  std::vector<std::string> NamesOf(const Heap& heap) const;

 private:
  struct Entry {
    std::unique_ptr<Heap> heap;
    std::vector<std::string> aliases;
  };
  std::vector<Entry> entries_;
};

}  // namespace dmaheap

#endif  // HEAPS_REGISTRY_H_
