#include "tests/bench/machine.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace dmaheap::bench {

std::string CpuModelIn(absl::string_view cpuinfo) {
  for (const absl::string_view line : absl::StrSplit(cpuinfo, '\n')) {
    if (!absl::StartsWith(line, "model name")) continue;
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return "";
}

Machine ThisMachine() {
  Machine machine;
  std::stringstream cpuinfo;
  cpuinfo << std::ifstream("/proc/cpuinfo").rdbuf();
  utsname system = {};
  uname(&system);
  const std::string model = CpuModelIn(cpuinfo.str());
  machine.cpu = model.empty() ? system.machine : model;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  machine.cpus = CPU_COUNT(&allowed);
  machine.memory_mib =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / (1 << 20);
  machine.kernel = system.release;
  getloadavg(&machine.load_average, 1);
#ifdef NDEBUG
  machine.build = "release";
#else
  machine.build = "debug";
#endif
  return machine;
}

}  // namespace dmaheap::bench
