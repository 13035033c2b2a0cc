#include "daemon/core/pinner_costs.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Pin = v1::Diagnosis::Pin;

constexpr absl::Duration kMs = absl::Milliseconds(1);
const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1000);

PageUser User(pid_t pid, std::string name) {
  return {.pid = pid,
          .uid = 1000,
          .name = std::move(name),
          .cgroup = "/apps",
          .executable = "/usr/bin/app"};
}

TEST(PinnerCostsTest, WhatAProgramCostIsAddedUpOverItsProcesses) {
  PinnerCosts costs;

  costs.Add({.pipe_holders = {User(10, "app")}}, 30 * kMs, kStart);
  costs.Add({.pipe_holders = {User(11, "app")}}, 12 * kMs, kStart + absl::Seconds(5));

  const auto list = costs.List({.size = 10});
  ASSERT_EQ(list.pinners_size(), 1);
  const v1::Pinner& pinner = list.pinners(0);
  EXPECT_EQ(pinner.uid(), 1000);
  EXPECT_EQ(pinner.process_name(), "app");
  EXPECT_EQ(pinner.executable(), "/usr/bin/app");
  EXPECT_EQ(pinner.cgroup(), "/apps");
  EXPECT_EQ(pinner.cause(), Pin::PIPE);
  EXPECT_EQ(pinner.delayed_requests(), 2);
  EXPECT_EQ(pinner.delay_duration().nanos(), 42'000'000);
  EXPECT_EQ(pinner.last_time().seconds(), absl::ToUnixSeconds(kStart) + 5);
}

TEST(PinnerCostsTest, WhoHoldsItInAnotherWayIsAnother) {
  PinnerCosts costs;

  costs.Add({.pipe_holders = {User(10, "app")}, .transferers = {User(10, "app")}}, kMs, kStart);

  EXPECT_EQ(costs.List({.size = 10}).pinners_size(), 2);
}

TEST(PinnerCostsTest, TheLongestDelayIsFirstAndPagesGoOnWhereTheLastEnded) {
  PinnerCosts costs;
  for (int i = 1; i <= 5; ++i) {
    costs.Add({.pipe_holders = {User(i, absl::StrCat("app", i))}}, i * kMs, kStart);
  }

  const auto first = costs.List({.size = 3});
  ASSERT_EQ(first.pinners_size(), 3);
  EXPECT_EQ(first.pinners(0).process_name(), "app5");
  EXPECT_EQ(first.next_page_token(), "3");
  const auto second = costs.List({.size = 3, .after = 3});
  ASSERT_EQ(second.pinners_size(), 2);
  EXPECT_EQ(second.pinners(1).process_name(), "app1");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST(PinnerCostsTest, WhoTakesManyNamesFillsNoMemory) {
  PinnerCosts costs;
  costs.Add({.pipe_holders = {User(1, "worst")}}, absl::Seconds(1), kStart);

  for (int i = 0; i < 1000; ++i) {
    costs.Add({.pipe_holders = {User(1, absl::StrCat("app", i))}}, kMs, kStart);
  }

  const auto list = costs.List({.size = 1000});
  EXPECT_EQ(list.pinners_size(), static_cast<int>(PinnerCosts::kMost));
  EXPECT_EQ(list.pinners(0).process_name(), "worst");
}

}  // namespace
}  // namespace dmaheap
