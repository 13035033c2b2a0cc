// Serves a daemon to c_abi_test.c. This program carries gRPC, and the messages of dmaheap.v1 and
// google.rpc, itself: that libdmaheap.so.0 can be loaded beside them is part of the test.

#include "client/testing/fake_daemon.h"
#include "client/testing/fd_leak_check.h"
#include "gtest/gtest.h"

extern "C" int run_c_abi_test(const char* socket_dir);

namespace dmaheap {
namespace {

TEST(CAbiTest, ACProgramGetsAndGivesBackItsBuffers) {
  const FdLeakCheck leaks;
  {
    const auto daemon = FakeDaemon::Start();
    EXPECT_EQ(run_c_abi_test(daemon->dir().c_str()), 0);
  }
  EXPECT_EQ(leaks.Leaked(), "");
}

}  // namespace
}  // namespace dmaheap
