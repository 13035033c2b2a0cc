#include "heaps/kernel_names.h"

#include <algorithm>
#include <array>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"

namespace dmaheap {
namespace {

constexpr std::array<absl::string_view, 4> kDefaultCmaNames = {
    "reserved", "linux,cma", "default-pool", "default_cma_region"};

bool IsDefaultCmaName(absl::string_view name) {
  return absl::c_linear_search(kDefaultCmaNames, name);
}

bool IsSystemName(absl::string_view name) {
  return name == "system" || absl::StartsWith(name, "system-") || absl::StartsWith(name, "system_");
}

// The first name of the table that is in names; empty if none is.
absl::string_view FirstDefaultName(absl::Span<const std::string> names) {
  for (const absl::string_view name : kDefaultCmaNames) {
    if (absl::c_linear_search(names, name)) return name;
  }
  return absl::string_view();
}

}  // namespace

absl::Span<const absl::string_view> DefaultCmaNames() { return kDefaultCmaNames; }

std::vector<std::string> OtherNamesOf(absl::string_view name) {
  std::vector<std::string> others;
  if (!IsDefaultCmaName(name)) return others;
  for (const absl::string_view other : kDefaultCmaNames) {
    if (other != name) others.emplace_back(other);
  }
  return others;
}

KernelHeapTraits TraitsOfNode(absl::string_view node, absl::Span<const std::string> nodes,
                              absl::Span<const std::string> cma_areas) {
  KernelHeapTraits traits;
  if (IsSystemName(node)) {
    traits.kind = v1::SYSTEM;
    traits.contiguity = v1::SCATTERED;
    return traits;
  }
  traits.area = std::string(node);
  const bool is_area = absl::c_linear_search(cma_areas, node);
  if (!is_area && !IsDefaultCmaName(node)) {
    traits.kind = v1::VENDOR;
    traits.contiguity = v1::SCATTERED;
    return traits;
  }
  traits.kind = v1::CMA;
  traits.contiguity = v1::PHYSICAL;
  if (!IsDefaultCmaName(node)) return traits;
  if (!is_area) {
    // The node of the default area whose area has another name, or no sysfs to ask.
    const absl::string_view area = FirstDefaultName(cma_areas);
    traits.area = std::string(area.empty() ? FirstDefaultName(nodes) : area);
  }
  if (node == FirstDefaultName(nodes)) {
    for (std::string& other : OtherNamesOf(node)) {
      if (!absl::c_linear_search(nodes, other)) traits.aliases.push_back(std::move(other));
    }
  }
  return traits;
}

}  // namespace dmaheap
