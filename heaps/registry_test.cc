#include "heaps/registry.h"

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A heap of which only the description matters.
class NamedHeap final : public Heap {
 public:
  explicit NamedHeap(std::string name, std::vector<std::string> aliases = {}) {
    description_.name = std::move(name);
    description_.aliases = std::move(aliases);
  }
  const HeapDescription& description() const override { return description_; }
  absl::StatusOr<Buffer> Allocate(const AllocationSpec& spec) override {
    return ErrnoStatus(ENOMEM, "this heap has no memory");
  }
  HeapUsage Usage() const override { return {}; }

 private:
  HeapDescription description_;
};

std::unique_ptr<Heap> Named(std::string name, std::vector<std::string> aliases = {}) {
  return std::make_unique<NamedHeap>(std::move(name), std::move(aliases));
}

std::string NameOf(const absl::StatusOr<Heap*>& heap) {
  return heap.ok() ? (*heap)->description().name : heap.status().ToString();
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(HeapRegistryTest, AHeapIsFoundByItsNameAndByItsAliases) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("reserved", {"linux,cma", "default-pool"})).ok());
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  EXPECT_EQ(NameOf(registry.Find("reserved")), "reserved");
  EXPECT_EQ(NameOf(registry.Find("linux,cma")), "reserved");
  EXPECT_EQ(NameOf(registry.Find("default-pool")), "reserved");
  EXPECT_EQ(NameOf(registry.Find("system")), "system");
}

TEST(HeapRegistryTest, HeapsComeInTheOrderOfTheirNames) {
  HeapRegistry registry;
  for (const char* name : {"system", "linux,cma", "simulated"}) {
    ASSERT_TRUE(registry.Add(Named(name)).ok());
  }
  std::vector<std::string> names;
  for (const Heap* heap : registry.heaps()) names.push_back(heap->description().name);
  EXPECT_THAT(names, ElementsAre("linux,cma", "simulated", "system"));
}

TEST(HeapRegistryTest, AnUnknownNameListsTheHeapsAndTheAliasesTried) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  ASSERT_TRUE(registry.Add(Named("vendor", {"cam"})).ok());

  const absl::Status status = registry.Find("linux,cma").status();

  EXPECT_EQ(GetReason(status), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      Message(status),
      "no heap has the name 'linux,cma', and none the names that other kernels give it "
      "(reserved; default-pool; default_cma_region); the heaps are: system; vendor (also cam)");
  EXPECT_EQ(GetErrorValue(status, "heap"), "linux,cma");
  EXPECT_EQ(GetErrorValue(status, "heaps"), "system vendor");
  EXPECT_EQ(GetErrorValue(status, "aliases_tried"), "reserved default-pool default_cma_region");
}

TEST(HeapRegistryTest, AnUnknownNameOutsideTheTableTriesNoAliases) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  EXPECT_EQ(Message(registry.Find("sytsem").status()),
            "no heap has the name 'sytsem'; the heaps are: system");
}

TEST(HeapRegistryTest, WhatAClientSentIsQuotedSafelyAndShortened) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  const std::string message =
      Message(registry.Find(std::string("\n\x1b[31m") + std::string(5000, 'x')).status());
  EXPECT_THAT(message, AllOf(HasSubstr("'\\n\\x1b[31m"), Not(HasSubstr("\n"))));
  EXPECT_LT(message.size(), 300u);
}

TEST(HeapRegistryTest, WithoutKernelSupportTheErrorSaysWhatToConfigure) {
  HeapRegistry registry;
  registry.SetKernelHeaps(HeapRegistry::KernelHeaps::kUnsupported);
  const absl::Status status = registry.Find("system").status();
  EXPECT_EQ(GetReason(status), ErrorReason::KERNEL_LACKS_HEAPS);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("CONFIG_DMABUF_HEAPS"), HasSubstr("--simulate")));
}

TEST(HeapRegistryTest, WithSupportButNoHeapTheHeapIsAbsent) {
  HeapRegistry registry;
  registry.SetKernelHeaps(HeapRegistry::KernelHeaps::kSupported);
  EXPECT_EQ(GetReason(registry.Find("system").status()), ErrorReason::HEAP_ABSENT);
  EXPECT_THAT(Message(registry.Find("system").status()), HasSubstr("could open none"));
  registry.SetKernelHeaps(HeapRegistry::KernelHeaps::kNotLooked);
  EXPECT_EQ(GetReason(registry.Find("system").status()), ErrorReason::HEAP_ABSENT);
  EXPECT_THAT(Message(registry.Find("system").status()), HasSubstr("serves no heap of the kernel"));
}

TEST(HeapRegistryTest, TwoHeapsCanNotHaveOneName) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  const absl::Status status = registry.Add(Named("system"));
  EXPECT_EQ(GetReason(status), ErrorReason::INVALID_NAME);
  EXPECT_EQ(registry.heaps().size(), 1u);
}

TEST(HeapRegistryTest, AnAliasCanNotBeTheNameOfAnotherHeap) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  EXPECT_EQ(GetReason(registry.Add(Named("other", {"system"}))), ErrorReason::INVALID_NAME);
  EXPECT_EQ(registry.heaps().size(), 1u);
}

TEST(HeapRegistryTest, AnOwnNameGoesBeforeAnAliasThatWasThereFirst) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("reserved", {"linux,cma"})).ok());
  ASSERT_TRUE(registry.Add(Named("linux,cma")).ok());
  EXPECT_EQ(NameOf(registry.Find("linux,cma")), "linux,cma");
  EXPECT_THAT(registry.NamesOf(*registry.Find("reserved").value()), ElementsAre("reserved"));
}

