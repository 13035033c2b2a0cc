#include "daemon/diagnosis/prober/proc_scanner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/tree.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

constexpr char kDmaBufInfo[] =
    "mnt_id:\t14\nino:\t42\nsize:\t8192\ncount:\t3\nexp_name:\tcma_heap\nname:\tcam\n";

class ProcScannerTest : public ::testing::Test {
 protected:
  ScanResult Scan() { return Scan(TimeBox(absl::InfiniteDuration())); }
  ScanResult Scan(const TimeBox& box) {
    const UniqueFd proc = OpenRoot(tree_.roots().proc).value();
    return scanner_.Scan(proc.get(), box).value();
  }
  static const BufferRecord& Only(const ScanResult& result) {
    EXPECT_EQ(result.buffers.size(), 1u);
    return result.buffers.begin()->second;
  }

  FakeTree tree_;
  ProcScanner scanner_{MemfdMark{.mount_id = 14, .device = "00:01"}};
};

TEST_F(ProcScannerTest, FindsFdsOfDmaBufsWithWhatTheKernelSaysOfThem) {
  tree_.Process(7);
  tree_.Fd(7, 3, "/dmabuf:cam", kDmaBufInfo);
  tree_.Fd(7, 4, "/dmabuf:cam", kDmaBufInfo);
  tree_.Fd(7, 5, "socket:[99]", "ino:\t99\n");

  const ScanResult result = Scan();

  const BufferRecord& buffer = Only(result);
  EXPECT_EQ(buffer.backing, BufferBacking::kDmaBuf);
  EXPECT_EQ(buffer.inode, 42u);
  EXPECT_EQ(buffer.size_bytes, 8192u);
  EXPECT_EQ(buffer.references, 3u);
  EXPECT_EQ(buffer.holders, 1u);
  EXPECT_STREQ(buffer.exporter, "cma_heap");
  EXPECT_STREQ(buffer.name, "cam");
  EXPECT_EQ(result.holds.at({BufferBacking::kDmaBuf, 42, 7, HoldKind::kFd}), 2u);
  EXPECT_FALSE(result.partial);
}

TEST_F(ProcScannerTest, FindsMappingsAfterTheFdIsClosed) {
  tree_.Process(7);
  tree_.File("proc/7/maps",
             "55d0-55d1 r-xp 00000000 08:01 1234 /usr/bin/hal\n"
             "7f00-7f10 rw-s 00000000 00:0c 42 /dmabuf:cam\n"
             "7f20-7f30 rw-s 00010000 00:0c 42 /dmabuf:cam\n");

  const ScanResult result = Scan();

  EXPECT_EQ(Only(result).inode, 42u);
  EXPECT_EQ(result.holds.at({BufferBacking::kDmaBuf, 42, 7, HoldKind::kMapping}), 2u);
}

TEST_F(ProcScannerTest, AProcessThatHoldsInTwoWaysIsOneHolder) {
  for (const int pid : {7, 8}) {
    tree_.Process(pid);
    tree_.Fd(pid, 3, "/dmabuf:cam", kDmaBufInfo);
    tree_.File(absl::StrCat("proc/", pid, "/maps"), "7f00-7f10 rw-s 0 00:0c 42 /dmabuf:cam\n");
  }

  const ScanResult result = Scan();

  EXPECT_EQ(Only(result).holders, 2u);
  EXPECT_EQ(result.holds.size(), 4u);
}

TEST_F(ProcScannerTest, FindsMemfdsOfSimulatedHeapsByTheirMark) {
  tree_.Process(7);
  tree_.Fd(7, 3, "/memfd:dmaheap:cam (deleted)", "mnt_id:\t14\nino:\t42\n");
  tree_.File("proc/7/maps", "7f00-7f10 rw-s 0 00:01 42 /memfd:dmaheap:cam (deleted)\n");

  const ScanResult result = Scan();

  EXPECT_EQ(Only(result).backing, BufferBacking::kMemfd);
  EXPECT_STREQ(Only(result).name, "cam");
  EXPECT_EQ(result.holds.size(), 2u);
}

TEST_F(ProcScannerTest, AFileThatOnlyHasTheNameOfAMemfdIsNone) {
  tree_.Process(7);
  tree_.Fd(7, 3, "/memfd:dmaheap:cam (deleted)", "mnt_id:\t99\nino:\t42\n");
  tree_.File("proc/7/maps", "7f00-7f10 rw-s 0 08:01 42 /memfd:dmaheap:cam (deleted)\n");

  EXPECT_TRUE(Scan().buffers.empty());
}

