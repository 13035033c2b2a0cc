#include "daemon/heap_setup.h"

#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "daemon/config/policy_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "heaps/fake_kernel.h"
#include "proto/error.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

using ::testing::HasSubstr;

class HeapSetupTest : public FdLeakCheck {
 protected:
  // A policy of heaps; a rule it must have.
  EffectivePolicy PolicyOf(absl::string_view heaps) {
    auto policy = ParsePolicy(
        absl::StrCat("access { who { everybody: true } rights: ALLOCATE heaps: \"*\" }\n", heaps),
        "test");
    EXPECT_TRUE(policy.ok()) << policy.status();
    return *std::move(policy);
  }
  HeapNode Node(const std::string& name) {
    return {name, UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC))};
  }

  FakeKernel kernel_;
};

TEST_F(HeapSetupTest, NodesAndSimulatedHeapsStandSideBySide) {
  HeapSetup setup{.kernel = &kernel_};
  setup.nodes.push_back(Node("system"));
  setup.simulate = SimulateOption{.size_bytes = 1 << 20, .name = "one"};

  auto heaps =
      SetUpHeaps(std::move(setup), PolicyOf("simulated_heaps { name: \"two\" size_bytes: 8192 }\n"
                                            "heap_aliases { alias: \"camera\" heap: \"two\" }"));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ((*(*heaps)->Find("system"))->description().kind, v1::SYSTEM);
  EXPECT_EQ((*(*heaps)->Find("one"))->description().contiguity, v1::SIMULATED);
  EXPECT_EQ((*(*heaps)->Find("camera"))->description().name, "two");
}

TEST_F(HeapSetupTest, EverySimulatedHeapIsBackedByUdmabufWhereThatIsGiven) {
  HeapSetup setup{.kernel = &kernel_};
  // The fake kernel asks it nothing.
  setup.udmabuf = Node("udmabuf").fd;
  setup.simulate = SimulateOption{.size_bytes = 1 << 20, .name = "one"};

  auto heaps =
      SetUpHeaps(std::move(setup), PolicyOf("simulated_heaps { name: \"two\" size_bytes: 8192 }"));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  for (const char* name : {"one", "two"}) {
    const auto buffer = (*(*heaps)->Find(name))->Allocate({4096, ""});
    ASSERT_TRUE(buffer.ok()) << buffer.status();
    EXPECT_EQ(buffer->key.backing, BufferKey::Backing::kDmaBuf) << name;
  }
}

TEST_F(HeapSetupTest, WhatIsNoCardIsRefusedByOptionNameAndRemedy) {
  HeapSetup setup{.kernel = &kernel_};
  setup.drm_cards.push_back(Node("display"));

  const absl::Status status = SetUpHeaps(std::move(setup), PolicyOf("")).status();

  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("--drm-heap=display="));
  EXPECT_THAT(std::string(status.message()), HasSubstr("leave the option out"));
}

TEST_F(HeapSetupTest, ANodeOfAnImpossibleNameCostsOnlyItself) {
  HeapSetup setup{.kernel = &kernel_};
  setup.nodes.push_back(Node("not a name"));
  setup.nodes.push_back(Node("system"));

  auto heaps = SetUpHeaps(std::move(setup), PolicyOf(""));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ((*heaps)->heaps().size(), 1u);
}

TEST_F(HeapSetupTest, TheShippedVirtualHeapIsTheKernelsDefaultAreaByWhicheverName) {
  for (const char* name : {"reserved", "linux,cma", "default-pool", "default_cma_region"}) {
    HeapSetup setup{.kernel = &kernel_};
    setup.nodes.push_back(Node("system"));
    setup.nodes.push_back(Node(name));
    setup.simulate = SimulateOption{.size_bytes = 1 << 20, .name = "one"};

    auto heaps = SetUpHeaps(std::move(setup), PolicyOf(""));

    ASSERT_TRUE(heaps.ok()) << heaps.status();
    const auto heap = (*heaps)->Find("linux,cma-nofail");
    ASSERT_TRUE(heap.ok()) << heap.status();
    EXPECT_EQ((*heap)->description().name, name);
    EXPECT_EQ((*heaps)->virtual_heaps().size(), 1u);
  }
}

TEST_F(HeapSetupTest, WithoutADefaultAreaOfTheKernelItIsTheFirstSimulatedHeap) {
  const char* two =
      "simulated_heaps { name: \"two\" size_bytes: 8192 }"
      "simulated_heaps { name: \"a\" size_bytes: 8192 }";
  for (const bool simulate : {false, true}) {
    HeapSetup setup{.kernel = &kernel_};
    setup.nodes.push_back(Node("system"));
    if (simulate) setup.simulate = SimulateOption{.size_bytes = 1 << 20, .name = "one"};

    auto heaps = SetUpHeaps(std::move(setup), PolicyOf(two));

    ASSERT_TRUE(heaps.ok()) << heaps.status();
    const auto heap = (*heaps)->Find("linux,cma-nofail");
    ASSERT_TRUE(heap.ok()) << heap.status();
    EXPECT_EQ((*heap)->description().name, simulate ? "one" : "two");
  }
}

