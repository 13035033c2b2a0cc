#include "daemon/handover/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/log.h"
#include "dmaheap/journal/v1/journal.pb.h"
#include "proto/errno_status.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

constexpr size_t kLengthBytes = 2;

off_t OffsetOf(uint32_t slot) { return static_cast<off_t>(slot) * kJournalSlotBytes; }

journal::v1::BufferRecord ToRecord(const LiveBuffer& buffer) {
  journal::v1::BufferRecord record;
  record.set_buffer(buffer.key.ToString());
  record.set_heap(buffer.heap);
  record.set_size_bytes(buffer.size_bytes);
  record.set_contiguity(buffer.contiguity);
  record.set_label(buffer.label);
  record.set_request_id(buffer.request_id);
  record.set_uid(buffer.charge.uid());
  record.set_create_time_us(absl::ToUnixMicros(buffer.create_time));
  record.set_reservation(buffer.reservation);
  record.set_drawn(buffer.drawn);
  if (buffer.expire_time.has_value()) {
    record.set_claim_token(buffer.claim_token);
    record.set_expire_time_us(absl::ToUnixMicros(*buffer.expire_time));
  }
  return record;
}

absl::optional<JournalEntry> ToEntry(const journal::v1::BufferRecord& record) {
  const absl::optional<BufferKey> key = BufferKey::Parse(record.buffer());
  if (!key.has_value() || record.size_bytes() <= 0) return absl::nullopt;
  JournalEntry entry;
  entry.uid = record.uid();
  entry.record.key = *key;
  entry.record.heap = record.heap();
  entry.record.size_bytes = record.size_bytes();
  entry.record.contiguity = record.contiguity();
  entry.record.label = record.label();
  entry.record.request_id = record.request_id();
  entry.record.create_time = absl::FromUnixMicros(record.create_time_us());
  entry.record.reservation = record.reservation();
  entry.record.drawn = record.drawn();
  if (!record.claim_token().empty()) {
    entry.record.claim_token = record.claim_token();
    entry.record.expire_time = absl::FromUnixMicros(record.expire_time_us());
  }
  return entry;
}

journal::v1::Slot ToSlot(const ReservationRecord& reservation) {
  journal::v1::Slot slot;
  journal::v1::ReservationRecord& record = *slot.mutable_reservation();
  record.set_id(reservation.id);
  record.set_heap(reservation.heap);
  record.set_size_bytes(reservation.size_bytes);
  record.set_count(reservation.count);
  record.set_label(reservation.label);
  record.set_priority(static_cast<v1::Priority>(reservation.priority + 1));
  record.set_retry_policy(reservation.retry_policy);
  record.set_refill_below(reservation.refill_below);
  record.set_uid(reservation.uid);
  record.set_create_time_us(absl::ToUnixMicros(reservation.create_time));
  record.set_lease_us(absl::ToInt64Microseconds(reservation.lease));
  return slot;
}

absl::optional<ReservationRecord> ToReservation(const journal::v1::ReservationRecord& record) {
  if (record.id() == 0 || record.size_bytes() <= 0 || record.count() <= 0 ||
      record.refill_below() <= 0 || record.refill_below() > record.count() ||
      record.lease_us() < 0 || !v1::Priority_IsValid(record.priority()) ||
      record.priority() == v1::PRIORITY_UNSPECIFIED) {
    return absl::nullopt;
  }
  ReservationRecord reservation;
  reservation.id = record.id();
  reservation.uid = record.uid();
  reservation.heap = record.heap();
  reservation.size_bytes = record.size_bytes();
  reservation.count = record.count();
  reservation.label = record.label();
  reservation.priority = static_cast<int>(record.priority()) - 1;
  reservation.retry_policy = record.retry_policy();
  reservation.refill_below = record.refill_below();
  reservation.lease = absl::Microseconds(record.lease_us());
  reservation.create_time = absl::FromUnixMicros(record.create_time_us());
  return reservation;
}

// What a slot is about.
std::string NameOf(const BufferKey& key) { return absl::StrCat("buffers/", key.ToString()); }
std::string NameOf(uint64_t reservation) { return absl::StrCat("reservations/", reservation); }

