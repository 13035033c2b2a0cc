#include "tests/bench/verdict_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dmaheap::bench {
namespace {

constexpr char kNoPin[] = "NONE";
constexpr double kVerdictsAtLeast = 0.95;
constexpr double kOfAKindAtLeast = 0.80;
constexpr double kCausesAtLeast = 0.90;
constexpr double kAttributionAtLeast = 0.90;

bool VerdictIsRight(const VerdictCase& one) { return one.verdict == one.true_verdict; }
bool IsPin(const VerdictCase& one) { return one.true_cause != kNoPin; }
bool CauseIsRight(const VerdictCase& one) { return one.cause == one.true_cause; }
bool HasLivingHolder(const VerdictCase& one) { return one.true_pinner != 0; }
bool NamesAnother(const VerdictCase& one) {
  return std::any_of(one.pinners.begin(), one.pinners.end(),
                     [&](int64_t pid) { return pid != one.true_pinner; });
}
bool AttributionIsRight(const VerdictCase& one) {
  return !one.pinners.empty() && !NamesAnother(one);
}

using Is = bool (*)(const VerdictCase& one);

int64_t CountOf(const std::vector<VerdictCase>& cases, Is is) {
  return std::count_if(cases.begin(), cases.end(), is);
}

std::vector<VerdictCase> Those(const std::vector<VerdictCase>& cases, Is are) {
  std::vector<VerdictCase> those;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(those), are);
  return those;
}

Row ShareRow(const std::string& name, const std::vector<VerdictCase>& cases, Is right,
             double at_least) {
  absl::optional<double> share;
  if (!cases.empty()) {
    share = static_cast<double>(CountOf(cases, right)) / static_cast<double>(cases.size());
  }
  return {name, share, "ratio", Bound{Bound::Side::kAtLeast, at_least, ""}};
}

Row CountRow(const std::string& name, int64_t count) {
  return {name, static_cast<double>(count), "cases", absl::nullopt};
}

// In the order in which they came.
std::vector<std::pair<std::string, std::vector<VerdictCase>>> ByKind(const VerdictRecord& record) {
  std::vector<std::pair<std::string, std::vector<VerdictCase>>> kinds;
  for (const VerdictCase& one : record.cases) {
    auto it = std::find_if(kinds.begin(), kinds.end(),
                           [&](const auto& kind) { return kind.first == one.kind; });
    if (it == kinds.end()) it = kinds.insert(kinds.end(), {one.kind, {}});
    it->second.push_back(one);
  }
  return kinds;
}

// Beside the score.
void AddTrivial(const std::vector<TrivialCase>& cases, std::vector<Row>& rows) {
  std::vector<std::string> kinds;
  std::map<std::string, std::pair<double, double>> right_of_all;
  for (const TrivialCase& one : cases) {
    auto& [right, all] = right_of_all[one.kind];
    if (all++ == 0) kinds.push_back(one.kind);
    if (one.reason == one.true_reason) ++right;
  }
  for (const std::string& kind : kinds) {
    const auto& [right, all] = right_of_all[kind];
    rows.push_back({absl::StrCat("trivial.", kind, ".accuracy"), right / all, "ratio",
                    Bound{Bound::Side::kAtLeast, 1, ""}});
  }
}

std::string Counted(const std::map<std::string, int>& counts) {
  return absl::StrJoin(counts, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.second, " x ", entry.first);
  });
}

}  // namespace

absl::Status CheckVerdicts(const VerdictRecord& record) {
  if (record.cases.empty()) return absl::FailedPreconditionError("the run is void: nothing failed");
  for (const auto& [kind, cases] : ByKind(record)) {
    if (cases.size() >= kLeastCases) continue;
    return absl::FailedPreconditionError(absl::StrCat("the run is void: of ", kind, " there are ",
                                                      cases.size(), " cases only, and at least ",
                                                      kLeastCases, " are needed"));
  }
  return absl::OkStatus();
}

std::vector<Row> VerdictRows(const VerdictRecord& record) {
  const std::vector<VerdictCase>& all = record.cases;
  std::vector<Row> rows = {CountRow("verdicts.cases", static_cast<int64_t>(all.size())),
                           ShareRow("verdicts.accuracy", all, VerdictIsRight, kVerdictsAtLeast)};
  for (const auto& [kind, cases] : ByKind(record)) {
    rows.push_back(ShareRow(absl::StrCat("verdicts.", kind, ".accuracy"), cases, VerdictIsRight,
                            kOfAKindAtLeast));
  }
  rows.push_back(ShareRow("causes.accuracy", Those(all, IsPin), CauseIsRight, kCausesAtLeast));
  const std::vector<VerdictCase> held = Those(all, HasLivingHolder);
  rows.push_back(CountRow("attribution.cases", static_cast<int64_t>(held.size())));
  rows.push_back(ShareRow("attribution.accuracy", held, AttributionIsRight, kAttributionAtLeast));
  // Of all: where nobody lives who pins, everybody who is named is wrong.
  Row wrong = CountRow("attribution.wrong_process", CountOf(all, NamesAnother));
  wrong.bound = Bound{Bound::Side::kAtMost, 0, ""};
  rows.push_back(wrong);
  AddTrivial(record.trivial, rows);
  return rows;
}

std::vector<std::string> VerdictNotes(const VerdictRecord& record) {
  std::vector<std::string> notes = {"What was said of what (level of the evidence in brackets):"};
  for (const auto& [kind, cases] : ByKind(record)) {
    std::map<std::string, int> verdicts;
    std::map<std::string, int> causes;
    for (const VerdictCase& one : cases) {
      ++verdicts[absl::StrCat(one.verdict, " (", one.evidence_level, ")")];
      ++causes[one.cause];
    }
    notes.push_back(
        absl::StrCat("  ", kind, ", ", cases.front().true_verdict, ": ", Counted(verdicts)));
    if (IsPin(cases.front())) {
      notes.push_back(absl::StrCat("    cause ", cases.front().true_cause, ": ", Counted(causes)));
    }
  }
  return notes;
}

}  // namespace dmaheap::bench