TEST_F(ProcScannerTest, ProcessesThatDieMeanwhileArePassedOver) {
  // Only part of what a process has is left.
  std::filesystem::create_directory(tree_.path() + "/proc/7");
  tree_.Process(8);
  tree_.Link("proc/8/fd/3", "/dmabuf:cam");
  tree_.File("proc/self/maps", "not a process");

  const ScanResult result = Scan();

  EXPECT_TRUE(result.buffers.empty());
  EXPECT_FALSE(result.partial);
}

TEST_F(ProcScannerTest, AProcessThatIsALinkIsNotEntered) {
  tree_.File("elsewhere/maps", "7f00-7f10 rw-s 0 00:0c 42 /dmabuf:cam\n");
  tree_.Link("proc/7", tree_.path() + "/elsewhere");

  const ScanResult result = Scan();

  EXPECT_TRUE(result.buffers.empty());
  EXPECT_TRUE(result.partial);
}

TEST_F(ProcScannerTest, ALineLongerThanAnyOfTheKernelsMakesItPartial) {
  tree_.Process(7);
  tree_.File("proc/7/maps", std::string(1 << 20, 'x'));

  EXPECT_TRUE(Scan().partial);
}

TEST_F(ProcScannerTest, LongMapsAreReadInPieces) {
  tree_.Process(7);
  std::string maps;
  for (int i = 0; i < 5000; ++i) {
    absl::StrAppend(&maps, absl::StrFormat("%08x-%08x rw-s 0 00:0c %d /dmabuf:x\n", i, i + 1, i));
  }
  tree_.File("proc/7/maps", maps);

  const ScanResult result = Scan();

  EXPECT_EQ(result.buffers.size(), 5000u);
  EXPECT_FALSE(result.partial);
}

TEST_F(ProcScannerTest, WhenTheBoxEndsTheNextScanGoesOnWhereItStopped) {
  for (int pid = 1; pid <= 40; ++pid) {
    tree_.Process(pid);
    tree_.Fd(pid, 3, "/dmabuf:cam", absl::StrCat("mnt_id:\t14\nino:\t", pid, "\nsize:\t4096\n"));
  }
  std::set<uint64_t> seen;
  int scans = 0;

  // Time passes with each look at the clock, so each scan sees a few processes only.
  for (; scans < 100 && seen.size() < 40; ++scans) {
    absl::Time now = absl::UnixEpoch();
    const ScanResult result =
        Scan(TimeBox(absl::Seconds(30), [&] { return now += absl::Seconds(1); }));
    EXPECT_TRUE(result.partial);
    for (const auto& [key, record] : result.buffers) seen.insert(key.second);
  }

  EXPECT_EQ(seen.size(), 40u);
  EXPECT_GT(scans, 1);
}

TEST(RealProcScannerTest, FindsAMemfdOfThisVeryProcessWithItsSize) {
  const UniqueFd memfd(memfd_create("dmaheap:real", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(memfd.get(), 12288), 0);
  struct stat status = {};
  ASSERT_EQ(fstat(memfd.get(), &status), 0);
  void* mapping = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memfd.get(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  const MemfdMark mark = LearnMemfdMark();
  EXPECT_TRUE(mark.mount_id.has_value());
  ProcScanner scanner(mark);
  const UniqueFd proc = OpenRoot("/proc").value();

  const ScanResult result = scanner.Scan(proc.get(), TimeBox(absl::InfiniteDuration())).value();
  munmap(mapping, 4096);

  const auto at = result.buffers.find({BufferBacking::kMemfd, status.st_ino});
  ASSERT_NE(at, result.buffers.end());
  EXPECT_EQ(at->second.size_bytes, 12288u);
  EXPECT_STREQ(at->second.name, "real");
  for (const HoldKind kind : {HoldKind::kFd, HoldKind::kMapping}) {
    EXPECT_EQ(result.holds.count({BufferBacking::kMemfd, status.st_ino, getpid(), kind}), 1u);
  }
}

TEST(RealProcScannerTest, LeavesNoFdOpen) {
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 1024; ++fd) open += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  const UniqueFd proc = OpenRoot("/proc").value();
  ProcScanner scanner(LearnMemfdMark());
  const int before = count();

  ASSERT_TRUE(scanner.Scan(proc.get(), TimeBox(absl::InfiniteDuration())).ok());

  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace dmaheap
