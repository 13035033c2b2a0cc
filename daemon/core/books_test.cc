#include "daemon/core/books.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/testing/fake_fd_store.h"
#include "daemon/core/testing/fake_heap.h"
#include "daemon/core/testing/fake_journal.h"
#include "daemon/loop/virtual_executor.h"
#include "gtest/gtest.h"
#include "heaps/registry.h"
#include "proto/error.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

constexpr uint32_t kUid = 1000;
constexpr int64_t kPage = 4096;
constexpr char kToken[] = "0123456789abcdef0123456789abcdef";

class BooksTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    HeapDescription cma;
    cma.name = "cma";
    cma.size_bytes = 16 * kPage;
    auto heap = std::make_unique<FakeHeap>(std::move(cma));
    heap_ = heap.get();
    ASSERT_TRUE(heaps_.Add(std::move(heap)).ok());
    Begin();
  }
  void TearDown() override {
    books_.reset();
    store_ = FakeFdStore();
    FdLeakCheck::TearDown();
  }

  void Begin() {
    books_ = std::make_unique<Books>(executor_, heaps_, store_, journal_,
                                     [this](const BufferKey& key) { expired_.push_back(key); });
  }
  // The broker died: what is left are the journal, and the fds of held buffers in the store.
  Inventory Die() {
    Inventory left;
    left.entries = journal_.TakeEntries();
    for (const JournalEntry& entry : left.entries) {
      const BufferKey& key = entry.record.key;
      left.alive.insert(key);
      if (store_.Has(HeldFdName(key))) left.held[key] = store_.Copy(HeldFdName(key));
    }
    Begin();
    return left;
  }

  RestoreReport DieAndRestore() {
    Inventory left = Die();
    return books_->Restore(std::move(left));
  }

  LiveBuffer& Enter(const Buffer& buffer, uint32_t uid = kUid) {
    LiveBuffer record;
    record.key = buffer.key;
    record.heap = "cma";
    record.size_bytes = buffer.size_bytes;
    record.state = v1::Buffer::DELIVERED;
    record.client_id = 5;
    record.create_time = executor_.WallTime();
    record.charge = books_->ledger().Record(uid, {buffer.size_bytes, 1});
    return books_->Enter(std::move(record));
  }
  Buffer Allocate(int64_t pages = 1) {
    return heap_->Allocate({.size_bytes = pages * kPage, .label = ""}).value();
  }

  VirtualExecutor executor_;
  HeapRegistry heaps_;
  FakeHeap* heap_ = nullptr;
  FakeFdStore store_;
  FakeJournal journal_;
  std::vector<BufferKey> expired_;
  std::unique_ptr<Books> books_;
};

TEST_F(BooksTest, WhatIsEnteredIsOnPaperUntilItIsGone) {
  const Buffer buffer = Allocate();
  Enter(buffer);
  ASSERT_NE(journal_.Find(buffer.key), nullptr);
  EXPECT_EQ(journal_.Find(buffer.key)->uid, kUid);

  books_->TakeOut({buffer.key});

  EXPECT_EQ(journal_.size(), 0u);
  EXPECT_EQ(books_->Find(buffer.key), nullptr);
  EXPECT_EQ(books_->ledger().Of(kUid), Charged{});
}

TEST_F(BooksTest, WhatIsAliveAfterADeathIsChargedAgainAndAnOrphan) {
  const Buffer buffer = Allocate(3);
  Enter(buffer);

  const RestoreReport report = DieAndRestore();

  EXPECT_EQ(report.restored, 1);
  EXPECT_EQ(report.gone + report.held + report.unaccounted, 0);
  EXPECT_EQ(books_->ledger().Of(kUid), (Charged{3 * kPage, 1}));
  ASSERT_NE(books_->Find(buffer.key), nullptr);
  EXPECT_EQ(books_->Find(buffer.key)->state, v1::Buffer::ORPHANED);
  EXPECT_EQ(books_->Find(buffer.key)->client_id, 0u);
  EXPECT_EQ(heap_->adopted(), (std::vector<BufferKey>{buffer.key}));
  // And again, after the next death.
  EXPECT_EQ(DieAndRestore().restored, 1);
}

TEST_F(BooksTest, WhatWentMeanwhileIsTakenOffThePaper) {
  const Buffer buffer = Allocate();
  Enter(buffer);
  Inventory left = Die();
  left.alive.clear();

  const RestoreReport report = books_->Restore(std::move(left));

  EXPECT_EQ(report.gone, 1);
  EXPECT_EQ(report.restored, 0);
  EXPECT_EQ(books_->ledger().Of(kUid), Charged{});
  EXPECT_EQ(journal_.size(), 0u);
}

