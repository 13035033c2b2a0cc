#include "daemon/log.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(LogTest, ALineHasTimeLevelProcessAndMessage) {
  ASSERT_TRUE(InitLog("info", "keeper").ok());
  ::testing::internal::CaptureStderr();

  spdlog::info("event=started pid={}", 7);

  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:.]+[+-][0-9:]+ info keeper event=started "
                           "pid=7\n"));
}

TEST(LogTest, LinesBelowTheLevelAreLeftOut) {
  ASSERT_TRUE(InitLog("warn", "broker").ok());
  ::testing::internal::CaptureStderr();

  spdlog::info("event=quiet");
  spdlog::warn("event=loud");

  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("event=loud"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("event=quiet")));
}

TEST(LogTest, TheLevelCanBeChangedAndRead) {
  ASSERT_TRUE(InitLog("info", "broker").ok());

  ASSERT_TRUE(SetLogLevel("debug").ok());

  EXPECT_EQ(GetLogLevel(), "debug");
}

TEST(LogTest, AnUnknownLevelIsRefusedAndChangesNothing) {
  ASSERT_TRUE(InitLog("error", "broker").ok());

  EXPECT_EQ(SetLogLevel("loud").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InitLog("", "broker").code(), absl::StatusCode::kInvalidArgument);

  EXPECT_EQ(GetLogLevel(), "error");
}

TEST(LogValueTest, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(LogValue("heaps/linux,cma"), "heaps/linux,cma");
}

TEST(LogValueTest, WhatCouldForgeALineOrAKeyIsQuoted) {
  EXPECT_EQ(LogValue(""), "\"\"");
  EXPECT_EQ(LogValue("a b"), "\"a b\"");
  EXPECT_EQ(LogValue("uid=0"), "\"uid=0\"");
  EXPECT_EQ(LogValue("say \"x\"\\"), "\"say \\\"x\\\"\\\\\"");
  EXPECT_EQ(LogValue("a\nb\x1b[0m"), "\"a\\nb\\x1b[0m\"");
  EXPECT_EQ(LogValue("\xff"), "\"\\xff\"");
}

TEST(LogStatusTest, NamesCodeAndText) {
  EXPECT_EQ(LogStatus(absl::NotFoundError("no such heap")),
            "code=NOT_FOUND error=\"no such heap\"");
}

}  // namespace
}  // namespace dmaheap
