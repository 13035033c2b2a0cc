#include "tests/vm/guest/cma_counters.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

int64_t ReadNumber(const std::string& path) {
  std::ifstream file(path);
  int64_t number = -1;
  file >> number;
  EXPECT_TRUE(file) << path << " has no number";
  return number;
}

}  // namespace

CmaCounters ReadCmaCounters(const std::string& area) {
  const std::string debugfs = absl::StrCat("/sys/kernel/debug/cma/", area, "/");
  const std::string sysfs = absl::StrCat("/sys/kernel/mm/cma/", area, "/");
  CmaCounters counters;
  counters.used_pages = ReadNumber(debugfs + "used");
  counters.total_pages = ReadNumber(debugfs + "count");
  counters.allocated_pages = ReadNumber(sysfs + "alloc_pages_success");
  counters.failed_pages = ReadNumber(sysfs + "alloc_pages_fail");
  counters.released_pages = ReadNumber(sysfs + "release_pages_success");
  return counters;
}

int64_t CmaFreeBytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  while (meminfo >> key) {
    int64_t kib = 0;
    if (key == "CmaFree:" && meminfo >> kib) return kib * 1024;
    meminfo.ignore(256, '\n');
  }
  ADD_FAILURE() << "no CmaFree in /proc/meminfo";
  return -1;
}

}  // namespace dmaheap
