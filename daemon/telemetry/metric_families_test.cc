#include "daemon/telemetry/metric_families.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

MetricsSnapshot TwoHeaps() {
  MetricsSnapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.heaps.resize(2);
  snapshot.heaps[0].name = "reserved";
  snapshot.heaps[1].name = "system";
  return snapshot;
}

// "heap=reserved outcome=ok".
std::string LabelsOf(const v1::Metric& metric) {
  std::string text;
  for (const auto& label : metric.labels()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", label.name(), "=", label.value());
  }
  return text;
}

const v1::MetricFamily& Find(const v1::Metrics& metrics, const std::string& name) {
  for (const v1::MetricFamily& family : metrics.families()) {
    if (family.name() == name) return family;
  }
  ADD_FAILURE() << "there is no family " << name;
  return v1::MetricFamily::default_instance();
}

const v1::Metric& Find(const v1::Metrics& metrics, const std::string& name,
                       const std::string& labels) {
  for (const v1::Metric& metric : Find(metrics, name).metrics()) {
    if (LabelsOf(metric) == labels) return metric;
  }
  ADD_FAILURE() << "there is no " << name << " of " << labels;
  return v1::Metric::default_instance();
}

double Number(const MetricsSnapshot& snapshot, const std::string& name,
              const std::string& labels = "") {
  return Find(ToMetrics(snapshot), name, labels).number();
}

// ---- the rules that every family keeps to

TEST(MetricFamiliesTest, TheNamesAreThese) {
  std::vector<std::string> names;
  const v1::Metrics metrics = ToMetrics(TwoHeaps());
  for (const auto& family : metrics.families()) names.push_back(family.name());

  EXPECT_EQ(names, (std::vector<std::string>{"dmaheap_allocations_total",
                                             "dmaheap_allocation_duration_seconds",
                                             "dmaheap_attempts_total",
                                             "dmaheap_backoff_seconds_total",
                                             "dmaheap_remedies_total",
                                             "dmaheap_queue_depth",
                                             "dmaheap_queue_wait_seconds",
                                             "dmaheap_pin_lifetime_seconds",
                                             "dmaheap_live_buffers",
                                             "dmaheap_live_bytes",
                                             "dmaheap_heap_size_bytes",
                                             "dmaheap_heap_free_bytes",
                                             "dmaheap_diagnoses_total",
                                             "dmaheap_diagnosis_duration_seconds",
                                             "dmaheap_sessions",
                                             "dmaheap_quota_rejections_total",
                                             "dmaheap_fd_push_failures_total",
                                             "dmaheap_reserve_hits_total",
                                             "dmaheap_reserve_misses_total",
                                             "dmaheap_build_info"}));
}

TEST(MetricFamiliesTest, ANameSaysPrefixUnitAndWhetherItIsACounter) {
  const v1::Metrics metrics = ToMetrics(TwoHeaps());
  for (const v1::MetricFamily& family : metrics.families()) {
    const std::string& name = family.name();
    const bool is_counter = family.type() == v1::MetricFamily::COUNTER;
    EXPECT_TRUE(absl::StartsWith(name, "dmaheap_")) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    EXPECT_NE(family.type(), v1::MetricFamily::TYPE_UNSPECIFIED) << name;
    EXPECT_EQ(absl::EndsWith(name, "_total"), is_counter) << name;
    EXPECT_FALSE(family.help().empty()) << name;
    EXPECT_EQ(family.help().back(), '.') << name;
    // Base units only, and a unit stands in the name if and only if there is one.
    const std::string end = is_counter ? "_total" : "";
    for (const char* unit : {"seconds", "bytes"}) {
      EXPECT_EQ(absl::EndsWith(name, absl::StrCat("_", unit, end)), family.unit() == unit) << name;
    }
    EXPECT_TRUE(family.unit().empty() || family.unit() == "seconds" || family.unit() == "bytes");
  }
}

TEST(MetricFamiliesTest, LabelsAreOfClosedSetsAndNeverSayWhoAsked) {
  const std::set<std::string> allowed = {"heap",   "outcome", "result",
                                         "remedy", "verdict", "version"};
  std::map<std::string, std::set<std::string>> values;
  const v1::Metrics metrics = ToMetrics(TwoHeaps());
  for (const v1::MetricFamily& family : metrics.families()) {
    std::set<std::string> seen;
    for (const v1::Metric& metric : family.metrics()) {
      EXPECT_TRUE(seen.insert(LabelsOf(metric)).second) << family.name() << LabelsOf(metric);
      for (const auto& label : metric.labels()) {
        EXPECT_EQ(allowed.count(label.name()), 1u) << family.name() << " " << label.name();
        EXPECT_FALSE(label.value().empty()) << family.name() << " " << label.name();
        values[label.name()].insert(label.value());
      }
    }
  }
  for (const auto& [name, its] : values) EXPECT_LE(its.size(), 24u) << name;
}

