#include "daemon/core/holder_trends.h"

namespace dmaheap {

void HolderTrends::TurnOver(Spans& spans, absl::Time now) {
  if (now < spans.began + kSpan) return;
  spans.before = now < spans.began + 2 * kSpan ? spans.now : HolderChange();
  spans.now = HolderChange();
  spans.began = now;
}

HolderTrends::Spans& HolderTrends::At(const std::string& heap, uint32_t uid, absl::Time now) {
  Spans& spans = holders_[{heap, uid}];
  TurnOver(spans, now);
  return spans;
}

void HolderTrends::Came(const std::string& heap, uint32_t uid, absl::Time now) {
  ++At(heap, uid, now).now.came;
}

void HolderTrends::Went(const std::string& heap, uint32_t uid, absl::Time now) {
  ++At(heap, uid, now).now.went;
}

HolderChange HolderTrends::Of(const std::string& heap, uint32_t uid, absl::Time now) const {
  const auto it = holders_.find({heap, uid});
  if (it == holders_.end()) return {};
  Spans spans = it->second;
  TurnOver(spans, now);
  return {.came = spans.before.came + spans.now.came, .went = spans.before.went + spans.now.went};
}

}  // namespace dmaheap