TEST(HeapRegistryTest, OfTwoHeapsWithOneAliasTheFirstKeepsIt) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("a", {"camera"})).ok());
  ASSERT_TRUE(registry.Add(Named("b", {"camera", "b", "codec", "codec"})).ok());
  EXPECT_EQ(NameOf(registry.Find("camera")), "a");
  EXPECT_THAT(registry.NamesOf(*registry.Find("b").value()), ElementsAre("b", "codec"));
}

TEST(HeapRegistryTest, AnAliasOfThePolicyIsAddedOnce) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("reserved", {"linux,cma"})).ok());
  ASSERT_TRUE(registry.AddAlias("camera", "linux,cma").ok()) << "by any name of the heap";
  ASSERT_TRUE(registry.AddAlias("camera", "reserved").ok());
  ASSERT_TRUE(registry.AddAlias("reserved", "reserved").ok());
  EXPECT_EQ(NameOf(registry.Find("camera")), "reserved");
  EXPECT_THAT(registry.NamesOf(*registry.Find("camera").value()),
              ElementsAre("reserved", "linux,cma", "camera"));
}

TEST(HeapRegistryTest, AnAliasThatAnotherHeapHasIsRefused) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("a", {"camera"})).ok());
  ASSERT_TRUE(registry.Add(Named("b")).ok());
  EXPECT_EQ(GetReason(registry.AddAlias("camera", "b")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.AddAlias("a", "b")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.AddAlias("x", "none")), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(GetReason(registry.AddAlias("bad name", "b")), ErrorReason::INVALID_NAME);
}

TEST(HeapRegistryTest, AVirtualHeapIsFoundAsTheHeapBehindIt) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("reserved", {"linux,cma"})).ok());
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  ASSERT_TRUE(registry.AddVirtual("patient", "linux,cma").ok()) << "by any name of the heap";
  ASSERT_TRUE(registry.AddVirtual("hasty", "reserved").ok());
  EXPECT_EQ(NameOf(registry.Find("patient")), "reserved");
  EXPECT_THAT(registry.NamesOf(*registry.Find("reserved").value()),
              ElementsAre("reserved", "linux,cma", "hasty", "patient"));
  EXPECT_THAT(registry.NamesOf(*registry.Find("system").value()), ElementsAre("system"));
  EXPECT_EQ(registry.heaps().size(), 2u);
  ASSERT_EQ(registry.virtual_heaps().size(), 2u);
  EXPECT_EQ(registry.virtual_heaps()[0].name, "hasty");
  EXPECT_EQ(registry.virtual_heaps()[0].heap, *registry.Find("reserved"));
  EXPECT_EQ(registry.virtual_heaps()[1].name, "patient");
}

TEST(HeapRegistryTest, AVirtualHeapHasANameOfItsOwnAndAHeap) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("a", {"camera"})).ok());
  EXPECT_EQ(GetReason(registry.AddVirtual("a", "a")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.AddVirtual("camera", "a")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.AddVirtual("x", "none")), ErrorReason::HEAP_NOT_FOUND);
  EXPECT_EQ(GetReason(registry.AddVirtual("bad name", "a")), ErrorReason::INVALID_NAME);
  ASSERT_TRUE(registry.AddVirtual("x", "a").ok());
  EXPECT_EQ(GetReason(registry.AddVirtual("x", "a")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.AddAlias("x", "a")), ErrorReason::INVALID_NAME);
  EXPECT_EQ(GetReason(registry.Add(Named("x"))), ErrorReason::INVALID_NAME);
  ASSERT_TRUE(registry.Add(Named("b", {"x"})).ok());
  EXPECT_EQ(NameOf(registry.Find("x")), "a");
}

TEST(HeapRegistryTest, AnUnknownNameListsTheVirtualHeapsToo) {
  HeapRegistry registry;
  ASSERT_TRUE(registry.Add(Named("system")).ok());
  ASSERT_TRUE(registry.AddVirtual("patient", "system").ok());
  const absl::Status status = registry.Find("sytsem").status();
  EXPECT_EQ(Message(status), "no heap has the name 'sytsem'; the heaps are: system; patient");
  EXPECT_EQ(GetErrorValue(status, "heaps"), "system patient");
}

TEST(HeapRegistryTest, NamesOfAStrangeHeapAreNone) {
  EXPECT_THAT(HeapRegistry().NamesOf(NamedHeap("strange")), IsEmpty());
}

TEST(HeapRegistryTest, NamesThatWouldBreakAResourceNameOrALogLineAreRefused) {
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("a b"), std::string("a\n"),
        std::string("a\0b", 3), std::string("\xc3\xa9"), std::string("*"), std::string("."),
        std::string(".."), std::string(kMaxHeapNameBytes + 1, 'n')}) {
    HeapRegistry registry;
    EXPECT_EQ(GetReason(registry.Add(Named(name))), ErrorReason::INVALID_NAME) << name;
    EXPECT_EQ(GetReason(registry.Add(Named("good", {name}))), ErrorReason::INVALID_NAME) << name;
  }
  for (const std::string& name :
       {std::string("linux,cma"), std::string("default-pool"), std::string("vidbuf@4fc00000"),
        std::string("qcom,qseecom-ta"), std::string(kMaxHeapNameBytes, 'n')}) {
    HeapRegistry registry;
    EXPECT_TRUE(registry.Add(Named(name)).ok()) << name;
  }
}

}  // namespace
}  // namespace dmaheap
