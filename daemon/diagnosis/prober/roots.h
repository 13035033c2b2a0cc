// Where the prober looks: the folders and files of this machine, or of a test.

#ifndef DAEMON_DIAGNOSIS_PROBER_ROOTS_H_
#define DAEMON_DIAGNOSIS_PROBER_ROOTS_H_

#include <string>

namespace dmaheap {

struct ProberRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string debugfs = "/sys/kernel/debug";
  std::string kernel_log = "/dev/kmsg";
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_ROOTS_H_
