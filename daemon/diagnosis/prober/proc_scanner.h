// Finds who holds buffers, by looking through /proc/PID/fd and /proc/PID/maps of every process.
//
// Partial by nature: fds in flight in sockets, references inside drivers and io_uring's registered
// files are in no process's list. Processes that die meanwhile are passed over; those that may not
// be looked into, and the end of the time box, are told. A scan that ran out of time begins the
// next time where it stopped, so that every process is looked at sooner or later.
//
// A read of maps may wait for a process that changes its own mappings; nothing can interrupt that
// but death. The caller's timeout then stands for the time box.

#ifndef DAEMON_DIAGNOSIS_PROBER_PROC_SCANNER_H_
#define DAEMON_DIAGNOSIS_PROBER_PROC_SCANNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// How a real memfd is told from a file of the same name in somebody's own mount namespace: by the
// kernel's internal mount that all memfds share. What is absent is not checked.
struct MemfdMark {
  // mnt_id in fdinfo.
  absl::optional<uint64_t> mount_id;
  // The device in maps, "00:01".
  std::string device;
};

// Learns the mark from a memfd of our own. Empty where /proc does not tell.
MemfdMark LearnMemfdMark();

struct HoldKey {
  BufferBacking backing;
  uint64_t inode;
  int32_t pid;
  HoldKind kind;

  friend auto operator<=>(const HoldKey& a, const HoldKey& b) = default;
};

struct ScanResult {
  // By backing and inode.
  std::map<std::pair<BufferBacking, uint64_t>, BufferRecord> buffers;
  // How many fds or mappings.
  std::map<HoldKey, uint32_t> holds;
  // Some process was not looked into, or not to its end.
  bool partial = false;
};

class ProcScanner {
 public:
  explicit ProcScanner(MemfdMark mark) : mark_(std::move(mark)) {}

  // Looks through the processes below proc until the box ends. Errors carry the errno of reading
  // proc itself.
  absl::StatusOr<ScanResult> Scan(int proc, const TimeBox& box);

 private:
  enum class Seen { kWhole, kGone, kPartly };

  // A process that is being looked at: its folder, the folder of its fds (both borrowed), its pid.
  struct Process {
    int folder;
    int fds;
    int32_t pid;
  };

  Seen ScanProcess(int proc, int32_t pid, const TimeBox& box, ScanResult& result);
  Seen ScanFds(int process, int32_t pid, const TimeBox& box, ScanResult& result);
  void TakeFd(const Process& process, const std::string& number, absl::string_view path,
              BufferBacking backing, const TimeBox& box, ScanResult& result);
  Seen ScanMaps(int process, int32_t pid, const TimeBox& box, ScanResult& result);
  void TakeMapsLine(absl::string_view line, int32_t pid, ScanResult& result);

  const MemfdMark mark_;
  // Where the next scan begins.
  int32_t next_pid_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROC_SCANNER_H_