TEST(MetricFamiliesTest, TheMetricsOfAFamilyBearTheSameLabelNamesAndItsKindOfValue) {
  const v1::Metrics metrics = ToMetrics(TwoHeaps());
  for (const v1::MetricFamily& family : metrics.families()) {
    std::set<std::string> names;
    for (const v1::Metric& metric : family.metrics()) {
      std::string all;
      for (const auto& label : metric.labels()) absl::StrAppend(&all, label.name(), " ");
      names.insert(all);
      EXPECT_EQ(metric.has_histogram(), family.type() == v1::MetricFamily::HISTOGRAM);
    }
    EXPECT_LE(names.size(), 1u) << family.name();
  }
}

// A rate of what appears with its first event misses that event.
TEST(MetricFamiliesTest, EveryCombinationIsThereFromTheStartWithAZero) {
  const std::map<std::string, int> of_each_heap = {
      {"dmaheap_allocations_total", kAllocationOutcomes},
      {"dmaheap_allocation_duration_seconds", 1},
      {"dmaheap_attempts_total", 4},
      {"dmaheap_backoff_seconds_total", 1},
      {"dmaheap_remedies_total", 9},
      {"dmaheap_queue_wait_seconds", 1},
      {"dmaheap_pin_lifetime_seconds", 1},
  };
  const v1::Metrics metrics = ToMetrics(TwoHeaps());
  for (const v1::MetricFamily& family : metrics.families()) {
    if (family.type() == v1::MetricFamily::GAUGE) continue;
    const auto its = of_each_heap.find(family.name());
    const int of_the_daemon =
        family.name() == "dmaheap_diagnoses_total" ? v1::Diagnosis::Verdict_ARRAYSIZE - 1 : 1;
    EXPECT_EQ(family.metrics_size(), its == of_each_heap.end() ? of_the_daemon : 2 * its->second)
        << family.name();
    for (const v1::Metric& metric : family.metrics()) {
      EXPECT_EQ(metric.number(), 0) << family.name() << " " << LabelsOf(metric);
      EXPECT_EQ(metric.histogram().count(), 0) << family.name() << " " << LabelsOf(metric);
      EXPECT_EQ(metric.histogram().sum(), 0) << family.name() << " " << LabelsOf(metric);
    }
  }
}

// ---- what they say

TEST(MetricFamiliesTest, CountsStandWithTheirHeapAndKind) {
  MetricsSnapshot snapshot = TwoHeaps();
  HeapCounters& counters = snapshot.heaps[0].counters;
  counters.allocations[kAllocationOk] = 7;
  counters.attempts = {.ok = 1, .no_memory = 2, .error = 3, .late = 4};
  counters.backoff = absl::Milliseconds(1500);
  snapshot.heaps[1].counters.attempts.ok = 9;

  EXPECT_EQ(Number(snapshot, "dmaheap_allocations_total", "heap=reserved outcome=ok"), 7);
  EXPECT_EQ(Number(snapshot, "dmaheap_allocations_total", "heap=system outcome=ok"), 0);
  EXPECT_EQ(Number(snapshot, "dmaheap_attempts_total", "heap=reserved result=ok"), 1);
  EXPECT_EQ(Number(snapshot, "dmaheap_attempts_total", "heap=reserved result=no_memory"), 2);
  EXPECT_EQ(Number(snapshot, "dmaheap_attempts_total", "heap=reserved result=error"), 3);
  EXPECT_EQ(Number(snapshot, "dmaheap_attempts_total", "heap=reserved result=late"), 4);
  EXPECT_EQ(Number(snapshot, "dmaheap_attempts_total", "heap=system result=ok"), 9);
  EXPECT_EQ(Number(snapshot, "dmaheap_backoff_seconds_total", "heap=reserved"), 1.5);
}

TEST(MetricFamiliesTest, ARemedyHasTheResultsThatItCanHave) {
  MetricsSnapshot snapshot = TwoHeaps();
  snapshot.heaps.resize(1);
  HeapCounters& counters = snapshot.heaps[0].counters;
  counters.barriers = {.cured = 1, .failed = 2, .refused = 3, .frozen = absl::Seconds(99)};
  counters.syncs = {.helped = 4, .failed = 5, .over_box = 6, .refused = 7};
  counters.client_asks = {.asked = 99, .clients = 99, .helped = 8, .not_helped = 9};

  const v1::Metrics metrics = ToMetrics(snapshot);
  std::map<std::string, double> counts;
  for (const auto& metric : Find(metrics, "dmaheap_remedies_total").metrics()) {
    counts[LabelsOf(metric)] = metric.number();
  }
  EXPECT_EQ(counts, (std::map<std::string, double>{
                        {"heap=reserved remedy=barrier result=helped", 1},
                        {"heap=reserved remedy=barrier result=failed", 2},
                        {"heap=reserved remedy=barrier result=refused", 3},
                        {"heap=reserved remedy=sync result=helped", 4},
                        {"heap=reserved remedy=sync result=failed", 5},
                        {"heap=reserved remedy=sync result=over_box", 6},
                        {"heap=reserved remedy=sync result=refused", 7},
                        {"heap=reserved remedy=ask_clients result=helped", 8},
                        {"heap=reserved remedy=ask_clients result=failed", 9},
                    }));
}

