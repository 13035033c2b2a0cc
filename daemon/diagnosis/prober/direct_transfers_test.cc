#include "daemon/diagnosis/prober/direct_transfers.h"

#include <sys/syscall.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/scout_looks.h"
#include "daemon/diagnosis/prober/testing/fake_tree.h"
#include "daemon/diagnosis/prober/tree.h"
#include "gtest/gtest.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

TEST(TransferCallTest, TakesTheBufferOfAReadAndOfAWrite) {
  for (const long number : {SYS_read, SYS_write, SYS_pread64, SYS_pwrite64}) {
    const auto call = ParseTransferCall(
        absl::StrCat(number, " 0x3 0x7f0000001000 0x2000 0x0 0x0 0x0 0x7ffd00 0x7f00\n"));
    ASSERT_TRUE(call.has_value()) << number;
    EXPECT_EQ(call->fd, 3);
    EXPECT_EQ(call->address, 0x7f0000001000u);
    EXPECT_EQ(call->count, 0x2000u);
    EXPECT_FALSE(call->of_pieces);
  }
}

TEST(TransferCallTest, TakesTheListOfPieces) {
  for (const long number :
       {SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev, SYS_preadv2, SYS_pwritev2}) {
    const auto call =
        ParseTransferCall(absl::StrCat(number, " 0x4 0x1000 0x40 0x0 0x0 0x0 0x0 0x0"));
    ASSERT_TRUE(call.has_value()) << number;
    EXPECT_TRUE(call->of_pieces);
    EXPECT_EQ(call->count, 64u);
  }
}

TEST(TransferCallTest, OtherTextsAreNone) {
  for (const char* text : {"", "running\n", "-1 0x7ffd 0x7f00", "0", "0 0x3 0x1000",
                           "0 3 0x1000 0x10", "0 0x3 0xg 0x10", "202 0x3 0x1000 0x10 0x0"}) {
    EXPECT_FALSE(ParseTransferCall(text).has_value()) << text;
  }
}

TEST(TransferCallTest, OnlyWhatWasOpenedForItIsDirect) {
  EXPECT_TRUE(IsDirect("pos:\t0\nflags:\t0140000\nmnt_id:\t25\n"));
  EXPECT_FALSE(IsDirect("pos:\t0\nflags:\t0100000\nmnt_id:\t25\n"));
  EXPECT_FALSE(IsDirect("flags:\tx\n"));
  EXPECT_FALSE(IsDirect("name:\tflags:\t0140000\n"));
  EXPECT_FALSE(IsDirect(""));
}

class DirectTransfersTest : public FdLeakCheck {
 protected:
  // Process 7 is in a pread of 8 KiB at the third page, whose frames are 100 and 101.
  void AddTransfer(const std::string& fdinfo) {
    tree_.Process(7);
    tree_.Link("proc/7/exe", "/bin/camera");
    tree_.File("proc/7/comm", "camera\n");
    tree_.File("proc/7/task/8/syscall",
               absl::StrCat(SYS_pread64, " 0x3 0x2000 0x2000 0x0 0x0 0x0 0x0 0x0\n"));
    tree_.File("proc/7/fdinfo/3", fdinfo);
    const uint64_t present = uint64_t{1} << 63;
    const uint64_t entries[] = {0, 0, present | 100, present | 101};
    tree_.File("proc/7/pagemap",
               std::string(reinterpret_cast<const char*>(entries), sizeof(entries)));
  }
  ProberReply Find(uint64_t frame, absl::Duration box = absl::InfiniteDuration()) {
    ProberReply reply;
    const UniqueFd proc = OpenRoot(tree_.roots().proc).value();
    Scouts scouts = Scouts::Start(&LookAsScout).value();
    FindDirectTransfers(proc, frame, scouts, TimeBox(box), reply);
    return reply;
  }

  FakeTree tree_;
};

TEST_F(DirectTransfersTest, NamesWhoWaitsForATransferOfTheFrame) {
  AddTransfer("flags:\t0140000\n");

  const ProberReply reply = Find(101);

  ASSERT_EQ(reply.pinners.size(), 1u);
  EXPECT_EQ(reply.pinners[0].process.pid, 7);
  EXPECT_EQ(reply.pinners[0].kind, PinKind::kDirectIo);
  EXPECT_STREQ(reply.pinners[0].process.name, "camera");
  EXPECT_EQ(reply.flags, 0u);
}

TEST_F(DirectTransfersTest, NamesNobodyForAnotherFrameOrForACopy) {
  AddTransfer("flags:\t0140000\n");
  EXPECT_TRUE(Find(102).pinners.empty());
  tree_.File("proc/7/fdinfo/3", "flags:\t0100000\n");
  EXPECT_TRUE(Find(101).pinners.empty());
}

TEST_F(DirectTransfersTest, TheEndOfTheTimeBoxIsTold) {
  AddTransfer("flags:\t0140000\n");
  EXPECT_NE(Find(101, absl::ZeroDuration()).flags & kProberHoldersPartial, 0u);
}

}  // namespace
}  // namespace dmaheap
