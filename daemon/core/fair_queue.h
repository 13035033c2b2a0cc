// Requests that wait for one heap: bounded, and fair between uids.
//
// Uids take turns, whatever each of them asks; within a uid the order is first come, first served.
// A request is admitted once and counts until it leaves, also while it is being served or waits for
// its next attempt. Inside tasks of the executor only.

#ifndef DAEMON_CORE_FAIR_QUEUE_H_
#define DAEMON_CORE_FAIR_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <utility>

#include "absl/types/optional.h"

namespace dmaheap {

template <typename T>
class FairQueue {
 public:
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

  // Puts an admitted request into line. first: ahead of the uid's others, for one that was in line
  // before them and comes back.
  void Push(uint32_t uid, T item, bool first = false) {
    auto& line = lines_[uid];
    if (line.empty()) turns_.push_back(uid);
    if (first) {
      line.push_front(std::move(item));
    } else {
      line.push_back(std::move(item));
    }
    ++waiting_;
  }

  absl::optional<T> Pop() {
    if (turns_.empty()) return absl::nullopt;
    const uint32_t uid = turns_.front();
    turns_.pop_front();
    const auto line = lines_.find(uid);
    T item = std::move(line->second.front());
    line->second.pop_front();
    --waiting_;
    if (line->second.empty()) {
      lines_.erase(line);
    } else {
      turns_.push_back(uid);
    }
    return item;
  }

  // Takes a request out of line; false if it is not in it.
  bool Remove(uint32_t uid, const T& item) {
    const auto line = lines_.find(uid);
    if (line == lines_.end()) return false;
    const auto it = std::find(line->second.begin(), line->second.end(), item);
    if (it == line->second.end()) return false;
    line->second.erase(it);
    --waiting_;
    if (line->second.empty()) {
      lines_.erase(line);
      turns_.remove(uid);
    }
    return true;
  }

  // In line now.
  size_t waiting() const { return waiting_; }
  // Admitted and not left.
  size_t admitted() const { return total_; }

 private:
  const size_t limit_;
  const size_t limit_per_uid_;
  size_t total_ = 0;
  size_t waiting_ = 0;
  std::map<uint32_t, size_t> admitted_;
  std::map<uint32_t, std::deque<T>> lines_;
  // Uids with somebody in line, the next one first.
  std::list<uint32_t> turns_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_FAIR_QUEUE_H_
