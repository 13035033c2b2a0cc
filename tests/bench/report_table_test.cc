#include "tests/bench/report_table.h"

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(ReportTableTest, ShowsMachineRowsTargetsAndNotes) {
  Report report;
  report.benchmark = "alloc";
  report.machine = {"a cpu", 2, 1024, "6.1", 0.52, "release"};
  report.rows = {
      {"a.p50_us", 12.34, "us", Bound{Bound::Side::kAtMost, 18.51, "1.5 x b"}},
      {"a.ops_per_s", 12345.6, "ops/s", Bound{Bound::Side::kAtLeast, 20000, ""}},
      {"b.p50_us", 9, "us", absl::nullopt},
      {"c.rss_mib", absl::nullopt, "MiB", absl::nullopt},
  };
  report.notes = {"c was not measured."};

  EXPECT_EQ(ToTable(report),
            "alloc: 2 x a cpu, 1024 MiB, Linux 6.1, load 0.5 at the start, release build\n"
            "\n"
            "ROW          VALUE  UNIT   TARGET\n"
            "a.p50_us      12.3  us     at most 18.5 (1.5 x b)  ok\n"
            "a.ops_per_s  12346  ops/s  at least 20000          MISSED\n"
            "b.p50_us       9.0  us\n"
            "c.rss_mib        -  MiB\n"
            "\n"
            "c was not measured.\n");
}

TEST(ReportTableTest, ShowsThatARatioIsNotQuiteOne) {
  Report report;
  report.rows = {{"a.success_ratio", 0.9967, "ratio", Bound{Bound::Side::kAtLeast, 1, ""}}};

  EXPECT_NE(ToTable(report).find("0.997  ratio  at least 1.000  MISSED"), std::string::npos);
}

}  // namespace
}  // namespace dmaheap::bench
