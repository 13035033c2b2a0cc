#include "daemon/keeper/notify_message.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

TEST(NotifyMessageTest, TakesEveryKeyOfTheContract) {
  const auto message =
      ParseNotifyMessage("READY=1\nSTOPPING=1\nWATCHDOG=1\nSTATUS=all is well\nBARRIER=1");

  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->ready);
  EXPECT_TRUE(message->stopping);
  EXPECT_TRUE(message->watchdog);
  EXPECT_TRUE(message->barrier);
  EXPECT_EQ(message->status, "all is well");
  EXPECT_FALSE(message->fd_store);
  EXPECT_FALSE(message->fd_store_remove);
}

TEST(NotifyMessageTest, TakesTheNameOfStoredAndRemovedFds) {
  const auto stored = ParseNotifyMessage("FDSTORE=1\nFDNAME=buffer.memfd-7\nFDPOLL=0");
  const auto removed = ParseNotifyMessage("FDSTOREREMOVE=1\nFDNAME=watch.dmabuf\n");

  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_TRUE(stored->fd_store);
  EXPECT_EQ(stored->fd_name, "buffer.memfd-7");
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_TRUE(removed->fd_store_remove);
  EXPECT_EQ(removed->fd_name, "watch.dmabuf");
}

TEST(NotifyMessageTest, UnknownKeysAndOtherValuesArePassedOver) {
  const auto message = ParseNotifyMessage("RELOADING=1\nREADY=0\nWATCHDOG=trigger\nSTATUS=");

  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_FALSE(message->ready);
  EXPECT_FALSE(message->watchdog);
  EXPECT_EQ(message->status, "");
}

TEST(NotifyMessageTest, AStatusMayHoldAnEqualsSign) {
  EXPECT_EQ(ParseNotifyMessage("STATUS=a=b")->status, "a=b");
}

struct Wrong {
  std::string bytes;
  std::string complaint;
};

class WrongNotifyMessageTest : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongNotifyMessageTest, IsRefusedWithTheReason) {
  const auto message = ParseNotifyMessage(GetParam().bytes);

  EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(message.status().message()), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongNotifyMessageTest,
    ::testing::Values(Wrong{"", "empty"}, Wrong{"READY", "without KEY="},
                      Wrong{"=1", "without KEY="}, Wrong{"READY=1\ngarbage\n", "without KEY="},
                      Wrong{std::string("READY=1\0", 8), "NUL"},
                      Wrong{std::string(kMaxNotifyBytes + 1, 'a'), "4097 bytes"},
                      Wrong{"FDSTORE=1", "FDNAME"}, Wrong{"FDSTORE=1\nFDNAME=", "FDNAME"},
                      Wrong{"FDSTORE=1\nFDNAME=a:b", "a:b"},
                      Wrong{"FDSTOREREMOVE=1\nFDNAME=a b", "a b"},
                      Wrong{"FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=a", "both"}));

TEST(NotifyMessageTest, AnyBytesAreSurvived) {
  // A walk through short strings over the characters that matter.
  const std::string alphabet("A=1\n\0\xff:", 7);
  for (int code = 0; code < 7 * 7 * 7 * 7 * 7; ++code) {
    std::string bytes;
    for (int rest = code, i = 0; i < 5; ++i, rest /= 7) bytes += alphabet[rest % 7];
    const auto message = ParseNotifyMessage(bytes);
    EXPECT_TRUE(!message.ok() || !message->ready);
  }
}

TEST(IsFdNameTest, TakesWhatMayTravelInListenFdnames) {
  EXPECT_TRUE(IsFdName("heap.linux,cma"));
  EXPECT_TRUE(IsFdName(std::string(255, 'a')));
  EXPECT_FALSE(IsFdName(""));
  EXPECT_FALSE(IsFdName(std::string(256, 'a')));
  EXPECT_FALSE(IsFdName("a:b"));
  EXPECT_FALSE(IsFdName("a b"));
  EXPECT_FALSE(IsFdName("a\\b"));
  EXPECT_FALSE(IsFdName("a\"b"));
  EXPECT_FALSE(IsFdName("a'b"));
  EXPECT_FALSE(IsFdName("a\nb"));
  EXPECT_FALSE(IsFdName("\xc3\xa4"));
}

}  // namespace
}  // namespace dmaheap
