#include "tests/bench/diagnosis_record.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace dmaheap::bench {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string FormatDiagnosisRecord(const DiagnosisRecord& record) {
  const Json object = {{"allocations", record.allocations},
                       {"with_prober", record.with_prober},
                       {"without_prober", record.without_prober},
                       {"prober", record.prober},
                       {"processes", record.processes},
                       {"free_list_ms", record.free_list_ms},
                       {"pinners_ms", record.pinners_ms},
                       {"mappers_ms", record.mappers_ms},
                       {"failures", record.failures},
                       {"diagnosing_ms", record.diagnosing_ms}};
  return object.dump() + "\n";
}

absl::StatusOr<DiagnosisRecord> ParseDiagnosisRecord(absl::string_view text) {
  // nlohmann reports by exceptions; they end here.
  try {
    const Json object = Json::parse(text.begin(), text.end());
    return DiagnosisRecord{.allocations = object.at("allocations"),
                           .with_prober = object.at("with_prober").get<CallCounts>(),
                           .without_prober = object.at("without_prober").get<CallCounts>(),
                           .prober = object.at("prober").get<CallCounts>(),
                           .processes = object.at("processes"),
                           .free_list_ms = object.at("free_list_ms").get<std::vector<double>>(),
                           .pinners_ms = object.at("pinners_ms").get<std::vector<double>>(),
                           .mappers_ms = object.at("mappers_ms").get<std::vector<double>>(),
                           .failures = object.at("failures"),
                           .diagnosing_ms = object.at("diagnosing_ms")};
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record of diagnosing: ", error.what()));
  }
}

}  // namespace dmaheap::bench
