#include "daemon/core/pinner_costs.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/core/proto_time.h"

namespace dmaheap {

using Pin = v1::Diagnosis::Pin;

void PinnerCosts::Add(const PagePinners& pinners, absl::Duration delay, absl::Time at_time) {
  for (const PageUser& user : pinners.pipe_holders) Add(user, Pin::PIPE, delay, at_time);
  for (const PageUser& user : pinners.transferers) Add(user, Pin::DIRECT_IO, delay, at_time);
}

void PinnerCosts::Add(const PageUser& user, Pin::Cause cause, absl::Duration delay,
                      absl::Time at_time) {
  Cost& cost = costs_[Key(user.uid, user.name, user.executable, user.cgroup, cause)];
  ++cost.requests;
  cost.delay += delay;
  cost.last = at_time;
  if (costs_.size() <= kMost) return;
  costs_.erase(std::min_element(costs_.begin(), costs_.end(), [](const auto& a, const auto& b) {
    return a.second.delay < b.second.delay;
  }));
}

v1::ListPinnersResponse PinnerCosts::List(const Page& page) const {
  std::vector<std::pair<Key, Cost>> sorted(costs_.begin(), costs_.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.delay > b.second.delay; });
  v1::ListPinnersResponse response;
  for (size_t i = page.after; i < sorted.size(); ++i) {
    if (response.pinners_size() == page.size) {
      response.set_next_page_token(absl::StrCat(i));
      break;
    }
    const auto& [key, cost] = sorted[i];
    v1::Pinner& pinner = *response.add_pinners();
    pinner.set_uid(std::get<0>(key));
    pinner.set_process_name(std::get<1>(key));
    pinner.set_executable(std::get<2>(key));
    pinner.set_cgroup(std::get<3>(key));
    pinner.set_cause(std::get<4>(key));
    pinner.set_delayed_requests(cost.requests);
    *pinner.mutable_delay_duration() = ToProtoDuration(cost.delay);
    *pinner.mutable_last_time() = ToTimestamp(cost.last);
  }
  return response;
}

}  // namespace dmaheap
