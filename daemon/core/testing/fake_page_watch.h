// A page watch whose answers the test gives. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_PAGE_WATCH_H_
#define DAEMON_CORE_TESTING_FAKE_PAGE_WATCH_H_

#include <map>
#include <utility>
#include <vector>

#include "daemon/core/page_watch.h"

namespace dmaheap {

class FakePageWatch : public PageWatch {
 public:
  bool asks() const override { return asks_; }
  Id Watch(pid_t, Id replaced, OnFound on_found, OnReleased on_released) override {
    ++asked_;
    if (!asks_) return 0;
    watches_.erase(replaced);
    watches_[++last_] = {std::move(on_found), std::move(on_released)};
    return last_;
  }
  void Unwatch(Id watch) override { watches_.erase(watch); }
  void FindMappers(uint64_t frame, OnMappers on_mappers) override {
    mappers_asked_.push_back(frame);
    on_mappers_ = std::move(on_mappers);
  }

  void FindPinners(uint64_t frame, absl::Duration, OnPinners on_pinners) override {
    pinners_asked_.push_back(frame);
    on_pinners_ = std::move(on_pinners);
  }

  // From now on pages can be asked for; or nobody can tell, as in the beginning.
  void OpenEyes() { asks_ = true; }
  void GoBlind() { asks_ = false; }

  // How often a page was asked for, and the frames whose mappers were.
  int asked() const { return asked_; }
  const std::vector<uint64_t>& mappers_asked() const { return mappers_asked_; }
  const std::vector<uint64_t>& pinners_asked() const { return pinners_asked_; }
  size_t watches() const { return watches_.size(); }

  // Answers the last that was asked; inside a task.
  void Find(absl::StatusOr<PageInTheWay> page) {
    OnFound found = std::exchange(watches_.at(last_).on_found, nullptr);
    found(std::move(page));
  }
  void Release() { watches_.at(last_).on_released(); }
  void AnswerMappers(absl::StatusOr<PageMappers> mappers) {
    std::exchange(on_mappers_, nullptr)(std::move(mappers));
  }
  void AnswerPinners(absl::StatusOr<PagePinners> pinners) {
    std::exchange(on_pinners_, nullptr)(std::move(pinners));
  }

 private:
  struct Watched {
    OnFound on_found;
    OnReleased on_released;
  };

  bool asks_ = false;
  Id last_ = 0;
  int asked_ = 0;
  std::map<Id, Watched> watches_;
  std::vector<uint64_t> mappers_asked_;
  OnMappers on_mappers_;
  std::vector<uint64_t> pinners_asked_;
  OnPinners on_pinners_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_PAGE_WATCH_H_
