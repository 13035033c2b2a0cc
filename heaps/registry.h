// The heaps of this machine, by name and alias.
//
// Kernel heaps come as fds that somebody privileged opened, each node once; the registry opens
// nothing. Built by one thread; once built it does not change and may be read from any.

#ifndef HEAPS_REGISTRY_H_
#define HEAPS_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "heaps/heap.h"

namespace dmaheap {

// A dma-heap's name becomes the name of a device node, and the last part of heaps/{heap}.
inline constexpr size_t kMaxHeapNameBytes = 64;

// Printable ASCII without '/', which would end the name; "*" alone means all heaps in a policy.
bool IsValidHeapName(absl::string_view name);

// A name for another heap that counts as a heap of its own where heaps are listed: what it means
// beyond that is for who gave it.
struct VirtualHeapName {
  std::string name;
  // The heap behind it.
  Heap* heap = nullptr;
};

class HeapRegistry {
 public:
  // What the registry knows of /dev/dma_heap, for the error when there is no heap at all.
  enum class KernelHeaps {
    // Nobody looked: the policy or the command line did not ask for them.
    kNotLooked,
    // The folder is not there: the kernel was built without.
    kUnsupported,
    // The folder is there.
    kSupported,
  };
  void SetKernelHeaps(KernelHeaps kernel_heaps) { kernel_heaps_ = kernel_heaps; }

  // Adds a heap. INVALID_NAME if it is no valid name, or if its name or an alias of it is taken by
  // another heap's own name; an alias that another heap already answers to is left to that one. An
  // own name goes before aliases: another heap that answered to it by alias no longer does.
  absl::Status Add(std::unique_ptr<Heap> heap);

  // Another name for a heap that is there, by any of its names. INVALID_NAME: no valid name, or one
  // that another heap has; HEAP_NOT_FOUND. The same alias twice is once.
  absl::Status AddAlias(absl::string_view alias, absl::string_view heap);

  // A virtual heap before a heap that is there, by any of its names. Errors as of AddAlias; a name
  // that is taken, be it by the same heap, is INVALID_NAME.
  absl::Status AddVirtual(absl::string_view name, absl::string_view heap);

  // By own name first, then by alias, then the heap behind a virtual one. HEAP_NOT_FOUND lists the
  // heaps there are and the aliases tried; HEAP_ABSENT or KERNEL_LACKS_HEAPS where there is none at
  // all.
  absl::StatusOr<Heap*> Find(absl::string_view name) const;

  // In the order of their names.
  std::vector<Heap*> heaps() const;

  // In the order of their names.
  const std::vector<VirtualHeapName>& virtual_heaps() const { return virtual_heaps_; }

  // All names that resolve to this heap, its own first, those of virtual heaps last.
  std::vector<std::string> NamesOf(const Heap& heap) const;

 private:
  struct Entry {
    std::unique_ptr<Heap> heap;
    std::vector<std::string> aliases;

    const std::string& name() const { return heap->description().name; }
    bool HasAlias(absl::string_view alias) const;
  };

  const Entry* FindByName(absl::string_view name) const;
  const Entry* FindByAlias(absl::string_view alias) const;
  const VirtualHeapName* FindVirtual(absl::string_view name) const;
  absl::Status NoHeaps(absl::string_view name) const;

  // In the order of their names.
  std::vector<Entry> entries_;
  std::vector<VirtualHeapName> virtual_heaps_;
  KernelHeaps kernel_heaps_ = KernelHeaps::kNotLooked;
};

}  // namespace dmaheap

#endif  // HEAPS_REGISTRY_H_
