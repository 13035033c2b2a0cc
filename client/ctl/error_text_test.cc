#include "client/ctl/error_text.h"

#include "gtest/gtest.h"
#include "proto/error.h"

namespace dmaheap::ctl {
namespace {

TEST(ErrorTextTest, ReasonValuesAndRetryAfterStandBelowTheText) {
  const absl::Status status = Error(ErrorReason::OVERLOADED, "the queue is full; try again shortly")
                                  .With("queue_depth", 64)
                                  .With("heap", "reserved")
                                  .RetryAfter(absl::Milliseconds(250))
                                  .ToStatus();

  EXPECT_EQ(ErrorText(status),
            "dmaheapctl: the queue is full; try again shortly\n"
            "  code=UNAVAILABLE\n"
            "  reason=OVERLOADED\n"
            "  heap=reserved\n"
            "  queue_depth=64\n"
            "  retry-after=250ms\n");
}

TEST(ErrorTextTest, AnErrorWithoutDetailsHasItsCode) {
  EXPECT_EQ(ErrorText(absl::InternalError("odd")), "dmaheapctl: odd\n  code=INTERNAL\n");
}

TEST(ErrorTextTest, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(ErrorText(absl::InternalError("a\x1b[2J\nb")),
            "dmaheapctl: a?[2J?b\n  code=INTERNAL\n");
}

}  // namespace
}  // namespace dmaheap::ctl
