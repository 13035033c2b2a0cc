// What it cost requests that somebody held on to pages in their way: who, how often, how long.
// Inside tasks only.

#ifndef DAEMON_CORE_PINNER_COSTS_H_
#define DAEMON_CORE_PINNER_COSTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "absl/time/time.h"
#include "daemon/core/page_watch.h"
#include "daemon/core/request.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

class PinnerCosts {
 public:
  // Of more the one with the shortest delay is forgotten: who has many names fills no memory.
  static constexpr size_t kMost = 64;

  // A request waited so long for pages that these were seen to hold; at_time of the calendar.
  void Add(const PagePinners& pinners, absl::Duration delay, absl::Time at_time);

  // The longest delay first; page.after: so many were listed already.
  v1::ListPinnersResponse List(const Page& page) const;

 private:
  // Processes come and go; a program of a user in a cgroup stays.
  using Key =
      std::tuple<uint32_t, std::string, std::string, std::string, v1::Diagnosis::Pin::Cause>;
  struct Cost {
    int64_t requests = 0;
    absl::Duration delay = absl::ZeroDuration();
    absl::Time last = absl::InfinitePast();
  };

  void Add(const PageUser& user, v1::Diagnosis::Pin::Cause cause, absl::Duration delay,
           absl::Time at_time);

  std::map<Key, Cost> costs_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_PINNER_COSTS_H_
