#include "proto/errno_status.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

TEST(ErrnoStatusTest, SaysWhatFailedAndWhy) {
  const absl::Status status = ErrnoStatus(ENOMEM, "ioctl of heap reserved");
  EXPECT_EQ(status.message(), "ioctl of heap reserved: Cannot allocate memory (ENOMEM)");
  EXPECT_EQ(status.code(), absl::ErrnoToStatusCode(ENOMEM));
}

TEST(ErrnoStatusTest, EveryErrnoComesBackAndIsNeverOk) {
  // The largest errno that the kernel gives to user space (include/uapi/asm-generic/errno.h).
  for (int number = 1; number <= EHWPOISON; ++number) {
    const absl::Status status = ErrnoStatus(number, "x");
    EXPECT_FALSE(status.ok()) << number;
    EXPECT_EQ(GetErrno(status), number);
  }
}

TEST(ErrnoStatusTest, ANumberWithoutANameIsWrittenInDigits) {
  EXPECT_EQ(ErrnoName(ENODEV), "ENODEV");
  EXPECT_EQ(ErrnoName(4095), "4095");
  const absl::Status status = ErrnoStatus(4095, "x");
  EXPECT_EQ(GetErrno(status), 4095);
  EXPECT_NE(status.message().find("4095"), absl::string_view::npos) << status;
}

TEST(ErrnoStatusTest, AStatusWithoutAnErrnoHasNone) {
  EXPECT_EQ(GetErrno(absl::OkStatus()), 0);
  EXPECT_EQ(GetErrno(absl::InternalError("x")), 0);
}

}  // namespace
}  // namespace dmaheap
