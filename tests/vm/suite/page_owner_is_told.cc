// In a guest that was booted with page_owner=on: of a page in the way that nobody maps any more,
// who asked the kernel for it is told, beside who keeps it.

#include <sys/types.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/daemon_fixture.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

class PageOwnerTest : public DaemonFixture {
 protected:
  static std::set<pid_t> PidsOf(const nlohmann::json& diagnosis, const std::string& role) {
    std::set<pid_t> pids;
    const nlohmann::json pin = diagnosis.value("pin", nlohmann::json::object());
    for (const nlohmann::json& process : pin.value("processes", nlohmann::json::array())) {
      if (process["role"] == role) pids.insert(process["pid"].get<pid_t>());
    }
    return pids;
  }
};

TEST_F(PageOwnerTest, WhoAllocatedAPageThatNobodyMapsIsTold) {
  GuestProcess maker({"trouble_maker", "unmapped_pin"}, /*uid=*/0);
  const std::string begun = maker.ReadLine();
  ASSERT_TRUE(absl::StartsWith(begun, "begun")) << begun << maker.output();
  Start();
  WaitLog("event=evidence ");

  // A busy emulated machine may not come to it in a diagnosis's 50 ms.
  nlohmann::json diagnosis = nlohmann::json::object();
  for (int i = 0; i < 9 && PidsOf(diagnosis, "ALLOCATOR").empty(); ++i) {
    const auto failed =
        RunInGuest({"dmaheapctl", "alloc", "linux,cma-nofail", "60M", "--retry-policy", "failfast"},
                   /*uid=*/0);
    ASSERT_EQ(failed.exit_code, 6) << failed.output;
    diagnosis = CtlJson({"explain", "--all"}, /*uid=*/0);
  }

  EXPECT_EQ(PidsOf(diagnosis, "ALLOCATOR"), std::set<pid_t>{maker.pid()}) << diagnosis;
  EXPECT_EQ(PidsOf(diagnosis, "MAPPER"), std::set<pid_t>()) << diagnosis;
  maker.WriteLine("");
  EXPECT_EQ(maker.Wait(), 0);
}

}  // namespace
}  // namespace dmaheap
