#include "tests/policy_lab/wait_plot.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace dmaheap::policy_lab {
namespace {

constexpr double kLeft = 60, kTop = 20, kWidth = 600, kHeight = 300, kLegendLine = 20;
// Colours that people who see few of them tell apart too (Okabe and Ito).
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                    "#E69F00", "#56B4E9", "#000000"};

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

// From the shortest time that is shown to the longest: whole powers of ten of milliseconds.
struct Axis {
  int from = 0;
  int to = 1;

  double X(absl::Duration wait) const {
    const double ms = std::max(absl::ToDoubleMilliseconds(wait), std::pow(10, from));
    return kLeft + kWidth * (std::log10(ms) - from) / (to - from);
  }
};

Axis AxisOf(absl::Span<const Score> scores) {
  double least = 1e9, most = 0;
  for (const Score& score : scores) {
    if (score.waits.empty()) continue;
    least = std::min(least, absl::ToDoubleMilliseconds(score.waits.front()));
    most = std::max(most, absl::ToDoubleMilliseconds(score.waits.back()));
  }
  if (most <= 0) return {};
  Axis axis;
  axis.from = static_cast<int>(std::floor(std::log10(std::max(least, 1e-3))));
  axis.to = std::max(static_cast<int>(std::ceil(std::log10(most))), axis.from + 1);
  return axis;
}

double Y(double share) { return kTop + kHeight * (1 - share); }

std::string Curve(const Score& score, const Axis& axis, const char* colour) {
  std::string points = absl::StrFormat("%.1f,%.1f", kLeft, Y(0));
  for (size_t i = 0; i < score.waits.size(); ++i) {
    const double x = axis.X(score.waits[i]);
    const double before = static_cast<double>(i) / score.requests;
    const double after = static_cast<double>(i + 1) / score.requests;
    absl::StrAppendFormat(&points, " %.1f,%.1f %.1f,%.1f", x, Y(before), x, Y(after));
  }
  absl::StrAppendFormat(&points, " %.1f,%.1f", kLeft + kWidth, Y(score.success_ratio()));
  return absl::StrFormat("<polyline fill='none' stroke='%s' stroke-width='2' points='%s'/>\n",
                         colour, points);
}

}  // namespace

std::string PlotWaits(absl::Span<const Score> scores) {
  const Axis axis = AxisOf(scores);
  const double height = kTop + kHeight + 50 + kLegendLine * static_cast<double>(scores.size());
  std::string svg = absl::StrFormat(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' font-family='sans-serif' "
      "font-size='12'>\n<title>Share of requests served within a time</title>\n"
      "<rect width='100%%' height='100%%' fill='white'/>\n",
      kLeft + kWidth + 20, height);
  for (int percent = 0; percent <= 100; percent += 25) {
    const double y = Y(percent / 100.0);
    absl::StrAppendFormat(&svg,
                          "<line x1='%.0f' x2='%.0f' y1='%.1f' y2='%.1f' stroke='#ddd'/>"
                          "<text x='%.0f' y='%.1f' text-anchor='end'>%d %%</text>\n",
                          kLeft, kLeft + kWidth, y, y, kLeft - 6, y + 4, percent);
  }
  for (int power = axis.from; power <= axis.to; ++power) {
    const double x = kLeft + kWidth * (power - axis.from) / (axis.to - axis.from);
    absl::StrAppendFormat(&svg,
                          "<line x1='%.1f' x2='%.1f' y1='%.0f' y2='%.0f' stroke='#ddd'/>"
                          "<text x='%.1f' y='%.0f' text-anchor='middle'>%g ms</text>\n",
                          x, x, kTop, kTop + kHeight, x, kTop + kHeight + 16, std::pow(10, power));
  }
  double legend = kTop + kHeight + 40;
  for (size_t i = 0; i < scores.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    svg += Curve(scores[i], axis, colour);
    absl::StrAppendFormat(&svg,
                          "<rect x='%.0f' y='%.0f' width='12' height='12' fill='%s'/>"
                          "<text x='%.0f' y='%.0f'>%s</text>\n",
                          kLeft, legend - 10, colour, kLeft + 20, legend,
                          Escaped(scores[i].policy));
    legend += kLegendLine;
  }
  return svg + "</svg>\n";
}

}  // namespace dmaheap::policy_lab
