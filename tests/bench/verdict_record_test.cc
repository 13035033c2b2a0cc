#include "tests/bench/verdict_record.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(VerdictRecord, ComesBackAsItWentOut) {
  VerdictRecord record;
  record.cases.push_back({.kind = "vmsplice",
                          .true_verdict = "PINNED_STUCK",
                          .true_cause = "PIPE",
                          .true_pinner = 42,
                          .verdict = "PINNED_TRANSIENT",
                          .confidence = "LIKELY",
                          .evidence_level = "L3",
                          .cause = "NOT_ESTABLISHED",
                          .pinners = {7, 8}});

  record.trivial.push_back(
      {.kind = "quota", .true_reason = "QUOTA_EXCEEDED", .reason = "HEAP_EXHAUSTED"});

  const auto back = ParseVerdictRecord(FormatVerdictRecord(record));

  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->cases.size(), 1u);
  const VerdictCase& one = back->cases[0];
  EXPECT_EQ(one.kind, "vmsplice");
  EXPECT_EQ(one.true_verdict, "PINNED_STUCK");
  EXPECT_EQ(one.true_cause, "PIPE");
  EXPECT_EQ(one.true_pinner, 42);
  EXPECT_EQ(one.verdict, "PINNED_TRANSIENT");
  EXPECT_EQ(one.confidence, "LIKELY");
  EXPECT_EQ(one.evidence_level, "L3");
  EXPECT_EQ(one.cause, "NOT_ESTABLISHED");
  EXPECT_EQ(one.pinners, (std::vector<int64_t>{7, 8}));
  ASSERT_EQ(back->trivial.size(), 1u);
  EXPECT_EQ(back->trivial[0].kind, "quota");
  EXPECT_EQ(back->trivial[0].true_reason, "QUOTA_EXCEEDED");
  EXPECT_EQ(back->trivial[0].reason, "HEAP_EXHAUSTED");
}

TEST(VerdictRecord, WhatIsNoRecordIsRefused) {
  for (const char* text : {"", "{}", "[]", "{\"cases\":[{}]}", "{\"cases\":[{\"kind\":1}]}"}) {
    EXPECT_FALSE(ParseVerdictRecord(text).ok()) << text;
  }
}

}  // namespace
}  // namespace dmaheap::bench
