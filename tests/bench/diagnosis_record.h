// What the guest measured for the diagnosis benchmark, and how it comes out of the guest.

#ifndef TESTS_BENCH_DIAGNOSIS_RECORD_H_
#define TESTS_BENCH_DIAGNOSIS_RECORD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// System calls, by their numbers.
using CallCounts = std::map<int64_t, int64_t>;

struct DiagnosisRecord {
  // Requests that succeeded, by each of two daemons: one with its prober, and one without.
  int64_t allocations = 0;
  // What their brokers called meanwhile, and the prober of the former.
  CallCounts with_prober;
  CallCounts without_prober;
  CallCounts prober;

  // While so many processes ran, one look each: at the area's free list, for who pins a page, for
  // who maps it.
  int64_t processes = 0;
  std::vector<double> free_list_ms;
  std::vector<double> pinners_ms;
  std::vector<double> mappers_ms;

  // Requests that failed, and how long the daemon took to find out why, all of them together.
  int64_t failures = 0;
  double diagnosing_ms = 0;
};

// JSON, and back. kInvalidArgument: the text is no record.
std::string FormatDiagnosisRecord(const DiagnosisRecord& record);
absl::StatusOr<DiagnosisRecord> ParseDiagnosisRecord(absl::string_view text);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_DIAGNOSIS_RECORD_H_
