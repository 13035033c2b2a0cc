#include "daemon/heap_setup.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "daemon/log.h"
#include "heaps/cma_sysfs.h"
#include "heaps/kernel_heaps.h"
#include "heaps/kernel_names.h"
#include "heaps/simulated_heap.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

absl::Status AddSimulatedHeap(HeapRegistry& registry, Kernel& kernel, const std::string& name,
                              int64_t size_bytes, uint64_t seed) {
  SimulatedHeapOptions options;
  options.name = name;
  options.size_bytes = size_bytes;
  options.area.seed = seed;
  options.kernel = &kernel;
  options.clock = &RealSimulationClock();
  auto heap = SimulatedHeap::Create(std::move(options));
  if (!heap.ok()) return heap.status();
  return registry.Add(*std::move(heap));
}

// The contiguous default area: the kernel's, by whichever of its names or an alias of the policy,
// else the first simulated heap. Empty where there is neither.
std::string DefaultArea(const HeapRegistry& registry,
                        const absl::optional<SimulateOption>& simulate,
                        const EffectivePolicy& policy) {
  for (const absl::string_view name : DefaultCmaNames()) {
    const auto heap = registry.Find(name);
    if (heap.ok() && (*heap)->description().contiguity != v1::SCATTERED) return std::string(name);
  }
  if (simulate.has_value()) return simulate->name;
  if (!policy.simulated_heaps().empty()) return policy.simulated_heaps().front().name;
  return "";
}

absl::Status AddVirtualHeaps(HeapRegistry& registry, const std::string& default_area,
                             const EffectivePolicy& policy) {
  for (const VirtualHeapConfig& heap : policy.virtual_heaps()) {
    if (heap.heap.empty() && default_area.empty()) {
      spdlog::info("event=virtual_heap_left_out name={} reason=\"there is no contiguous heap\"",
                   LogValue(heap.name));
      continue;
    }
    if (IsShipped(heap) && registry.Find(heap.name).ok()) {
      spdlog::info("event=virtual_heap_left_out name={} reason=\"another heap has its name\"",
                   LogValue(heap.name));
      continue;
    }
    if (absl::Status status =
            registry.AddVirtual(heap.name, heap.heap.empty() ? default_area : heap.heap);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

HeapRegistry::KernelHeaps LookForKernelHeaps(const std::string& folder) {
  const bool missing = access(folder.c_str(), F_OK) != 0 && errno == ENOENT;
  return missing ? HeapRegistry::KernelHeaps::kUnsupported : HeapRegistry::KernelHeaps::kSupported;
}

absl::StatusOr<std::unique_ptr<HeapRegistry>> SetUpHeaps(HeapSetup setup,
                                                         const EffectivePolicy& policy) {
  Kernel& kernel = *setup.kernel;
  auto registry = std::make_unique<HeapRegistry>();
  registry->SetKernelHeaps(setup.kernel_heaps);
  for (auto& heap :
       MakeKernelHeaps(std::move(setup.nodes),
                       OpenCmaAreas(kCmaSysfs, kMeminfo, kernel.page_size_bytes()), &kernel)) {
    const std::string name = heap->description().name;
    if (absl::Status status = registry->Add(std::move(heap)); !status.ok()) {
      spdlog::warn("event=heap_left_out name={} {}", LogValue(name), LogStatus(status));
    }
  }
  if (setup.simulate.has_value()) {
    if (absl::Status status = AddSimulatedHeap(*registry, kernel, setup.simulate->name,
                                               setup.simulate->size_bytes, /*seed=*/0);
        !status.ok()) {
      return status;
    }
  }
  for (const SimulatedHeapConfig& heap : policy.simulated_heaps()) {
    if (absl::Status status =
            AddSimulatedHeap(*registry, kernel, heap.name, heap.size_bytes, heap.seed);
        !status.ok()) {
      return status;
    }
  }
  for (const HeapAliasConfig& alias : policy.heap_aliases()) {
    if (absl::Status status = registry->AddAlias(alias.alias, alias.heap); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status =
          AddVirtualHeaps(*registry, DefaultArea(*registry, setup.simulate, policy), policy);
      !status.ok()) {
    return status;
  }
  return registry;
}

}  // namespace dmaheap
