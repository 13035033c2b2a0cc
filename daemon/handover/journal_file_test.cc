#include "daemon/handover/journal_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "heaps/temp_folder.h"
#include "proto/errno_status.h"
#include "proto/testing/fd_leak_check.h"

namespace dmaheap {
namespace {

constexpr char kBoot[] = "5e8e8c0a-0000-4000-8000-000000000001";

class JournalFileTest : public FdLeakCheck {
 protected:
  static BufferKey Key(uint64_t inode) { return {BufferKey::Backing::kMemfd, inode}; }

  // In the order of their numbers.
  LiveBuffer Record(uint64_t inode, uint32_t uid = 1000) {
    LiveBuffer record;
    record.key = Key(inode);
    record.heap = "linux,cma";
    record.size_bytes = 4096 * static_cast<int64_t>(inode);
    record.contiguity = v1::PHYSICAL;
    record.label = absl::StrCat("preview ", inode);
    record.request_id = absl::StrCat("request ", inode);
    record.create_time = absl::FromUnixMicros(1'000'000 + static_cast<int64_t>(inode));
    record.charge = ledger_.Record(uid, {record.size_bytes, 1});
    return record;
  }

  std::unique_ptr<JournalFile> Open(const std::string& boot = kBoot) {
    auto journal = JournalFile::Open(path_, boot);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }

  // What the next broker finds, by inode; the file stays as it is.
  std::vector<uint64_t> Found() {
    const std::string copy = folder_.path() + "/copy";
    std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
    auto journal = JournalFile::Open(copy, kBoot);
    EXPECT_TRUE(journal.ok()) << journal.status();
    std::vector<uint64_t> inodes;
    for (const JournalEntry& entry : (*journal)->TakeEntries()) {
      inodes.push_back(entry.record.key.inode);
    }
    return inodes;
  }

  void Overwrite(off_t at, const std::string& bytes) {
    const UniqueFd file(open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(pwrite(file.get(), bytes.data(), bytes.size(), at),
              static_cast<ssize_t>(bytes.size()));
  }

  TempFolder folder_;
  const std::string path_ = folder_.path() + "/journal";
  Ledger ledger_;
};

TEST_F(JournalFileTest, ASuccessorFindsEverythingThatIsNeededToGoOn) {
  auto journal = Open();
  LiveBuffer record = Record(7, /*uid=*/1234);
  record.expire_time = absl::FromUnixMicros(5'000'000);
  record.claim_token = "0123456789abcdef0123456789abcdef";
  journal->Write(record);

  auto entries = Open()->TakeEntries();

  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].uid, 1234u);
  const LiveBuffer& found = entries[0].record;
  EXPECT_EQ(found.key, record.key);
  EXPECT_EQ(found.heap, record.heap);
  EXPECT_EQ(found.size_bytes, record.size_bytes);
  EXPECT_EQ(found.contiguity, record.contiguity);
  EXPECT_EQ(found.label, record.label);
  EXPECT_EQ(found.request_id, record.request_id);
  EXPECT_EQ(found.create_time, record.create_time);
  EXPECT_EQ(found.expire_time, record.expire_time);
  EXPECT_EQ(found.claim_token, record.claim_token);
}

TEST_F(JournalFileTest, ASuccessorFindsWhatWasBookedAndWhichBuffersAreReady) {
  auto journal = Open();
  ReservationRecord booked;
  booked.id = 1764148234123456;
  booked.uid = 1234;
  booked.heap = "linux,cma";
  booked.size_bytes = 8192;
  booked.count = 2;
  booked.label = "preview";
  booked.priority = 2;
  booked.retry_policy = "nofail";
  booked.refill_below = 1;
  booked.lease = absl::Seconds(90);
  booked.create_time = absl::FromUnixMicros(1'000'000);
  ReservationRecord deleted = booked;
  deleted.id = 7;
  journal->WriteReservation(booked);
  journal->WriteReservation(deleted);
  LiveBuffer ready = Record(7), drawn = Record(8);
  ready.reservation = drawn.reservation = booked.id;
  drawn.drawn = true;
  journal->Write(ready);
  journal->Write(drawn);
  journal->EraseReservation(deleted.id);

  const auto next = Open();
  const auto reservations = next->TakeReservations();
  const auto entries = next->TakeEntries();

  ASSERT_EQ(reservations.size(), 1u);
  EXPECT_EQ(reservations[0], booked);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].record.reservation, booked.id);
  EXPECT_FALSE(entries[0].record.drawn);
  EXPECT_TRUE(entries[1].record.drawn);
  journal->Erase(ready.key);
  journal->Erase(drawn.key);
  EXPECT_EQ(Open()->TakeReservations().size(), 1u);
}

