// dmaheapd: one binary, three roles, and a stop step. What a person starts is the keeper; it starts
// the broker, which serves clients and holds nothing, and the prober, which looks into the kernel
// and hears no client.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "daemon/daemon.h"
#include "daemon/diagnosis/prober/prober.h"
#include "daemon/keeper/keeper.h"
#include "daemon/keeper/privileges.h"
#include "daemon/keeper/thaw.h"
#include "daemon/log.h"
#include "daemon/options.h"

namespace dmaheap {
namespace {

const char* NameOf(Role role) {
  switch (role) {
    case Role::kBroker:
      return "broker";
    case Role::kProber:
      return "prober";
    case Role::kThaw:
      return "thaw";
    case Role::kKeeper:
      break;
  }
  return "keeper";
}

int Main(int argc, char** argv) {
  const CommandLine line = ParseCommandLine(argc, argv);
  if (!line.options.has_value()) {
    fputs(line.text.c_str(), line.exit_code == 0 ? stdout : stderr);
    return line.exit_code;
  }
  const Options& options = *line.options;
  // The level was checked with the other options.
  InitLog(options.log_level, NameOf(options.role)).IgnoreError();
  switch (options.role) {
    case Role::kBroker:
      HardenProcess("dmaheapd-broker");
      return RunBroker(options);
    case Role::kProber:
      HardenProcess("dmaheapd-prober");
      return RunProber(options);
    case Role::kThaw:
      return RunThaw(options);
    case Role::kKeeper:
      break;
  }
  return RunKeeper(options, std::vector<std::string>(argv, argv + argc));
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return dmaheap::Main(argc, argv); }
