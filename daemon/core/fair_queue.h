// Requests that wait for one area: bounded, by priority, and fair between uids.
//
// The highest priority goes first. Who waits rises by one level with each kAgeingStep, so that no
// flood of a higher priority keeps anybody out for ever. Within a level uids take turns, whatever
// each of them asks; within a uid and priority the order is first come, first served. A request is
// admitted once and counts until it leaves, also while it is being served or waits for its next
// attempt: it holds up nobody then, and comes back with the age it had.
//
// Inside tasks of the executor only. No clock: now is the caller's.

#ifndef DAEMON_CORE_FAIR_QUEUE_H_
#define DAEMON_CORE_FAIR_QUEUE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {

// From the lowest to the highest.
inline constexpr int kPriorities = 3;

template <typename T>
class FairQueue {
 public:
  // A level up for each so long in the line: above what an attempt takes (a window of 60 MiB: up to
  // 200 ms), below what a person notices.
  static constexpr absl::Duration kAgeingStep = absl::Milliseconds(500);

  FairQueue(size_t limit, size_t limit_per_uid) : limit_(limit), limit_per_uid_(limit_per_uid) {}

  // False if there is no room for one more of uid; else it counts until Leave.
  bool Admit(uint32_t uid) {
    if (total_ >= limit_ || admitted_[uid] >= limit_per_uid_) {
      if (admitted_[uid] == 0) admitted_.erase(uid);
      return false;
    }
    ++admitted_[uid];
    ++total_;
    return true;
  }

  void Leave(uint32_t uid) {
    const auto it = admitted_.find(uid);
    if (it == admitted_.end()) return;
    if (--it->second == 0) admitted_.erase(it);
    --total_;
  }

  // Puts an admitted request into line. priority: from 0 to kPriorities - 1. since: when it first
  // stood in line; one that comes back goes ahead of those of its uid and priority that came later.
  void Push(uint32_t uid, int priority, absl::Time since, T item) {
    auto& line = lines_[uid].by_priority[static_cast<size_t>(priority)];
    const auto behind =
        std::find_if(line.begin(), line.end(), [&](const Entry& e) { return e.since > since; });
    line.insert(behind, Entry{since, std::move(item)});
    ++waiting_;
  }

  absl::optional<T> Pop(absl::Time now) {
    // The best level; within it, the uid whose last turn is the longest ago.
    auto best = lines_.end();
    size_t best_priority = 0;
    int best_level = -1;
    for (auto lines = lines_.begin(); lines != lines_.end(); ++lines) {
      for (size_t priority = kPriorities; priority-- > 0;) {
        const auto& line = lines->second.by_priority[priority];
        if (line.empty()) continue;
        const int level = LevelOf(static_cast<int>(priority), line.front().since, now);
        if (level > best_level ||
            (level == best_level && TurnOf(lines->first) < TurnOf(best->first))) {
          best = lines;
          best_priority = priority;
          best_level = level;
        }
      }
    }
    if (best == lines_.end()) return absl::nullopt;
    auto& line = best->second.by_priority[best_priority];
    T item = std::move(line.front().item);
    line.pop_front();
    --waiting_;
    const uint32_t uid = best->first;
    EraseIfEmpty(best);
    // Turns are remembered for as long as anybody waits: then nobody is before anybody.
    turns_[uid] = ++turn_;
    if (lines_.empty()) turns_.clear();
    return item;
  }

  // Takes a request out of line; false if it is not in it.
  bool Remove(uint32_t uid, const T& item) {
    return RemoveIf(uid, [&](const T& other) { return other == item; }).has_value();
  }

  // Takes the first request that wanted(item) says yes to out of line, in the order of uids.
  template <typename Wanted>
  absl::optional<T> Take(Wanted wanted) {
    for (const auto& [uid, lines] : lines_) {
      // What is found ends the loop before the line it was in may go.
      if (absl::optional<T> found = RemoveIf(uid, wanted)) return found;
    }
    return absl::nullopt;
  }

  // In line now.
  size_t waiting() const { return waiting_; }
  // Admitted and not left.
  size_t admitted() const { return total_; }

 private:
  struct Entry {
    absl::Time since;
    T item;
  };
  struct Lines {
    std::array<std::deque<Entry>, kPriorities> by_priority;
  };

  static int LevelOf(int priority, absl::Time since, absl::Time now) {
    const auto steps = (now - since) / kAgeingStep;
    return static_cast<int>(std::min<int64_t>(priority + steps, kPriorities - 1));
  }

  // Of one that had none yet: before all others.
  uint64_t TurnOf(uint32_t uid) const {
    const auto it = turns_.find(uid);
    return it == turns_.end() ? 0 : it->second;
  }

  template <typename Wanted>
  absl::optional<T> RemoveIf(uint32_t uid, Wanted wanted) {
    const auto lines = lines_.find(uid);
    if (lines == lines_.end()) return absl::nullopt;
    for (auto& line : lines->second.by_priority) {
      const auto it =
          std::find_if(line.begin(), line.end(), [&](const Entry& e) { return wanted(e.item); });
      if (it == line.end()) continue;
      absl::optional<T> item = std::move(it->item);
      line.erase(it);
      --waiting_;
      EraseIfEmpty(lines);
      return item;
    }
    return absl::nullopt;
  }

  void EraseIfEmpty(typename std::map<uint32_t, Lines>::iterator lines) {
    for (const auto& line : lines->second.by_priority) {
      if (!line.empty()) return;
    }
    lines_.erase(lines);
  }

  const size_t limit_;
  const size_t limit_per_uid_;
  size_t total_ = 0;
  size_t waiting_ = 0;
  std::map<uint32_t, size_t> admitted_;
  // Uids with somebody in line.
  std::map<uint32_t, Lines> lines_;
  // When each uid had its last turn.
  std::map<uint32_t, uint64_t> turns_;
  uint64_t turn_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_FAIR_QUEUE_H_
