#include "client/ctl/metric_view.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "client/ctl/units_text.h"

namespace dmaheap::ctl {
namespace {

constexpr auto kLeft = Column::Align::kLeft;
constexpr auto kRight = Column::Align::kRight;

// Three digits: an estimate has no more, and a person reads no more.
std::string SecondsText(double seconds) {
  if (seconds == 0) return "0s";
  const double step = std::pow(10, std::floor(std::log10(seconds)) - 2);
  const double rounded = std::round(seconds / step) * step;
  return absl::FormatDuration(absl::Nanoseconds(std::llround(rounded * 1e9)));
}

std::string NumberText(double number, absl::string_view unit) {
  if (unit == "seconds") return SecondsText(number);
  if (unit == "bytes") return SizeText(static_cast<int64_t>(number));
  // The whole numbers that a double holds.
  if (number == std::floor(number) && std::abs(number) < 9e15) {
    return absl::StrCat(static_cast<int64_t>(number));
  }
  return absl::StrCat(number);
}

std::string LabelsText(const v1::Metric& metric) {
  std::string text;
  for (const v1::Metric::Label& label : metric.labels()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", label.name(), "=", label.value());
  }
  return text;
}

std::string QuantileText(const v1::Metric::Histogram& histogram, double share,
                         absl::string_view unit) {
  const absl::optional<double> quantile = QuantileOf(histogram, share);
  if (!quantile.has_value()) return "";
  if (std::isfinite(*quantile)) return NumberText(*quantile, unit);
  const int ends = histogram.buckets_size();
  if (ends == 0) return "";
  return absl::StrCat(">", NumberText(histogram.buckets(ends - 1).upper_end(), unit));
}

bool NeverHappened(const v1::MetricFamily& family, const v1::Metric& metric) {
  if (metric.has_histogram()) return metric.histogram().count() == 0;
  return family.type() == v1::MetricFamily::COUNTER && metric.number() == 0;
}

std::vector<std::string> RowOf(const v1::MetricFamily& family, const v1::Metric& metric) {
  std::vector<std::string> row = {std::string(absl::StripPrefix(family.name(), "dmaheap_")),
                                  LabelsText(metric)};
  const absl::string_view unit = family.unit();
  if (!metric.has_histogram()) {
    row.insert(row.end(), {NumberText(metric.number(), unit), "", "", ""});
    return row;
  }
  const v1::Metric::Histogram& histogram = metric.histogram();
  const auto count = static_cast<double>(histogram.count());
  row.insert(row.end(), {absl::StrCat(histogram.count()),
                         histogram.count() == 0 ? "" : NumberText(histogram.sum() / count, unit),
                         QuantileText(histogram, 0.5, unit), QuantileText(histogram, 0.99, unit)});
  return row;
}

}  // namespace

absl::optional<double> QuantileOf(const v1::Metric::Histogram& histogram, double share) {
  if (histogram.count() == 0) return absl::nullopt;
  const double wanted = share * static_cast<double>(histogram.count());
  double lower_end = 0;
  double below = 0;
  for (const v1::Metric::Histogram::Bucket& bucket : histogram.buckets()) {
    const auto within = static_cast<double>(bucket.cumulative_count());
    if (within >= wanted && within > below) {
      return lower_end + (bucket.upper_end() - lower_end) * (wanted - below) / (within - below);
    }
    lower_end = bucket.upper_end();
    below = within;
  }
  return std::numeric_limits<double>::infinity();
}

Table MetricTable(const v1::Metrics& metrics, bool wide) {
  Table table;
  table.columns = {{"NAME"},         {"LABELS", kLeft, true}, {"VALUE", kRight},
                   {"MEAN", kRight}, {"P50", kRight},         {"P99", kRight}};
  for (const v1::MetricFamily& family : metrics.families()) {
    for (const v1::Metric& metric : family.metrics()) {
      if (wide || !NeverHappened(family, metric)) table.rows.push_back(RowOf(family, metric));
    }
  }
  return table;
}

}  // namespace dmaheap::ctl