TEST_F(BooksTest, WithoutAWatchNothingIsTakenForGone) {
  const Buffer buffer = Allocate();
  Enter(buffer);
  Inventory left = Die();
  left.alive.clear();
  left.memfd_watch_lost = true;

  const RestoreReport report = books_->Restore(std::move(left));

  EXPECT_EQ(report.restored, 1);
  EXPECT_EQ(report.unwatched, (std::vector<BufferKey>{buffer.key}));
  EXPECT_EQ(books_->ledger().Of(kUid), (Charged{kPage, 1}));
}

TEST_F(BooksTest, WhatNoJournalKnowsIsCountedAndNobodyPays) {
  Inventory left;
  left.alive.insert({BufferKey::Backing::kMemfd, 4711});
  EXPECT_EQ(books_->Restore(std::move(left)).unaccounted, 1);
  EXPECT_TRUE(books_->ledger().accounts().empty());
}

TEST_F(BooksTest, AHeldBufferIsStillHeldForWhatIsLeftOfItsLease) {
  Buffer buffer = Allocate();
  const BufferKey key = buffer.key;
  LiveBuffer& record = Enter(buffer);
  ASSERT_TRUE(books_->Hold(record, std::move(buffer.fd), kToken, absl::Seconds(60)).ok());
  executor_.Advance(absl::Seconds(20));

  const RestoreReport report = DieAndRestore();

  EXPECT_EQ(report.held, 1);
  EXPECT_EQ(books_->Find(key)->state, v1::Buffer::HELD);
  EXPECT_TRUE(books_->holds().Borrow(key, kToken).ok());
  executor_.Advance(absl::Seconds(39));
  EXPECT_TRUE(books_->holds().Borrow(key, kToken).ok());
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(GetReason(books_->holds().Borrow(key, kToken).status()), ErrorReason::LEASE_EXPIRED);
  EXPECT_EQ(expired_, (std::vector<BufferKey>{key}));
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(BooksTest, ALeaseThatEndedMeanwhileEnds) {
  Buffer buffer = Allocate();
  const BufferKey key = buffer.key;
  LiveBuffer& record = Enter(buffer);
  ASSERT_TRUE(books_->Hold(record, std::move(buffer.fd), kToken, absl::Seconds(60)).ok());
  Inventory left = Die();
  executor_.Advance(absl::Hours(1));

  books_->Restore(std::move(left));
  executor_.Advance(absl::ZeroDuration());

  EXPECT_EQ(GetReason(books_->holds().Borrow(key, kToken).status()), ErrorReason::LEASE_EXPIRED);
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(BooksTest, AClaimedBufferIsTheClaimersAfterADeath) {
  Buffer buffer = Allocate();
  const BufferKey key = buffer.key;
  LiveBuffer& record = Enter(buffer);
  ASSERT_TRUE(books_->Hold(record, buffer.fd.Dup(), kToken, absl::Seconds(60)).ok());
  ASSERT_TRUE(books_->ledger().Transfer(record.charge, 2000, QuotaLimits()).ok());
  books_->Deliver(record, 6);

  const RestoreReport report = DieAndRestore();

  EXPECT_EQ(report.restored, 1);
  EXPECT_EQ(report.held, 0);
  EXPECT_EQ(books_->ledger().Of(2000), (Charged{kPage, 1}));
  EXPECT_EQ(books_->ledger().Of(kUid), Charged{});
  EXPECT_EQ(GetReason(books_->holds().Borrow(key, kToken).status()), ErrorReason::BUFFER_NOT_FOUND);
}

TEST_F(BooksTest, AHeldBufferWhoseFdIsLostIsAnOrphan) {
  Buffer buffer = Allocate();
  LiveBuffer& record = Enter(buffer);
  ASSERT_TRUE(books_->Hold(record, buffer.fd.Dup(), kToken, absl::Seconds(60)).ok());
  Inventory left = Die();
  left.held.clear();

  EXPECT_EQ(books_->Restore(std::move(left)).held, 0);

  EXPECT_EQ(books_->Find(buffer.key)->state, v1::Buffer::ORPHANED);
  store_ = FakeFdStore();
}

TEST_F(BooksTest, AnFdThatNobodyCanClaimIsClosed) {
  const Buffer buffer = Allocate();
  ASSERT_TRUE(store_.Store(HeldFdName(buffer.key), buffer.fd.get()).ok());
  Inventory left;
  left.alive.insert(buffer.key);
  left.held[buffer.key] = buffer.fd.Dup();

  books_->Restore(std::move(left));

  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(BooksTest, ABufferOfAHeapThatIsNoLongerConfiguredIsChargedAllTheSame) {
  const Buffer buffer = Allocate();
  Enter(buffer);
  Inventory left = Die();
  left.entries[0].record.heap = "former";

  EXPECT_EQ(books_->Restore(std::move(left)).restored, 1);
  EXPECT_EQ(books_->ledger().Of(kUid), (Charged{kPage, 1}));
}

}  // namespace
}  // namespace dmaheap
