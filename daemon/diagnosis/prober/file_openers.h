// Which processes have the file open that a page is of, beside those that map the page.

#ifndef DAEMON_DIAGNOSIS_PROBER_FILE_OPENERS_H_
#define DAEMON_DIAGNOSIS_PROBER_FILE_OPENERS_H_

#include <cstdint>
#include <string>

#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "proto/unique_fd.h"

namespace dmaheap {

// As a line of /proc/PID/maps names it.
struct MappedFile {
  // "major:minor".
  std::string device;
  uint64_t inode = 0;
  std::string path;
};

// Adds a MapperRecord of no pages for each process that has it open and is in none of reply's yet.
// A file of the same path that is another one does not count. Flags the reply
// kProberHoldersPartial where not every process could be looked into.
void FindOpeners(const UniqueFd& proc, const MappedFile& file, const TimeBox& box,
                 ProberReply& reply);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_FILE_OPENERS_H_
