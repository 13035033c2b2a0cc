#include "tests/bench/neighbours_record.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace dmaheap::bench {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string FormatNeighboursRecord(const NeighboursRecord& record) {
  const Json object = {{"quiet_ms", record.quiet_ms},
                       {"busy_ms", record.busy_ms},
                       {"busy_seconds", record.busy_seconds},
                       {"large_attempt_ms", record.large_attempt_ms},
                       {"large_requests", record.large_requests},
                       {"large_successes", record.large_successes}};
  return object.dump() + "\n";
}

absl::StatusOr<NeighboursRecord> ParseNeighboursRecord(absl::string_view text) {
  // nlohmann reports by exceptions; they end here.
  try {
    const Json object = Json::parse(text.begin(), text.end());
    return NeighboursRecord{
        .quiet_ms = object.at("quiet_ms").get<std::vector<double>>(),
        .busy_ms = object.at("busy_ms").get<std::vector<double>>(),
        .busy_seconds = object.at("busy_seconds"),
        .large_attempt_ms = object.at("large_attempt_ms").get<std::vector<double>>(),
        .large_requests = object.at("large_requests"),
        .large_successes = object.at("large_successes")};
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record of neighbours: ", error.what()));
  }
}

}  // namespace dmaheap::bench
