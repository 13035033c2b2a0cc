#include "client/ctl/table.h"

#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

constexpr auto kRight = Column::Align::kRight;

TEST(TableTest, ColumnsAreAsWideAsTheirContent) {
  const Table table = {{{"NAME"}, {"SIZE", kRight}, {"LABEL"}},
                       {{"a", "4KiB", "x"}, {"longer-name", "128MiB", ""}}};

  EXPECT_EQ(PrintTable(table, 80),
            "NAME           SIZE  LABEL\n"
            "a              4KiB  x\n"
            "longer-name  128MiB  -\n");
}

TEST(TableTest, WithoutRowsTheHeaderStands) {
  EXPECT_EQ(PrintTable({{{"NAME"}, {"AGE", kRight}}, {}}, 80), "NAME  AGE\n");
}

TEST(TableTest, TheWidestShrinkingColumnIsCutUntilTheTableFits) {
  const Table table = {{{"NAME"}, {"A", Column::Align::kLeft, true}, {"B", kRight, true}},
                       {{"never-cut-name", "0123456789", "abcdef"}}};

  EXPECT_EQ(PrintTable(table, 26),
            "NAME            A        B\n"
            "never-cut-name  012~  abc~\n");
}

TEST(TableTest, ATableThatCanNotFitKeepsItsNames) {
  const Table table = {{{"NAME"}, {"LABEL", Column::Align::kLeft, true}},
                       {{"a-name-of-any-length", "front-camera"}}};

  EXPECT_EQ(PrintTable(table, 10),
            "NAME                  LABEL\n"
            "a-name-of-any-length  fron~\n");
}

TEST(TableTest, WithoutALimitNothingIsCut) {
  const Table table = {{{"L", Column::Align::kLeft, true}}, {{std::string(200, 'x')}}};

  EXPECT_EQ(PrintTable(table, 0), "L\n" + std::string(200, 'x') + "\n");
}

TEST(TableTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(PrintTable({{{"L"}}, {{"a\x1b\nb"}}}, 80), "L\na??b\n");
}

TEST(GrowingTableTest, RowsThatComeLaterStandBelowTheFirst) {
  const std::vector<Column> columns = {{"NAME"}, {"SIZE", kRight, false, 6}, {"LABEL"}};
  GrowingTable table(80);

  EXPECT_EQ(table.Add({columns, {{"a", "4KiB", "x"}}}),
            "NAME    SIZE  LABEL\n"
            "a       4KiB  x\n");
  EXPECT_EQ(table.Add({columns, {{"longer-name", "8KiB", "x"}}}), "longer-name    8KiB  x\n");
  EXPECT_EQ(table.Add({columns, {{"b", "128MiB", "x"}}}), "b            128MiB  x\n");
}

TEST(GrowingTableTest, ARowIsCutAsATableIs) {
  GrowingTable table(14);

  EXPECT_EQ(table.Add({{{"NAME"}, {"L", Column::Align::kLeft, true}}, {{"name", "0123456789"}}}),
            "NAME  L\n"
            "name  0123456~\n");
}

}  // namespace
}  // namespace dmaheap::ctl
