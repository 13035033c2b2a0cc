// The CMA areas of this machine, from sysfs mm/cma and /proc/meminfo: which there are, how large,
// how much is free. No privilege is needed; what a kernel does not tell is absent.

#ifndef HEAPS_CMA_SYSFS_H_
#define HEAPS_CMA_SYSFS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct CmaSysfsArea {
  std::string name;
  // total_pages (since 6.14); for an area that is alone on the machine also the CmaTotal of
  // meminfo.
  absl::optional<int64_t> total_bytes;
  // The file available_pages (since 6.14), open for ReadCmaCount; empty where there is none.
  UniqueFd available_pages;
};

// sysfs is usually kCmaSysfs, meminfo kMeminfo. In the order of the names. Empty on a kernel
// without CONFIG_CMA_SYSFS.
inline constexpr char kCmaSysfs[] = "/sys/kernel/mm/cma";
inline constexpr char kMeminfo[] = "/proc/meminfo";
std::vector<CmaSysfsArea> OpenCmaAreas(const std::string& sysfs, const std::string& meminfo,
                                       int64_t page_size_bytes);

// The number in a file that is open, read from its beginning. Absent for -1 and for what is no
// number.
absl::optional<int64_t> ReadCmaCount(int fd);

}  // namespace dmaheap

#endif  // HEAPS_CMA_SYSFS_H_