TEST_F(JournalFileTest, AReservationThatCanNotBeTrueIsADamagedSlot) {
  auto journal = Open();
  ReservationRecord nothing;
  nothing.id = 7;
  journal->WriteReservation(nothing);
  ReservationRecord refills_more;
  refills_more.id = 8;
  refills_more.size_bytes = 4096;
  refills_more.count = 2;
  refills_more.refill_below = 3;
  journal->WriteReservation(refills_more);
  ReservationRecord ends_before_it_begins = refills_more;
  ends_before_it_begins.id = 9;
  ends_before_it_begins.refill_below = 1;
  ends_before_it_begins.lease = absl::Microseconds(-1);
  journal->WriteReservation(ends_before_it_begins);

  EXPECT_TRUE(Open()->TakeReservations().empty());
}

TEST_F(JournalFileTest, AnEmptyOneIsRemovedAndAnotherKept) {
  auto journal = Open();
  journal->Write(Record(1));
  journal.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));

  journal = Open();
  journal->Erase(Key(1));
  journal.reset();

  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(JournalFileTest, ARecordIsChangedInItsPlace) {
  auto journal = Open();
  journal->Write(Record(1, 1000));
  journal->Write(Record(1, 2000));

  auto entries = Open()->TakeEntries();

  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].uid, 2000u);
}

TEST_F(JournalFileTest, EntriesComeInTheOrderOfTheirMaking) {
  auto journal = Open();
  for (uint64_t inode = 1; inode <= 3; ++inode) journal->Write(Record(inode));
  journal->Erase(Key(1));
  // Takes the first slot.
  journal->Write(Record(4));

  EXPECT_EQ(Found(), (std::vector<uint64_t>{2, 3, 4}));
}

TEST_F(JournalFileTest, IsAsLongAsWhatLivesAndAFewFreeSlots) {
  auto journal = Open();
  for (int round = 0; round < 10; ++round) {
    for (uint64_t inode = 1; inode <= 200; ++inode) journal->Write(Record(inode));
    EXPECT_EQ(std::filesystem::file_size(path_), 201 * kJournalSlotBytes);
    // All but one, which lies in the middle.
    for (uint64_t inode = 1; inode <= 200; ++inode) {
      if (inode != 100) journal->Erase(Key(inode));
    }
    EXPECT_EQ(std::filesystem::file_size(path_), (101 + kJournalSpareSlots) * kJournalSlotBytes);
    EXPECT_EQ(Found(), (std::vector<uint64_t>{100}));
    journal->Erase(Key(100));
    EXPECT_EQ(std::filesystem::file_size(path_), (1 + kJournalSpareSlots) * kJournalSlotBytes);
    EXPECT_TRUE(Found().empty());
  }
}

TEST_F(JournalFileTest, ABufferThatComesAndGoesLeavesTheLengthOfTheFile) {
  auto journal = Open();
  journal->Write(Record(1));
  const auto length = std::filesystem::file_size(path_);

  journal->Erase(Key(1));
  EXPECT_EQ(std::filesystem::file_size(path_), length);
  journal->Write(Record(2));

  EXPECT_EQ(std::filesystem::file_size(path_), length);
  EXPECT_EQ(Found(), (std::vector<uint64_t>{2}));
}

TEST_F(JournalFileTest, WhatAnEarlierBootGaveOutIsGone) {
  auto journal = Open();
  journal->Write(Record(1));
  journal.reset();

  EXPECT_TRUE(Open("another boot")->TakeEntries().empty());
}

