// In the guest, with dmaheapd running on its kernel's own heaps: what a HAL and an operator get.

#include <dirent.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/vm/guest/cma_counters.h"
#include "tests/vm/guest/ctl_json.h"
#include "tests/vm/guest/guest_process.h"

namespace dmaheap {
namespace {

using Json = nlohmann::json;

constexpr int64_t kPageBytes = 4096;

// Six 3840x2160 frames in NV12, each in whole pages: what client/examples/camera_hal.cc holds.
constexpr int64_t kHalPages = 6 * 3038;

// Pages that others of the guest take or give meanwhile.
constexpr int64_t kCmaFreeSlackBytes = 4 << 20;

constexpr absl::Duration kPatience = absl::Seconds(30);

// Exit codes of dmaheapctl (`dmaheapctl --help`).
constexpr int kExitUsage = 2;
constexpr int kExitNotFound = 5;

std::set<std::string> NamesIn(const std::string& folder) {
  std::set<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
  while (const dirent* entry = entries == nullptr ? nullptr : readdir(entries.get())) {
    if (entry->d_name[0] != '.') names.insert(entry->d_name);
  }
  return names;
}

// CmaFree without what lies on the processors' own free lists, which it leaves out and which may be
// megabytes: an allocation from the area empties them (mm/page_alloc.c, drain_all_pages).
int64_t SettledCmaFreeBytes() {
  EXPECT_EQ(RunInGuest({"dmaheapctl", "alloc", "reserved", "4096"}).exit_code, 0);
  return CmaFreeBytes();
}

// What the daemon does in the background is awaited.
testing::AssertionResult CountersComeTo(const CmaCounters& expected) {
  const absl::Time limit = absl::Now() + kPatience;
  CmaCounters now;
  do {
    now = ReadCmaCounters();
    if (now.used_pages == expected.used_pages && now.allocated_pages == expected.allocated_pages) {
      return testing::AssertionSuccess();
    }
  } while (absl::Now() < limit);
  return testing::AssertionFailure()
         << "used " << now.used_pages << " pages, not " << expected.used_pages << "; allocated "
         << now.allocated_pages << " since the boot, not " << expected.allocated_pages;
}

using KernelHeapsTest = FdLeakCheck;

TEST_F(KernelHeapsTest, OnlyRootCanOpenTheNodes) {
  ASSERT_EQ(NamesIn("/dev/dma_heap"), (std::set<std::string>{"reserved", "system"}));
  for (const std::string& name : NamesIn("/dev/dma_heap")) {
    struct stat node = {};
    ASSERT_EQ(stat(absl::StrCat("/dev/dma_heap/", name).c_str(), &node), 0);
    EXPECT_TRUE(S_ISCHR(node.st_mode)) << name;
    EXPECT_EQ(node.st_mode & 07777, 0600u) << name;
    EXPECT_EQ(node.st_uid, 0u) << name;
  }
}

TEST_F(KernelHeapsTest, WhatHearsClientsRunsWithoutPrivileges) {
  int brokers = 0;
  for (const std::string& pid : NamesIn("/proc")) {
    std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
    std::map<std::string, std::string> fields;
    for (std::string key, value; status >> key && std::getline(status, value);) {
      fields[key] = value;
    }
    if (!absl::StrContains(fields["Name:"], "dmaheapd-broke")) continue;
    ++brokers;
    EXPECT_EQ(fields["Uid:"], "\t900\t900\t900\t900");
    EXPECT_EQ(fields["CapEff:"], "\t0000000000000000");
  }
  EXPECT_EQ(brokers, 1);
}

TEST_F(KernelHeapsTest, TheDaemonTellsContiguousMemoryFromScattered) {
  std::map<std::string, Json> heaps = ListHeaps();
  ASSERT_EQ(heaps.size(), 3u);

  const Json& reserved = heaps["heaps/reserved"];
  EXPECT_EQ(reserved["kind"], "CMA");
  EXPECT_EQ(reserved["contiguity"], "PHYSICAL");
  EXPECT_EQ(reserved["size_bytes"], absl::StrCat(ReadCmaCounters().total_pages * kPageBytes));

  const Json& system = heaps["heaps/system"];
  EXPECT_EQ(system["kind"], "SYSTEM");
  EXPECT_EQ(system["contiguity"], "SCATTERED");

  const Json& nofail = heaps["heaps/linux,cma-nofail"];
  EXPECT_EQ(nofail["kind"], "VIRTUAL");
  EXPECT_EQ(nofail["contiguity"], "PHYSICAL");
  EXPECT_EQ(nofail["backing_heap"], "heaps/reserved");
}

// Every name that a kernel gives, or gave, the area of cma=.
class AliasTest : public FdLeakCheck, public testing::WithParamInterface<const char*> {};

TEST_P(AliasTest, LeadsToTheAreaOfThisKernel) {
  const Json got = CtlJson({"alloc", GetParam(), "4096"});

  ASSERT_EQ(got["buffers"].size(), 1u);
  EXPECT_EQ(got["buffers"][0]["heap"], "heaps/reserved");
  EXPECT_EQ(got["buffers"][0]["contiguity"], "PHYSICAL");
}

INSTANTIATE_TEST_SUITE_P(Names, AliasTest,
                         testing::Values("linux,cma", "reserved", "default_cma_region",
                                         "linux,cma-nofail"));

TEST_F(KernelHeapsTest, AnUnknownNameIsAnsweredWithThoseThereAre) {
  const GuestResult result = RunInGuest({"dmaheapctl", "alloc", "no-such-heap", "4096"});

  EXPECT_EQ(result.exit_code, kExitNotFound);
  EXPECT_TRUE(absl::StrContains(result.error, "reason=HEAP_NOT_FOUND")) << result.error;
  EXPECT_TRUE(absl::StrContains(result.error, "heaps=reserved system")) << result.error;
}

TEST_F(KernelHeapsTest, WhatIsLargerThanTheAreaIsRefusedWithoutAskingTheKernel) {
  const CmaCounters before = ReadCmaCounters();

  const GuestResult result = RunInGuest({"dmaheapctl", "alloc", "reserved", "256MiB"});

  EXPECT_EQ(result.exit_code, kExitUsage);
  EXPECT_TRUE(absl::StrContains(result.error, "reason=SIZE_EXCEEDS_HEAP")) << result.error;
  EXPECT_EQ(ReadCmaCounters().failed_pages, before.failed_pages);
  EXPECT_EQ(ReadCmaCounters().allocated_pages, before.allocated_pages);
}

// The whole life of a HAL's frames: allocated, mapped, synced, handed to a second process,
// released.
TEST_F(KernelHeapsTest, AHalWorksOnTheSystemHeapAndTakesNothingOfTheArea) {
  const CmaCounters before = ReadCmaCounters();

  const GuestResult hal = RunInGuest({"camera_hal", "system"});

  EXPECT_EQ(hal.exit_code, 0) << hal.output << hal.error;
  EXPECT_TRUE(absl::StrContains(hal.output, "SCATTERED memory of heaps/system")) << hal.output;
  EXPECT_EQ(ReadCmaCounters().allocated_pages, before.allocated_pages);
}

TEST_F(KernelHeapsTest, AHalWorksOnTheAreaAndGivesItBack) {
  const CmaCounters before = ReadCmaCounters();
  const int64_t free_before = SettledCmaFreeBytes();

  GuestProcess hal({"camera_hal", "--pause", "reserved"});
  ASSERT_TRUE(hal.ReadUntil("holding")) << hal.output();
  EXPECT_TRUE(absl::StrContains(hal.output(), "PHYSICAL memory of heaps/reserved"));
  EXPECT_EQ(ReadCmaCounters().used_pages, before.used_pages + kHalPages);
  EXPECT_EQ(ListHeaps()["heaps/reserved"]["live_bytes"], absl::StrCat(kHalPages * kPageBytes));
  hal.WriteLine("");

  EXPECT_EQ(hal.Wait(), 0) << hal.output() << hal.error();
  const CmaCounters after = ReadCmaCounters();
  EXPECT_EQ(after.used_pages, before.used_pages);
  EXPECT_EQ(after.released_pages - before.released_pages,
            after.allocated_pages - before.allocated_pages);
  EXPECT_GE(SettledCmaFreeBytes(), free_before - kCmaFreeSlackBytes);
  EXPECT_EQ(ListHeaps()["heaps/reserved"]["live_bytes"], "0");
}

// What is booked lies in the area from the booking on: a draw asks the kernel for nothing, and what
// was drawn is made again once it is released.
TEST_F(KernelHeapsTest, AReservationHoldsItsPartOfTheAreaUntilItEnds) {
  constexpr int64_t kBufferPages = 1024;
  const CmaCounters before = ReadCmaCounters();

  const Json booked = CtlJson({"reserve", "reserved", "4MiB", "4"});
  const std::string name = booked["name"];
  EXPECT_EQ(ReadCmaCounters().used_pages, before.used_pages + 4 * kBufferPages);

  GuestProcess drawer({"dmaheapctl", "alloc", "--reservation", name, "--count", "2", "--", "sh",
                       "-c", "echo drawn; read released"});
  ASSERT_TRUE(drawer.ReadUntil("drawn")) << drawer.output();
  EXPECT_EQ(ReadCmaCounters().allocated_pages, before.allocated_pages + 4 * kBufferPages);
  drawer.WriteLine("");
  EXPECT_EQ(drawer.Wait(), 0) << drawer.error();
  EXPECT_TRUE(CountersComeTo({.used_pages = before.used_pages + 4 * kBufferPages,
                              .allocated_pages = before.allocated_pages + 6 * kBufferPages}));

  EXPECT_EQ(RunInGuest({"dmaheapctl", "release", name}).exit_code, 0);
  EXPECT_TRUE(CountersComeTo({.used_pages = before.used_pages,
                              .allocated_pages = before.allocated_pages + 6 * kBufferPages}));
}

}  // namespace
}  // namespace dmaheap
