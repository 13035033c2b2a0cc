#include "tests/vm/guest/ctl_json.h"

#include <utility>

#include "gtest/gtest.h"

namespace dmaheap {

nlohmann::json CtlJson(std::vector<std::string> words, uid_t uid) {
  words.insert(words.begin(), "dmaheapctl");
  words.insert(words.end(), {"-o", "json"});
  const GuestResult result = RunInGuest(std::move(words), uid);
  EXPECT_EQ(result.exit_code, 0) << result.error;
  nlohmann::json json = nlohmann::json::parse(result.output, nullptr, /*allow_exceptions=*/false);
  EXPECT_FALSE(json.is_discarded()) << result.output;
  return json;
}

std::map<std::string, nlohmann::json> ListHeaps() {
  const nlohmann::json listed = CtlJson({"get", "heaps"});
  std::map<std::string, nlohmann::json> heaps;
  for (const nlohmann::json& heap : listed["heaps"]) heaps[heap["name"]] = heap;
  return heaps;
}

std::vector<pid_t> PinnersOf(const nlohmann::json& diagnosis) {
  std::vector<pid_t> pids;
  if (!diagnosis.contains("pin")) return pids;
  for (const nlohmann::json& process : diagnosis["pin"]["processes"]) {
    if (process["role"] == "PINNER" && process["confidence"] == "CERTAIN") {
      pids.push_back(process["pid"]);
    }
  }
  return pids;
}

}  // namespace dmaheap
