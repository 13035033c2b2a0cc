#include "daemon/diagnosis/prober/mapper_scanner.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/pagemap.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

class MapperScannerTest : public ::testing::Test {
 protected:
  static std::string Bytes(const std::vector<uint64_t>& numbers) {
    return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * 8);
  }
  // A process whose one mapping, from address 0 on, has these frames; 0: not present.
  void Process(int pid, const std::vector<uint64_t>& frames) {
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    tree_.File(absl::StrCat("proc/", pid, "/maps"),
               absl::StrFormat("0-%x rw-p 00000000 00:00 0 \n", frames.size() * page));
    std::vector<uint64_t> entries;
    for (const uint64_t frame : frames) {
      entries.push_back(frame == 0 ? 0 : kPagemapPresent | frame);
    }
    tree_.File(absl::StrCat("proc/", pid, "/pagemap"), Bytes(entries));
  }
  ProberReply Find(absl::string_view range,
                   const TimeBox& box = TimeBox(absl::InfiniteDuration())) {
    return FindMappers(tree_.roots(), range, box);
  }

  FakeTree tree_;
};

TEST_F(MapperScannerTest, FindsThoseThatMapAFrameOfTheRange) {
  Process(10, {1, 100, 0, 101});
  Process(11, {2, 3});
  Process(12, {0, 109, 110});

  const ProberReply reply = Find("100 10");

  EXPECT_EQ(reply.error_number, 0);
  EXPECT_EQ(reply.flags, 0u);
  ASSERT_EQ(reply.mappers.size(), 2u);
  for (const MapperRecord& mapper : reply.mappers) {
    EXPECT_EQ(mapper.pages, mapper.process.pid == 10 ? 2u : 1u);
    EXPECT_TRUE(mapper.process.pid == 10 || mapper.process.pid == 12);
    EXPECT_STREQ(mapper.path, "") << "of no file";
  }
}

TEST_F(MapperScannerTest, TellsWhoItIsAndOfWhichFileThePageIs) {
  Process(10, {100});
  tree_.File("proc/10/maps", "0-1000 r--p 00000000 00:00 42 /data/clip of me\n");
  tree_.File("proc/10/comm", "player\n");
  tree_.File("proc/10/cgroup", "0::/apps/player\n");
  tree_.Link("proc/10/exe", "/usr/bin/player");

  const ProberReply reply = Find("100 1");

  ASSERT_EQ(reply.mappers.size(), 1u);
  const MapperRecord& mapper = reply.mappers[0];
  EXPECT_EQ(mapper.process.uid, getuid());
  EXPECT_STREQ(mapper.process.name, "player");
  EXPECT_STREQ(mapper.process.cgroup, "/apps/player");
  EXPECT_STREQ(mapper.process.executable, "/usr/bin/player");
  EXPECT_STREQ(mapper.path, "/data/clip of me");
}

// Of the page that process 10 maps, which is the file's if kpageflags says so.
class FileOwnerTest : public MapperScannerTest {
 protected:
  void SetUp() override {
    Flags(kPageOfFile);
    file_ = tree_.path() + "/clip";
    tree_.File("clip", "");
    tree_.File("other", "");
    struct stat status;
    ASSERT_EQ(stat(file_.c_str(), &status), 0);
    Process(10, {1});
    tree_.File("proc/10/maps",
               absl::StrFormat("0-1000 r--p 00000000 %02x:%02x %d %s\n", major(status.st_dev),
                               minor(status.st_dev), status.st_ino, file_));
  }
  void Flags(uint64_t flags) { tree_.File("proc/kpageflags", Bytes({0, flags})); }
  std::vector<int32_t> Owners() {
    std::vector<int32_t> pids;
    for (const MapperRecord& mapper : Find("1 1").mappers) {
      if (mapper.pages == 0) pids.push_back(mapper.process.pid);
    }
    return pids;
  }

  // KPF_LRU; with KPF_ANON beside.
  static constexpr uint64_t kPageOfFile = uint64_t{1} << 5;
  static constexpr uint64_t kPageOfItsOwn = kPageOfFile | uint64_t{1} << 12;

