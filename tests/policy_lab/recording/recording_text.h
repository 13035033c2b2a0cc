// What a recording becomes: a trace, and the words that say how it came about. Pure.

#ifndef TESTS_POLICY_LAB_RECORDING_RECORDING_TEXT_H_
#define TESTS_POLICY_LAB_RECORDING_RECORDING_TEXT_H_

#include <cstdint>
#include <string>

#include "tests/policy_lab/pin_trace.h"
#include "tests/policy_lab/recording/pin_assembly.h"

namespace dmaheap::policy_lab {

struct RecordedOf {
  // "fork_storm processes=4 ..."
  std::string kind;
  // "rounds=800 ...", of all the time for which it went on.
  std::string outcome;
  int pages_per_unmapping = 0;
  // "Linux 6.12.0 x86_64"
  std::string machine;
};

// attempt_times are tenths of those that were recorded: the middle of each.
PinTrace TraceOf(const Recording& recording, int64_t area_pages);

// Lines without an end of the last.
std::string RecordingComment(const RecordedOf& of, const Recording& recording);

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_RECORDING_RECORDING_TEXT_H_
