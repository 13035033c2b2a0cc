#include "tests/policy_lab/score_table.h"

#include "absl/strings/str_format.h"

namespace dmaheap::policy_lab {
namespace {

double Ms(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

}  // namespace

std::string ScoreHead() {
  return absl::StrFormat("%-20s %7s %9s %9s %9s %9s %6s %6s %8s %9s %6s\n", "POLICY", "SERVED",
                         "MEAN MS", "P50 MS", "P99 MS", "MAX MS", "TRIES", "WOKEN", "BARRIERS",
                         "FROZEN MS", "CURED");
}

std::string ScoreLine(const Score& score) {
  const std::string cured =
      score.barriers_mean > 0 ? absl::StrFormat("%.0f%%", 100 * score.cured_ratio) : "-";
  return absl::StrFormat("%-20s %6.1f%% %9.1f %9.1f %9.1f %9.1f %6.2f %6.2f %8.2f %9.2f %6s\n",
                         score.policy, 100 * score.success_ratio(), Ms(score.mean_wait),
                         Ms(score.Percentile(0.5)), Ms(score.Percentile(0.99)),
                         Ms(score.Percentile(1)), score.attempts_mean, score.woken_mean,
                         score.barriers_mean, Ms(score.frozen_mean), cured);
}

std::string ScoreNotes() {
  return "MEAN is over all requests, the percentiles over those that were served. For each "
         "request: "
         "TRIES, of\nthem WOKEN by the release of the page in the way; how often a BARRIER froze "
         "the "
         "policy's cgroup, and\nfor how long. CURED: of the attempts behind one, those that "
         "succeeded.\n";
}

}  // namespace dmaheap::policy_lab
