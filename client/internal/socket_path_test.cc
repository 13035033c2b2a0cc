#include "client/internal/socket_path.h"

#include "gtest/gtest.h"

namespace dmaheap::client_internal {
namespace {

TEST(SocketPathTest, OptionBeatsEnvironmentBeatsDefault) {
  unsetenv(kSocketDirVariable);
  EXPECT_EQ(ResolveSocketDir(""), "/run/dmaheapd");
  setenv(kSocketDirVariable, "/tmp/env", 1);
  EXPECT_EQ(ResolveSocketDir(""), "/tmp/env");
  EXPECT_EQ(ResolveSocketDir("/tmp/asked"), "/tmp/asked");
  setenv(kSocketDirVariable, "", 1);
  EXPECT_EQ(ResolveSocketDir(""), "/run/dmaheapd");
  unsetenv(kSocketDirVariable);
}

TEST(SocketPathTest, ASlashAtTheEndIsNoOtherFolder) {
  EXPECT_EQ(SocketPath("/run/x", "fd.sock"), "/run/x/fd.sock");
  EXPECT_EQ(SocketPath("/run/x/", "fd.sock"), "/run/x/fd.sock");
}

TEST(SocketPathTest, TheLongestPathThatFitsIs107Bytes) {
  EXPECT_TRUE(CheckSocketPath(std::string(107, 'x')).ok());
  EXPECT_EQ(CheckSocketPath(std::string(108, 'x')).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dmaheap::client_internal
