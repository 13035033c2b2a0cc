#include "daemon/core/failure.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// After a release or a passing pin, the same request may fit.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

std::string Asked(const FailureFacts& facts) {
  return absl::StrCat(facts.count == 1 ? "" : absl::StrCat(facts.count, " buffers of "),
                      facts.size_bytes, " bytes from heap ", facts.heap);
}

std::string Tried(const FailureFacts& facts) {
  return absl::StrCat(facts.attempts, facts.attempts == 1 ? " attempt" : " attempts", " in ",
                      absl::FormatDuration(absl::Trunc(facts.elapsed, absl::Microseconds(1))));
}

// A page that was in the way for less is one of many that come and go.
constexpr absl::Duration kWorthTelling = absl::Milliseconds(100);

std::string Pinned(const FailureFacts& facts) {
  if (facts.stuck_for < kWorthTelling) return "";
  const std::string who =
      facts.mapped_by.empty() ? "" : absl::StrCat(", mapped by ", facts.mapped_by);
  return absl::StrCat("one page, which can not be moved, has been in the way for ",
                      absl::FormatDuration(absl::Trunc(facts.stuck_for, absl::Milliseconds(1))),
                      who);
}

// Why nothing more was tried, in the words of the policy file.
std::string Ending(const FailureFacts& facts, GiveUp::Reason reason) {
  const std::string policy = absl::StrCat(" (retry policy ", facts.retry_policy, ": ");
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
  error.With("heap", facts.heap)
      .With("size_bytes", facts.size_bytes)
      .With("count", facts.count)
      .With("allocated", facts.allocated)
      .With("attempts", facts.attempts)
      .With("elapsed", absl::FormatDuration(facts.elapsed))
      .With("retry_policy", facts.retry_policy);
  if (const int number = GetErrno(facts.last_error); number != 0) {
    error.With("errno", ErrnoName(number));
  }
  if (facts.usage.free_bytes) error.With("free_bytes", *facts.usage.free_bytes);
  if (facts.usage.largest_free_bytes) {
    error.With("largest_free_bytes", *facts.usage.largest_free_bytes);
  }
  if (!Pinned(facts).empty()) error.With("stuck_for", absl::FormatDuration(facts.stuck_for));
  if (!facts.mapped_by.empty()) error.With("mapped_by", facts.mapped_by);
  return error;
}

Error ExplainNoMemory(const FailureFacts& facts, GiveUp::Reason reason) {
  const auto& [free, largest] = facts.usage;
  const std::string what = absl::StrCat("could not allocate ", Asked(facts), " after ",
                                        Tried(facts), Ending(facts, reason));
  if (free && *free < facts.size_bytes) {
    return Error(
        ErrorReason::HEAP_EXHAUSTED,
        absl::StrCat(what, ": the heap has only ", *free,
                     " bytes free, the rest is in live buffers. Release buffers, or ask for",
                     " less."));
  }
  if (free && largest && *largest < facts.size_bytes) {
    return Error(ErrorReason::CONTIGUOUS_MEMORY_FRAGMENTED,
                 absl::StrCat(what, ": ", *free, " bytes are free, but the largest run has only ",
                              *largest,
                              ". A repeat alone does not help; buffers have to be released."))
        .RetryAfter(kRetryAfter);
  }
  if (const std::string pinned = Pinned(facts); !pinned.empty()) {
    return Error(ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE,
                 absl::StrCat(what, ": ", pinned, ". Try again when it has let go."))
        .RetryAfter(kRetryAfter);
  }
  return Error(ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE,
               absl::StrCat(what, ": the kernel answered ENOMEM, the cause is not established (",
                            "a pinned page, or no free memory to move pages to). Try again later."))
      .With("evidence_level", "L0")
      .RetryAfter(kRetryAfter);
}

}  // namespace

absl::Status ExplainFailure(const FailureFacts& facts, GiveUp::Reason reason) {
  const int number = GetErrno(facts.last_error);
  const std::string what = absl::StrCat("could not allocate ", Asked(facts), ": ");
  switch (number) {
    case ENOMEM:
      return WithFacts(ExplainNoMemory(facts, reason), facts).ToStatus();
    case EAGAIN:
    case EBUSY:
    case EINTR:
      return WithFacts(Error(ErrorReason::CONTIGUOUS_MEMORY_UNAVAILABLE,
                             absl::StrCat("could not allocate ", Asked(facts), " after ",
                                          Tried(facts), Ending(facts, reason), ": ",
                                          facts.last_error.message(), ". Try again later."))
                           .RetryAfter(kRetryAfter),
                       facts)
          .ToStatus();
    case EMFILE:
    case ENFILE:
    case ENOSPC:
      return WithFacts(
                 Error(ErrorReason::DAEMON_FD_LIMIT,
                       absl::StrCat(what, facts.last_error.message(),
                                    ". The heap is not to blame: the daemon is at a limit of ",
                                    "open files or of watches. Try again; if it stays, raise ",
                                    "the daemon's RLIMIT_NOFILE, fs.file-max or ",
                                    "fs.inotify.max_user_watches."))
                     .RetryAfter(kRetryAfter),
                 facts)
          .ToStatus();
    case ENODEV:
    case ENXIO:
    case ENOENT:
    case ENOTTY:
    case EACCES:
    case EPERM:
      return WithFacts(Error(ErrorReason::HEAP_ABSENT,
                             absl::StrCat(what, facts.last_error.message(),
                                          ". The heap's node does not serve the daemon: check its ",
                                          "driver and the daemon's rights on it.")),
                       facts)
          .ToStatus();
    default:
      return WithFacts(
                 Error(ErrorReason::INTERNAL_ERROR, absl::StrCat(what, facts.last_error.message())),
                 facts)
          .ToStatus();
  }
}

absl::Status ExplainDeadline(const FailureFacts& facts) {
  std::string text = absl::StrCat("the deadline ended before ", Asked(facts), " could be had: ");
  if (facts.attempts == 0) {
    absl::StrAppend(&text, "the request waited in line for ",
                    absl::FormatDuration(absl::Trunc(facts.elapsed, absl::Microseconds(1))),
                    " behind others. Give it more time, or ask again when the heap is quieter.");
  } else {
    absl::StrAppend(&text, Tried(facts));
    if (!facts.last_error.ok()) absl::StrAppend(&text, ", the last: ", facts.last_error.message());
    if (const std::string pinned = Pinned(facts); !pinned.empty()) {
      absl::StrAppend(&text, "; ", pinned);
    }
    absl::StrAppend(&text, ". Give it more time, or release buffers.");
  }
  return WithFacts(Error(ErrorReason::DEADLINE, text), facts).ToStatus();
}

}  // namespace dmaheap
