#include "daemon/heap_setup.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "daemon/log.h"
#include "heaps/cma_sysfs.h"
#include "heaps/kernel_heaps.h"
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
  return registry;
}

}  // namespace dmaheap
