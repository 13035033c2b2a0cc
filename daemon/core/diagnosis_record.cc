#include "daemon/core/diagnosis_record.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/core/proto_time.h"
#include "daemon/diagnosis/explanation.h"
#include "daemon/diagnosis/pin.h"
#include "daemon/diagnosis/verdict.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// Whose buffers an opening names would otherwise fill the record.
constexpr size_t kMostCandidates = 16;

v1::Diagnosis::EvidenceLevel LevelOf(const Evidence& evidence, const Allocation& allocation) {
  // The model keeps nothing back.
  if (allocation.heap->description().contiguity == v1::SIMULATED) return v1::Diagnosis::L4;
  const absl::optional<PagePinners>& pinners = allocation.page.pinners;
  if (pinners.has_value() && pinners->references.has_value()) return v1::Diagnosis::L4;
  const bool page_is_known = evidence.frame.has_value() &&
                             evidence.frame->kind != v1::Diagnosis::Pin::PAGE_KIND_UNSPECIFIED;
  if (allocation.page.mappers.has_value() || page_is_known) return v1::Diagnosis::L3;
  if (evidence.frame.has_value() || evidence.windows_refused.has_value()) {
    return v1::Diagnosis::L2;
  }
  if (evidence.free_pages.has_value() || evidence.largest_run_pages.has_value() ||
      evidence.fit.has_value() || evidence.inner_error_number != 0) {
    return v1::Diagnosis::L1;
  }
  return v1::Diagnosis::L0;
}

// uid: whose buffers may be named; absent: all.
void AddOpening(const FailureRecord& record, const Opening& opening, int64_t page_bytes,
                absl::optional<uint32_t> uid, v1::Diagnosis::Opening& message) {
  message.set_run_bytes(opening.run.pages * page_bytes);
  for (const UsedPart& used : opening.parts) {
    v1::Diagnosis::Opening::Part& part = *message.add_parts();
    part.set_size_bytes(used.run.pages * page_bytes);
    for (const size_t candidate : used.candidates) {
      if (part.candidates_size() == kMostCandidates) break;
      const auto it = record.table.records().find(record.sight->buffers[candidate]);
      if (it == record.table.records().end()) continue;
      if (uid.has_value() && it->second.charge.uid() != *uid) continue;
      part.add_candidates(absl::StrCat("buffers/", it->second.key.ToString()));
    }
  }
}

void AddFit(const FailureRecord& record, absl::optional<uint32_t> uid, v1::Diagnosis& message) {
  if (!record.evidence.fit.has_value()) return;
  const Fit& fit = *record.evidence.fit;
  const int64_t page_bytes = record.allocation.heap->description().page_size_bytes;
  v1::Diagnosis::Fit& told = *message.mutable_fit();
  told.set_align_bytes(fit.align_pages * page_bytes);
  told.set_rounded_bytes(fit.rounded_pages * page_bytes);
  told.set_waste_bytes(fit.waste_pages(record.evidence.pages) * page_bytes);
  told.set_largest_fit_bytes(fit.largest_fit_pages * page_bytes);
  told.set_free_runs(static_cast<int64_t>(record.sight->free_list->runs.size()));
  told.set_source(record.evidence.fit_source);
  if (fit.larger_by_pages) told.set_larger_by_bytes(*fit.larger_by_pages * page_bytes);
  if (fit.opening) AddOpening(record, *fit.opening, page_bytes, uid, *told.mutable_opening());
  // The list of free pages knows the largest run where the heap does not.
  if (!message.has_largest_free_bytes()) {
    message.set_largest_free_bytes(fit.largest_run_pages * page_bytes);
  }
  if (!message.has_free_bytes()) message.set_free_bytes(fit.free_pages * page_bytes);
  *message.mutable_shared_age() = ToProtoDuration(record.evidence.fit_age);
}

void AddInnerError(const Evidence& evidence, v1::Diagnosis& message) {
  if (evidence.inner_error_number == 0) return;
  message.set_allocator_errno_name(ErrnoName(evidence.inner_error_number));
  message.set_allocator_errno_source(evidence.inner_error_source);
  *message.mutable_allocator_errno_age() = ToProtoDuration(evidence.inner_error_age);
}

// uid: whose processes are named; absent: all.
void AddProcesses(const std::vector<PageUser>& processes, v1::Diagnosis::Process::Role role,
                  absl::optional<uint32_t> uid, v1::Diagnosis::Pin& pin) {
  for (const PageUser& found : processes) {
    v1::Diagnosis::Process& process = *pin.add_processes();
    process.set_role(role);
    // Both were seen to be so; what could not be seen is not named.
    process.set_confidence(v1::Diagnosis::CERTAIN);
    if (uid.has_value() && found.uid != *uid) continue;
    process.set_pid(found.pid);
    process.set_uid(found.uid == kUnknownUid ? -1 : int64_t{found.uid});
    process.set_process_name(found.name);
    process.set_cgroup(found.cgroup);
    process.set_executable(found.executable);
  }
}