TEST_F(JournalFileTest, ADamagedSlotCostsItselfAlone) {
  auto journal = Open();
  for (uint64_t inode = 1; inode <= 4; ++inode) journal->Write(Record(inode));
  // A length that can not be, bytes that are no message, a message without a buffer.
  Overwrite(1 * kJournalSlotBytes, std::string("\xff\xff", 2));
  Overwrite(2 * kJournalSlotBytes, std::string("\x04\x00\xff\xff\xff\xff", 6));
  Overwrite(4 * kJournalSlotBytes, std::string("\x02\x00\x38\x07", 4));

  EXPECT_EQ(Found(), (std::vector<uint64_t>{3}));
}

TEST_F(JournalFileTest, OfTwoSlotsOfOneBufferOneCounts) {
  auto journal = Open();
  journal->Write(Record(1));
  journal->Write(Record(2));
  const UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  std::string first(kJournalSlotBytes, '\0');
  ASSERT_EQ(pread(file.get(), first.data(), first.size(), kJournalSlotBytes),
            static_cast<ssize_t>(first.size()));
  Overwrite(2 * kJournalSlotBytes, first);

  EXPECT_EQ(Found(), (std::vector<uint64_t>{1}));
}

TEST_F(JournalFileTest, ARestThatWasCutOffIsWrittenOver) {
  auto journal = Open();
  journal->Write(Record(1));
  Overwrite(2 * kJournalSlotBytes, "the beginning of a slot");

  auto next = Open();
  EXPECT_EQ(next->TakeEntries().size(), 1u);
  next->Write(Record(2));

  EXPECT_EQ(Found(), (std::vector<uint64_t>{1, 2}));
}

TEST_F(JournalFileTest, WhatIsNoJournalIsBegunAnew) {
  for (const std::string& bytes :
       {std::string("short"), std::string(4096, 'x'), std::string(2048, '\0')}) {
    folder_.Write("journal", bytes);
    auto journal = Open();
    ASSERT_NE(journal, nullptr);
    EXPECT_TRUE(journal->TakeEntries().empty());
    journal->Write(Record(1));
    EXPECT_EQ(Found(), (std::vector<uint64_t>{1}));
  }
}

TEST_F(JournalFileTest, OnlyItsOwnerCanReadIt) {
  auto journal = Open();
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(JournalFileTest, RefusesWhatIsNoFileOfItsOwn) {
  const std::string target = folder_.Write("target", "");
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_EQ(GetErrno(JournalFile::Open(path_, kBoot).status()), ELOOP);
  ASSERT_EQ(unlink(path_.c_str()), 0);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(JournalFile::Open(path_, kBoot).status()));
  EXPECT_EQ(GetErrno(JournalFile::Open(folder_.path() + "/none/journal", kBoot).status()), ENOENT);
}

TEST_F(JournalFileTest, ARecordThatDoesNotFitIsLeftOutAndTheOthersStay) {
  auto journal = Open();
  journal->Write(Record(1));
  LiveBuffer large = Record(2);
  large.heap = std::string(kJournalSlotBytes, 'h');

  journal->Write(large);
  journal->Write(Record(3));
  journal->Erase(large.key);

  EXPECT_EQ(Found(), (std::vector<uint64_t>{1, 3}));
}

TEST_F(JournalFileTest, AFullFileSystemStopsNothingAndDamagesNothing) {
  auto journal = Open();
  journal->Write(Record(1));
  // As ENOSPC would, this leaves no room for another slot.
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {2 * kJournalSlotBytes + 100, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

  journal->Write(Record(2));
  journal->Write(Record(1, 2000));

  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(Found(), (std::vector<uint64_t>{1}));
  journal->Write(Record(3));
  EXPECT_EQ(Found(), (std::vector<uint64_t>{1, 3}));
}

TEST(BootIdTest, IsTheKernels) { EXPECT_EQ(ReadBootId().size(), 36u); }

}  // namespace
}  // namespace dmaheap
