#include "daemon/config/policy_check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/config/policy_words.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

constexpr char kRule[] = "access { who { everybody: true } rights: ALLOCATE heaps: '*' }\n";

TEST(PolicyCheck, AValidPolicyIsExplained) {
  const v1::CheckPolicyResponse response = CheckPolicyText(kRule);
  EXPECT_EQ(response.problems_size(), 0);
  EXPECT_NE(response.explanation().find("everybody may allocate on every heap"), std::string::npos)
      << response.explanation();
}

TEST(PolicyCheck, OfAWrongOneEverythingIsToldWithItsPlace) {
  const v1::CheckPolicyResponse response =
      CheckPolicyText(absl::StrCat(kRule, "\n  quota { }\n", kRule, "hold { max_lease { } }"));
  EXPECT_EQ(response.explanation(), "");
  ASSERT_EQ(response.problems_size(), 2);
  EXPECT_EQ(response.problems(0).line(), 3);
  EXPECT_EQ(response.problems(0).column(), 3);
  EXPECT_EQ(response.problems(0).field(), "quota");
  EXPECT_EQ(response.problems(0).problem(), "Policy has no field \"quota\"; did you mean quotas?");
  EXPECT_EQ(response.problems(1).line(), 5);
  EXPECT_EQ(response.problems(1).field(), "hold.max_lease");
}

TEST(PolicyCheck, BytesThatAreNoTextAreToldInText) {
  const v1::CheckPolicyResponse response = CheckPolicyText("\xff\xfe{");
  ASSERT_GT(response.problems_size(), 0);
  // A string of protobuf must be UTF-8.
  std::string bytes;
  EXPECT_TRUE(response.SerializeToString(&bytes));
  EXPECT_TRUE(v1::CheckPolicyResponse().ParseFromString(bytes)) << response.ShortDebugString();
}

TEST(PolicyCheck, EndlessProblemsAreCounted) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "nonsense: 1\n";
  const v1::CheckPolicyResponse response = CheckPolicyText(text);
  ASSERT_EQ(response.problems_size(), kMaxCheckedProblems);
  EXPECT_EQ(response.problems(kMaxCheckedProblems - 1).problem(), "and 4001 more from here on");
}

TEST(PolicyCheck, AnEndlessExplanationIsCut) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += kRule;
  const std::string explanation = CheckPolicyText(text).explanation();
  EXPECT_LT(explanation.size(), kMaxPolicyWordsBytes + 100);
  EXPECT_NE(explanation.find("lines more\n", explanation.size() - 20), std::string::npos);
}

}  // namespace
}  // namespace dmaheap
