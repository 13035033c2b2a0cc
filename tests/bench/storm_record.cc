#include "tests/bench/storm_record.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dmaheap::bench {
namespace {

using Json = nlohmann::json;

}  // namespace

std::string FormatStormRecord(const StormRecord& record) {
  Json object = {
      {"contenders", record.contenders}, {"scenarios", Json::array()}, {"samples", Json::array()}};
  for (const StormScenario& scenario : record.scenarios) {
    object["scenarios"].push_back({{"name", scenario.name},
                                   {"oom_kills", scenario.oom_kills},
                                   {"free_mib", scenario.free_mib}});
  }
  for (const StormSample& sample : record.samples) {
    Json freezes = Json::array();
    for (const Freeze& freeze : sample.freezes) {
      freezes.push_back({{"ms", freeze.ms}, {"cured", freeze.cured}});
    }
    object["samples"].push_back({{"scenario", sample.scenario},
                                 {"contender", sample.contender},
                                 {"success", sample.success},
                                 {"ms", sample.ms},
                                 {"tries", sample.tries},
                                 {"freezes", std::move(freezes)}});
  }
  return object.dump() + "\n";
}

absl::StatusOr<StormRecord> ParseStormRecord(absl::string_view text) {
  StormRecord record;
  // nlohmann reports by exceptions; they end here.
  try {
    const Json object = Json::parse(text.begin(), text.end());
    record.contenders = object.at("contenders").get<std::vector<std::string>>();
    for (const Json& scenario : object.at("scenarios")) {
      record.scenarios.push_back({.name = scenario.at("name"),
                                  .oom_kills = scenario.at("oom_kills"),
                                  .free_mib = scenario.at("free_mib")});
    }
    for (const Json& sample : object.at("samples")) {
      record.samples.push_back({.scenario = sample.at("scenario"),
                                .contender = sample.at("contender"),
                                .success = sample.at("success"),
                                .ms = sample.at("ms"),
                                .tries = sample.at("tries")});
      for (const Json& freeze : sample.at("freezes")) {
        record.samples.back().freezes.push_back(
            {.ms = freeze.at("ms"), .cured = freeze.at("cured")});
      }
    }
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record of a storm: ", error.what()));
  }
  return record;
}

}  // namespace dmaheap::bench
