#include "daemon/core/failure.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/core/proto_time.h"
#include "daemon/diagnosis/explanation.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// After a release or a passing pin, the same request may fit.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

absl::string_view HeapOf(const v1::Diagnosis& diagnosis) {
  return absl::StripPrefix(diagnosis.heap(), "heaps/");
}

std::string Asked(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(diagnosis.count() == 1 ? "" : absl::StrCat(diagnosis.count(), " buffers of "),
                      diagnosis.size_bytes(), " bytes from heap ", HeapOf(diagnosis));
}

absl::Duration ElapsedOf(const v1::Diagnosis& diagnosis) {
  return absl::Trunc(FromProtoDuration(diagnosis.elapsed_duration()), absl::Microseconds(1));
}

std::string Tried(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(diagnosis.attempts(), diagnosis.attempts() == 1 ? " attempt" : " attempts",
                      " in ", absl::FormatDuration(ElapsedOf(diagnosis)));
}

// Why nothing more was tried, in the words of the policy file.
std::string Ending(const v1::Diagnosis& diagnosis, GiveUp::Reason reason) {
  const std::string policy = absl::StrCat(" (retry policy ", diagnosis.retry_policy(), ": ");
  switch (reason) {
    case GiveUp::Reason::kAttemptsUsed:
      return absl::StrCat(policy, "max_attempts used)");
    case GiveUp::Reason::kTimeUsed:
      return absl::StrCat(policy, "max_elapsed is over)");
    case GiveUp::Reason::kStuck:
      return absl::StrCat(policy, "one page was in the way for give_up_when_stuck_for)");
    case GiveUp::Reason::kNotTransient:
      break;
  }
  return "";
}

Error WithFacts(Error error, const FailureFacts& facts) {
  const v1::Diagnosis& diagnosis = facts.diagnosis;
  error.With("heap", HeapOf(diagnosis))
      .With("size_bytes", diagnosis.size_bytes())
      .With("count", diagnosis.count())
      .With("allocated", facts.allocated)
      .With("attempts", diagnosis.attempts())
      .With("elapsed", absl::FormatDuration(ElapsedOf(diagnosis)))
      .With("retry_policy", diagnosis.retry_policy());
  if (!diagnosis.errno_name().empty()) error.With("errno", diagnosis.errno_name());
  if (diagnosis.has_free_bytes()) error.With("free_bytes", diagnosis.free_bytes());
  if (diagnosis.has_largest_free_bytes()) {
    error.With("largest_free_bytes", diagnosis.largest_free_bytes());
  }
  if (!PinInWords(diagnosis).empty()) {
    error.With("stuck_for",
               absl::FormatDuration(FromProtoDuration(diagnosis.pin().stuck_duration())));
  }
  if (diagnosis.name().empty()) return error;
  error.With("diagnosis", diagnosis.name())
      .With("verdict", v1::Diagnosis::Verdict_Name(diagnosis.verdict()))
      .With("confidence", v1::Diagnosis::Confidence_Name(diagnosis.confidence()))
      .With("evidence_level", v1::Diagnosis::EvidenceLevel_Name(diagnosis.evidence_level()));
  return error;
}

// Errors of which the kernel means that they pass.
bool Passes(int error_number) {
  return error_number == ENOMEM || error_number == EAGAIN || error_number == EBUSY ||
         error_number == EINTR;
}

ErrorReason ReasonOf(const FailureFacts& facts, GiveUp::Reason reason) {
  switch (facts.diagnosis.verdict()) {
    case v1::Diagnosis::PINNED_STUCK:
      // Another request may wait longer than that policy.
      return reason == GiveUp::Reason::kStuck ? ErrorReason::HEAP_PINNED_PERMANENTLY
                                              : ErrorReason::CONTIGUOUS_MEMORY_PINNED;
    case v1::Diagnosis::PINNED_TRANSIENT:
      return ErrorReason::CONTIGUOUS_MEMORY_PINNED;
    case v1::Diagnosis::FRAGMENTED:
    case v1::Diagnosis::ALIGNMENT_WASTE:
      return ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED;
    case v1::Diagnosis::EXHAUSTED:
    case v1::Diagnosis::LEAK_SUSPECTED:
      return ErrorReason::HEAP_EXHAUSTED;
    case v1::Diagnosis::PERMISSION:
    case v1::Diagnosis::HEAP_ABSENT:
    case v1::Diagnosis::KERNEL_UNSUPPORTED:
      return ErrorReason::HEAP_ABSENT;
    case v1::Diagnosis::FD_LIMIT:
      return ErrorReason::DAEMON_FD_LIMIT;
    default:
      return Passes(GetErrno(facts.last_error)) ? ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE
                                                : ErrorReason::INTERNAL_ERROR;
  }
}

}  // namespace

absl::Status ExplainFailure(const FailureFacts& facts, GiveUp::Reason give_up) {
  const v1::Diagnosis& diagnosis = facts.diagnosis;
  // The kernel's word stays, though ENOMEM says nothing that the diagnosis does not say better.
  const std::string kernels_word = GetErrno(facts.last_error) == ENOMEM
                                       ? "ENOMEM, "
                                       : absl::StrCat(facts.last_error.message(), "; ");
  const ErrorReason reason = ReasonOf(facts, give_up);
  Error error(reason, absl::StrCat("could not allocate ", Asked(diagnosis), " after ",
                                   Tried(diagnosis), Ending(diagnosis, give_up), ": ", kernels_word,
                                   ExplanationOf(diagnosis)));
  const absl::StatusCode code = CodeOf(reason);
  // The next try may go otherwise, without anybody's doing.
  if (code == absl::StatusCode::kUnavailable) {
    return WithFacts(std::move(error).RetryAfter(kRetryAfter), facts).ToStatus();
  }
  return WithFacts(std::move(error), facts).ToStatus();
}

absl::Status ExplainDeadline(const FailureFacts& facts) {
  const v1::Diagnosis& diagnosis = facts.diagnosis;
  std::string text =
      absl::StrCat("the deadline ended before ", Asked(diagnosis), " could be had: ");
  if (diagnosis.attempts() == 0) {
    absl::StrAppend(&text, "the request waited in line for ",
                    absl::FormatDuration(ElapsedOf(diagnosis)),
                    " behind others. Give it more time, or ask again when the heap is quieter.");
  } else {
    absl::StrAppend(&text, Tried(diagnosis));
    if (!facts.last_error.ok()) {
      absl::StrAppend(&text, ", the last: ", facts.last_error.message(), "; ",
                      ExplanationOf(diagnosis));
    }
    absl::StrAppend(&text, facts.last_error.ok() ? ". " : " ",
                    "Give it more time, or release buffers.");
  }
  return WithFacts(Error(ErrorReason::DEADLINE, text), facts).ToStatus();
}

}  // namespace dmaheap
