#include "daemon/config/text_outline.h"

#include "dmaheap/config/v1/policy.pb.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TextOutline Outline(absl::string_view text) {
  return TextOutline::Of(text, config::v1::Policy::descriptor());
}

TextPlace At(int line, int column) { return {line, column}; }

TEST(TextOutline, PlacesFieldsAndListElementsByPath) {
  const TextOutline outline = Outline(
      "access {\n"
      "  who { uids: [1, 22] }\n"
      "  who_else: 1\n"
      "}\n"
      "access: < rights: ALLOCATE rights: HOLD >\n");
  EXPECT_EQ(outline.Find("access[0]"), At(1, 1));
  EXPECT_EQ(outline.Find("access[0].who"), At(2, 3));
  EXPECT_EQ(outline.Find("access[0].who.uids[0]"), At(2, 16));
  EXPECT_EQ(outline.Find("access[0].who.uids[1]"), At(2, 19));
  EXPECT_EQ(outline.Find("access[1].rights[1]"), At(5, 28));
}

TEST(TextOutline, ListsOfBothFormsCountOn) {
  const TextOutline outline = Outline("access { rights: ALLOCATE rights: [HOLD, ADMIN] }");
  EXPECT_EQ(outline.Find("access[0].rights[1]"), At(1, 36));
  EXPECT_EQ(outline.Find("access[0].rights[2]"), At(1, 42));
}

TEST(TextOutline, ListsOfMessagesHavePlaces) {
  const TextOutline outline = Outline("access: [{ who {} },\n { rights: HOLD }]");
  EXPECT_EQ(outline.Find("access[0].who"), At(1, 12));
  EXPECT_EQ(outline.Find("access[1].rights[0]"), At(2, 4));
}

TEST(TextOutline, AFieldThatIsNotThereHasThePlaceOfTheMessageAroundIt) {
  const TextOutline outline = Outline("\naccess { }");
  EXPECT_EQ(outline.Find("access[0].who.uids[3]"), At(2, 1));
  EXPECT_EQ(outline.Find("quotas[7].max_bytes"), At(1, 1));
}

TEST(TextOutline, ColumnsCountTabsAsCompilersDo) {
  const TextOutline outline = Outline("\thold { }  \tquotas { }");
  EXPECT_EQ(outline.Find("hold"), At(1, 9));
  EXPECT_EQ(outline.Find("quotas[0]"), At(1, 25));
}

TEST(TextOutline, KnowsWhichFieldIsAroundAPlace) {
  const TextOutline outline = Outline("access {\n  who { uids: 7 }\n}\nhold { }\n");
  EXPECT_EQ(outline.PathAt(At(1, 8)), "access[0]");
  EXPECT_EQ(outline.PathAt(At(2, 9)), "access[0].who.uids[0]");
  EXPECT_EQ(outline.PathAt(At(2, 17)), "access[0].who");
  EXPECT_EQ(outline.PathAt(At(3, 1)), "access[0]");
  EXPECT_EQ(outline.PathAt(At(3, 2)), "");
  EXPECT_EQ(outline.PathAt(At(4, 6)), "hold");
}

TEST(TextOutline, ReportsUnknownNamesButNotWhatIsInsideThem) {
  const TextOutline outline = Outline("acces { rigths: 1 } hold { max_leas { bogus: 1 } }");
  ASSERT_EQ(outline.problems().size(), 2u);
  EXPECT_EQ(outline.problems()[0].path, "acces");
  EXPECT_EQ(outline.problems()[0].what, "Policy has no field \"acces\"; did you mean access?");
  EXPECT_EQ(outline.problems()[1].path, "hold.max_leas");
}

