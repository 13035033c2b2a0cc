#include "daemon/telemetry/metric_families.h"

#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace dmaheap {
namespace {

using Labels = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

constexpr absl::string_view kSeconds = "seconds";
constexpr absl::string_view kBytes = "bytes";

// One family while it is filled.
class Family {
 public:
  Family(v1::Metrics& metrics, v1::MetricFamily::Type type, absl::string_view name,
         absl::string_view help, absl::string_view unit)
      : family_(*metrics.add_families()) {
    family_.set_type(type);
    family_.set_name(absl::StrCat("dmaheap_", name));
    family_.set_help(std::string(help));
    family_.set_unit(std::string(unit));
  }

  void Add(Labels labels, double number) { AddMetric(labels).set_number(number); }
  void Add(Labels labels, int64_t number) { Add(labels, static_cast<double>(number)); }
  // A heap that does not know the number has no metric: a zero would be a lie.
  void Add(Labels labels, const absl::optional<int64_t>& number) {
    if (number.has_value()) Add(labels, *number);
  }
  void Add(Labels labels, const DurationHistogram& histogram) {
    v1::Metric::Histogram& message = *AddMetric(labels).mutable_histogram();
    int64_t count = 0;
    for (size_t i = 0; i < DurationHistogram::kBuckets; ++i) {
      count += histogram.counts[i];
      if (i + 1 == DurationHistogram::kBuckets) break;  // has no end
      v1::Metric::Histogram::Bucket& bucket = *message.add_buckets();
      bucket.set_upper_end(absl::ToDoubleSeconds(DurationHistogram::UpperEnd(i)));
      bucket.set_cumulative_count(count);
    }
    message.set_count(count);
    message.set_sum(absl::ToDoubleSeconds(histogram.sum));
  }

 private:
  v1::Metric& AddMetric(Labels labels) {
    v1::Metric& metric = *family_.add_metrics();
    for (const auto& [name, value] : labels) {
      v1::Metric::Label& label = *metric.add_labels();
      label.set_name(std::string(name));
      label.set_value(std::string(value));
    }
    return metric;
  }

  v1::MetricFamily& family_;
};

Family Counter(v1::Metrics& metrics, absl::string_view name, absl::string_view help,
               absl::string_view unit = "") {
  return {metrics, v1::MetricFamily::COUNTER, name, help, unit};
}
Family Gauge(v1::Metrics& metrics, absl::string_view name, absl::string_view help,
             absl::string_view unit = "") {
  return {metrics, v1::MetricFamily::GAUGE, name, help, unit};
}
Family Durations(v1::Metrics& metrics, absl::string_view name, absl::string_view help) {
  return {metrics, v1::MetricFamily::HISTOGRAM, name, help, kSeconds};
}

void AddAllocations(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Family allocations =
      Counter(metrics, "allocations_total",
              "Requests for buffers of a heap that ended, by what came of them. Refills of "
              "reservations and dry runs are not among them.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    for (size_t i = 0; i < kAllocationOutcomes; ++i) {
      allocations.Add({{"heap", heap.name}, {"outcome", AllocationOutcomeName(i)}},
                      heap.counters.allocations[i]);
    }
  }
  Family durations = Durations(metrics, "allocation_duration_seconds",
                               "From a request to its answer, of those that got their buffers.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    durations.Add({{"heap", heap.name}}, heap.counters.allocation_duration);
  }
}

void AddAttempts(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Family attempts =
      Counter(metrics, "attempts_total",
              "Tries of a heap that came back; late ones when their request had ended.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    const AttemptCounts& counts = heap.counters.attempts;
    attempts.Add({{"heap", heap.name}, {"result", "ok"}}, counts.ok);
    attempts.Add({{"heap", heap.name}, {"result", "no_memory"}}, counts.no_memory);
    attempts.Add({{"heap", heap.name}, {"result", "error"}}, counts.error);
    attempts.Add({{"heap", heap.name}, {"result", "late"}}, counts.late);
  }
  Family backoff =
      Counter(metrics, "backoff_seconds_total",
              "Time that requests waited between two tries, once the wait is over.", kSeconds);
  for (const HeapSnapshot& heap : snapshot.heaps) {
    backoff.Add({{"heap", heap.name}}, absl::ToDoubleSeconds(heap.counters.backoff));
  }
}

