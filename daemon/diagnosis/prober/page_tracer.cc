#include "daemon/diagnosis/prober/page_tracer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "daemon/log.h"
#include "proto/decimal.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

// A read takes at most a page; so much is read at once, and the rest with the next call.
constexpr int kMostReads = 64;
constexpr size_t kReadBytes = 4096;
// Longer than any line of the two events.
constexpr size_t kMaxLineBytes = 2048;
// Threads whose last refusal is remembered: the broker has one for each area.
constexpr size_t kMostThreads = 64;
// More than there are at once; an old number may be another process's by now.
constexpr size_t kMostScoutsKnown = 8;

}  // namespace

ProberReply PageTracer::Watch(uint64_t sequence, absl::string_view question) {
  ProberReply reply;
  reply.op = ProberOp::kWatchPage;
  const std::vector<absl::string_view> words = absl::StrSplit(question, ' ');
  int32_t thread = 0;
  uint64_t replaced = 0;
  if (words.size() != 2 || !ParseDecimal(words[0], thread) || thread == 0 ||
      !ParseDecimal(words[1], replaced)) {
    reply.error_number = EINVAL;
    return reply;
  }
  if (files_.pipe < 0) {
    reply.error_number = ENOTSUP;
    return reply;
  }
  Drain();
  Watched watched;
  if (auto before = watches_.extract(replaced); !before.empty()) watched = before.mapped();
  const auto attempt = attempts_.extract(thread);
  if (attempt.empty()) {
    Count();
    reply.error_number = ENOENT;
    return reply;
  }
  const Attempt& told = attempt.mapped();
  reply.attempts.push_back(
      {.error_number = told.error_number.value_or(0), .windows_refused = told.windows_refused});
  if (told.frame == 0) {
    Count();
    return reply;
  }
  if (watched.frame == told.frame) {
    watched.armed = files_.filter >= 0 && files_.enable >= 0;
    // It was let go between the end of the attempt and this question.
    if (watched.released) released_.push_back(sequence);
  } else {
    watched = Watched{.thread = thread, .frame = told.frame};
  }
  watched.asked = ++questions_;
  FrameRecord record;
  record.frame = watched.frame;
  if (watched.armed) record.present |= kFrameWatched;
  reply.frames.push_back(record);
  watches_[sequence] = watched;
  DropOldest();
  Count();
  return reply;
}

// Those of a broker that died are never ended by it.
void PageTracer::DropOldest() {
  const auto armed = [](const auto& entry) { return entry.second.armed; };
  while (watches_.size() > kMostThreads ||
         std::count_if(watches_.begin(), watches_.end(), armed) > kMostWatched) {
    const bool of_armed = watches_.size() <= kMostThreads;
    auto oldest = watches_.end();
    for (auto it = watches_.begin(); it != watches_.end(); ++it) {
      if (of_armed && !it->second.armed) continue;
      if (oldest == watches_.end() || it->second.asked < oldest->second.asked) oldest = it;
    }
    watches_.erase(oldest);
  }
}

ProberReply PageTracer::Unwatch(absl::string_view question) {
  ProberReply reply;
  reply.op = ProberOp::kUnwatchPage;
  uint64_t sequence = 0;
  if (!ParseDecimal(question, sequence)) {
    reply.error_number = EINVAL;
    return reply;
  }
  watches_.erase(sequence);
  Count();
  return reply;
}

void PageTracer::Count() {
  watches_any_ = std::any_of(watches_.begin(), watches_.end(),
                             [](const auto& entry) { return entry.second.armed; });
}

std::set<uint64_t> PageTracer::ArmedFrames() const {
  std::set<uint64_t> frames;
  for (const auto& [sequence, watched] : watches_) {
    if (watched.armed) frames.insert(watched.frame);
  }
  return frames;
}

void PageTracer::Settle() {
  const std::set<uint64_t> frames = ArmedFrames();
  if (!frames.empty()) Tell(frames);
}

bool PageTracer::Tell(const std::set<uint64_t>& frames) {
  const std::string filter = absl::StrJoin(frames, " || ", [](std::string* out, uint64_t frame) {
    absl::StrAppendFormat(out, "pfn == 0x%x", frame);
  });
  if (filter != filter_) {
    if (!Write(files_.filter, filter)) return false;
    filter_ = filter;
    told_ = frames;
  }
  if (!enabled_) enabled_ = Write(files_.enable, "1");
  return enabled_;
}

void PageTracer::Rest() {
  enabled_ = inherited_ = false;
  Write(files_.enable, "0");
}

std::vector<uint64_t> PageTracer::TakeReleased() {
  Drain();
  return std::exchange(released_, {});
}

bool PageTracer::See(uint64_t frame) {
  if (Sees(frame)) return true;
  if (files_.filter < 0 || files_.enable < 0) return false;
  std::set<uint64_t> frames = ArmedFrames();
  frames.insert(frame);
  return Tell(frames);
}

