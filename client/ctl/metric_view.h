// How the daemon's metrics look as a table. Pure functions.

#ifndef CLIENT_CTL_METRIC_VIEW_H_
#define CLIENT_CTL_METRIC_VIEW_H_

#include "absl/types/optional.h"
#include "client/ctl/table.h"
#include "dmaheap/v1/metrics.pb.h"

namespace dmaheap::ctl {

// One row a metric; a histogram's VALUE is its count. Names stand without "dmaheap_". What never
// happened (a counter of zero, an empty histogram) is there only if wide: it would hide the rest.
Table MetricTable(const v1::Metrics& metrics, bool wide);

// Below which share (of 0 to 1) of what was counted lies, as if it were spread evenly within each
// bucket. Infinite beyond the last end; absent if nothing was counted.
absl::optional<double> QuantileOf(const v1::Metric::Histogram& histogram, double share);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_METRIC_VIEW_H_