TEST(TextOutline, ReportsEveryValueOfAWrongType) {
  const TextOutline outline = Outline(
      "simulated_heaps { name: 5 size_bytes: 1e6 seed: -1 }\n"
      "access { who { uids: 4294967296 everybody: yes } rights: [ALOCATE, 1] }\n"
      "hold { max_lease: \"60s\" }\n"
      "retry_policies { jitter: \"much\" max_attempts: 99999999999 }\n");
  std::vector<std::string> paths;
  for (const TextProblem& problem : outline.problems()) paths.push_back(problem.path);
  EXPECT_EQ(paths, (std::vector<std::string>{
                       "simulated_heaps[0].name", "simulated_heaps[0].size_bytes",
                       "simulated_heaps[0].seed", "access[0].who.uids[0]",
                       "access[0].who.everybody", "access[0].rights[0]", "hold.max_lease",
                       "retry_policies[0].jitter", "retry_policies[0].max_attempts"}));
}

TEST(TextOutline, EndsOfIntegerRangesAreInside) {
  EXPECT_TRUE(Outline("simulated_heaps { size_bytes: 9223372036854775807 }").problems().empty());
  EXPECT_TRUE(Outline("simulated_heaps { size_bytes: -9223372036854775808 }").problems().empty());
  EXPECT_TRUE(Outline("simulated_heaps { seed: 18446744073709551615 }").problems().empty());
  EXPECT_EQ(Outline("simulated_heaps { size_bytes: 9223372036854775808 }").problems().size(), 1u);
  EXPECT_EQ(Outline("simulated_heaps { size_bytes: -9223372036854775809 }").problems().size(), 1u);
  EXPECT_EQ(Outline("simulated_heaps { seed: 18446744073709551616 }").problems().size(), 1u);
}

TEST(TextOutline, MendsWrongValuesAndMovesNothingElse) {
  const TextOutline outline =
      Outline("access { rights: ALOCATE }\nsimulated_heaps { name: -12 seed: 'a'\n'b' }");
  EXPECT_EQ(outline.mended_text(),
            "access { rights: 0       }\nsimulated_heaps { name: \"\"  seed: 0  \n    }");
}

TEST(TextOutline, ATextWithNothingWrongIsMendedToItself) {
  const std::string text = "# a comment\naccess { who { everybody: true } } ; hold: {} , ";
  EXPECT_EQ(Outline(text).mended_text(), text);
  EXPECT_TRUE(Outline(text).problems().empty());
}

TEST(TextOutline, ReportsASingularFieldThatIsGivenTwice) {
  const TextOutline outline = Outline("hold { }\nquotas { }\nhold { }");
  ASSERT_EQ(outline.problems().size(), 1u);
  EXPECT_EQ(outline.problems()[0].place, At(3, 1));
  EXPECT_EQ(outline.problems()[0].what, "is given twice; keep this or the one in line 1");
}

TEST(TextOutline, EndlessNestingIsRefusedBeforeAnybodyRecurses) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "a{";
  const TextOutline outline = Outline(text);
  EXPECT_FALSE(outline.can_be_parsed());
  ASSERT_EQ(outline.problems().size(), 2u);  // the unknown name and the depth
}

TEST(TextOutline, NestingCountsAlsoBehindWhatIsNotUnderstood) {
  for (const char* start : {"a: ", "a { [b.c] ", "] ", "a: 5 } "}) {
    EXPECT_FALSE(Outline(start + std::string(500'000, '[')).can_be_parsed()) << start;
  }
}

TEST(TextOutline, ATextWithLexicalErrorsIsNotForTheParser) {
  EXPECT_FALSE(Outline("a: \"\n\" b: 1").can_be_parsed());
  EXPECT_FALSE(Outline("a: 5b").can_be_parsed());
  EXPECT_TRUE(Outline("a: 5 b {").can_be_parsed());
}

TEST(Quoted, EscapesAndCuts) {
  EXPECT_EQ(Quoted("a\n\"b\xff"), "\"a\\n\\\"b\\377\"");
  EXPECT_EQ(Quoted("abcdef", 3), "\"abc...\"");
}

}  // namespace
}  // namespace dmaheap
