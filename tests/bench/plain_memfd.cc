#include "tests/bench/plain_memfd.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "heaps/linux_kernel.h"
#include "heaps/memfd_name.h"

namespace dmaheap::bench {

absl::StatusOr<UniqueFd> MakePlainMemfd(int64_t size_bytes) {
  static LinuxKernel& kernel = *new LinuxKernel;
  static const std::string& name = *new std::string(absl::StrCat(kMemfdNamePrefix, "simulated"));
  return kernel.CreateSealedMemfd(name, size_bytes);
}

}  // namespace dmaheap::bench
