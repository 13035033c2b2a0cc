// What the guest saw for the verdicts benchmark, and how it comes out of the guest.

#ifndef TESTS_BENCH_VERDICT_RECORD_H_
#define TESTS_BENCH_VERDICT_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dmaheap::bench {

// A failure that was made on purpose, and what the daemon said of it.
struct VerdictCase {
  std::string kind;
  // The truth, in the daemon's words; cause "NONE": it was no pin.
  std::string true_verdict;
  std::string true_cause;
  // Who keeps the page in place; 0: nobody who lives.
  int64_t true_pinner = 0;

  std::string verdict;
  std::string confidence;
  std::string evidence_level;
  std::string cause;
  // Those that are named as pinners, for certain.
  std::vector<int64_t> pinners;
};

// One that needs no diagnosis: what its error had to be, and was.
struct TrivialCase {
  std::string kind;
  std::string true_reason;
  std::string reason;
};

struct VerdictRecord {
  std::vector<VerdictCase> cases;
  std::vector<TrivialCase> trivial = {};
};

// JSON, and back. kInvalidArgument: the text is no record.
std::string FormatVerdictRecord(const VerdictRecord& record);
absl::StatusOr<VerdictRecord> ParseVerdictRecord(absl::string_view text);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_VERDICT_RECORD_H_