// The message in a slot; absent where its length can not be true. Empty: free.
absl::optional<absl::string_view> MessageIn(absl::string_view slot) {
  const uint16_t length = static_cast<uint8_t>(slot[0]) | static_cast<uint8_t>(slot[1]) << 8;
  if (length > kJournalSlotBytes - kLengthBytes) return absl::nullopt;
  return slot.substr(kLengthBytes, length);
}

absl::StatusOr<std::string> ReadWhole(int file) {
  struct stat status;
  if (fstat(file, &status) != 0) return ErrnoStatus(errno, "fstat of the journal");
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = pread(file, &bytes[done], bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read of the journal");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

std::string ReadBootId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

absl::StatusOr<std::unique_ptr<JournalFile>> JournalFile::Open(std::string path,
                                                               absl::string_view boot_id) {
  // A FIFO in its place must not block us.
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                     S_IRUSR | S_IWUSR));
  if (!file.valid()) return ErrnoStatus(errno, absl::StrCat("open of the journal ", path));
  struct stat status;
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, "fstat of the journal");
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
    return absl::FailedPreconditionError(absl::StrCat("the journal ", path,
                                                      " is no regular file of uid ", geteuid(),
                                                      ". Remove it; the daemon makes a new one."));
  }
  std::unique_ptr<JournalFile> journal(new JournalFile(std::move(path), std::move(file)));
  if (absl::Status loaded = journal->Load(boot_id); !loaded.ok()) return loaded;
  return journal;
}

JournalFile::~JournalFile() {
  if (slot_of_.empty()) unlink(path_.c_str());
}

absl::Status JournalFile::Load(absl::string_view boot_id) {
  const absl::StatusOr<std::string> bytes = ReadWhole(file_.get());
  if (!bytes.ok()) return bytes.status();
  if (bytes->empty()) return BeginAnew(boot_id);

  journal::v1::Header header;
  const auto first = bytes->size() >= kJournalSlotBytes
                         ? MessageIn(absl::string_view(*bytes).substr(0, kJournalSlotBytes))
                         : absl::nullopt;
  if (!first.has_value() ||
      !header.ParseFromArray(first->data(), static_cast<int>(first->size())) ||
      header.version() != kJournalVersion) {
    spdlog::error(
        "event=journal_dropped path={} note=\"it is of another version, or damaged: "
        "buffers given out before are not charged any more\"",
        LogValue(path_));
    return BeginAnew(boot_id);
  }
  if (header.boot_id() != boot_id) {
    spdlog::info("event=journal_begun path={} note=\"the one found is of an earlier boot\"",
                 LogValue(path_));
    return BeginAnew(boot_id);
  }

  int damaged = 0;
  // What is left of a slot that did not fit on the disk was never complete.
  slots_ = static_cast<uint32_t>(bytes->size() / kJournalSlotBytes);
  for (uint32_t slot = 1; slot < slots_; ++slot) {
    const auto message = MessageIn(
        absl::string_view(*bytes).substr(size_t{slot} * kJournalSlotBytes, kJournalSlotBytes));
    if (message.has_value() && message->empty()) {
      free_.insert(slot);
      continue;
    }
    if (!message.has_value() || !Read(slot, *message)) {
      ++damaged;
      Free(slot);
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.record.create_time < b.record.create_time;
  });
  if (damaged > 0) {
    spdlog::error("event=journal_damaged path={} slots={}", LogValue(path_), damaged);
  }
  return absl::OkStatus();
}

bool JournalFile::Read(uint32_t slot, absl::string_view message) {
  const int size = static_cast<int>(message.size());
  journal::v1::Slot kind;
  if (kind.ParseFromArray(message.data(), size) && kind.has_reservation()) {
    absl::optional<ReservationRecord> reservation = ToReservation(kind.reservation());
    if (!reservation.has_value() || !slot_of_.emplace(NameOf(reservation->id), slot).second) {
      return false;
    }
    reservations_.push_back(*std::move(reservation));
    return true;
  }
  journal::v1::BufferRecord record;
  if (!record.ParseFromArray(message.data(), size)) return false;
  absl::optional<JournalEntry> entry = ToEntry(record);
  if (!entry.has_value() || !slot_of_.emplace(NameOf(entry->record.key), slot).second) return false;
  entries_.push_back(*std::move(entry));
  return true;
}

