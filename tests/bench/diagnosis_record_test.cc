#include "tests/bench/diagnosis_record.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(DiagnosisRecord, ComesBackAsItWentOut) {
  const DiagnosisRecord record{.allocations = 100,
                               .with_prober = {{47, 200}, {232, 17}},
                               .without_prober = {{47, 199}},
                               .prober = {{0, 1}},
                               .processes = 200,
                               .free_list_ms = {1.5},
                               .pinners_ms = {10, 11},
                               .mappers_ms = {20},
                               .failures = 7,
                               .diagnosing_ms = 61.5};

  const auto back = ParseDiagnosisRecord(FormatDiagnosisRecord(record));

  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->allocations, 100);
  EXPECT_EQ(back->with_prober, record.with_prober);
  EXPECT_EQ(back->without_prober, record.without_prober);
  EXPECT_EQ(back->prober, record.prober);
  EXPECT_EQ(back->processes, 200);
  EXPECT_EQ(back->free_list_ms, record.free_list_ms);
  EXPECT_EQ(back->pinners_ms, record.pinners_ms);
  EXPECT_EQ(back->mappers_ms, record.mappers_ms);
  EXPECT_EQ(back->failures, 7);
  EXPECT_EQ(back->diagnosing_ms, 61.5);
}

TEST(DiagnosisRecord, WhatIsNoRecordIsRefused) {
  for (const char* text : {"", "{}", "[]", "{\"allocations\":\"many\"}"}) {
    EXPECT_FALSE(ParseDiagnosisRecord(text).ok()) << text;
  }
}

}  // namespace
}  // namespace dmaheap::bench
