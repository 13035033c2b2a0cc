// Puts pins together from what the kernel's trace tells of single pages: pure.
//
// Two things are seen:
//  - A process exits or unmaps. Each of its pages has a reference too many from the moment when it
//    is taken out of the page table until the processors have been told (mm/memory.c,
//    zap_pte_range; mm/mmu_gather.c). When that reference is given up, the trace says, page by
//    page. When the page was taken out, it does not: only when the taking out began and ended. So
//    it is laid in between, at an even pace, as pages are let go in the order in which they were
//    taken out.
//  - Somebody takes a reference by a lookup (a pipe, a direct transfer), and gives it up.
// Not seen:
//  - the microsecond in which a fork has counted a reference to a page and not yet its mapping, and
//    that in which a write copies a page: no such page was ever in the way of an attempt that was
//    looked at;
//  - a reference that was taken before the trace began, or by page_ref_mod, which a fork calls for
//    each page: a slow get_user_pages and what a driver takes of its own pages;
//  - how far an attempt is: of pages that stay after their pins, as those of a fork do, it passes
//    over those that are pinned as it comes by, and is refused for their sake in the end
//    (Recording::refusals_explained_late; one refusal in three under forks, none under exits).

#ifndef TESTS_POLICY_LAB_RECORDING_PIN_ASSEMBLY_H_
#define TESTS_POLICY_LAB_RECORDING_PIN_ASSEMBLY_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "tests/policy_lab/pin_trace.h"
#include "tests/policy_lab/recording/pin_events.h"

namespace dmaheap::policy_lab {

struct Recording {
  absl::Duration length;
  // In the order of their starts.
  std::vector<Pin> pins;
  // How often pages of the area were unmapped at once, and how many pages that were.
  int64_t unmappings = 0;
  int64_t unmapped_pages = 0;
  // References that were taken, and those of them that were not given up by the end: their pins end
  // with the recording.
  int64_t references = 0;
  int64_t references_left = 0;

  // The attempts that began and ended meanwhile.
  std::vector<absl::Duration> attempt_times;
  int64_t attempts_failed = 0;
  // Windows that were refused; for how many of them the page that the kernel names was pinned by
  // what is recorded: at that time, or not any more but since the attempt began.
  int64_t refusals = 0;
  int64_t refusals_explained = 0;
  int64_t refusals_explained_late = 0;
};

class PinAssembly {
 public:
  struct Options {
    // Of the area.
    uint64_t first_frame = 0;
    int64_t pages = 0;
    // What is recorded, of the trace's clock.
    absl::Duration begin;
    absl::Duration end;
    // Of the pages that a process lets go at once, so many are kept, 2 or more: the first, the last
    // and some evenly in between. A storm unmaps thousands a second, and who wants the whole area
    // meets the same with four of each as with all.
    int pages_per_unmapping = 4;
  };
  // Shorter references are left out: nobody who wants an area is held up by them.
  static constexpr absl::Duration kShortest = absl::Microseconds(100);

  explicit PinAssembly(const Options& options) : options_(options) {}

  // In the order of time.
  void Take(const PinEvent& event);
  // Once, in the end.
  Recording Finish();

 private:
  struct Drop {
    absl::Duration at;
    uint64_t frame = 0;
    bool stays = false;
  };
  struct Unmapping {
    absl::Duration since;
    absl::optional<absl::Duration> letting_go_since = absl::nullopt;
    std::vector<Drop> drops = {};
  };
  struct Held {
    absl::Duration since;
    // It is over when no more are left.
    int64_t excess = 0;
  };
  struct Interval {
    absl::Duration begin;
    absl::Duration end;
  };
  struct Refusal {
    absl::Duration attempt_begin;
    absl::Duration at;
    uint64_t frame = 0;
  };

  bool InArea(uint64_t frame) const {
    return frame >= options_.first_frame &&
           frame - options_.first_frame < static_cast<uint64_t>(options_.pages);
  }
  void On(const PinEvent& event, const UnmappingBegins&);
  void On(const PinEvent& event, const LettingGoBegins&);
  void On(const PinEvent& event, const UnmappingEnds&);
  void On(const PinEvent& event, const ReferenceTaken& taken);
  void On(const PinEvent& event, const ReferenceDropped& dropped);
  void On(const PinEvent& event, const AttemptBegins&);
  void On(const PinEvent& event, const WindowRefused& refused);
  void On(const PinEvent& event, const AttemptEnds& ended);
  // Its pages that were let go so far become pins.
  void Settle(Unmapping& unmapping);
  // A pin from then until the drop, cut to what is recorded; false: nothing is left of it. keep: it
  // becomes part of the trace.
  bool Add(const Drop& drop, absl::Duration begin, bool keep);
  void ExplainRefusals();

  const Options options_;
  // By thread.
  std::map<int32_t, Unmapping> unmappings_;
  std::map<int32_t, absl::Duration> attempts_;
  // By frame.
  std::map<uint64_t, Held> held_;
  std::map<uint64_t, std::vector<Interval>> pinned_;
  std::vector<Refusal> refusals_;
  Recording recording_;
};

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_RECORDING_PIN_ASSEMBLY_H_
