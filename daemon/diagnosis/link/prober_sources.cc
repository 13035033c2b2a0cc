#include "daemon/diagnosis/link/prober_sources.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "daemon/log.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

absl::optional<v1::EvidenceSource::Kind> KindOf(EvidenceSource source) {
  switch (source) {
    case EvidenceSource::kFreeList:
      return v1::EvidenceSource::FREE_LIST;
    case EvidenceSource::kTrace:
      return v1::EvidenceSource::TRACE;
    case EvidenceSource::kPageFlags:
      return v1::EvidenceSource::PAGE_FLAGS;
    case EvidenceSource::kPageMaps:
      return v1::EvidenceSource::PAGE_MAPS;
    case EvidenceSource::kProcessFiles:
      return v1::EvidenceSource::PROCESS_FILES;
    case EvidenceSource::kReferences:
      return v1::EvidenceSource::REFERENCES;
    case EvidenceSource::kKernelLog:
      return v1::EvidenceSource::KERNEL_LOG;
  }
  return absl::nullopt;
}

}  // namespace

void ProberSources::Ask() {
  if (client_ == nullptr) return;
  const auto timer = std::make_shared<TimerId>(0);
  const absl::StatusOr<uint64_t> asked =
      client_->FindSources([this, timer](const absl::StatusOr<std::vector<SourceRecord>>& found) {
        // A part of an answer that is missing has no errno: the timer asks again.
        if (found.ok() || GetErrno(found.status()) != 0) executor_.Cancel(*timer);
        if (found.ok()) return OnFound(*found);
        spdlog::warn("event=evidence_not_told {}", LogStatus(found.status()));
      });
  if (!asked.ok()) spdlog::warn("event=evidence_not_asked {}", LogStatus(asked.status()));
  *timer = executor_.After(kPatience, [this, asked] {
    if (asked.ok()) client_->Cancel(*asked);
    Ask();
  });
}

void ProberSources::OnFound(const std::vector<SourceRecord>& sources) {
  for (const SourceRecord& record : sources) {
    const auto kind = KindOf(record.source);
    if (kind.has_value()) errors_[*kind] = record.error_number;
  }
  std::vector<std::string> missing;
  for (const v1::EvidenceSource& source : DescribeSources(errors_)) {
    // What the heaps tell is the broker's own.
    if (source.errno_name().empty() || source.kind() == v1::EvidenceSource::HEAP_NUMBERS) continue;
    missing.push_back(
        absl::StrCat(v1::EvidenceSource::Kind_Name(source.kind()), ":", source.errno_name()));
  }
  spdlog::info("event=evidence level={} missing={}",
               v1::Diagnosis::EvidenceLevel_Name(BestLevel(errors_)),
               LogValue(absl::StrJoin(missing, ",")));
}

}  // namespace dmaheap
