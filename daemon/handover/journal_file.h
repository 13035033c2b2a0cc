// The journal: a file of slots, one for each buffer and each reservation, that a broker leaves to
// the next one.
//
// A slot is 512 bytes: a length (2 bytes, little endian; 0: free) and a message of
// proto/dmaheap/journal/v1/journal.proto. The first slot holds the header. A slot never crosses a
// page, so the kernel copies it in one piece: who is killed while writing leaves the old slot or
// the new one. Power is another matter: it ends the boot, and with it the journal.
//
// Slots are used again, lowest first, and free ones at the end are cut off, but for a few: the file
// is about as long as what lives, not as what happened, and a buffer that comes and goes does not
// make it longer and shorter each time. One thread.

#ifndef DAEMON_HANDOVER_JOURNAL_FILE_H_
#define DAEMON_HANDOVER_JOURNAL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/core/journal.h"
#include "proto/unique_fd.h"

namespace dmaheap {

inline constexpr size_t kJournalSlotBytes = 512;
inline constexpr uint32_t kJournalVersion = 1;
// Free slots that the end of the file may have.
inline constexpr uint32_t kJournalSpareSlots = 64;

// /proc/sys/kernel/random/boot_id (random(4)); empty if it can not be read.
std::string ReadBootId();

class JournalFile : public Journal {
 public:
  // Opens the file, or makes it with mode 0600. Of another boot, another version, or not a journal:
  // it begins anew, and the log says so. Slots that can not be read are freed, and the log tells
  // how many. Errors carry the errno of the file; FAILED_PRECONDITION if path is no regular file of
  // ours.
  static absl::StatusOr<std::unique_ptr<JournalFile>> Open(std::string path,
                                                           absl::string_view boot_id);

  // Removes the file if nothing is in it.
  ~JournalFile() override;

  // What an earlier broker wrote, in the order of the buffers' making. Once.
  std::vector<JournalEntry> TakeEntries() { return std::exchange(entries_, {}); }
  std::vector<ReservationRecord> TakeReservations() { return std::exchange(reservations_, {}); }

  void Write(const LiveBuffer& record) override;
  void Erase(const BufferKey& key) override;
  void WriteReservation(const ReservationRecord& record) override;
  void EraseReservation(uint64_t id) override;

 private:
  JournalFile(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  absl::Status Load(absl::string_view boot_id);
  absl::Status BeginAnew(absl::string_view boot_id);
  // False for what is no record, or a second one of its name.
  bool Read(uint32_t slot, absl::string_view message);
  void Put(const std::string& name, absl::string_view message);
  void Drop(const std::string& name);
  absl::Status WriteSlot(uint32_t slot, absl::string_view message);
  void Free(uint32_t slot);
  void CutOff();
  void Complain(const absl::Status& status);

  const std::string path_;
  const UniqueFd file_;
  std::vector<JournalEntry> entries_;
  std::vector<ReservationRecord> reservations_;
  // With the header.
  uint32_t slots_ = 1;
  std::set<uint32_t> free_;
  // By resource name.
  absl::flat_hash_map<std::string, uint32_t> slot_of_;
  // The last write failed and was told of.
  bool complained_ = false;
};

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_JOURNAL_FILE_H_