// Of each remedy those results that it can have.
void AddRemedies(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Family remedies =
      Counter(metrics, "remedies_total",
              "What came of barriers and syncs, by the try right after, and of asking clients, by "
              "the end of the request.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    const auto add = [&](absl::string_view remedy, absl::string_view result, int64_t count) {
      remedies.Add({{"heap", heap.name}, {"remedy", remedy}, {"result", result}}, count);
    };
    const HeapCounters& counters = heap.counters;
    add("barrier", "helped", counters.barriers.cured);
    add("barrier", "failed", counters.barriers.failed);
    add("barrier", "refused", counters.barriers.refused);
    add("sync", "helped", counters.syncs.helped);
    add("sync", "failed", counters.syncs.failed);
    add("sync", "over_box", counters.syncs.over_box);
    add("sync", "refused", counters.syncs.refused);
    add("ask_clients", "helped", counters.client_asks.helped);
    add("ask_clients", "failed", counters.client_asks.not_helped);
  }
}

// Heaps of one area share their line, and what is in the way.
void AddLines(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Family depth = Gauge(metrics, "queue_depth",
                       "Requests that are not finished, of all heaps of the heap's area.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    depth.Add({{"heap", heap.name}}, heap.queue_depth);
  }
  Family waits = Durations(metrics, "queue_wait_seconds", "Time in line before a try of the heap.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    waits.Add({{"heap", heap.name}}, heap.counters.queue_wait);
  }
  Family pins = Durations(metrics, "pin_lifetime_seconds",
                          "How long what made tries fail was in the way, of all heaps of the "
                          "heap's area; an estimate between two tries.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    pins.Add({{"heap", heap.name}}, heap.pin_lifetimes);
  }
}

void AddMemory(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Family buffers = Gauge(metrics, "live_buffers", "Buffers whose memory exists.");
  for (const HeapSnapshot& heap : snapshot.heaps) {
    buffers.Add({{"heap", heap.name}}, heap.live_buffers);
  }
  Family live = Gauge(metrics, "live_bytes", "Memory of the buffers that exist.", kBytes);
  for (const HeapSnapshot& heap : snapshot.heaps) {
    live.Add({{"heap", heap.name}}, heap.live_bytes);
  }
  Family size = Gauge(metrics, "heap_size_bytes", "Size of a heap that has one.", kBytes);
  for (const HeapSnapshot& heap : snapshot.heaps) {
    size.Add({{"heap", heap.name}}, heap.size_bytes);
  }
  Family free = Gauge(metrics, "heap_free_bytes", "What is free of a heap that tells.", kBytes);
  for (const HeapSnapshot& heap : snapshot.heaps) {
    free.Add({{"heap", heap.name}}, heap.free_bytes);
  }
}

void AddDiagnoses(const DiagnosisCounts& counts, v1::Metrics& metrics) {
  Family diagnoses = Counter(metrics, "diagnoses_total",
                             "Failures of requests that were looked into, by what they came of.");
  for (int verdict = 1; verdict < v1::Diagnosis::Verdict_ARRAYSIZE; ++verdict) {
    diagnoses.Add({{"verdict", absl::AsciiStrToLower(v1::Diagnosis::Verdict_Name(verdict))}},
                  counts.verdicts[static_cast<size_t>(verdict)]);
  }
  Durations(metrics, "diagnosis_duration_seconds",
            "How long requests that had failed for good waited for the evidence.")
      .Add({}, counts.durations);
}

void AddDaemon(const MetricsSnapshot& snapshot, v1::Metrics& metrics) {
  Gauge(metrics, "sessions", "Clients with a session.").Add({}, snapshot.sessions);
  Counter(metrics, "quota_rejections_total", "Requests and claims that a quota refused.")
      .Add({}, snapshot.quota_rejections);
  Counter(metrics, "fd_push_failures_total",
          "Requests and claims whose buffers could not all be sent to their session.")
      .Add({}, snapshot.fd_push_failures);
  Counter(metrics, "reserve_hits_total", "Buffers drawn from a reservation that were ready.")
      .Add({}, snapshot.reserve_hits);
  Counter(metrics, "reserve_misses_total",
          "Buffers drawn from a reservation that had to be allocated.")
      .Add({}, snapshot.reserve_misses);
  Gauge(metrics, "build_info", "Always 1; the label says what runs.")
      .Add({{"version", snapshot.version}}, int64_t{1});
}

}  // namespace

v1::Metrics ToMetrics(const MetricsSnapshot& snapshot) {
  v1::Metrics metrics;
  AddAllocations(snapshot, metrics);
  AddAttempts(snapshot, metrics);
  AddRemedies(snapshot, metrics);
  AddLines(snapshot, metrics);
  AddMemory(snapshot, metrics);
  AddDiagnoses(snapshot.diagnoses, metrics);
  AddDaemon(snapshot, metrics);
  return metrics;
}

}  // namespace dmaheap
