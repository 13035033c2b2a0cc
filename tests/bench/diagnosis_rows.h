// From what was measured of diagnosing to the rows of the report.

#ifndef TESTS_BENCH_DIAGNOSIS_ROWS_H_
#define TESTS_BENCH_DIAGNOSIS_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/diagnosis_record.h"
#include "tests/bench/report.h"

namespace dmaheap::bench {

// FAILED_PRECONDITION: the run is void, as nothing was counted, or nothing was found.
absl::Status CheckDiagnosis(const DiagnosisRecord& record);

// success.{calls_with_prober,calls_without_prober,more_calls,prober_calls}, of each request that
// succeeded; scan.{processes,free_list,pinners,mappers}...; failure.diagnosis_ms.
std::vector<Row> DiagnosisRows(const DiagnosisRecord& record);

// Which calls those were.
std::vector<std::string> DiagnosisNotes(const DiagnosisRecord& record);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_DIAGNOSIS_ROWS_H_
