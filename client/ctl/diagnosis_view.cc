#include "client/ctl/diagnosis_view.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/ctl/units_text.h"
#include "client/ctl/views.h"
#include "client/internal/convert.h"

namespace dmaheap::ctl {
namespace {

using client_internal::ToDuration;
using client_internal::ToTime;
using D = v1::Diagnosis;
using Lines = std::vector<std::pair<std::string, std::string>>;

constexpr auto kLeft = Column::Align::kLeft;
constexpr auto kRight = Column::Align::kRight;

std::string AgeOf(const D& diagnosis, absl::Time now) {
  return AgeText(now - ToTime(diagnosis.create_time()));
}

std::string TimeText(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(absl::Trunc(ToDuration(duration), absl::Milliseconds(1)));
}

// A number for people, and the exact one.
std::string BothSizes(int64_t bytes) { return absl::StrCat(SizeText(bytes), " (", bytes, ")"); }

// "PINNED_STUCK" -> "pinned stuck".
std::string Words(const std::string& name) {
  return absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", " "}}));
}

std::string Wrapped(absl::string_view text) {
  std::string lines;
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column > 0 && column + 1 + word.size() > kTerminalColumns) {
      lines += '\n';
      column = 0;
    }
    if (column > 0) {
      lines += ' ';
      ++column;
    }
    absl::StrAppend(&lines, word);
    column += word.size();
  }
  return lines;
}

std::string ProcessText(const D::Process& process) {
  // Another user's, which the caller may not be told.
  const std::string who =
      process.pid() == 0
          ? "another process"
          : absl::StrCat(process.process_name(), " (pid ", process.pid(),
                         process.uid() < 0 ? "" : absl::StrCat(", uid ", process.uid()), ")");
  std::string text = absl::StrCat(who, ", ", Words(D::Process::Role_Name(process.role())), ", ",
                                  Words(D::Confidence_Name(process.confidence())));
  if (!process.executable().empty()) absl::StrAppend(&text, ", runs ", process.executable());
  if (!process.cgroup().empty()) absl::StrAppend(&text, ", in cgroup ", process.cgroup());
  return text;
}

std::string HolderText(const D::Holder& holder) {
  std::string text =
      absl::StrCat(holder.has_uid() ? absl::StrCat("uid ", holder.uid()) : "others", ": ",
                   holder.live_buffers(), " of ", SizeText(holder.live_bytes()), ", the oldest ",
                   AgeText(ToDuration(holder.oldest_age())), " old");
  if (holder.buffers_came() + holder.buffers_went() > 0) {
    absl::StrAppend(&text, "; lately ", holder.buffers_came(), " came, ", holder.buffers_went(),
                    " went");
  }
  return text;
}

std::string PartText(const D::Opening::Part& part) {
  if (part.candidates().empty()) return " of others";
  return absl::StrCat(part.candidates_size() == 1 ? ": " : ": one of ",
                      absl::StrJoin(part.candidates(), ", "));
}

// "EBUSY, by the kernel log, 2s before the last attempt".
std::string AllocatorText(const D& diagnosis) {
  std::string text = diagnosis.allocator_errno_name();
  if (diagnosis.allocator_errno_source() != v1::EvidenceSource::KIND_UNSPECIFIED) {
    absl::StrAppend(&text, ", by the ",
                    Words(v1::EvidenceSource::Kind_Name(diagnosis.allocator_errno_source())));
  }
  if (ToDuration(diagnosis.allocator_errno_age()) >= absl::Milliseconds(1)) {
    absl::StrAppend(&text, ", of an attempt ", TimeText(diagnosis.allocator_errno_age()),
                    " before the last");
  }
  return text;
}

void AddFit(const D& diagnosis, Lines& lines) {
  const D::Fit& fit = diagnosis.fit();
  const std::string source =
      fit.source() == v1::EvidenceSource::KIND_UNSPECIFIED
          ? ""
          : absl::StrCat(", by the ", Words(v1::EvidenceSource::Kind_Name(fit.source())));
  lines.push_back({"FREE_RUNS", absl::StrCat(fit.free_runs(), source)});
  lines.push_back({"ALIGNMENT", BothSizes(fit.align_bytes())});
  lines.push_back({"WASTE", BothSizes(fit.waste_bytes())});
  lines.push_back({"LARGEST_FIT", BothSizes(fit.largest_fit_bytes())});
  for (const D::Opening::Part& part : fit.opening().parts()) {
    lines.push_back({"TO_RELEASE", absl::StrCat(SizeText(part.size_bytes()), PartText(part))});
  }
  if (diagnosis.has_shared_age() && ToDuration(diagnosis.shared_age()) > absl::ZeroDuration()) {
    lines.push_back({"READ_BEFORE", TimeText(diagnosis.shared_age())});
  }
}

void AddPin(const D::Pin& pin, Lines& lines) {
  lines.push_back({"PINNED_FOR", TimeText(pin.stuck_duration())});
  lines.push_back({"CAUSE", Words(D::Pin::Cause_Name(pin.cause()))});
  if (pin.page_kind() != D::Pin::PAGE_KIND_UNSPECIFIED) {
    lines.push_back({"PAGE", Words(D::Pin::PageKind_Name(pin.page_kind()))});
  }
  if (!pin.file_path().empty()) lines.push_back({"FILE", pin.file_path()});
  if (pin.has_references()) lines.push_back({"REFERENCES", absl::StrCat(pin.references())});
  if (pin.has_mappings()) lines.push_back({"MAPPINGS", absl::StrCat(pin.mappings())});
  for (const D::Process& process : pin.processes()) {
    lines.push_back({"PROCESS", ProcessText(process)});
  }
}