absl::Status JournalFile::BeginAnew(absl::string_view boot_id) {
  if (ftruncate(file_.get(), 0) != 0) return ErrnoStatus(errno, "ftruncate of the journal");
  journal::v1::Header header;
  header.set_version(kJournalVersion);
  header.set_boot_id(std::string(boot_id));
  return WriteSlot(0, header.SerializeAsString());
}

absl::Status JournalFile::WriteSlot(uint32_t slot, absl::string_view message) {
  if (message.size() > kJournalSlotBytes - kLengthBytes) {
    return ErrnoStatus(EMSGSIZE, absl::StrCat("a record of ", message.size(), " bytes"));
  }
  std::string bytes(kJournalSlotBytes, '\0');
  bytes[0] = static_cast<char>(message.size() & 0xff);
  bytes[1] = static_cast<char>(message.size() >> 8);
  std::copy(message.begin(), message.end(), bytes.begin() + kLengthBytes);
  ssize_t written;
  do {
    written = pwrite(file_.get(), bytes.data(), bytes.size(), OffsetOf(slot));
  } while (written < 0 && errno == EINTR);
  if (written < 0) return ErrnoStatus(errno, "write of the journal");
  // Less than a slot is what a full file system leaves.
  if (written != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(ENOSPC, "write of the journal");
  }
  return absl::OkStatus();
}

void JournalFile::Write(const LiveBuffer& record) {
  Put(NameOf(record.key), ToRecord(record).SerializeAsString());
}

void JournalFile::Erase(const BufferKey& key) { Drop(NameOf(key)); }

void JournalFile::WriteReservation(const ReservationRecord& record) {
  Put(NameOf(record.id), ToSlot(record).SerializeAsString());
}

void JournalFile::EraseReservation(uint64_t id) { Drop(NameOf(id)); }

void JournalFile::Put(const std::string& name, absl::string_view message) {
  const auto known = slot_of_.find(name);
  const uint32_t slot = known != slot_of_.end() ? known->second
                        : free_.empty()         ? slots_
                                                : *free_.begin();
  if (absl::Status status = WriteSlot(slot, message); !status.ok()) {
    // The slot holds what it held, or is a rest at the end that nobody reads.
    return Complain(status);
  }
  complained_ = false;
  if (known != slot_of_.end()) return;
  slot_of_[name] = slot;
  if (slot == slots_) {
    ++slots_;
  } else {
    free_.erase(slot);
  }
}

void JournalFile::Drop(const std::string& name) {
  const auto known = slot_of_.find(name);
  if (known == slot_of_.end()) return;
  const uint32_t slot = known->second;
  slot_of_.erase(known);
  Free(slot);
}

void JournalFile::Free(uint32_t slot) {
  // What can not be erased is found gone by the next broker.
  const char none[kLengthBytes] = {};
  if (pwrite(file_.get(), none, sizeof(none), OffsetOf(slot)) != sizeof(none)) {
    Complain(ErrnoStatus(errno, "write of the journal"));
  }
  free_.insert(slot);
  if (free_.size() > kJournalSpareSlots) CutOff();
}

void JournalFile::CutOff() {
  uint32_t used = slots_;
  while (used > 1 && free_.contains(used - 1)) --used;
  const uint32_t kept = used + kJournalSpareSlots;
  if (kept >= slots_) return;
  free_.erase(free_.lower_bound(kept), free_.end());
  slots_ = kept;
  if (ftruncate(file_.get(), OffsetOf(slots_)) != 0) {
    Complain(ErrnoStatus(errno, "ftruncate of the journal"));
  }
}

void JournalFile::Complain(const absl::Status& status) {
  if (std::exchange(complained_, true)) return;
  spdlog::error(
      "event=journal_not_written path={} {} note=\"buffers given out now are not charged "
      "any more after a restart of the broker\"",
      LogValue(path_), LogStatus(status));
}

}  // namespace dmaheap
