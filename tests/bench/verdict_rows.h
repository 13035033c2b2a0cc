// From what was said of failures to the rows of the report: how often it was the truth.

#ifndef TESTS_BENCH_VERDICT_ROWS_H_
#define TESTS_BENCH_VERDICT_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/report.h"
#include "tests/bench/verdict_record.h"

namespace dmaheap::bench {

// Of each kind there have to be so many, or its share says nothing.
inline constexpr int kLeastCases = 5;

// FAILED_PRECONDITION: the run is void, as there are too few cases of a kind, or none at all.
absl::Status CheckVerdicts(const VerdictRecord& record);

// verdicts.{cases,accuracy}, verdicts.KIND.accuracy; causes.accuracy of the pins;
// attribution.{cases, accuracy,wrong_process} of those whose pinner lives: right where it is named
// and nobody else.
std::vector<Row> VerdictRows(const VerdictRecord& record);

// Kind by kind what was said how often, of verdict and of cause.
std::vector<std::string> VerdictNotes(const VerdictRecord& record);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_VERDICT_ROWS_H_