  std::string file_;
};

TEST_F(FileOwnerTest, IsWhoHasTheFileOpenAndDoesNotMapThePage) {
  tree_.Link("proc/10/fd/3", file_);
  tree_.Link("proc/11/fd/3", tree_.path() + "/other");
  tree_.Link("proc/11/fd/4", file_);
  tree_.Link("proc/12/fd/3", tree_.path() + "/other");

  EXPECT_EQ(Owners(), std::vector<int32_t>{11});
}

TEST_F(FileOwnerTest, IsNobodyWhereThePathLeadsToAnotherFile) {
  tree_.Link("proc/11/fd/4", file_);
  ASSERT_EQ(rename((tree_.path() + "/other").c_str(), file_.c_str()), 0);

  EXPECT_EQ(Owners(), std::vector<int32_t>{});
}

TEST_F(FileOwnerTest, IsNobodyWhereThePageIsAProcesssOwn) {
  Flags(kPageOfItsOwn);
  tree_.Link("proc/11/fd/4", file_);

  EXPECT_EQ(Owners(), std::vector<int32_t>{});
}

TEST_F(MapperScannerTest, TellsWhatTheKernelsTablesSayOfTheFirst) {
  tree_.File("proc/kpagecount", Bytes({7, 8, 1}));
  tree_.File("proc/kpageflags", Bytes({0, 0, 0x828}));
  const FrameRecord frame = Find("2 1").frames.at(0);
  EXPECT_EQ(frame.present, kFrameMapCount | kFrameFlags);
  EXPECT_EQ(frame.map_count, 1u);
  EXPECT_EQ(frame.flags, 0x828u);
  EXPECT_EQ(Find("3 1").frames.at(0).present, 0u) << "behind the end";
}

TEST_F(MapperScannerTest, MappingsOfManyReadsAreReadToTheirEnd) {
  std::vector<uint64_t> frames(10'000, 5);
  frames.back() = 100;
  Process(10, frames);
  const ProberReply reply = Find("100 1");
  ASSERT_EQ(reply.mappers.size(), 1u);
  EXPECT_EQ(reply.mappers[0].pages, 1u);
}

TEST_F(MapperScannerTest, WithoutTheRightNobodyIsBlamed) {
  tree_.File("proc/10/maps", "0-1000 rw-p 00000000 00:00 0 \n");
  tree_.File("proc/10/pagemap", Bytes({kPagemapPresent}));
  const ProberReply reply = Find("100 1");
  EXPECT_EQ(reply.error_number, EPERM);
}

TEST_F(MapperScannerTest, WhatCouldNotBeSeenIsTold) {
  Process(10, {100});
  tree_.File("proc/11/maps", "0-1000 rw-p 00000000 00:00 0 \n");
  tree_.Link("proc/11/pagemap", "elsewhere");
  EXPECT_EQ(Find("100 1").flags, kProberHoldersPartial);
  EXPECT_EQ(Find("100 1").mappers.size(), 1u);
  EXPECT_EQ(Find("100 1", TimeBox(absl::ZeroDuration())).flags, kProberHoldersPartial);
}

TEST_F(MapperScannerTest, WhatIsReservedInTerabytesIsLeftOut) {
  Process(10, {100});
  tree_.File("proc/10/maps",
             "0-1000 rw-p 00000000 00:00 0 \n7fff8000-10007fff8000 rw-p 00000000 00:00 0 \n");
  const ProberReply reply = Find("100 1");
  EXPECT_EQ(reply.flags, kProberHoldersPartial);
  EXPECT_EQ(reply.mappers.size(), 1u);
}

TEST_F(MapperScannerTest, AProcessThatIsGoneIsNotMissed) {
  tree_.File("proc/10/comm", "gone");
  tree_.File("proc/self/maps", "");
  EXPECT_EQ(Find("100 1").flags, 0u);
}

TEST_F(MapperScannerTest, ARangeThatIsNoneIsEinval) {
  for (const char* range : {"", "1", "1 0", "x"}) EXPECT_EQ(Find(range).error_number, EINVAL);
}

}  // namespace
}  // namespace dmaheap
