#include "heaps/kernel_names.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

TEST(KernelNamesTest, TheSystemHeapIsScatteredAndHasNoQueueOfItsOwn) {
  for (const char* name : {"system", "system-uncached", "system_cc_shared"}) {
    const KernelHeapTraits traits = TraitsOfNode(name, Names{name}, {});
    EXPECT_EQ(traits.kind, v1::SYSTEM) << name;
    EXPECT_EQ(traits.contiguity, v1::SCATTERED) << name;
    EXPECT_EQ(traits.area, "") << name;
    EXPECT_THAT(traits.aliases, IsEmpty()) << name;
  }
}

TEST(KernelNamesTest, TheDefaultCmaHeapAnswersToTheNamesOfOtherKernels) {
  const KernelHeapTraits traits = TraitsOfNode("reserved", Names{"reserved", "system"}, {});
  EXPECT_EQ(traits.kind, v1::CMA);
  EXPECT_EQ(traits.contiguity, v1::PHYSICAL);
  EXPECT_EQ(traits.area, "reserved");
  EXPECT_THAT(traits.aliases, ElementsAre("linux,cma", "default-pool", "default_cma_region"));
}

TEST(KernelNamesTest, AnAliasIsOfferedOnlyWhereNoNodeHasThatName) {
  const Names nodes = {"default_cma_region", "linux,cma", "system"};
  EXPECT_THAT(TraitsOfNode("linux,cma", nodes, {}).aliases,
              ElementsAre("reserved", "default-pool"));
  EXPECT_THAT(TraitsOfNode("default_cma_region", nodes, {}).aliases, IsEmpty());
}

TEST(KernelNamesTest, TwoNodesOfTheDefaultAreaHaveOneArea) {
  const Names nodes = {"default_cma_region", "reserved"};
  const Names areas = {"reserved"};
  EXPECT_EQ(TraitsOfNode("reserved", nodes, areas).area, "reserved");
  EXPECT_EQ(TraitsOfNode("default_cma_region", nodes, areas).area, "reserved");
  // Also on a kernel that does not tell its areas.
  EXPECT_EQ(TraitsOfNode("reserved", nodes, {}).area, "reserved");
  EXPECT_EQ(TraitsOfNode("default_cma_region", nodes, {}).area, "reserved");
}

TEST(KernelNamesTest, TheAreaIsCalledAsSysfsCallsIt) {
  EXPECT_EQ(
      TraitsOfNode("default_cma_region", Names{"default_cma_region"}, Names{"linux,cma"}).area,
      "linux,cma");
}

TEST(KernelNamesTest, TwoAreasThatBothHaveANameOfTheTableStayApart) {
  const Names both = {"linux,cma", "reserved"};
  EXPECT_EQ(TraitsOfNode("linux,cma", both, both).area, "linux,cma");
  EXPECT_EQ(TraitsOfNode("reserved", both, both).area, "reserved");
}

TEST(KernelNamesTest, ANodeNamedAfterAnAreaIsACmaHeap) {
  const KernelHeapTraits traits = TraitsOfNode("vidbuf@4fc00000", Names{"vidbuf@4fc00000"},
                                               Names{"reserved", "vidbuf@4fc00000"});
  EXPECT_EQ(traits.kind, v1::CMA);
  EXPECT_EQ(traits.contiguity, v1::PHYSICAL);
  EXPECT_EQ(traits.area, "vidbuf@4fc00000");
  EXPECT_THAT(traits.aliases, IsEmpty());
}

TEST(KernelNamesTest, AnUnknownNodePromisesNoContiguityAndTakesTurns) {
  for (const char* name : {"qcom,secure-cdsp", "systematic", "cma", "mtk_mm"}) {
    const KernelHeapTraits traits = TraitsOfNode(name, Names{name}, {});
    EXPECT_EQ(traits.kind, v1::VENDOR) << name;
    EXPECT_EQ(traits.contiguity, v1::SCATTERED) << name;
    EXPECT_EQ(traits.area, name);
  }
}

TEST(KernelNamesTest, OtherNamesOfATableNameAreTheRestOfTheTable) {
  EXPECT_THAT(OtherNamesOf("default-pool"),
              ElementsAre("reserved", "linux,cma", "default_cma_region"));
  EXPECT_THAT(OtherNamesOf("system"), IsEmpty());
}

}  // namespace
}  // namespace dmaheap
