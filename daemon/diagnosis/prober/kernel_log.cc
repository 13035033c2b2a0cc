#include "daemon/diagnosis/prober/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/kmsg_text.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// Longer than any record (PRINTK_MESSAGE_MAX in kernel/printk/internal.h, CONSOLE_EXT_LOG_MAX
// before).
constexpr size_t kRecordBytes = 8192;

// Rounded up: it is the latest.
int64_t MicrosecondsOf(absl::Time time) { return absl::ToUnixMicros(time) + 1; }

LoggedFailureRecord ToRecord(const FailureLines::Failure& failure) {
  LoggedFailureRecord record;
  record.latest_microseconds = MicrosecondsOf(failure.latest);
  record.pages = static_cast<uint64_t>(failure.line.request_pages);
  record.error_number = failure.line.error_number;
  record.thread = failure.thread;
  // What is longer than the kernel's own names (CMA_MAX_NAME) is no area's.
  if (failure.line.area.size() < sizeof(record.area)) failure.line.area.copy(record.area, 63);
  if (!failure.free_list.has_value()) return record;
  record.total_pages = static_cast<uint64_t>(failure.free_list->total_pages);
  record.runs = static_cast<uint32_t>(failure.free_list->runs.size());
  return record;
}

}  // namespace

KernelLog::KernelLog(const std::string& path) {
  const auto file = std::make_shared<UniqueFd>(
      open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
  if (file->get() < 0) error_number_ = errno;
  read_ = [file](char* bytes, size_t size) -> ssize_t {
    const ssize_t got = read(file->get(), bytes, size);
    return got < 0 ? -errno : got;
  };
}

int KernelLog::Read(const TimeBox& box) {
  if (error_number_ != 0) return error_number_;
  const int ended = Drain(box);
  Date();
  at_end_ = ended == EAGAIN;
  // Whatever is missing was before now.
  if (at_end_ && std::exchange(gap_, false)) whole_since_ = clock_();
  // One that can be read no more will not be asked again.
  if (ended != 0 && !at_end_) error_number_ = ended;
  return error_number_;
}

int KernelLog::Drain(const TimeBox& box) {
  char bytes[kRecordBytes];
  for (int records = 0; records < kMostRecords && !box.Ended(); ++records) {
    const ssize_t got = read_(bytes, sizeof(bytes));
    if (got > 0) {
      OnRecord(absl::string_view(bytes, static_cast<size_t>(got)));
    } else if (got == -EPIPE || got == -EINVAL) {
      // The oldest were overwritten; or one did not fit into the bytes.
      OnGap();
    } else if (got != -EINTR) {
      return got == 0 ? ENODATA : static_cast<int>(-got);
    }
  }
  return 0;
}

void KernelLog::OnRecord(absl::string_view bytes) {
  const absl::Time now = clock_();
  const absl::optional<KmsgRecord> record = ParseKmsgRecord(bytes);
  if (!record.has_value()) return OnGap();
  if (last_sequence_.has_value() && record->sequence != *last_sequence_ + 1) OnGap();
  last_sequence_ = record->sequence;
  const absl::Duration stamp = absl::Microseconds(record->microseconds);
  if (std::exchange(gap_, false)) first_after_gap_ = stamp;
  log_clock_.OnRead(stamp, now);
  lines_.Take(*record, now);
}

void KernelLog::OnGap() {
  gap_ = true;
  last_sequence_.reset();
  lines_.OnGap();
}

void KernelLog::Date() {
  const absl::Time now = clock_();
  if (first_after_gap_.has_value()) {
    whole_since_ = std::min(log_clock_.Latest(*first_after_gap_), now);
    first_after_gap_.reset();
  }
  if (gap_) whole_since_ = absl::InfiniteFuture();
  for (FailureLines::Failure& failure : lines_.failures()) {
    if (failure.latest != absl::InfiniteFuture()) continue;
    failure.latest = std::min(log_clock_.Latest(failure.stamp), failure.read_at);
  }
}

ProberReply KernelLog::Answer(const TimeBox& box) {
  ProberReply reply;
  reply.op = ProberOp::kKernelLog;
  reply.error_number = Read(box);
  if (reply.error_number != 0) return reply;
  if (!at_end_) reply.flags |= kProberLogPartial;
  const absl::Time whole_since = std::min(whole_since_, clock_());
  reply.logs.push_back({.whole_since_microseconds = MicrosecondsOf(whole_since)});
  for (const FailureLines::Failure& failure : lines_.failures()) {
    reply.logged_failures.push_back(ToRecord(failure));
    if (!failure.free_list.has_value()) continue;
    for (const PageRun& run : failure.free_list->runs) {
      reply.runs.push_back({.first = static_cast<uint64_t>(run.first),
                            .pages = static_cast<uint64_t>(run.pages),
                            .range = static_cast<uint32_t>(run.range)});
    }
  }
  return reply;
}

}  // namespace dmaheap
