#include "daemon/core/listing.h"

#include "daemon/core/testing/core_fixture.h"
#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

class ListingTest : public CoreFixture {
 protected:
  void SetUp() override {
    CoreFixture::SetUp();
    ASSERT_TRUE(heaps_.AddVirtual("linux,cma-nofail", "cma").ok());
  }
  v1::Heap Get(const std::string& name) {
    const auto heap = GetHeap(*allocator_, principal_, name);
    EXPECT_TRUE(heap.ok()) << heap.status();
    return heap.value_or(v1::Heap());
  }

  const Principal principal_{.uid = kUid};
};

TEST_F(ListingTest, AVirtualHeapIsAHeapOfItsOwnWithTheMemoryOfAnother) {
  const auto session = Connect();
  ASSERT_TRUE(Allocate(Request(session, 2)).outcome->ok());

  const v1::Heap heap = Get("linux,cma-nofail");

  EXPECT_EQ(heap.name(), "heaps/linux,cma-nofail");
  EXPECT_EQ(heap.kind(), v1::VIRTUAL);
  EXPECT_EQ(heap.backing_heap(), "heaps/cma");
  EXPECT_EQ(heap.retry_policy(), "nofail");
  EXPECT_EQ(heap.contiguity(), v1::PHYSICAL);
  EXPECT_TRUE(heap.aliases().empty());
  EXPECT_EQ(heap.size_bytes(), 16 * kPage);
  EXPECT_EQ(heap.live_buffers(), 1);
  EXPECT_EQ(heap.live_bytes(), 2 * kPage);
}

TEST_F(ListingTest, TheHeapBehindItStaysWhatItIs) {
  const v1::Heap heap = Get("reserved");
  EXPECT_EQ(heap.name(), "heaps/cma");
  EXPECT_NE(heap.kind(), v1::VIRTUAL);
  EXPECT_EQ(heap.backing_heap(), "");
  EXPECT_EQ(heap.retry_policy(), "default");
  ASSERT_EQ(heap.aliases_size(), 1);
  EXPECT_EQ(heap.aliases(0), "reserved");
}

TEST_F(ListingTest, AHeapSaysTheRetryPolicyThatThePolicyInForceGivesIt) {
  SetPolicy(
      "access { who { everybody: true } heaps: '*' rights: ALLOCATE } "
      "heap_policies { heap: 'reserved' retry_policy: 'failfast' } "
      "virtual_heaps { name: 'linux,cma-nofail' heap: 'cma' retry_policy: 'kernel-5x100ms' }");
  EXPECT_EQ(Get("cma").retry_policy(), "failfast");
  EXPECT_EQ(Get("system").retry_policy(), "default");
  EXPECT_EQ(Get("linux,cma-nofail").retry_policy(), "kernel-5x100ms");
}

TEST_F(ListingTest, VirtualHeapsComeAfterTheOthersOnPagesToo) {
  std::vector<std::string> names;
  Page page{.size = 1, .after = 0};
  while (true) {
    const v1::ListHeapsResponse list = ListHeaps(*allocator_, principal_, page);
    for (const v1::Heap& heap : list.heaps()) names.push_back(heap.name());
    if (list.next_page_token().empty()) break;
    page.after = std::stoull(list.next_page_token());
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"heaps/cma", "heaps/system", "heaps/linux,cma-nofail"}));
}

TEST_F(ListingTest, WhoMayNotHaveTheMemoryDoesNotSeeItUnderAnotherName) {
  SetPolicy("access { who { everybody: true } heaps: 'system' rights: ALLOCATE }");
  EXPECT_EQ(ListHeaps(*allocator_, principal_, {.size = 9, .after = 0}).heaps_size(), 1);
  EXPECT_EQ(GetReason(GetHeap(*allocator_, principal_, "linux,cma-nofail").status()),
            ErrorReason::ACCESS_DENIED);
}

TEST_F(ListingTest, ARuleMayNameAHeapByItsVirtualName) {
  SetPolicy("access { who { everybody: true } heaps: 'linux,cma-nofail' rights: ALLOCATE }");
  EXPECT_EQ(Get("cma").name(), "heaps/cma");
}

TEST_F(ListingTest, ABufferSaysTheHeapThatItIsFrom) {
  const auto session = Connect();
  AllocateRequest request = Request(session);
  request.heap = "linux,cma-nofail";
  const Call call = Allocate(std::move(request));
  ASSERT_TRUE(call->ok()) << call->status();
  EXPECT_EQ((*call.outcome)->buffers(0).heap(), "heaps/cma");
}

}  // namespace
}  // namespace dmaheap