TEST(MetricFamiliesTest, AHistogramCountsUpToEachEndAndWhatIsBeyondInTheCountOnly) {
  MetricsSnapshot snapshot = TwoHeaps();
  DurationHistogram& waits = snapshot.heaps[0].counters.queue_wait;
  waits.Add(absl::Microseconds(100));
  waits.Add(absl::Milliseconds(1));
  waits.Add(absl::Hours(1));

  const v1::Metric::Histogram histogram =
      Find(ToMetrics(snapshot), "dmaheap_queue_wait_seconds", "heap=reserved").histogram();

  ASSERT_EQ(histogram.buckets_size(), 19);
  EXPECT_DOUBLE_EQ(histogram.buckets(0).upper_end(), 0.00025);
  EXPECT_EQ(histogram.buckets(0).cumulative_count(), 1);
  EXPECT_EQ(histogram.buckets(1).cumulative_count(), 1);
  EXPECT_DOUBLE_EQ(histogram.buckets(2).upper_end(), 0.001);
  EXPECT_EQ(histogram.buckets(2).cumulative_count(), 2);
  EXPECT_DOUBLE_EQ(histogram.buckets(18).upper_end(), 65.536);
  EXPECT_EQ(histogram.buckets(18).cumulative_count(), 2);
  EXPECT_EQ(histogram.count(), 3);
  EXPECT_DOUBLE_EQ(histogram.sum(), 3600.0011);
}

TEST(MetricFamiliesTest, EachHistogramIsItsOwn) {
  MetricsSnapshot snapshot = TwoHeaps();
  HeapSnapshot& heap = snapshot.heaps[0];
  heap.counters.allocation_duration.Add(absl::Seconds(1));
  heap.counters.queue_wait.Add(absl::Seconds(2));
  heap.pin_lifetimes.Add(absl::Seconds(4));

  const v1::Metrics metrics = ToMetrics(snapshot);

  const auto sum = [&](const std::string& name) {
    return Find(metrics, name, "heap=reserved").histogram().sum();
  };
  EXPECT_EQ(sum("dmaheap_allocation_duration_seconds"), 1);
  EXPECT_EQ(sum("dmaheap_queue_wait_seconds"), 2);
  EXPECT_EQ(sum("dmaheap_pin_lifetime_seconds"), 4);
}

TEST(MetricFamiliesTest, WhatAHeapDoesNotTellIsNotThere) {
  MetricsSnapshot snapshot = TwoHeaps();
  snapshot.heaps[0].size_bytes = 4096;
  snapshot.heaps[0].free_bytes = 0;

  const v1::Metrics metrics = ToMetrics(snapshot);

  ASSERT_EQ(Find(metrics, "dmaheap_heap_size_bytes").metrics_size(), 1);
  EXPECT_EQ(Find(metrics, "dmaheap_heap_size_bytes", "heap=reserved").number(), 4096);
  ASSERT_EQ(Find(metrics, "dmaheap_heap_free_bytes").metrics_size(), 1);
  EXPECT_EQ(Find(metrics, "dmaheap_heap_free_bytes", "heap=reserved").number(), 0);
}

TEST(MetricFamiliesTest, GaugesAndTheDaemonsOwnCounts) {
  MetricsSnapshot snapshot = TwoHeaps();
  snapshot.heaps[0].queue_depth = 1;
  snapshot.heaps[0].live_buffers = 2;
  snapshot.heaps[0].live_bytes = 3;
  snapshot.sessions = 4;
  snapshot.quota_rejections = 5;
  snapshot.fd_push_failures = 6;
  snapshot.reserve_hits = 7;
  snapshot.reserve_misses = 8;
  snapshot.diagnoses.verdicts[v1::Diagnosis::FRAGMENTED] = 9;

  EXPECT_EQ(Number(snapshot, "dmaheap_queue_depth", "heap=reserved"), 1);
  EXPECT_EQ(Number(snapshot, "dmaheap_live_buffers", "heap=reserved"), 2);
  EXPECT_EQ(Number(snapshot, "dmaheap_live_bytes", "heap=reserved"), 3);
  EXPECT_EQ(Number(snapshot, "dmaheap_sessions"), 4);
  EXPECT_EQ(Number(snapshot, "dmaheap_quota_rejections_total"), 5);
  EXPECT_EQ(Number(snapshot, "dmaheap_fd_push_failures_total"), 6);
  EXPECT_EQ(Number(snapshot, "dmaheap_reserve_hits_total"), 7);
  EXPECT_EQ(Number(snapshot, "dmaheap_reserve_misses_total"), 8);
  EXPECT_EQ(Number(snapshot, "dmaheap_diagnoses_total", "verdict=fragmented"), 9);
  EXPECT_EQ(Number(snapshot, "dmaheap_build_info", "version=1.2.3"), 1);
}

}  // namespace
}  // namespace dmaheap
