#include "client/ctl/metric_view.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

v1::MetricFamily& AddFamily(v1::Metrics& metrics, const std::string& name,
                            v1::MetricFamily::Type type, const std::string& unit = "") {
  v1::MetricFamily& family = *metrics.add_families();
  family.set_name(name);
  family.set_type(type);
  family.set_unit(unit);
  return family;
}

v1::Metric& AddMetric(v1::MetricFamily& family, const Labels& labels) {
  v1::Metric& metric = *family.add_metrics();
  for (const auto& [name, value] : labels) {
    v1::Metric::Label& label = *metric.add_labels();
    label.set_name(name);
    label.set_value(value);
  }
  return metric;
}

// Ends at 1, 2 and 4 ms with so many in each bucket, and some beyond.
v1::Metric::Histogram Histogram(const std::vector<int>& counts, int beyond, double sum) {
  v1::Metric::Histogram histogram;
  double end = 0.001;
  int count = 0;
  for (const int its : counts) {
    v1::Metric::Histogram::Bucket& bucket = *histogram.add_buckets();
    bucket.set_upper_end(end);
    bucket.set_cumulative_count(count += its);
    end *= 2;
  }
  histogram.set_count(count + beyond);
  histogram.set_sum(sum);
  return histogram;
}

v1::Metrics Metrics() {
  v1::Metrics metrics;
  v1::MetricFamily& allocations =
      AddFamily(metrics, "dmaheap_allocations_total", v1::MetricFamily::COUNTER);
  AddMetric(allocations, {{"heap", "reserved"}, {"outcome", "ok"}}).set_number(12345678);
  AddMetric(allocations, {{"heap", "reserved"}, {"outcome", "deadline"}}).set_number(0);
  v1::MetricFamily& durations = AddFamily(metrics, "dmaheap_allocation_duration_seconds",
                                          v1::MetricFamily::HISTOGRAM, "seconds");
  *AddMetric(durations, {{"heap", "reserved"}}).mutable_histogram() =
      Histogram({50, 49, 0}, 1, 0.25);
  *AddMetric(durations, {{"heap", "system"}}).mutable_histogram() = Histogram({0, 0, 0}, 0, 0);
  v1::MetricFamily& backoff =
      AddFamily(metrics, "dmaheap_backoff_seconds_total", v1::MetricFamily::COUNTER, "seconds");
  AddMetric(backoff, {{"heap", "reserved"}}).set_number(3723.4567);
  v1::MetricFamily& live =
      AddFamily(metrics, "dmaheap_live_bytes", v1::MetricFamily::GAUGE, "bytes");
  AddMetric(live, {{"heap", "reserved"}}).set_number(74649600);
  v1::MetricFamily& sessions = AddFamily(metrics, "dmaheap_sessions", v1::MetricFamily::GAUGE);
  AddMetric(sessions, {}).set_number(0);
  return metrics;
}

TEST(MetricViewTest, TheTableLeavesOutWhatNeverHappened) {
  EXPECT_EQ(PrintTable(MetricTable(Metrics(), /*wide=*/false), 80),
            "NAME                         LABELS                       VALUE   MEAN  P50  P99\n"
            "allocations_total            heap=reserved outcome=ok  12345678      -    -    -\n"
            "allocation_duration_seconds  heap=reserved                  100  2.5ms  1ms  2ms\n"
            "backoff_seconds_total        heap=reserved                 1h2m      -    -    -\n"
            "live_bytes                   heap=reserved              71.1MiB      -    -    -\n"
            "sessions                     -                                0      -    -    -\n");
}

TEST(MetricViewTest, WideSaysEverything) {
  const std::string text = PrintTable(MetricTable(Metrics(), /*wide=*/true), 0);

  EXPECT_NE(text.find("heap=reserved outcome=deadline "), std::string::npos) << text;
  EXPECT_NE(text.find("allocation_duration_seconds  heap=system "), std::string::npos) << text;
}

TEST(MetricViewTest, AQuantileLiesWithinItsBucketWhereItsShareIsReached) {
  const v1::Metric::Histogram histogram = Histogram({10, 20, 10}, 0, 1);

  EXPECT_DOUBLE_EQ(*QuantileOf(histogram, 0.25), 0.001);
  EXPECT_DOUBLE_EQ(*QuantileOf(histogram, 0.5), 0.0015);
  EXPECT_DOUBLE_EQ(*QuantileOf(histogram, 1), 0.004);
}

TEST(MetricViewTest, AnEmptyBucketIsPassedOver) {
  EXPECT_DOUBLE_EQ(*QuantileOf(Histogram({0, 0, 4}, 0, 1), 0.5), 0.003);
  EXPECT_DOUBLE_EQ(*QuantileOf(Histogram({0, 0, 4}, 0, 1), 0), 0.002);
}

TEST(MetricViewTest, BeyondTheLastEndIsSaidAsSuch) {
  const v1::Metric::Histogram histogram = Histogram({1, 0, 0}, 9, 100);
  v1::Metrics metrics;
  v1::MetricFamily& family =
      AddFamily(metrics, "dmaheap_queue_wait_seconds", v1::MetricFamily::HISTOGRAM, "seconds");
  *AddMetric(family, {}).mutable_histogram() = histogram;

  EXPECT_TRUE(std::isinf(*QuantileOf(histogram, 0.5)));
  EXPECT_EQ(MetricTable(metrics, /*wide=*/false).rows.at(0),
            (std::vector<std::string>{"queue_wait_seconds", "", "10", "10s", ">4ms", ">4ms"}));
}

TEST(MetricViewTest, OfNothingThereIsNoQuantile) {
  EXPECT_EQ(QuantileOf(Histogram({0, 0, 0}, 0, 0), 0.5), absl::nullopt);
}

}  // namespace
}  // namespace dmaheap::ctl
