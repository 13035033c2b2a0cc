// A lister whose answers the test gives. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_BUFFER_LISTER_H_
#define DAEMON_CORE_TESTING_FAKE_BUFFER_LISTER_H_

#include <deque>
#include <utility>

#include "daemon/core/buffer_lister.h"

namespace dmaheap {

class FakeBufferLister : public BufferLister {
 public:
  void List(Done done) override {
    ++looks_;
    waiting_.push_back(std::move(done));
  }

  // Looks that were asked for.
  int looks() const { return looks_; }
  bool waiting() const { return !waiting_.empty(); }
  // Answers the oldest that waits; inside a task.
  void Answer(absl::StatusOr<BufferListing> listing) {
    Done done = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(listing));
  }

 private:
  int looks_ = 0;
  std::deque<Done> waiting_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_BUFFER_LISTER_H_
