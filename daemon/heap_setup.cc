#include "daemon/heap_setup.h"

#include "absl/status/status.h"
#include "heaps/cma_sysfs.h"
#include "heaps/dma_heap.h"
#include "heaps/kernel_names.h"
#include "heaps/simulated_heap.h"

namespace dmaheap {
namespace {

absl::Status AddKernelHeaps(HeapRegistry& registry, Kernel& kernel,
                            std::vector<std::pair<std::string, UniqueFd>> nodes) {
  std::vector<std::string> names;
  for (const auto& [name, fd] : nodes) names.push_back(name);
  std::vector<CmaSysfsArea> areas = OpenCmaAreas(kCmaSysfs, kMeminfo, kernel.page_size_bytes());
  std::vector<std::string> area_names;
  for (const CmaSysfsArea& area : areas) area_names.push_back(area.name);

  for (auto& [name, fd] : nodes) {
    const KernelHeapTraits traits = TraitsOfNode(name, names, area_names);
    DmaHeapOptions options;
    options.description.name = name;
    options.description.aliases = traits.aliases;
    options.description.kind = traits.kind;
    options.description.contiguity = traits.contiguity;
    options.description.area = traits.area;
    for (const CmaSysfsArea& area : areas) {
      if (traits.kind != v1::CMA || area.name != traits.area) continue;
      options.description.size_bytes = area.total_bytes;
      // Two nodes of one area each read it through an fd of their own.
      if (area.available_pages.valid()) options.available_pages = area.available_pages.Dup();
    }
    options.node = std::move(fd);
    options.kernel = &kernel;
    if (absl::Status status = registry.Add(std::make_unique<DmaHeap>(std::move(options)));
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

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

absl::StatusOr<std::unique_ptr<HeapRegistry>> SetUpHeaps(
    Kernel& kernel, std::vector<std::pair<std::string, UniqueFd>> nodes,
    const absl::optional<SimulateOption>& simulate, const EffectivePolicy& policy) {
  auto registry = std::make_unique<HeapRegistry>();
  if (absl::Status status = AddKernelHeaps(*registry, kernel, std::move(nodes)); !status.ok()) {
    return status;
  }
  if (simulate.has_value()) {
    if (absl::Status status =
            AddSimulatedHeap(*registry, kernel, simulate->name, simulate->size_bytes, /*seed=*/0);
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
