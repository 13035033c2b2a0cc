#include "daemon/core/reconciler.h"

#include <utility>

#include "daemon/limits.h"

namespace dmaheap {

Reconciler::Reconciler(Executor& executor, Worker& worker, LiveView& view,
                       absl::AnyInvocable<void(const std::vector<BufferKey>&)> on_gone)
    : executor_(executor), worker_(worker), view_(view), on_gone_(std::move(on_gone)) {}

Reconciler::~Reconciler() { *self_ = nullptr; }

void Reconciler::Reconcile(Task done) {
  next_.push_back(std::move(done));
  if (!reading_) Begin();
}

void Reconciler::ReconcileIfStale(Task done) {
  if (executor_.Now() - last_begin_ >= kMinReconcileInterval) {
    Reconcile(std::move(done));
  } else if (reading_) {
    current_.push_back(std::move(done));
  } else {
    done();
  }
}

void Reconciler::ReconcileSoon() {
  if (soon_) return;
  const absl::Duration since = executor_.Now() - last_begin_;
  if (since >= kMinReconcileInterval) return Reconcile([] {});
  soon_ = true;
  executor_.After(kMinReconcileInterval - since, [self = self_] {
    if (*self == nullptr) return;
    (*self)->soon_ = false;
    (*self)->Reconcile([] {});
  });
}

void Reconciler::Begin() {
  reading_ = true;
  last_begin_ = executor_.Now();
  current_ = std::exchange(next_, {});
  worker_.Run([self = self_, &view = view_, &executor = executor_] {
    executor.Post([self, gone = view.TakeGone()] {
      if (*self == nullptr) return;
      Reconciler& reconciler = **self;
      reconciler.on_gone_(gone);
      reconciler.reading_ = false;
      std::vector<Task> done = std::exchange(reconciler.current_, {});
      if (!reconciler.next_.empty()) reconciler.Begin();
      for (Task& task : done) task();
    });
  });
}

void Reconciler::TakeSignalled() {
  const std::vector<BufferKey> gone = view_.TakeSignalled();
  if (!gone.empty()) on_gone_(gone);
}

void Reconciler::Settle() {
  const bool settling = settles_left_ > 0;
  settles_left_ = kSettleAttempts;
  if (!settling) SettleOnce();
}

void Reconciler::SettleOnce() {
  Reconcile([this] {
    if (--settles_left_ == 0) return;
    executor_.After(kSettleInterval, [self = self_] {
      if (*self != nullptr) (*self)->SettleOnce();
    });
  });
}

}  // namespace dmaheap