TEST_F(HeapSetupTest, WithoutContiguousMemoryThereIsNoShippedVirtualHeap) {
  HeapSetup setup{.kernel = &kernel_};
  setup.nodes.push_back(Node("system"));

  auto heaps = SetUpHeaps(std::move(setup),
                          PolicyOf("heap_aliases { alias: \"reserved\" heap: \"system\" }"));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ(GetReason((*heaps)->Find("linux,cma-nofail").status()), ErrorReason::HEAP_NOT_FOUND);
}

TEST_F(HeapSetupTest, AKernelHeapOfTheShippedVirtualHeapsNameKeepsIt) {
  HeapSetup setup{.kernel = &kernel_};
  setup.nodes.push_back(Node("reserved"));
  setup.nodes.push_back(Node("linux,cma-nofail"));

  auto heaps = SetUpHeaps(std::move(setup), PolicyOf(""));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ((*(*heaps)->Find("linux,cma-nofail"))->description().name, "linux,cma-nofail");
  EXPECT_TRUE((*heaps)->virtual_heaps().empty());
}

TEST_F(HeapSetupTest, TheFilesVirtualHeapsStandForTheHeapsTheyName) {
  HeapSetup setup{.kernel = &kernel_};
  setup.nodes.push_back(Node("reserved"));

  auto heaps = SetUpHeaps(std::move(setup),
                          PolicyOf("simulated_heaps { name: \"two\" size_bytes: 8192 }"
                                   "heap_aliases { alias: \"camera\" heap: \"two\" }"
                                   "virtual_heaps { name: \"linux,cma-nofail\" heap: \"camera\" "
                                   "                retry_policy: \"nofail\" }"
                                   "virtual_heaps { name: \"hasty\" retry_policy: \"failfast\" }"));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ((*(*heaps)->Find("linux,cma-nofail"))->description().name, "two");
  EXPECT_EQ((*(*heaps)->Find("hasty"))->description().name, "reserved");
}

TEST_F(HeapSetupTest, AVirtualHeapForNoHeapOrOfAHeapsNameIsRefused) {
  const auto set_up = [&](const std::string& virtual_heap) {
    HeapSetup setup{.kernel = &kernel_};
    setup.nodes.push_back(Node("reserved"));
    return SetUpHeaps(std::move(setup),
                      PolicyOf("virtual_heaps { retry_policy: \"nofail\" " + virtual_heap + " }"))
        .status();
  };
  EXPECT_EQ(GetReason(set_up("name: \"a\" heap: \"three\"")), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(GetReason(set_up("name: \"linux,cma\"")), ErrorReason::INVALID_NAME);
}

TEST_F(HeapSetupTest, AKernelWithoutHeapsIsNamedAsTheReason) {
  HeapSetup setup{.kernel = &kernel_};
  setup.kernel_heaps = LookForKernelHeaps("/nonexistent");

  auto heaps = SetUpHeaps(std::move(setup), PolicyOf(""));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ(GetReason((*heaps)->Find("system").status()), ErrorReason::KERNEL_LACKS_HEAPS);
}

TEST_F(HeapSetupTest, AFolderWithoutNodesThatOpenIsNotTheKernelsFault) {
  HeapSetup setup{.kernel = &kernel_};
  setup.kernel_heaps = LookForKernelHeaps("/tmp");

  auto heaps = SetUpHeaps(std::move(setup), PolicyOf(""));

  ASSERT_TRUE(heaps.ok()) << heaps.status();
  EXPECT_EQ(GetReason((*heaps)->Find("system").status()), ErrorReason::HEAP_ABSENT);
}

TEST_F(HeapSetupTest, TwoHeapsOfOneNameAreRefused) {
  HeapSetup setup{.kernel = &kernel_};
  setup.simulate = SimulateOption{.size_bytes = 1 << 20, .name = "two"};

  auto heaps =
      SetUpHeaps(std::move(setup), PolicyOf("simulated_heaps { name: \"two\" size_bytes: 8192 }"));

  EXPECT_EQ(GetReason(heaps.status()), ErrorReason::INVALID_NAME);
}

TEST_F(HeapSetupTest, AnAliasForNoHeapIsRefused) {
  HeapSetup setup{.kernel = &kernel_};

  auto heaps =
      SetUpHeaps(std::move(setup), PolicyOf("simulated_heaps { name: \"two\" size_bytes: 8192 }\n"
                                            "heap_aliases { alias: \"camera\" heap: \"three\" }"));

  EXPECT_EQ(GetReason(heaps.status()), ErrorReason::HEAP_NOT_FOUND);
}

}  // namespace
}  // namespace dmaheap
