// In the guest, on the kernel that Debian ships for virtual machines: a system heap, no CMA, no
// statistics of dma-bufs in sysfs. The daemon serves what there is and says what there is not.

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

// Of dmaheapctl.
constexpr int kExitNotFound = 5;

using StockKernelTest = FdLeakCheck;

TEST_F(StockKernelTest, ServesTheSystemHeapAndTheSimulatedOne) {
  std::map<std::string, nlohmann::json> heaps = ListHeaps();

  ASSERT_EQ(heaps.size(), 3u);
  EXPECT_EQ(heaps["heaps/system"]["contiguity"], "SCATTERED");
  EXPECT_EQ(heaps["heaps/simulated"]["contiguity"], "SIMULATED");
  EXPECT_EQ(heaps["heaps/linux,cma-nofail"]["backing_heap"], "heaps/simulated");
}

TEST_F(StockKernelTest, SaysThatThereIsNoArea) {
  const GuestResult result = RunInGuest({"dmaheapctl", "alloc", "linux,cma", "4096"});

  EXPECT_EQ(result.exit_code, kExitNotFound);
  EXPECT_TRUE(absl::StrContains(result.error, "reason=HEAP_NOT_FOUND")) << result.error;
  EXPECT_TRUE(absl::StrContains(result.error, "heaps=simulated system")) << result.error;
}

class StockHeapTest : public FdLeakCheck, public testing::WithParamInterface<const char*> {};

TEST_P(StockHeapTest, AHalWorksOnIt) {
  const GuestResult hal = RunInGuest({"camera_hal", GetParam()});

  EXPECT_EQ(hal.exit_code, 0) << hal.output << hal.error;
}

INSTANTIATE_TEST_SUITE_P(Heaps, StockHeapTest, testing::Values("system", "simulated"));

}  // namespace
}  // namespace dmaheap
