// In the guest: the heaps that are not of /dev/dma_heap (udmabuf behind the simulated one, the dumb
// buffers of a display card), and display cards as importers of every heap's buffers.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/unique_fd.h"
#include "tests/vm/guest/books.h"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/daemon_fixture.h"
#include "tests/vm/guest/dma_buf_lists.h"
#include "tests/vm/guest/drm_card.h"

namespace dmaheap {
namespace {

using Names = std::vector<std::string>;

constexpr int kMiB = 1 << 20;

class OtherHeapsTest : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    const auto card = DrmCard::Open("vkms");
    ASSERT_TRUE(card.ok()) << card.status();
    Start({"--simulate=128MiB", absl::StrCat("--drm-heap=display=", card->path())});
  }

  // Zeroed, mapped and written to.
  static void Use(AgentProcess& client, const Names& names) {
    for (const std::string& name : names) {
      client.Expect(absl::StrCat("check ", name));
      client.Expect(absl::StrCat("touch ", name));
    }
  }
};

TEST_F(OtherHeapsTest, ASimulatedBufferIsADmaBufOfUdmabuf) {
  auto client = NewClient();
  const Names names = client->Expect(absl::StrCat("alloc simulated ", 3 * kMiB, " 2"));
  ASSERT_EQ(names.size(), 2u);

  EXPECT_TRUE(AllAgreeOn(names));
  for (const std::string& name : names) {
    EXPECT_EQ(ExporterOf(InodeIn(name)), "udmabuf");
    EXPECT_EQ(ReadBooks().buffers[name]["contiguity"], "SIMULATED");
  }
  Use(*client, names);
  client->Expect(absl::StrCat("closefd ", names[0]));
  EXPECT_TRUE(AllAgreeOn({names[1]}));
  EXPECT_EQ(ListHeaps()["heaps/simulated"]["free_bytes"], absl::StrCat(125 * kMiB));

  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
  EXPECT_EQ(ListHeaps()["heaps/simulated"]["free_bytes"], absl::StrCat(128 * kMiB));
}

// Its parameter size_limit_mb.
TEST_F(OtherHeapsTest, ASimulatedBufferLargerThanUdmabufTakesIsAMemfd) {
  auto client = NewClient();
  const Names names = client->Expect(absl::StrCat("alloc simulated ", 65 * kMiB, " 1"));
  ASSERT_EQ(names.size(), 1u);

  EXPECT_TRUE(absl::StartsWith(names[0], "buffers/memfd-")) << names[0];
  EXPECT_TRUE(BooksComeTo(names));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
}

TEST_F(OtherHeapsTest, ADisplayCardsDumbBuffersAreAHeap) {
  const nlohmann::json heap = ListHeaps()["heaps/display"];
  EXPECT_EQ(heap["kind"], "DRM_DUMB");
  // vkms takes its pages one by one.
  EXPECT_EQ(heap["contiguity"], "SCATTERED");
  auto client = NewClient();

  // Frames of 1280x720 in NV12.
  const Names names = client->Expect("alloc display 1382400 3");

  ASSERT_EQ(names.size(), 3u);
  EXPECT_TRUE(AllAgreeOn(names));
  for (const std::string& name : names) {
    const nlohmann::json buffer = ReadBooks().buffers[name];
    EXPECT_EQ(buffer["heap"], "heaps/display");
    EXPECT_EQ(buffer["contiguity"], "SCATTERED");
    EXPECT_EQ(buffer["size_bytes"], "1384448") << "lines of 4 KiB";
  }
  Use(*client, names);
  client->Expect(absl::StrCat("release ", names[0]));
  EXPECT_TRUE(AllAgreeOn({names[1], names[2]}));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
}

TEST_F(OtherHeapsTest, TheBuffersOfADisplayCardOutliveTheDaemon) {
  auto client = NewClient();
  const Names names = client->Expect(absl::StrCat("alloc display ", kMiB, " 2"));
  ASSERT_EQ(names.size(), 2u);

  KillAll();
  Use(*client, names);
  client->Expect(absl::StrCat("closefd ", names[0]));
  Start();

  // This daemon has no such heap, and what there is of it is charged all the same.
  EXPECT_EQ(ListHeaps().count("heaps/display"), 0u);
  EXPECT_TRUE(AllAgreeOn({names[1]}));
  client->Kill();
  EXPECT_TRUE(AllAgreeOn({}));
}

using HeapAndDriver = std::tuple<const char*, const char*>;

class ImporterTest : public OtherHeapsTest, public testing::WithParamInterface<HeapAndDriver> {};

TEST_P(ImporterTest, TakesTheBufferAndHasItWithoutAnyFd) {
  const auto [heap, driver] = GetParam();
  auto client = NewClient();
  const Names names = client->Expect(absl::StrCat("alloc ", heap, " ", kMiB, " 1"));
  ASSERT_EQ(names.size(), 1u);
  const auto card = DrmCard::Open(driver);
  ASSERT_TRUE(card.ok()) << card.status();
  client->Expect(absl::StrCat("send ", names[0]));
  UniqueFd fd = client->TakeSentFd();

  const auto handle = card->Import(fd.get());

  ASSERT_TRUE(handle.ok()) << handle.status();
  fd.Reset();
  client->Kill();
  EXPECT_TRUE(AllAgreeOn(names));
  EXPECT_TRUE(card->CloseHandle(*handle).ok());
  EXPECT_TRUE(AllAgreeOn({}));
}

// The last one takes its own buffer back.
INSTANTIATE_TEST_SUITE_P(
    All, ImporterTest,
    testing::Values(HeapAndDriver("reserved", "vgem"), HeapAndDriver("reserved", "vkms"),
                    HeapAndDriver("system", "vgem"), HeapAndDriver("system", "vkms"),
                    HeapAndDriver("simulated", "vgem"), HeapAndDriver("simulated", "vkms"),
                    HeapAndDriver("display", "vgem"), HeapAndDriver("display", "vkms")),
    [](const auto& pair) {
      return absl::StrCat(std::get<0>(pair.param), "_", std::get<1>(pair.param));
    });

}  // namespace
}  // namespace dmaheap
