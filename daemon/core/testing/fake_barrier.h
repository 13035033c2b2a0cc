// A barrier whose answers the test gives. One thread.

#ifndef DAEMON_CORE_TESTING_FAKE_BARRIER_H_
#define DAEMON_CORE_TESTING_FAKE_BARRIER_H_

#include <utility>
#include <vector>

#include "daemon/core/barrier.h"

namespace dmaheap {

class FakeBarrier : public Barrier {
 public:
  struct Asked {
    int cgroup;
    absl::Duration box;
  };

  explicit FakeBarrier(int cgroups = 1) : cgroups_(cgroups) {}

  int cgroups() const override { return cgroups_; }
  void Freeze(int cgroup, absl::Duration box, OnFrozen on_frozen, OnThawed on_thawed) override {
    asked_.push_back({cgroup, box});
    on_frozen_ = std::move(on_frozen);
    on_thawed_ = std::move(on_thawed);
  }
  void Thaw() override { ++thaws_; }
  void Run(absl::FunctionRef<void()> attempt) override {
    ++runs_;
    attempt();
  }

  // Every Freeze so far, and how often Thaw was called.
  const std::vector<Asked>& asked() const { return asked_; }
  int thaws() const { return thaws_; }
  // Attempts that were made in one.
  int runs() const { return runs_; }
  // Whether a Freeze waits for its answer, or a frozen cgroup for its thaw.
  bool waiting() const { return on_frozen_ != nullptr; }
  bool frozen() const { return on_frozen_ == nullptr && on_thawed_ != nullptr; }

  // Answers the last Freeze, and ends it; inside a task.
  void AnswerFreeze(absl::Status status) {
    OnFrozen done = std::exchange(on_frozen_, nullptr);
    if (!status.ok()) on_thawed_ = nullptr;
    done(std::move(status));
  }
  void AnswerThaw(absl::Duration frozen_for) {
    OnThawed done = std::exchange(on_thawed_, nullptr);
    done(frozen_for);
  }

 private:
  const int cgroups_;
  std::vector<Asked> asked_;
  int thaws_ = 0;
  int runs_ = 0;
  OnFrozen on_frozen_;
  OnThawed on_thawed_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_TESTING_FAKE_BARRIER_H_
