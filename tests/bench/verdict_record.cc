#include "tests/bench/verdict_record.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace dmaheap::bench {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string FormatVerdictRecord(const VerdictRecord& record) {
  Json cases = Json::array();
  for (const VerdictCase& one : record.cases) {
    cases.push_back({{"kind", one.kind},
                     {"true_verdict", one.true_verdict},
                     {"true_cause", one.true_cause},
                     {"true_pinner", one.true_pinner},
                     {"verdict", one.verdict},
                     {"confidence", one.confidence},
                     {"evidence_level", one.evidence_level},
                     {"cause", one.cause},
                     {"pinners", one.pinners}});
  }
  Json trivial = Json::array();
  for (const TrivialCase& one : record.trivial) {
    trivial.push_back(
        {{"kind", one.kind}, {"true_reason", one.true_reason}, {"reason", one.reason}});
  }
  return Json{{"cases", cases}, {"trivial", trivial}}.dump() + "\n";
}

absl::StatusOr<VerdictRecord> ParseVerdictRecord(absl::string_view text) {
  // nlohmann reports by exceptions; they end here.
  try {
    VerdictRecord record;
    const Json object = Json::parse(text.begin(), text.end());
    for (const Json& one : object.at("cases")) {
      record.cases.push_back({.kind = one.at("kind"),
                              .true_verdict = one.at("true_verdict"),
                              .true_cause = one.at("true_cause"),
                              .true_pinner = one.at("true_pinner"),
                              .verdict = one.at("verdict"),
                              .confidence = one.at("confidence"),
                              .evidence_level = one.at("evidence_level"),
                              .cause = one.at("cause"),
                              .pinners = one.at("pinners").get<std::vector<int64_t>>()});
    }
    for (const Json& one : object.at("trivial")) {
      record.trivial.push_back({.kind = one.at("kind"),
                                .true_reason = one.at("true_reason"),
                                .reason = one.at("reason")});
    }
    return record;
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record of verdicts: ", error.what()));
  }
}

}  // namespace dmaheap::bench
