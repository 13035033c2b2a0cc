#include "tests/bench/report_json.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace dmaheap::bench {
namespace {

TEST(ReportJsonTest, WritesOneObjectWithTheAgreedMembers) {
  Report report;
  report.benchmark = "alloc";
  report.machine = {"a cpu", 2, 1024, "6.1", 0.5, "release"};
  report.rows = {{"a.p50_us", 12.34567, "us", Bound{Bound::Side::kAtMost, 18.5, "1.5 x b"}},
                 {"b.p50_us", 10, "us", absl::nullopt}};
  report.notes = {"for people"};

  const auto json = nlohmann::json::parse(ToJson(report));

  EXPECT_EQ(json, nlohmann::json::parse(R"({
    "benchmark": "alloc",
    "machine": {"cpu": "a cpu", "cpus": 2, "memory_mib": 1024, "kernel": "6.1",
                "load_average": 0.5, "build": "release"},
    "rows": [
      {"name": "a.p50_us", "value": 12.346, "unit": "us", "bound": 18.5, "ok": true},
      {"name": "b.p50_us", "value": 10.0, "unit": "us", "bound": null, "ok": true}
    ]})"));
}

TEST(ReportJsonTest, SaysNullForWhatWasNotMeasured) {
  Report report;
  report.rows = {{"a", absl::nullopt, "MiB", absl::nullopt}};

  const auto json = nlohmann::json::parse(ToJson(report));

  EXPECT_TRUE(json["rows"][0]["value"].is_null());
  EXPECT_EQ(json["rows"][0]["ok"], true);
}

TEST(ReportJsonTest, SaysWhenABoundIsMissed) {
  Report report;
  report.rows = {{"a", 1, "ops/s", Bound{Bound::Side::kAtLeast, 2, ""}}};

  const auto json = nlohmann::json::parse(ToJson(report));

  EXPECT_EQ(json["rows"][0]["ok"], false);
}

TEST(ReportJsonTest, StaysJsonWithTheNameOfAnOddCpu) {
  Report report;
  report.machine.cpu = "cpu \xff \"2\"";

  EXPECT_TRUE(nlohmann::json::accept(ToJson(report)));
}

}  // namespace
}  // namespace dmaheap::bench