bool PageTracer::Sees(uint64_t frame) const { return enabled_ && told_.contains(frame); }

absl::optional<ReferenceDropped> PageTracer::Touch(uint64_t frame,
                                                   absl::FunctionRef<void()> touch) {
  return TouchBy(gettid(), frame, touch);
}

absl::optional<ReferenceDropped> PageTracer::TouchBy(int32_t thread, uint64_t frame,
                                                     absl::FunctionRef<void()> touch) {
  if (!IsOurs(thread)) {
    scouts_.push_back(thread);
    if (scouts_.size() > kMostScoutsKnown) scouts_.pop_front();
  }
  // A line that came late would tell of an earlier touch.
  if (!Drain()) return absl::nullopt;
  touched_ = frame;
  toucher_ = thread;
  own_drop_.reset();
  if (looked_at_ != frame) {
    looked_at_ = frame;
    left_.reset();
  }
  touch();
  Drain();
  touched_ = 0;
  return std::exchange(own_drop_, absl::nullopt);
}

absl::optional<int64_t> PageTracer::TakeLeft(uint64_t frame) {
  Drain();
  if (frame != looked_at_) return absl::nullopt;
  return std::exchange(left_, absl::nullopt);
}

bool PageTracer::Drain() {
  for (int reads = 0; reads < kMostReads; ++reads) {
    char bytes[kReadBytes];
    const ssize_t got = read(files_.pipe, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    rest_.append(bytes, static_cast<size_t>(got));
    size_t begin = 0;
    for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      TakeLine(absl::string_view(rest_).substr(begin, end - begin));
    }
    rest_.erase(0, begin);
    if (rest_.size() > kMaxLineBytes) rest_.clear();
  }
  return false;
}

void PageTracer::TakeLine(absl::string_view text) {
  const TraceLine line = ParseTraceLine(text);
  if (const auto* refused = std::get_if<WindowRefused>(&line)) OnRefused(*refused);
  if (const auto* finished = std::get_if<AllocationFinished>(&line)) OnFinished(*finished);
  if (const auto* dropped = std::get_if<ReferenceDropped>(&line)) OnDropped(*dropped);
}

PageTracer::Attempt& PageTracer::AttemptOf(int32_t thread) {
  if (attempts_.size() >= kMostThreads) attempts_.clear();
  if (allocators_.size() >= kMostThreads) allocators_.clear();
  allocators_.insert(thread);
  Attempt& attempt = attempts_[thread];
  if (attempt.error_number.has_value()) attempt = Attempt();
  return attempt;
}

void PageTracer::OnFinished(const AllocationFinished& finished) {
  AttemptOf(finished.thread).error_number = finished.error_number;
  // One that has its pages leaves nothing to be asked.
  if (finished.error_number == 0) attempts_.erase(finished.thread);
}

void PageTracer::OnRefused(const WindowRefused& refused) {
  Attempt& attempt = AttemptOf(refused.thread);
  attempt.frame = refused.frame;
  ++attempt.windows_refused;
  // What was let go before the attempt looked has not helped it.
  for (auto& [sequence, watched] : watches_) {
    if (watched.thread == refused.thread) watched.released = false;
  }
}

bool PageTracer::IsOurs(int32_t thread) const {
  return thread == gettid() || std::find(scouts_.begin(), scouts_.end(), thread) != scouts_.end();
}

// An attempt takes a reference to the page and gives it back, so not every drop is the one that was
// waited for: only one that leaves fewer than were left before, or none but mappings.
void PageTracer::OnDropped(const ReferenceDropped& dropped) {
  // What was taken to find out something was not what kept the page.
  if (IsOurs(dropped.thread)) {
    if (dropped.frame == touched_ && dropped.thread == toucher_) own_drop_ = dropped;
    return;
  }
  // One that nobody maps and somebody still has tells nothing of who shares it.
  const bool telling = dropped.references == 0 || dropped.mappings > 0;
  if (dropped.frame == looked_at_ && telling && !allocators_.contains(dropped.thread)) {
    left_ = std::min(left_.value_or(dropped.references), dropped.references);
  }
  const int64_t excess = dropped.references - dropped.mappings;
  for (auto& [sequence, watched] : watches_) {
    if (!watched.armed || watched.frame != dropped.frame) continue;
    const bool fewer = excess < watched.excess.value_or(1);
    watched.excess = std::max(watched.excess.value_or(excess), excess);
    if (fewer && !std::exchange(watched.released, true)) released_.push_back(sequence);
  }
}

// Where the kernel does not take it, nothing is watched any more.
bool PageTracer::Write(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size())) return true;
  spdlog::warn("event=no_page_watch note=\"releases of pages are not seen\" text={} errno={}",
               LogValue(text), ErrnoName(errno));
  files_.filter = files_.enable = -1;
  for (auto& [sequence, watched] : watches_) watched.armed = false;
  enabled_ = inherited_ = false;
  Count();
  return false;
}

}  // namespace dmaheap
