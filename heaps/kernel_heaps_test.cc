#include "heaps/kernel_heaps.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/fake_kernel.h"
#include "heaps/registry.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using ::testing::ElementsAre;

class KernelHeapsTest : public FdLeakCheck {
 protected:
  static std::vector<HeapNode> Nodes(std::initializer_list<const char*> names) {
    std::vector<HeapNode> nodes;
    for (const char* name : names) {
      nodes.push_back({name, UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC))});
    }
    return nodes;
  }
  static std::vector<CmaSysfsArea> AreaOf64MiB(const char* name) {
    std::vector<CmaSysfsArea> areas(1);
    areas[0].name = name;
    areas[0].total_bytes = 64 << 20;
    areas[0].available_pages.Reset(memfd_create("available_pages", MFD_CLOEXEC));
    EXPECT_EQ(write(areas[0].available_pages.get(), "100\n", 4), 4);
    return areas;
  }

  FakeKernel kernel_;
};

TEST_F(KernelHeapsTest, EachNodeBecomesTheHeapThatItsNameSays) {
  const auto heaps = MakeKernelHeaps(Nodes({"qcom,cdsp", "reserved", "system"}),
                                     AreaOf64MiB("reserved"), &kernel_);

  ASSERT_EQ(heaps.size(), 3u);
  EXPECT_EQ(heaps[0]->description().kind, v1::VENDOR);
  EXPECT_EQ(heaps[0]->description().contiguity, v1::SCATTERED);
  EXPECT_EQ(heaps[0]->description().size_bytes, absl::nullopt);
  EXPECT_EQ(heaps[1]->description().kind, v1::CMA);
  EXPECT_EQ(heaps[1]->description().contiguity, v1::PHYSICAL);
  EXPECT_EQ(heaps[1]->description().size_bytes, 64 << 20);
  EXPECT_EQ(heaps[1]->Usage().free_bytes, 100 * kernel_.page_size_bytes());
  EXPECT_EQ(heaps[2]->description().kind, v1::SYSTEM);
  EXPECT_EQ(heaps[2]->description().area, "");
}

TEST_F(KernelHeapsTest, TwoNodesOfOneAreaShareItsSizeAndItsQueue) {
  const auto heaps =
      MakeKernelHeaps(Nodes({"default_cma_region", "reserved"}), AreaOf64MiB("reserved"), &kernel_);
  for (const auto& heap : heaps) {
    EXPECT_EQ(heap->description().area, "reserved") << heap->description().name;
    EXPECT_EQ(heap->description().size_bytes, 64 << 20) << heap->description().name;
    EXPECT_TRUE(heap->Usage().free_bytes.has_value()) << heap->description().name;
  }
}

TEST_F(KernelHeapsTest, TheRegistryTakesThemAllAndResolvesTheNamesOfOtherKernels) {
  HeapRegistry registry;
  for (auto& heap : MakeKernelHeaps(Nodes({"linux,cma", "system"}), {}, &kernel_)) {
    ASSERT_TRUE(registry.Add(std::move(heap)).ok());
  }
  const auto heap = registry.Find("default_cma_region");
  ASSERT_TRUE(heap.ok()) << heap.status();
  EXPECT_THAT(registry.NamesOf(**heap),
              ElementsAre("linux,cma", "reserved", "default-pool", "default_cma_region"));
  EXPECT_TRUE((*heap)->Allocate({1, "x"}).ok());
}

}  // namespace
}  // namespace dmaheap
