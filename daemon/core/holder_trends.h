// How what users hold of a heap has changed lately: a leak only grows. Inside tasks only.

#ifndef DAEMON_CORE_HOLDER_TRENDS_H_
#define DAEMON_CORE_HOLDER_TRENDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace dmaheap {

// Buffers that came and went.
struct HolderChange {
  int64_t came = 0;
  int64_t went = 0;
};

class HolderTrends {
 public:
  // What is counted is of the last kSpan to twice that.
  static constexpr absl::Duration kSpan = absl::Minutes(5);

  void Came(const std::string& heap, uint32_t uid, absl::Time now);
  void Went(const std::string& heap, uint32_t uid, absl::Time now);

  HolderChange Of(const std::string& heap, uint32_t uid, absl::Time now) const;

 private:
  // Of the span under way, and of the one before.
  struct Spans {
    absl::Time began = absl::InfinitePast();
    HolderChange now;
    HolderChange before;
  };

  static void TurnOver(Spans& spans, absl::Time now);
  Spans& At(const std::string& heap, uint32_t uid, absl::Time now);

  std::map<std::pair<std::string, uint32_t>, Spans> holders_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_HOLDER_TRENDS_H_
