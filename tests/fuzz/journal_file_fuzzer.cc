// The journal that a broker leaves to the next one, which may have been killed, or worse. The first
// byte says what the rest is: the file, or the messages in its slots, each behind its length.

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/ledger.h"
#include "daemon/handover/journal_file.h"
#include "dmaheap/journal/v1/journal.pb.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/scratch_file.h"

namespace dmaheap::fuzz {
namespace {

constexpr absl::string_view kBoot = "5e8e8c0a-0000-4000-8000-000000000001";

std::string Slot(absl::string_view message) {
  std::string slot(kJournalSlotBytes, '\0');
  message = message.substr(0, kJournalSlotBytes - 2);
  slot[0] = static_cast<char>(message.size() & 0xff);
  slot[1] = static_cast<char>(message.size() >> 8);
  std::copy(message.begin(), message.end(), slot.begin() + 2);
  return slot;
}

std::string FileOf(Input input) {
  if (input.Take<uint8_t>() == 0) return std::string(input.TakeRest());
  journal::v1::Header header;
  header.set_version(kJournalVersion);
  header.set_boot_id(std::string(kBoot));
  std::string bytes = Slot(header.SerializeAsString());
  while (!input.empty()) bytes += Slot(input.TakeBytes(input.Take<uint8_t>()));
  return bytes;
}

struct Found {
  std::vector<JournalEntry> entries;
  std::vector<ReservationRecord> reservations;
};

Found Take(JournalFile& journal) { return {journal.TakeEntries(), journal.TakeReservations()}; }

std::unique_ptr<JournalFile> Open(const std::string& path) {
  auto journal = JournalFile::Open(path, kBoot);
  DEMAND(journal.ok());
  return *std::move(journal);
}

void DemandSame(const Found& a, const Found& b) {
  DEMAND(a.reservations == b.reservations);
  DEMAND(a.entries.size() == b.entries.size());
  for (size_t i = 0; i < a.entries.size(); ++i) {
    const LiveBuffer& one = a.entries[i].record;
    const LiveBuffer& other = b.entries[i].record;
    DEMAND(a.entries[i].uid == b.entries[i].uid && one.key == other.key);
    DEMAND(one.heap == other.heap && one.size_bytes == other.size_bytes);
    DEMAND(one.contiguity == other.contiguity && one.label == other.label);
    DEMAND(one.request_id == other.request_id && one.create_time == other.create_time);
    DEMAND(one.claim_token == other.claim_token && one.expire_time == other.expire_time);
    DEMAND(one.reservation == other.reservation && one.drawn == other.drawn);
  }
}

// Written by this broker in the place of what was there, for the next one.
void WriteAll(JournalFile& journal, Found& found, Ledger& ledger) {
  for (JournalEntry& entry : found.entries) {
    entry.record.charge = ledger.Record(entry.uid, {entry.record.size_bytes, 1});
    journal.Write(entry.record);
  }
  for (const ReservationRecord& record : found.reservations) journal.WriteReservation(record);
}

void Check(Input input, const std::string& path) {
  WriteFile(path, FileOf(input));
  // Outlives the charges.
  Ledger ledger;
  Found found;
  {
    const auto journal = Open(path);
    found = Take(*journal);
  }
  for (const JournalEntry& entry : found.entries) DEMAND(entry.record.size_bytes > 0);
  for (const ReservationRecord& record : found.reservations) {
    DEMAND(record.id > 0 && record.size_bytes > 0 && record.count > 0);
    DEMAND(record.priority >= 0 && record.priority < 3);
    DEMAND(record.refill_below >= 1 && record.refill_below <= record.count);
    DEMAND(record.lease >= absl::ZeroDuration());
  }
  // It was the last word: what could not be read is gone, the rest is as it was.
  {
    const auto journal = Open(path);
    DemandSame(Take(*journal), found);
  }
  {
    const auto journal = Open(path);
    WriteAll(*journal, found, ledger);
  }
  const auto journal = Open(path);
  DemandSame(Take(*journal), found);
  for (JournalEntry& entry : found.entries) journal->Erase(entry.record.key);
  for (const ReservationRecord& record : found.reservations) journal->EraseReservation(record.id);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dmaheap::fuzz::BeQuiet();
  static const dmaheap::fuzz::ScratchFolder folder;
  const std::string path = folder.path() + "/journal";
  dmaheap::fuzz::Check(dmaheap::fuzz::Input(data, size), path);
  // One in which nothing is left removes itself.
  DEMAND(access(path.c_str(), F_OK) != 0);
  return 0;
}
