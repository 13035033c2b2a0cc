#include "tests/bench/verdict_rows.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

using ::testing::HasSubstr;

VerdictCase Pin(const std::string& verdict, const std::string& cause,
                std::vector<int64_t> pinners) {
  return {.kind = "vmsplice",
          .true_verdict = "PINNED_STUCK",
          .true_cause = "PIPE",
          .true_pinner = 42,
          .verdict = verdict,
          .confidence = "CERTAIN",
          .evidence_level = "L4",
          .cause = cause,
          .pinners = std::move(pinners)};
}
VerdictCase Full(const std::string& verdict) {
  return {.kind = "full",
          .true_verdict = "EXHAUSTED",
          .true_cause = "NONE",
          .true_pinner = 0,
          .verdict = verdict,
          .confidence = "CERTAIN",
          .evidence_level = "L1",
          .cause = "",
          .pinners = {}};
}

Row Find(const std::vector<Row>& rows, const std::string& name) {
  const auto it =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  if (it != rows.end()) return *it;
  ADD_FAILURE() << "there is no row " << name;
  return {};
}

TEST(VerdictRows, SharesAreOfWhatIsTrue) {
  VerdictRecord record;
  record.cases = {Pin("PINNED_STUCK", "PIPE", {42}), Pin("UNKNOWN", "NOT_ESTABLISHED", {}),
                  Full("EXHAUSTED"), Full("EXHAUSTED")};

  const std::vector<Row> rows = VerdictRows(record);

  EXPECT_EQ(Find(rows, "verdicts.cases").value, 4);
  EXPECT_EQ(Find(rows, "verdicts.accuracy").value, 0.75);
  EXPECT_FALSE(IsOk(Find(rows, "verdicts.accuracy")));
  EXPECT_EQ(Find(rows, "verdicts.vmsplice.accuracy").value, 0.5);
  EXPECT_FALSE(IsOk(Find(rows, "verdicts.vmsplice.accuracy")));
  EXPECT_EQ(Find(rows, "verdicts.full.accuracy").value, 1);
  EXPECT_TRUE(IsOk(Find(rows, "verdicts.full.accuracy")));
  EXPECT_EQ(Find(rows, "causes.accuracy").value, 0.5) << "of the pins alone";
  EXPECT_EQ(Find(rows, "attribution.cases").value, 2);
  EXPECT_EQ(Find(rows, "attribution.accuracy").value, 0.5);
  EXPECT_EQ(Find(rows, "attribution.wrong_process").value, 0);
  EXPECT_TRUE(IsOk(Find(rows, "attribution.wrong_process")));
}

TEST(VerdictRows, OneWrongProcessIsTooMany) {
  VerdictRecord record;
  record.cases = {Pin("PINNED_STUCK", "PIPE", {42, 7})};
  EXPECT_EQ(Find(VerdictRows(record), "attribution.accuracy").value, 0);
  EXPECT_FALSE(IsOk(Find(VerdictRows(record), "attribution.wrong_process")));

  record.cases = {Full("EXHAUSTED")};
  record.cases[0].pinners = {7};
  EXPECT_FALSE(IsOk(Find(VerdictRows(record), "attribution.wrong_process")))
      << "also where there is no pin";
}

TEST(VerdictRows, WithTooFewCasesTheRunIsVoid) {
  VerdictRecord record;
  EXPECT_FALSE(CheckVerdicts(record).ok());
  record.cases.assign(kLeastCases, Full("EXHAUSTED"));
  EXPECT_TRUE(CheckVerdicts(record).ok());
  record.cases.push_back(Pin("PINNED_STUCK", "PIPE", {42}));
  EXPECT_THAT(std::string(CheckVerdicts(record).message()), HasSubstr("of vmsplice there are 1"));
}

TEST(VerdictRows, NotesSayWhatWasSaidInstead) {
  VerdictRecord record;
  record.cases = {Pin("PINNED_STUCK", "PIPE", {42}), Pin("UNKNOWN", "PIPE", {}), Full("EXHAUSTED")};
  const std::string notes = absl::StrJoin(VerdictNotes(record), "\n");
  EXPECT_THAT(notes, HasSubstr("vmsplice, PINNED_STUCK: 1 x PINNED_STUCK (L4), 1 x UNKNOWN (L4)"));
  EXPECT_THAT(notes, HasSubstr("cause PIPE: 2 x PIPE"));
  EXPECT_THAT(notes, HasSubstr("full, EXHAUSTED: 1 x EXHAUSTED (L1)"));
}

TEST(VerdictRows, TrivialOnesHaveRowsAndDoNotCountInTheScore) {
  VerdictRecord record;
  record.trivial = {{"quota", "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"},
                    {"quota", "QUOTA_EXCEEDED", "HEAP_EXHAUSTED"}};

  const auto rows = VerdictRows(record);

  EXPECT_EQ(rows.back().name, "trivial.quota.accuracy");
  EXPECT_DOUBLE_EQ(*rows.back().value, 0.5);
  EXPECT_FALSE(IsOk(rows.back()));
  EXPECT_EQ(*rows.front().value, 0) << "verdicts.cases";
}

}  // namespace
}  // namespace dmaheap::bench
