#include "daemon/config/policy_text.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/config/policy_validation.h"
#include "daemon/config/text_outline.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// More cannot be shown, and which follow from which is asked for each pair.
constexpr size_t kMaxProblemsBesideMeaning = 100;

class CollectSyntaxErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit CollectSyntaxErrors(const TextOutline& outline) : outline_(outline) {}

  void AddError(int line, int column, const std::string& message) override {
    const TextPlace place{std::max(line, 0) + 1, std::max(column, 0) + 1};
    absl::string_view what = message;
    absl::ConsumeSuffix(&what, ".");
    const bool at_end = absl::EndsWith(what, "got: ");
    problems.push_back({.place = place,
                        .path = outline_.PathAt(place),
                        .what = absl::StrCat(what, at_end ? "the end of the text" : "")});
  }

  std::vector<TextProblem> problems;

 private:
  const TextOutline& outline_;
};

// The text is free of wrong values; unknown fields are skipped, they are in the outline's list.
std::vector<TextProblem> ParseMended(const TextOutline& outline, config::v1::Policy& policy) {
  CollectSyntaxErrors errors(outline);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.AllowUnknownField(true);
  const std::string& text = outline.mended_text();
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  // Merge, as it lets a field come twice, which is in the outline's list too.
  if (!parser.Merge(&input, &policy) && errors.problems.empty()) {
    errors.AddError(0, 0, "can not be parsed");
  }
  return std::move(errors.problems);
}

absl::string_view ParentOf(absl::string_view path) {
  const size_t end = path.rfind('.');
  return end == absl::string_view::npos ? "" : path.substr(0, end);
}

// Would not be there but for what is wrong in the text.
bool FollowsFrom(const PolicyProblem& problem, const TextProblem& in_text) {
  if (problem.is_missing && in_text.hides_field) {
    const absl::string_view parent = ParentOf(in_text.path);
    if (parent == problem.path || parent == ParentOf(problem.path)) return true;
  }
  return absl::StartsWith(in_text.path, problem.path) &&
         (in_text.path.size() == problem.path.size() || in_text.path[problem.path.size()] == '.' ||
          in_text.path[problem.path.size()] == '[');
}

void AddSemanticProblems(const config::v1::Policy& policy, int64_t page_size_bytes,
                         const TextOutline& outline, std::vector<TextProblem>& problems) {
  std::vector<TextProblem> found;
  for (PolicyProblem& problem : ValidatePolicy(policy, page_size_bytes)) {
    const bool follows =
        std::any_of(problems.begin(), problems.end(),
                    [&](const TextProblem& in_text) { return FollowsFrom(problem, in_text); });
    if (follows) continue;
    found.push_back({.place = outline.Find(problem.path),
                     .path = std::move(problem.path),
                     .what = std::move(problem.what)});
  }
  std::move(found.begin(), found.end(), std::back_inserter(problems));
}

std::string Report(const std::vector<TextProblem>& problems, absl::string_view file_name) {
  std::string report;
  for (size_t i = 0; i < problems.size(); ++i) {
    const TextProblem& problem = problems[i];
    const std::string line = absl::StrCat(i == 0 ? "" : "\n", file_name, ":", problem.place.line,
                                          ":", problem.place.column, ": ", problem.path,
                                          problem.path.empty() ? "" : ": ", problem.what);
    if (i > 0 && report.size() + line.size() > kMaxPolicyReportBytes) {
      absl::StrAppend(&report, "\n", file_name, ": and ", problems.size() - i, " more");
      break;
    }
    absl::StrAppend(&report, line);
  }
  return report;
}

}  // namespace

std::vector<TextProblem> ReadPolicyText(absl::string_view text, int64_t page_size_bytes,
                                        config::v1::Policy& policy) {
  const TextOutline outline = TextOutline::Of(text, config::v1::Policy::descriptor());
  std::vector<TextProblem> problems = outline.problems();
  policy.Clear();
  if (outline.can_be_parsed()) {
    const std::vector<TextProblem> syntax = ParseMended(outline, policy);
    // A policy of which the end is not known is not asked whether it makes sense.
    if (syntax.empty() && problems.size() <= kMaxProblemsBesideMeaning) {
      AddSemanticProblems(policy, page_size_bytes, outline, problems);
    }
    for (const TextProblem& error : syntax) {
      const bool known = std::any_of(problems.begin(), problems.end(),
                                     [&](const TextProblem& p) { return p.place == error.place; });
      if (!known) problems.push_back(error);
    }
  }
  std::stable_sort(problems.begin(), problems.end(),
                   [](const TextProblem& a, const TextProblem& b) { return a.place < b.place; });
  return problems;
}

absl::StatusOr<config::v1::Policy> ParsePolicyText(absl::string_view text,
                                                   absl::string_view file_name,
                                                   int64_t page_size_bytes) {
  config::v1::Policy policy;
  const std::vector<TextProblem> problems = ReadPolicyText(text, page_size_bytes, policy);
  if (problems.empty()) return policy;
  return Error(ErrorReason::INVALID_POLICY, Report(problems, file_name))
      .With("file", file_name)
      .With("problems", problems.size());
}

}  // namespace dmaheap
