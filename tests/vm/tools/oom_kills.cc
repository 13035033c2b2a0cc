#include "tests/vm/tools/oom_kills.h"

#include <fstream>
#include <string>

namespace dmaheap {

int64_t OomKills() {
  std::ifstream vmstat("/proc/vmstat");
  std::string key;
  int64_t value = 0;
  while (vmstat >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return 0;
}

}  // namespace dmaheap
