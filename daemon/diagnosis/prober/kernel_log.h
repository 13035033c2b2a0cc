// Answers kernel_log: the allocations that failed lately, as the kernel's log has them.
//
// /dev/kmsg gives one record with each read (devkmsg_read in kernel/printk/printk.c), and is read
// only when somebody asks. The kernel checks once who may read it, when it is opened, so that the
// prober needs CAP_SYSLOG no longer than that. Not thread-safe.

#ifndef DAEMON_DIAGNOSIS_PROBER_KERNEL_LOG_H_
#define DAEMON_DIAGNOSIS_PROBER_KERNEL_LOG_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/failure_lines.h"
#include "daemon/diagnosis/prober/log_clock.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/time_box.h"

namespace dmaheap {

class KernelLog {
 public:
  // Reads the next record: how many bytes it has, or the errno, negative.
  using ReadRecord = std::function<ssize_t(char* bytes, size_t size)>;

  // Records that are read for one answer, and no longer than its time box.
  static constexpr int kMostRecords = 16384;

  // Opens the file, /dev/kmsg for instance. What it has already is read with the first question.
  explicit KernelLog(const std::string& path);
  explicit KernelLog(ReadRecord read, TimeBox::Clock clock = MonotonicNow)
      : read_(std::move(read)), clock_(std::move(clock)) {}

  // Reads what is new. Returns why nothing can be read, ENOENT or EPERM for instance, or 0.
  int Read(const TimeBox& box);
  // The same, and one LogRecord, then the failures. kProberLogPartial: there is more to be read.
  ProberReply Answer(const TimeBox& box);

 private:
  // Why the reading ended: EAGAIN at the end of the log, 0 where there is more.
  int Drain(const TimeBox& box);
  void OnRecord(absl::string_view bytes);
  void OnGap();
  // Dates what was read.
  void Date();

  ReadRecord read_;
  TimeBox::Clock clock_ = MonotonicNow;
  // Why it can not be read.
  int error_number_ = 0;
  bool at_end_ = false;
  FailureLines lines_;
  LogClock log_clock_;
  // Nothing is missing since then, or since the record of that stamp.
  absl::Time whole_since_ = absl::InfiniteFuture();
  absl::optional<absl::Duration> first_after_gap_ = absl::nullopt;
  bool gap_ = true;
  absl::optional<uint64_t> last_sequence_ = absl::nullopt;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_KERNEL_LOG_H_
