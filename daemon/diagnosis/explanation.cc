#include "daemon/diagnosis/explanation.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace dmaheap {
namespace {

// A page that was in the way for less is one of many that come and go.
constexpr absl::Duration kWorthTelling = absl::Milliseconds(100);
// Of a list; the rest is counted.
constexpr int kMostNamed = 4;

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::string TimeText(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

// "1 buffer", "3 buffers".
std::string Count(int64_t number, absl::string_view noun) {
  return absl::StrCat(number, " ", noun, number == 1 ? "" : "s");
}

std::string Listed(std::vector<std::string> words) {
  const size_t more = words.size() > kMostNamed ? words.size() - kMostNamed : 0;
  words.resize(words.size() - more);
  return absl::StrCat(absl::StrJoin(words, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

std::string NameOf(const v1::Diagnosis::Process& process) {
  return absl::StrCat(process.process_name(), " (pid ", process.pid(),
                      process.uid() < 0 ? "" : absl::StrCat(", uid ", process.uid()), ")");
}

std::string ProcessesOf(const v1::Diagnosis::Pin& pin, v1::Diagnosis::Process::Role role) {
  std::vector<std::string> words;
  for (const v1::Diagnosis::Process& process : pin.processes()) {
    if (process.role() != role) continue;
    // A role that is only likely is no accusation.
    if (role == v1::Diagnosis::Process::PINNER && process.confidence() != v1::Diagnosis::CERTAIN) {
      continue;
    }
    // A pid is taken out where the caller may not know whose it is.
    words.push_back(process.pid() == 0 ? "another process" : NameOf(process));
  }
  return words.empty() ? "" : Listed(std::move(words));
}

std::string CauseInWords(v1::Diagnosis::Pin::Cause cause) {
  switch (cause) {
    case v1::Diagnosis::Pin::EXIT_UNMAP:
      return "a process was giving it up, by its end or by unmapping it";
    case v1::Diagnosis::Pin::FORK_COPY:
      return "a process that has it was forking";
    case v1::Diagnosis::Pin::PIPE:
      return "a pipe holds it";
    case v1::Diagnosis::Pin::DIRECT_IO:
      return "a transfer between it and a device is under way";
    case v1::Diagnosis::Pin::DRIVER:
      return "a driver holds it";
    default:
      return "";
  }
}

std::string OpeningInWords(const v1::Diagnosis::Opening& opening) {
  std::vector<std::string> parts;
  for (const v1::Diagnosis::Opening::Part& part : opening.parts()) {
    if (part.candidates().empty()) {
      parts.push_back(absl::StrCat(part.size_bytes(), " bytes of others"));
    } else if (part.candidates_size() == 1) {
      parts.push_back(part.candidates(0));
    } else {
      parts.push_back(
          absl::StrCat("one of ", Listed({part.candidates().begin(), part.candidates().end()})));
    }
  }
  return absl::StrCat(" It would fit once these were released: ", Listed(std::move(parts)), ".");
}

std::string FitInWords(const v1::Diagnosis& diagnosis) {
  if (!diagnosis.has_fit()) return "";
  const v1::Diagnosis::Fit& fit = diagnosis.fit();
  std::string text;
  if (fit.source() == v1::EvidenceSource::KERNEL_LOG) {
    text = " Which pages are free, the kernel's log says.";
  }
  if (fit.waste_bytes() > 0) {
    absl::StrAppend(&text, " The kernel begins a buffer of this size at multiples of ",
                    fit.align_bytes(), " bytes only, so that each strands ", fit.waste_bytes(),
                    " bytes.");
  }
  if (fit.has_opening()) absl::StrAppend(&text, OpeningInWords(fit.opening()));
  if (fit.largest_fit_bytes() > 0) {
    absl::StrAppend(&text, " Now ", fit.largest_fit_bytes(), " bytes at most would fit.");
  }
  if (fit.has_larger_by_bytes()) {
    absl::StrAppend(&text, " An area that is larger by ", fit.larger_by_bytes(),
                    " bytes would have had room.");
  }
  return text;
}

std::string HoldersInWords(const v1::Diagnosis& diagnosis) {
  std::vector<std::string> words;
  for (const v1::Diagnosis::Holder& holder : diagnosis.holders()) {
    words.push_back(absl::StrCat(holder.has_uid() ? absl::StrCat("uid ", holder.uid()) : "others",
                                 " with ", Count(holder.live_buffers(), "buffer"), " of ",
                                 holder.live_bytes(), " bytes"));
  }
  return words.empty() ? "" : absl::StrCat(": ", Listed(std::move(words)));
}

std::string LeakInWords(const v1::Diagnosis& diagnosis) {
  const v1::Diagnosis::Holder* most = nullptr;
  for (const v1::Diagnosis::Holder& holder : diagnosis.holders()) {
    if (holder.buffers_went() != 0 || holder.buffers_came() == 0) continue;
    if (most == nullptr || holder.buffers_came() > most->buffers_came()) most = &holder;
  }
  if (most == nullptr) {
    return " What one user holds has only grown in the last minutes: a leak is suspected.";
  }
  const std::string who = most->has_uid() ? absl::StrCat("Uid ", most->uid()) : "Another client";
  return absl::StrCat(" ", who, " has taken ", Count(most->buffers_came(), "buffer"),
                      " in the last minutes and given none back: a leak is suspected.");
}

std::string ExhaustedInWords(const v1::Diagnosis& diagnosis) {
  if (!diagnosis.has_free_bytes()) {
    return absl::StrCat("what live buffers leave of the heap is too little",
                        HoldersInWords(diagnosis), ".");
  }
  return absl::StrCat("the heap has only ", diagnosis.free_bytes(),
                      " bytes free, the rest is in live buffers", HoldersInWords(diagnosis), ".");
}

// What would tell more, where something does not tell here: of what is known from that level on.
std::string MissingInWords(const v1::Diagnosis& diagnosis, v1::Diagnosis::EvidenceLevel least) {
  std::vector<std::string> words;
  for (const v1::EvidenceSource& source : diagnosis.missing_sources()) {
    // The list of free pages has that number too.
    if (source.level() < least || source.kind() == v1::EvidenceSource::HEAP_NUMBERS) continue;
    words.push_back(
        absl::StrCat(v1::EvidenceSource::Kind_Name(source.kind()), " (", source.remedy(), ")"));
  }
  if (words.empty()) return "";
  return absl::StrCat(
      " On this machine the daemon lacks what might tell: ", Listed(std::move(words)), ".");
}

// By which the kernel's log is told from what was seen of a page.
bool IsByLog(const v1::Diagnosis& diagnosis) {
  return diagnosis.allocator_errno_source() == v1::EvidenceSource::KERNEL_LOG;
}

std::string LogInWords(const v1::Diagnosis& diagnosis) {
  if (!IsByLog(diagnosis)) return "";
  const absl::Duration age = DurationOf(diagnosis.allocator_errno_age());
  return absl::StrCat(" The kernel's log says so: ", diagnosis.allocator_errno_name(),
                      age < absl::Milliseconds(1)
                          ? ""
                          : absl::StrCat(", of an attempt ", TimeText(age), " before the last"),
                      ".");
}

std::string TransientByLogInWords(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(
      "pages that could not be moved were in the way",
      diagnosis.has_largest_free_bytes() ? "."
                                         : " (or, with a kernel since 6.15, there was no place).",
      LogInWords(diagnosis),
      " Whether one of them stays is not known: try again, or choose a retry policy that waits "
      "longer.",
      MissingInWords(diagnosis, v1::Diagnosis::L2));
}

// No page was in its way, and the room is not known.
std::string NoPlaceInWords(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(
      "no page was in the way; the area had no place for it: what is free is ",
      diagnosis.has_free_bytes() ? "" : "too little, or ",
      "in runs that are too short. (Or the machine has no free memory to move pages to.)",
      LogInWords(diagnosis), " A repeat alone does not help; buffers have to be released.",
      MissingInWords(diagnosis, v1::Diagnosis::L1));
}

std::string TransientInWords(const v1::Diagnosis& diagnosis) {
  if (std::string pin = PinInWords(diagnosis); !pin.empty()) return pin;
  const std::string cause = CauseInWords(diagnosis.pin().cause());
  return absl::StrCat("a page could not be moved for the moment, as ",
                      cause.empty() ? "happens while a process ends or forks" : cause);
}

std::string StuckInWords(const v1::Diagnosis& diagnosis) {
  const v1::Diagnosis::Pin& pin = diagnosis.pin();
  std::string text = absl::StrCat(PinInWords(diagnosis), ".");
  const bool attributed = !ProcessesOf(pin, v1::Diagnosis::Process::PINNER).empty();
  if (attributed || !CauseInWords(pin.cause()).empty()) {
    absl::StrAppend(&text, " Until it is let go, a repeat does not help.");
  } else {
    absl::StrAppend(&text,
                    " Who keeps it there was not found; a process that maps it does not by that. "
                    "Try again when it has let go.",
                    MissingInWords(diagnosis, v1::Diagnosis::L2));
  }
  return text;
}

}  // namespace

std::string PinInWords(const v1::Diagnosis& diagnosis) {
  const v1::Diagnosis::Pin& pin = diagnosis.pin();
  const absl::Duration stuck = DurationOf(pin.stuck_duration());
  if (!diagnosis.has_pin() || stuck < kWorthTelling) return "";
  std::string text =
      absl::StrCat("one page, which can not be moved, has been in the way for ", TimeText(stuck));
  if (const std::string cause = CauseInWords(pin.cause()); !cause.empty()) {
    absl::StrAppend(&text, ": ", cause);
  }
  if (!pin.file_path().empty()) absl::StrAppend(&text, ", a page of ", pin.file_path());
  const std::string pinners = ProcessesOf(pin, v1::Diagnosis::Process::PINNER);
  const std::string mappers = ProcessesOf(pin, v1::Diagnosis::Process::MAPPER);
  const std::string owners = ProcessesOf(pin, v1::Diagnosis::Process::FILE_OWNER);
  const std::string allocators = ProcessesOf(pin, v1::Diagnosis::Process::ALLOCATOR);
  if (!pinners.empty()) absl::StrAppend(&text, ", kept by ", pinners);
  if (!mappers.empty()) absl::StrAppend(&text, ", mapped by ", mappers);
  if (!owners.empty()) absl::StrAppend(&text, ", of a file that ", owners, " has open");
  if (!allocators.empty()) absl::StrAppend(&text, ", once allocated by ", allocators);
  return text;
}

std::string ExplanationOf(const v1::Diagnosis& diagnosis) {
  switch (diagnosis.verdict()) {
    case v1::Diagnosis::PINNED_TRANSIENT:
      if (IsByLog(diagnosis) && !diagnosis.has_pin()) return TransientByLogInWords(diagnosis);
      return absl::StrCat(TransientInWords(diagnosis),
                          ". The same request goes another time: try again, or choose a retry "
                          "policy that waits longer.");
    case v1::Diagnosis::PINNED_STUCK:
      return StuckInWords(diagnosis);
    case v1::Diagnosis::FRAGMENTED:
      if (!diagnosis.has_largest_free_bytes()) return NoPlaceInWords(diagnosis);
      return absl::StrCat(diagnosis.free_bytes(), " bytes are free, but the largest run has only ",
                          diagnosis.largest_free_bytes(),
                          ". A repeat alone does not help; buffers have to be released.",
                          FitInWords(diagnosis));
    case v1::Diagnosis::ALIGNMENT_WASTE:
      return absl::StrCat("a run of ", diagnosis.largest_free_bytes(),
                          " bytes is free, but does not begin where the kernel lets a buffer of "
                          "this size begin. A repeat alone does not help; buffers have to be "
                          "released.",
                          FitInWords(diagnosis));
    case v1::Diagnosis::EXHAUSTED:
      return absl::StrCat(ExhaustedInWords(diagnosis), " Release buffers, or ask for less.");
    case v1::Diagnosis::LEAK_SUSPECTED:
      return absl::StrCat(ExhaustedInWords(diagnosis), LeakInWords(diagnosis));
    case v1::Diagnosis::NO_MIGRATION_TARGET:
      return absl::StrCat(
          "the area has room, but the machine has no free memory to move the pages to that lie in "
          "it.",
          LogInWords(diagnosis), " Free memory, or reserve the buffers ahead.");
    case v1::Diagnosis::PERMISSION:
      return "the daemon may not use the heap's node: check its rights on it.";
    case v1::Diagnosis::HEAP_ABSENT:
      return "the heap's node does not serve the daemon any more: check its driver.";
    case v1::Diagnosis::KERNEL_UNSUPPORTED:
      return "this kernel does not do what the heap needs: check its driver and configuration.";
    case v1::Diagnosis::FD_LIMIT:
      return "the heap is not to blame: the daemon is at a limit of open files or of watches. Try "
             "again; if it stays, raise the daemon's RLIMIT_NOFILE, fs.file-max or "
             "fs.inotify.max_user_watches.";
    default:
      break;
  }
  if (diagnosis.errno_name() != "ENOMEM") return "the cause is not established. Try again later.";
  return absl::StrCat(
      "the cause is not established: a pinned page, or no free memory to move pages to. Try again "
      "later.",
      MissingInWords(diagnosis, v1::Diagnosis::L1));
}

}  // namespace dmaheap
