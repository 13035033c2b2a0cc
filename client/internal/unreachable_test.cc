#include "client/internal/unreachable.h"

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::client_internal {
namespace {

using ::testing::HasSubstr;

TEST(UnreachableTest, EachErrnoOfConnectHasItsRemedy) {
  const absl::Status missing = ConnectError("/run/s", ENOENT);
  const absl::Status dead = ConnectError("/run/s", ECONNREFUSED);

  EXPECT_EQ(GetReason(missing), ErrorReason::DAEMON_UNREACHABLE);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("start dmaheapd"));
  EXPECT_THAT(std::string(dead.message()), HasSubstr("no daemon listens"));
  EXPECT_EQ(GetErrorValue(dead, "errno"), "ECONNREFUSED");
}

TEST(UnreachableTest, APermissionIsNoQuestionOfTryingAgain) {
  const absl::Status status = ConnectError("/run/s", EACCES);

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(GetReason(status), ErrorReason::ACCESS_DENIED);
}

TEST(UnreachableTest, TheOlderSideIsNamed) {
  EXPECT_THAT(std::string(WireVersionError(8, 9, "2.0").message()),
              HasSubstr("dmaheapd 2.0 speaks wire versions 8 to 9; this library is the older one"));
  EXPECT_THAT(std::string(WireVersionError(0, 0, "").message()), HasSubstr("same release"));
}

TEST(UnreachableTest, ARefusalForAnotherReasonIsPassedOn) {
  const absl::Status status = Error(ErrorReason::SESSION_LIMIT, "32 sessions of this uid");

  EXPECT_EQ(ExplainRefusal(status), status);
  EXPECT_EQ(GetReason(ExplainRefusal(absl::OkStatus())), ErrorReason::INTERNAL_ERROR);
}

}  // namespace
}  // namespace dmaheap::client_internal
