#include "tests/bench/report_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/types/optional.h"

namespace dmaheap::bench {
namespace {

// Keeps the order in which members are written.
using Json = nlohmann::ordered_json;

Json NumberOrNull(absl::optional<double> value) {
  if (!value.has_value()) return nullptr;
  return std::round(*value * 1000) / 1000;
}

Json MachineObject(const Machine& machine) {
  return {{"cpu", machine.cpu},
          {"cpus", machine.cpus},
          {"memory_mib", machine.memory_mib},
          {"kernel", machine.kernel},
          {"load_average", NumberOrNull(machine.load_average)},
          {"build", machine.build}};
}

Json RowObject(const Row& row) {
  absl::optional<double> limit;
  if (row.bound.has_value()) limit = row.bound->limit;
  return {{"name", row.name},
          {"value", NumberOrNull(row.value)},
          {"unit", row.unit},
          {"bound", NumberOrNull(limit)},
          {"ok", IsOk(row)}};
}

}  // namespace

std::string ToJson(const Report& report) {
  Json object = {{"benchmark", report.benchmark},
                 {"machine", MachineObject(report.machine)},
                 {"rows", Json::array()}};
  for (const Row& row : report.rows) object["rows"].push_back(RowObject(row));
  // The name of a CPU is the firmware's: what is not UTF-8 in it must not end the run.
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dmaheap::bench
