#include "daemon/heap_setup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/log.h"
#include "heaps/cma_sysfs.h"
#include "heaps/drm_dumb_heap.h"
#include "heaps/kernel_heaps.h"
#include "heaps/kernel_names.h"
#include "heaps/linux_drm_device.h"
#include "heaps/simulated_heap.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

absl::Status AddDrmHeap(HeapRegistry& registry, Kernel& kernel, HeapNode card) {
  DrmDumbHeapOptions options;
  options.name = card.name;
  options.machine_may_have_iommu = MachineMayHaveIommu(kIommuClass);
  options.device = std::make_unique<LinuxDrmDevice>(std::move(card.fd));
  options.kernel = &kernel;
  auto heap = DrmDumbHeap::Create(std::move(options));
  absl::Status status = heap.status();
  if (status.ok()) status = registry.Add(*std::move(heap));
  if (status.ok()) return status;
  return absl::Status(
      status.code(), absl::StrCat("--drm-heap=", card.name, "=...: ", status.message(),
                                  ". Give the heap another name or card, or leave the option out"));
}

// udmabuf is -1 where there is none.
absl::Status AddSimulatedHeap(HeapRegistry& registry, Kernel& kernel, int udmabuf,
                              const SimulatedHeapConfig& config) {
  SimulatedHeapOptions options;
  options.name = config.name;
  options.size_bytes = config.size_bytes;
  options.area.seed = config.seed;
  if (udmabuf >= 0) {
    options.udmabuf.Reset(fcntl(udmabuf, F_DUPFD_CLOEXEC, 0));
    if (!options.udmabuf.valid()) return ErrnoStatus(errno, "duplicating udmabuf's fd");
  }
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
  for (HeapNode& card : setup.drm_cards) {
    if (absl::Status status = AddDrmHeap(*registry, kernel, std::move(card)); !status.ok()) {
      return status;
    }
  }
  std::vector<SimulatedHeapConfig> simulated;
  if (setup.simulate.has_value()) {
    simulated.push_back({.name = setup.simulate->name, .size_bytes = setup.simulate->size_bytes});
  }
  simulated.insert(simulated.end(), policy.simulated_heaps().begin(),
                   policy.simulated_heaps().end());
  for (const SimulatedHeapConfig& heap : simulated) {
    if (absl::Status status = AddSimulatedHeap(*registry, kernel, setup.udmabuf.get(), heap);
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
