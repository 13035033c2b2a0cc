#include "tests/bench/neighbours_rows.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "tests/bench/distribution.h"

namespace dmaheap::bench {
namespace {

constexpr double kP50OfQuiet = 1.5;
constexpr double kShare = 0.2;

}  // namespace

absl::Status CheckNeighbours(const NeighboursRecord& record) {
  if (record.large_attempt_ms.empty()) {
    return absl::FailedPreconditionError("the run is void: nobody tried the large request");
  }
  if (record.large_successes > 0) {
    return absl::FailedPreconditionError(absl::StrCat("the run is void: ", record.large_successes,
                                                      " of ", record.large_requests,
                                                      " large requests were not stuck"));
  }
  return absl::OkStatus();
}

std::vector<Row> NeighboursRows(const NeighboursRecord& record) {
  const auto quiet = Describe(record.quiet_ms);
  const auto busy = Describe(record.busy_ms);
  const auto large = Describe(record.large_attempt_ms);
  absl::optional<double> quiet_p50, quiet_p99, busy_p50, busy_p99, longest, share;
  absl::optional<Bound> on_p50, on_p99;
  if (quiet.has_value()) {
    quiet_p50 = quiet->p50;
    quiet_p99 = quiet->p99;
    on_p50 = Bound{Bound::Side::kAtMost, kP50OfQuiet * quiet->p50,
                   absl::StrCat(kP50OfQuiet, " x quiet")};
  }
  if (busy.has_value()) {
    busy_p50 = busy->p50;
    busy_p99 = busy->p99;
  }
  if (large.has_value()) {
    longest = large->max;
    const double sum =
        std::accumulate(record.large_attempt_ms.begin(), record.large_attempt_ms.end(), 0.0);
    if (record.busy_seconds > 0) share = sum / 1000 / record.busy_seconds;
    if (quiet.has_value()) {
      on_p99 = Bound{Bound::Side::kAtMost, quiet->p99 + large->max,
                     "quiet and the longest large attempt"};
    }
  }
  return {
      {"neighbours.quiet.p50_ms", quiet_p50, "ms", absl::nullopt},
      {"neighbours.quiet.p99_ms", quiet_p99, "ms", absl::nullopt},
      {"neighbours.busy.p50_ms", busy_p50, "ms", on_p50},
      {"neighbours.busy.p99_ms", busy_p99, "ms", on_p99},
      {"neighbours.large.longest_ms", longest, "ms", absl::nullopt},
      {"neighbours.large.worker_share", share, "ratio", Bound{Bound::Side::kAtMost, kShare, ""}}};
}

}  // namespace dmaheap::bench
