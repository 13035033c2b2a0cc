#include "daemon/config/policy_check.h"

#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/config/policy_text.h"
#include "daemon/config/policy_words.h"

namespace dmaheap {

v1::CheckPolicyResponse CheckPolicyText(absl::string_view text) {
  v1::CheckPolicyResponse response;
  config::v1::Policy policy;
  const std::vector<TextProblem> problems = ReadPolicyText(text, sysconf(_SC_PAGESIZE), policy);
  for (const TextProblem& problem : problems) {
    v1::PolicyProblem& told = *response.add_problems();
    told.set_line(problem.place.line);
    told.set_column(problem.place.column);
    if (response.problems_size() == kMaxCheckedProblems && problems.size() > kMaxCheckedProblems) {
      told.set_problem(
          absl::StrCat("and ", problems.size() - kMaxCheckedProblems + 1, " more from here on"));
      break;
    }
    told.set_field(problem.path);
    told.set_problem(problem.what);
  }
  if (problems.empty()) response.set_explanation(PolicyWords(policy));
  return response;
}

}  // namespace dmaheap
