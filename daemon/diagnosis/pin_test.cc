#include "daemon/diagnosis/pin.h"

#include "gtest/gtest.h"

namespace dmaheap {
namespace {

using Pin = v1::Diagnosis::Pin;
constexpr auto kTransient = v1::Diagnosis::PINNED_TRANSIENT;
constexpr auto kStuck = v1::Diagnosis::PINNED_STUCK;

RefusingFrame Frame(Pin::PageKind kind, int64_t mappings, int64_t references) {
  return {.mappings = mappings, .references = references, .kind = kind};
}

TEST(Pin, WhatIsMoreThanMappedAndCachedKeepsAPage) {
  EXPECT_EQ(ExcessReferences(Frame(Pin::ANONYMOUS, 1, 2)), 1);
  EXPECT_EQ(ExcessReferences(Frame(Pin::PAGE_CACHE, 1, 3)), 1);
  EXPECT_EQ(ExcessReferences(Frame(Pin::PAGE_CACHE, 1, 2)), 0);
  EXPECT_EQ(ExcessReferences({.mappings = 1}), absl::nullopt);
  EXPECT_EQ(ExcessReferences({.references = 1}), absl::nullopt);
}

TEST(Pin, IsHeldBySomebodySeenOrByACountTooHigh) {
  EXPECT_EQ(IsHeld({}), absl::nullopt);
  EXPECT_EQ(IsHeld({.in_a_pipe = true}), true);
  EXPECT_EQ(IsHeld({.in_a_transfer = true}), true);
  EXPECT_EQ(IsHeld(Frame(Pin::ANONYMOUS, 0, 1)), true) << "its holder unmapped it";
  EXPECT_EQ(IsHeld(Frame(Pin::ANONYMOUS, 1, 1)), false);
}

TEST(Pin, APipeIsACauseWhateverElseIsKnown) {
  EXPECT_EQ(CauseOf({.in_a_pipe = true}, kStuck), Pin::PIPE);
  EXPECT_EQ(CauseOf({.in_a_pipe = true}, kTransient), Pin::PIPE);
}

TEST(Pin, ATransferIsSeenByItsReferences) {
  EXPECT_EQ(CauseOf(Frame(Pin::ANONYMOUS, 1, 1025), kTransient), Pin::DIRECT_IO);
  EXPECT_EQ(CauseOf(Frame(Pin::ANONYMOUS, 1, 1024), kTransient), Pin::NOT_ESTABLISHED);
  EXPECT_EQ(CauseOf({.in_a_transfer = true}, kStuck), Pin::DIRECT_IO);
}

TEST(Pin, OfAnInstantItIsAskedWhatBecameOfThePage) {
  EXPECT_EQ(CauseOf({.kind = Pin::FREE}, kTransient), Pin::EXIT_UNMAP);
  EXPECT_EQ(CauseOf({.mappings = 0, .kind = Pin::ANONYMOUS}, kTransient), Pin::EXIT_UNMAP);
  EXPECT_EQ(CauseOf({.mappings = 1, .kind = Pin::ANONYMOUS, .was_free = true}, kTransient),
            Pin::EXIT_UNMAP);
  EXPECT_EQ(CauseOf({.mappings = 2, .kind = Pin::ANONYMOUS}, kTransient), Pin::FORK_COPY);
  EXPECT_EQ(CauseOf({.mappings = 1, .kind = Pin::ANONYMOUS, .most_mapped = 2}, kTransient),
            Pin::FORK_COPY);
}

TEST(Pin, WhatIsStillMappedByOneWhoForksWasSharedWithItsChild) {
  RefusingFrame frame = Frame(Pin::ANONYMOUS, 1, 1);
  frame.of_forker = true;
  EXPECT_EQ(CauseOf(frame, kTransient), Pin::FORK_COPY);
  EXPECT_EQ(CauseOf(frame, kStuck), Pin::NOT_ESTABLISHED);

  frame.references = 2;
  EXPECT_EQ(CauseOf(frame, kTransient), Pin::NOT_ESTABLISHED) << "it is held by something else";
  frame.references = 1;
  frame.was_free = true;
  EXPECT_EQ(CauseOf(frame, kTransient), Pin::EXIT_UNMAP);
}

TEST(Pin, WhatFitsSeveralIsNotGuessed) {
  EXPECT_EQ(CauseOf(Frame(Pin::ANONYMOUS, 1, 1), kTransient), Pin::NOT_ESTABLISHED);
  EXPECT_EQ(CauseOf(Frame(Pin::ANONYMOUS, 1, 2), kStuck), Pin::NOT_ESTABLISHED);
  EXPECT_EQ(CauseOf({.mappings = 2, .kind = Pin::ANONYMOUS}, kStuck), Pin::NOT_ESTABLISHED);
  EXPECT_EQ(CauseOf({}, kTransient), Pin::NOT_ESTABLISHED);
  EXPECT_EQ(CauseOf({.mappings = 1, .kind = Pin::PAGE_CACHE}, kTransient), Pin::NOT_ESTABLISHED);
}

}  // namespace
}  // namespace dmaheap
