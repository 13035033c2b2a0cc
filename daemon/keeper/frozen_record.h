// The file that names what the keeper has frozen, for who comes after it if it is killed.
//
// It stands beside the sockets and not in the state folder: that one is the broker's, and who can
// write this file can have any cgroup thawed. It goes with the machine, as freezing does.

#ifndef DAEMON_KEEPER_FROZEN_RECORD_H_
#define DAEMON_KEEPER_FROZEN_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace dmaheap {

struct FrozenCgroup {
  std::string path;
  // CgroupHandle::inode.
  uint64_t inode = 0;
};

class FrozenRecord {
 public:
  // In the folder of the sockets.
  explicit FrozenRecord(const std::string& socket_dir) : path_(socket_dir + "/frozen") {}

  // Errors carry the errno.
  absl::Status Write(const FrozenCgroup& cgroup) const;
  void Remove() const;

  // Absent if there is none. DATA_LOSS for one that was cut short, by a keeper that therefore had
  // not frozen anything yet.
  absl::StatusOr<absl::optional<FrozenCgroup>> Read() const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_FROZEN_RECORD_H_
