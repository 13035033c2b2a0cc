#include "tests/bench/diagnosis_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "tests/bench/distribution.h"

namespace dmaheap::bench {
namespace {

// What wakes a broker beside requests, its timers for instance, falls to one of the two by chance:
// less than one call for this many requests is none.
constexpr double kNoCall = 0.1;
// Of a diagnosis, and of the prober's answers that one waits for.
constexpr double kTimeBoxMs = 50;

int64_t Sum(const CallCounts& counts) {
  int64_t sum = 0;
  for (const auto& [number, count] : counts) sum += count;
  return sum;
}

void AddScan(const std::string& name, const std::vector<double>& ms, std::vector<Row>& rows) {
  const auto times = Describe(ms);
  absl::optional<double> p50, max;
  if (times.has_value()) {
    p50 = times->p50;
    max = times->max;
  }
  rows.push_back({name + ".p50_ms", p50, "ms", absl::nullopt});
  rows.push_back(
      {name + ".max_ms", max, "ms", Bound{Bound::Side::kAtMost, kTimeBoxMs, "the time box"}});
}

std::string CallsInWords(const CallCounts& counts, int64_t allocations) {
  std::vector<std::pair<int64_t, int64_t>> sorted;
  for (const auto& [number, count] : counts) sorted.emplace_back(count, number);
  std::sort(sorted.rbegin(), sorted.rend());
  std::string text;
  for (const auto& [count, number] : sorted) {
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    absl::StrFormat("%d: %.2f", number,
                                    static_cast<double>(count) / static_cast<double>(allocations)));
  }
  return text.empty() ? "none" : text;
}

}  // namespace

absl::Status CheckDiagnosis(const DiagnosisRecord& record) {
  if (record.allocations == 0 || Sum(record.with_prober) == 0 || Sum(record.without_prober) == 0) {
    return absl::FailedPreconditionError("the run is void: no system call was counted");
  }
  if (record.failures == 0) {
    return absl::FailedPreconditionError("the run is void: no request failed");
  }
  return absl::OkStatus();
}

std::vector<Row> DiagnosisRows(const DiagnosisRecord& record) {
  const auto each = [&](int64_t calls) {
    return static_cast<double>(calls) / static_cast<double>(record.allocations);
  };
  const int64_t with = Sum(record.with_prober);
  const int64_t without = Sum(record.without_prober);
  std::vector<Row> rows = {
      {"success.calls_with_prober", each(with), "calls", absl::nullopt},
      {"success.calls_without_prober", each(without), "calls", absl::nullopt},
      {"success.more_calls", each(with - without), "calls",
       Bound{Bound::Side::kAtMost, kNoCall, "no call"}},
      {"success.prober_calls", each(Sum(record.prober)), "calls",
       Bound{Bound::Side::kAtMost, 0, "no call"}},
      {"scan.processes", static_cast<double>(record.processes), "processes", absl::nullopt}};
  AddScan("scan.free_list", record.free_list_ms, rows);
  AddScan("scan.pinners", record.pinners_ms, rows);
  AddScan("scan.mappers", record.mappers_ms, rows);
  rows.push_back({"failure.diagnosis_ms",
                  record.diagnosing_ms / static_cast<double>(record.failures), "ms",
                  Bound{Bound::Side::kAtMost, kTimeBoxMs, "the time box"}});
  return rows;
}

std::vector<std::string> DiagnosisNotes(const DiagnosisRecord& record) {
  return {
      absl::StrCat("Of ", record.allocations, " requests that succeeded, system calls by number"),
      absl::StrCat("  with the prober:    ", CallsInWords(record.with_prober, record.allocations)),
      absl::StrCat("  without it:         ",
                   CallsInWords(record.without_prober, record.allocations)),
      absl::StrCat("  the prober itself:  ", CallsInWords(record.prober, record.allocations)),
      absl::StrCat("scan: whole, without a time box. failure.diagnosis_ms is the mean of ",
                   record.failures, " failures."),
      "It is an emulated machine: compare rows, not machines."};
}

}  // namespace dmaheap::bench
