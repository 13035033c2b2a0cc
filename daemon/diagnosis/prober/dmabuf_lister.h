// Answers list_dmabufs: the live buffers, from the best source that this machine has, and who holds
// them, from a scan of /proc.

#ifndef DAEMON_DIAGNOSIS_PROBER_DMABUF_LISTER_H_
#define DAEMON_DIAGNOSIS_PROBER_DMABUF_LISTER_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/proc_scanner.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

struct DmabufSource {
  std::vector<BufferRecord> buffers;
  bool complete = false;
};

// All dma-bufs by /sys/kernel/dmabuf/buffers (kernels 5.13 and later with
// CONFIG_DMABUF_SYSFS_STATS): a folder for each inode, with exporter_name and size. Errors carry
// the errno of opening it: ENOENT where this kernel does not have it, EXDEV where something is
// mounted over it.
absl::StatusOr<DmabufSource> ReadSysfsBuffers(const ProberRoots& roots, const TimeBox& box);

// All dma-bufs by debugfs. Takes the lock of each buffer, which its driver may hold for long.
absl::StatusOr<DmabufSource> ReadDebugfsBuffers(const ProberRoots& roots, const TimeBox& box);

class DmabufLister {
 public:
  DmabufLister(ProberRoots roots, MemfdMark mark)
      : roots_(std::move(roots)), scanner_(std::move(mark)) {}

  // Never fails: what can not be read makes the answer partial. sequence is left to the caller.
  ProberReply List(const TimeBox& box);

 private:
  const ProberRoots roots_;
  ProcScanner scanner_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_DMABUF_LISTER_H_