void AddPin(const FailureRecord& record, absl::optional<uint32_t> uid, v1::Diagnosis& message) {
  if (!record.evidence.frame.has_value()) return;
  const RefusingFrame& frame = *record.evidence.frame;
  const PinnedPage& page = record.allocation.page;
  v1::Diagnosis::Pin& pin = *message.mutable_pin();
  *pin.mutable_stuck_duration() = ToProtoDuration(frame.stuck_for);
  pin.set_cause(CauseOf(frame, message.verdict()));
  if (const absl::optional<bool> held = IsHeld(frame)) pin.set_held(*held);
  pin.set_page_kind(frame.kind);
  if (frame.references) pin.set_references(*frame.references);
  if (frame.mappings) pin.set_mappings(*frame.mappings);
  if (page.pinners.has_value()) {
    AddProcesses(page.pinners->pipe_holders, v1::Diagnosis::Process::PINNER, uid, pin);
    AddProcesses(page.pinners->transferers, v1::Diagnosis::Process::PINNER, uid, pin);
    AddProcesses(page.pinners->allocators, v1::Diagnosis::Process::ALLOCATOR, uid, pin);
  }
  if (page.mappers.has_value()) {
    AddProcesses(page.mappers->processes, v1::Diagnosis::Process::MAPPER, uid, pin);
    AddProcesses(page.mappers->file_owners, v1::Diagnosis::Process::FILE_OWNER, uid, pin);
    const bool maps_it =
        std::any_of(page.mappers->processes.begin(), page.mappers->processes.end(),
                    [&](const PageUser& mapper) { return !uid.has_value() || mapper.uid == *uid; });
    if (frame.kind == v1::Diagnosis::Pin::PAGE_CACHE && maps_it) {
      pin.set_file_path(page.mappers->file_path);
    }
  }
  pin.set_processes_complete(page.mappers.has_value() && page.mappers->complete &&
                             page.pinners.has_value() && page.pinners->complete);
}

v1::Diagnosis::Holder ToProto(const HeapHolder& holder, absl::Time wall_time) {
  v1::Diagnosis::Holder message;
  message.set_uid(holder.uid);
  message.set_live_buffers(holder.totals.buffers);
  message.set_live_bytes(holder.totals.bytes);
  *message.mutable_oldest_age() =
      ToProtoDuration(std::max(wall_time - holder.oldest, absl::ZeroDuration()));
  message.set_buffers_came(holder.change.came);
  message.set_buffers_went(holder.change.went);
  return message;
}

// uid: who may be named; absent: all.
void AddHolders(const FailureRecord& record, absl::optional<uint32_t> uid, v1::Diagnosis& message) {
  v1::Diagnosis::Holder others;
  for (const HeapHolder& holder : record.holders) {
    const v1::Diagnosis::Holder one = ToProto(holder, record.wall_time);
    if (!uid.has_value() || holder.uid == *uid) {
      *message.add_holders() = one;
      continue;
    }
    others.set_live_buffers(others.live_buffers() + one.live_buffers());
    others.set_live_bytes(others.live_bytes() + one.live_bytes());
    others.set_buffers_came(others.buffers_came() + one.buffers_came());
    others.set_buffers_went(others.buffers_went() + one.buffers_went());
    if (!others.has_oldest_age() ||
        FromProtoDuration(others.oldest_age()) < FromProtoDuration(one.oldest_age())) {
      *others.mutable_oldest_age() = one.oldest_age();
    }
  }
  if (others.live_buffers() > 0) *message.add_holders() = std::move(others);
}

std::string Sentence(std::string text) {
  if (!text.empty()) text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
  return text;
}

// uid: what that one may see; absent: all.
v1::Diagnosis ViewFor(const FailureRecord& record, absl::optional<uint32_t> uid) {
  v1::Diagnosis message = DescribeRequest(record.allocation, record.now);
  *message.mutable_create_time() = ToTimestamp(record.wall_time);
  const Judgement judgement = Judge(record.evidence);
  message.set_verdict(judgement.verdict);
  message.set_confidence(judgement.confidence);
  message.set_evidence_level(LevelOf(record.evidence, record.allocation));
  AddInnerError(record.evidence, message);
  AddFit(record, uid, message);
  AddPin(record, uid, message);
  AddHolders(record, uid, message);
  // Of the simulated heap nothing is hidden, so there is nothing to miss.
  if (record.allocation.heap->description().contiguity != v1::SIMULATED) {
    for (v1::EvidenceSource& source : DescribeSources(record.sources)) {
      if (!source.errno_name().empty()) *message.add_missing_sources() = std::move(source);
    }
  }
  message.set_explanation(Sentence(ExplanationOf(message)));
  return message;
}

}  // namespace

v1::Diagnosis DescribeRequest(const Allocation& allocation, absl::Time now) {
  const AllocateRequest& request = allocation.request;
  v1::Diagnosis message;
  message.set_request_id(request.request_id);
  message.set_owner_uid(request.principal.uid);
  message.set_heap(absl::StrCat("heaps/", allocation.heap->description().name));
  message.set_size_bytes(allocation.rounded_bytes);
  message.set_count(request.count);
  message.set_attempts(allocation.attempts);
  *message.mutable_elapsed_duration() = ToProtoDuration(now - allocation.start);
  message.set_retry_policy(allocation.retry_policy);
  if (const int number = GetErrno(allocation.last_error); number != 0) {
    message.set_errno_name(ErrnoName(number));
  }
  const HeapUsage& usage = allocation.usage_at_failure;
  if (usage.free_bytes) message.set_free_bytes(*usage.free_bytes);
  if (usage.largest_free_bytes) message.set_largest_free_bytes(*usage.largest_free_bytes);
  return message;
}

KeptDiagnosis MakeDiagnosis(const FailureRecord& record) {
  KeptDiagnosis diagnosis;
  diagnosis.whole = ViewFor(record, absl::nullopt);
  diagnosis.for_owner = record.owner_inspects
                            ? diagnosis.whole
                            : ViewFor(record, record.allocation.request.principal.uid);
  return diagnosis;
}

}  // namespace dmaheap
