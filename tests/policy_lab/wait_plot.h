// What share of the requests was served within what time, one line for each policy: as SVG.

#ifndef TESTS_POLICY_LAB_WAIT_PLOT_H_
#define TESTS_POLICY_LAB_WAIT_PLOT_H_

#include <string>

#include "absl/types/span.h"
#include "tests/policy_lab/contest.h"

namespace dmaheap::policy_lab {

// A whole document of its own. Times are on a logarithmic axis; a policy that loses requests ends
// below 100 %.
std::string PlotWaits(absl::Span<const Score> scores);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_WAIT_PLOT_H_
