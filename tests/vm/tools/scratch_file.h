// A file on a file system of its own, which is gone with it: of tmpfs, or of a disk in memory.

#ifndef TESTS_VM_TOOLS_SCRATCH_FILE_H_
#define TESTS_VM_TOOLS_SCRATCH_FILE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/unique_fd.h"

namespace dmaheap {

class ScratchFile {
 public:
  enum class On { kTmpfs, kDisk };

  // Mounts it and makes the file, empty. One of each kind at a time. Root.
  static absl::StatusOr<ScratchFile> Make(On on);
  ScratchFile() = default;
  ScratchFile(ScratchFile&& other) noexcept = default;
  ScratchFile& operator=(ScratchFile&& other) noexcept = default;

  int fd() const { return file_.get(); }
  // Nobody may have the file mapped any more. Also gives the disk's own pages back.
  absl::Status Remove();

 private:
  UniqueFd file_;
  On on_ = On::kTmpfs;
};

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_SCRATCH_FILE_H_
