#include "tests/bench/neighbours_rows.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

NeighboursRecord Plausible() {
  NeighboursRecord record;
  record.quiet_ms = {2, 2, 2, 8};
  record.busy_ms = {2, 3, 3, 50};
  record.busy_seconds = 10;
  record.large_attempt_ms = {100, 90};
  record.large_requests = 3;
  return record;
}

const Row& Find(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << name;
  return rows.front();
}

TEST(NeighboursRowsTest, SmallOnesMayTakeHalfAsLongAgainAndWaitForOneLargeAttempt) {
  const auto rows = NeighboursRows(Plausible());

  EXPECT_DOUBLE_EQ(*Find(rows, "neighbours.busy.p50_ms").value, 3);
  EXPECT_DOUBLE_EQ(Find(rows, "neighbours.busy.p50_ms").bound->limit, 3);
  EXPECT_DOUBLE_EQ(Find(rows, "neighbours.busy.p99_ms").bound->limit, 108);
  EXPECT_DOUBLE_EQ(*Find(rows, "neighbours.large.longest_ms").value, 100);
  EXPECT_DOUBLE_EQ(*Find(rows, "neighbours.large.worker_share").value, 0.019);
  for (const Row& row : rows) EXPECT_TRUE(IsOk(row)) << row.name;
}

TEST(NeighboursRowsTest, WhatTakesLongerIsNotOk) {
  NeighboursRecord record = Plausible();
  record.busy_ms = {4, 4, 4, 109};
  record.busy_seconds = 0.5;
  for (const Row& row : NeighboursRows(record)) {
    EXPECT_EQ(IsOk(row), !row.bound.has_value()) << row.name;
  }
}

TEST(NeighboursRowsTest, ALargeRequestThatWasServedMakesTheRunVoid) {
  NeighboursRecord record = Plausible();
  EXPECT_TRUE(CheckNeighbours(record).ok());
  record.large_successes = 1;
  EXPECT_EQ(CheckNeighbours(record).code(), absl::StatusCode::kFailedPrecondition);
  record = Plausible();
  record.large_attempt_ms.clear();
  EXPECT_EQ(CheckNeighbours(record).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace dmaheap::bench
