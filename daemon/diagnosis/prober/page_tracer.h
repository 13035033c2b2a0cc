// Answers watch_page: which page was in the way of a thread's last allocation, and when somebody
// lets go of it.
//
// Reads a trace instance that the keeper made and opened (keeper/trace_instance.h). The question
// costs a read; a page is watched only once two attempts in a row met it, as each new filter makes
// the kernel wait for its readers (synchronize_rcu, up to 50 ms). One thread.

#ifndef DAEMON_DIAGNOSIS_PROBER_PAGE_TRACER_H_
#define DAEMON_DIAGNOSIS_PROBER_PAGE_TRACER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/trace_text.h"

namespace dmaheap {

class PageTracer {
 public:
  // Borrowed, open as long as this lives; -1: the keeper has none.
  struct Files {
    // Read without blocking.
    int pipe = -1;
    // Of page_ref_mod_and_test: which page, and whether at all. -1 where the kernel has no such
    // event (CONFIG_DEBUG_PAGE_REF).
    int filter = -1;
    int enable = -1;
  };

  // Pages that are watched at once; one more ends the watch of the oldest.
  static constexpr int kMostWatched = 8;

  PageTracer() = default;
  explicit PageTracer(Files files) : files_(files), inherited_(files.enable >= 0) {}

  // There is a trace; and it tells of references to pages. Not where the kernel refused to be told
  // what to trace, which it may do at any time.
  bool traces() const { return files_.pipe >= 0; }
  bool counts_references() const { return files_.filter >= 0 && files_.enable >= 0; }

  // question: "THREAD REPLACED" in digits, REPLACED the sequence of an earlier one, or 0. One
  // AttemptRecord, and, if a page refused it, one FrameRecord; kFrameWatched if it is watched from
  // now on, which Settle() sees to. error_number: EINVAL, ENOTSUP without a trace, ENOENT where it
  // tells of no page.
  ProberReply Watch(uint64_t sequence, absl::string_view question);
  // question: "SEQUENCE". No record.
  ProberReply Unwatch(absl::string_view question);

  // After the answer has gone: tells the kernel what to watch, which takes its time.
  void Settle();

  // Whose page was let go, since the last call.
  std::vector<uint64_t> TakeReleased();

  // Whether each reference to the frame that is given up is told.
  bool Sees(uint64_t frame) const;
  // The same, and has it told from now on, for about a second, where that is possible. The kernel
  // takes its time for it, up to 50 ms.
  bool See(uint64_t frame);
  // What was left of the frame's references when this thread gave one up, the last time inside
  // touch; absent: it gave up none. Only for a frame that is seen. The trace has the numbers of
  // threads of the first pid namespace.
  absl::optional<ReferenceDropped> Touch(uint64_t frame, absl::FunctionRef<void()> touch);
  // The same of another thread, one of the prober's scouts. What that one gives up at any later
  // time is nobody's release either: it may be left behind, and then gives it up when it ends.
  absl::optional<ReferenceDropped> TouchBy(int32_t thread, uint64_t frame,
                                           absl::FunctionRef<void()> touch);

  // How many references were left, the least time, when others gave some up of a frame that is
  // seen, and that is mapped or nobody's then, since the last call for it; absent: nobody did. An
  // allocation takes and gives up one itself: threads that were seen to allocate do not count.
  absl::optional<int64_t> TakeLeft(uint64_t frame);

  // What to poll for reading, then to call TakeReleased; -1 while nothing is watched.
  int fd() const { return watches_any_ ? files_.pipe : -1; }
  // Nothing is watched, and yet the kernel tells of pages: Rest() ends that. Not done at once, as
  // the next question may follow.
  bool lingers() const { return (enabled_ || inherited_) && !watches_any_; }
  void Rest();

 private:
  struct Watched {
    int32_t thread = 0;
    uint64_t frame = 0;
    bool armed = false;
    // Which question of all it was.
    uint64_t asked = 0;
    // The most references beyond its mappings that were left of it; absent: not seen yet.
    absl::optional<int64_t> excess = absl::nullopt;
    // It was told of since the thread's last attempt.
    bool released = false;
  };

  // What was told of a thread's last attempt.
  struct Attempt {
    // The page that refused the last window; 0: none did.
    uint64_t frame = 0;
    uint32_t windows_refused = 0;
    // What it came to; absent: it is not over.
    absl::optional<int> error_number = absl::nullopt;
  };

  // Whether nothing is left to be read.
  bool Drain();
  void TakeLine(absl::string_view line);
  void OnRefused(const WindowRefused& refused);
  void OnFinished(const AllocationFinished& finished);
  // The attempt that is under way.
  Attempt& AttemptOf(int32_t thread);
  void OnDropped(const ReferenceDropped& dropped);
  // Of the prober or of a scout.
  bool IsOurs(int32_t thread) const;
  void DropOldest();
  void Count();
  std::set<uint64_t> ArmedFrames() const;
  // Has the kernel tell of these.
  bool Tell(const std::set<uint64_t>& frames);
  bool Write(int fd, const std::string& text);

  Files files_;
  // Of a line that was cut off.
  std::string rest_;
  // By thread, until it is asked for.
  std::map<int32_t, Attempt> attempts_;
  // By the sequence of the question.
  std::map<uint64_t, Watched> watches_;
  std::vector<uint64_t> released_;
  uint64_t questions_ = 0;
  bool watches_any_ = false;
  // What the kernel was told, and perhaps by a prober before this one.
  bool enabled_ = false;
  bool inherited_ = false;
  std::string filter_;
  // The frames in it.
  std::set<uint64_t> told_;
  // The last reference that the touching thread gave up, and of which frame that counts; 0: of
  // none.
  uint64_t touched_ = 0;
  int32_t toucher_ = 0;
  absl::optional<ReferenceDropped> own_drop_;
  // The threads that touched last.
  std::deque<int32_t> scouts_;
  // Threads that were seen to allocate.
  std::set<int32_t> allocators_;
  // The least that others left, of the frame that was touched last.
  uint64_t looked_at_ = 0;
  absl::optional<int64_t> left_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PAGE_TRACER_H_
