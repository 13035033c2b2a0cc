#include "tests/bench/diagnosis_rows.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

DiagnosisRecord Plausible() {
  return {.allocations = 100,
          .with_prober = {{47, 500}, {232, 301}},
          .without_prober = {{47, 500}, {232, 300}},
          .prober = {},
          .processes = 200,
          .free_list_ms = {1, 2, 3},
          .pinners_ms = {10, 12, 49},
          .mappers_ms = {20, 21, 22},
          .failures = 10,
          .diagnosing_ms = 300};
}

const Row& Find(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << name;
  return rows.front();
}

TEST(DiagnosisRowsTest, WhatACallOfARequestCostsIsTheDifferenceOfTwoDaemons) {
  const auto rows = DiagnosisRows(Plausible());

  EXPECT_DOUBLE_EQ(*Find(rows, "success.calls_with_prober").value, 8.01);
  EXPECT_DOUBLE_EQ(*Find(rows, "success.calls_without_prober").value, 8);
  EXPECT_DOUBLE_EQ(*Find(rows, "success.more_calls").value, 0.01);
  EXPECT_DOUBLE_EQ(*Find(rows, "scan.pinners.p50_ms").value, 12);
  EXPECT_DOUBLE_EQ(*Find(rows, "scan.pinners.max_ms").value, 49);
  EXPECT_DOUBLE_EQ(*Find(rows, "failure.diagnosis_ms").value, 30);
  for (const Row& row : rows) EXPECT_TRUE(IsOk(row)) << row.name;
}

TEST(DiagnosisRowsTest, OneCallMoreForEachRequestIsTooMuch) {
  DiagnosisRecord record = Plausible();
  record.with_prober[1] = 100;
  EXPECT_FALSE(IsOk(Find(DiagnosisRows(record), "success.more_calls")));

  record = Plausible();
  record.prober[0] = 1;
  EXPECT_FALSE(IsOk(Find(DiagnosisRows(record), "success.prober_calls")));
}

TEST(DiagnosisRowsTest, ALookThatTakesLongerThanTheTimeBoxIsTooLong) {
  DiagnosisRecord record = Plausible();
  record.pinners_ms.push_back(51);
  record.diagnosing_ms = 501;

  const auto rows = DiagnosisRows(record);

  EXPECT_FALSE(IsOk(Find(rows, "scan.pinners.max_ms")));
  EXPECT_TRUE(IsOk(Find(rows, "scan.mappers.max_ms")));
  EXPECT_FALSE(IsOk(Find(rows, "failure.diagnosis_ms")));
}

TEST(DiagnosisRowsTest, WhereNothingWasCountedNothingIsProved) {
  EXPECT_TRUE(CheckDiagnosis(Plausible()).ok());
  DiagnosisRecord record = Plausible();
  record.without_prober.clear();
  EXPECT_EQ(CheckDiagnosis(record).code(), absl::StatusCode::kFailedPrecondition);
  record = Plausible();
  record.failures = 0;
  EXPECT_EQ(CheckDiagnosis(record).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(DiagnosisRowsTest, TheNotesTellWhichCallsTheyWereTheMostFirst) {
  const auto notes = DiagnosisNotes(Plausible());

  EXPECT_EQ(notes[1], "  with the prober:    47: 5.00, 232: 3.01");
  EXPECT_EQ(notes[3], "  the prober itself:  none");
}

}  // namespace
}  // namespace dmaheap::bench