Lines EvidenceOf(const D& diagnosis) {
  Lines lines = {{"NAME", diagnosis.name()},
                 {"VERDICT", D::Verdict_Name(diagnosis.verdict())},
                 {"CONFIDENCE", D::Confidence_Name(diagnosis.confidence())},
                 {"EVIDENCE", D::EvidenceLevel_Name(diagnosis.evidence_level())},
                 {"REQUEST_ID", diagnosis.request_id()},
                 {"UID", absl::StrCat(diagnosis.owner_uid())},
                 {"HEAP", diagnosis.heap()},
                 {"SIZE", BothSizes(diagnosis.size_bytes())},
                 {"COUNT", absl::StrCat(diagnosis.count())},
                 {"ATTEMPTS", absl::StrCat(diagnosis.attempts())},
                 {"ELAPSED", TimeText(diagnosis.elapsed_duration())},
                 {"POLICY", diagnosis.retry_policy()},
                 {"ERROR", v1::ErrorReason_Name(diagnosis.reason())},
                 {"ERRNO", diagnosis.errno_name()}};
  if (!diagnosis.allocator_errno_name().empty()) {
    lines.push_back({"ALLOCATOR", AllocatorText(diagnosis)});
  }
  if (diagnosis.has_free_bytes()) lines.push_back({"FREE", BothSizes(diagnosis.free_bytes())});
  if (diagnosis.has_largest_free_bytes()) {
    lines.push_back({"LARGEST_FREE", BothSizes(diagnosis.largest_free_bytes())});
  }
  if (diagnosis.has_fit()) AddFit(diagnosis, lines);
  if (diagnosis.has_pin()) AddPin(diagnosis.pin(), lines);
  for (const D::Holder& holder : diagnosis.holders()) {
    lines.push_back({"HOLDER", HolderText(holder)});
  }
  for (const v1::EvidenceSource& source : diagnosis.missing_sources()) {
    lines.push_back({"MISSING", absl::StrCat(Words(v1::EvidenceSource::Kind_Name(source.kind())),
                                             " (", source.errno_name(), "): ", source.remedy())});
  }
  return lines;
}

}  // namespace

Table DiagnosisTable(const v1::ListDiagnosesResponse& diagnoses, bool wide, bool of_all,
                     absl::Time now) {
  Table table;
  table.columns = {{"NAME"},       {"HEAP", kLeft, true}, {"SIZE", kRight},    {"VERDICT"},
                   {"CONFIDENCE"}, {"EVIDENCE"},          {"ATTEMPTS", kRight}};
  if (wide || of_all) table.columns.push_back({"UID", kRight});
  if (wide) {
    for (const char* header : {"POLICY", "ERROR", "REQUEST_ID"}) table.columns.push_back({header});
  }
  table.columns.push_back({"AGE", kRight});
  for (const D& diagnosis : diagnoses.diagnoses()) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row = {std::string(ShortName(diagnosis.name())),
           std::string(ShortName(diagnosis.heap())),
           SizeText(diagnosis.size_bytes()),
           D::Verdict_Name(diagnosis.verdict()),
           D::Confidence_Name(diagnosis.confidence()),
           D::EvidenceLevel_Name(diagnosis.evidence_level()),
           absl::StrCat(diagnosis.attempts())};
    if (wide || of_all) row.push_back(absl::StrCat(diagnosis.owner_uid()));
    if (wide) {
      row.push_back(diagnosis.retry_policy());
      row.push_back(v1::ErrorReason_Name(diagnosis.reason()));
      row.push_back(diagnosis.request_id());
    }
    row.push_back(AgeOf(diagnosis, now));
  }
  return table;
}

Table PinnerTable(const v1::ListPinnersResponse& pinners, bool wide, absl::Time now) {
  Table table;
  table.columns = {{"NAME"},          {"UID", kRight},
                   {"CAUSE"},         {"REQUESTS", kRight},
                   {"DELAY", kRight}, {wide ? "EXECUTABLE" : "CGROUP", kLeft, true}};
  if (wide) table.columns.push_back({"CGROUP"});
  table.columns.push_back({"AGE", kRight});
  for (const v1::Pinner& pinner : pinners.pinners()) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row = {pinner.process_name(), absl::StrCat(pinner.uid()), D::Pin::Cause_Name(pinner.cause()),
           absl::StrCat(pinner.delayed_requests()), TimeText(pinner.delay_duration())};
    if (wide) row.push_back(pinner.executable());
    row.push_back(pinner.cgroup());
    row.push_back(AgeText(now - ToTime(pinner.last_time())));
  }
  return table;
}

Table SourceTable(const v1::ServerInfo& info, bool wide) {
  Table table;
  table.columns = {{"NAME"}, {"LEVEL"}, {"STATE"}};
  if (wide) table.columns.push_back({"REMEDY"});
  for (const v1::EvidenceSource& source : info.evidence_sources()) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row = {v1::EvidenceSource::Kind_Name(source.kind()), D::EvidenceLevel_Name(source.level()),
           source.errno_name().empty() ? "TELLS" : source.errno_name()};
    if (wide) row.push_back(source.remedy());
  }
  return table;
}

std::string ExplainDiagnosis(const v1::Diagnosis& diagnosis, absl::Time now) {
  Lines lines = EvidenceOf(diagnosis);
  lines.push_back({"AGE", AgeOf(diagnosis, now)});
  size_t width = 0;
  for (const auto& [field, value] : lines) width = std::max(width, field.size());
  std::string text = absl::StrCat(Wrapped(Printable(diagnosis.explanation())), "\n\n");
  for (const auto& [field, value] : lines) {
    absl::StrAppend(&text, field, std::string(width - field.size() + 2, ' '),
                    value.empty() ? "-" : Printable(value), "\n");
  }
  return text;
}

}  // namespace dmaheap::ctl
