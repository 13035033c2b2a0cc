// What debugfs page_owner says of who allocated a page: a pure function over its text.
//
// A kernel that was booted with page_owner=on notes for each page which process asked for it. That
// is not who keeps it in place: of a page that nobody maps any more, it is often all there is.

#ifndef DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_TEXT_H_
#define DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace dmaheap {

struct PageOwner {
  // The first of 2^order frames.
  uint64_t frame = 0;
  uint32_t order = 0;
  // The process, not its thread, and its thread's name then: untrusted text.
  int32_t pid = 0;
  std::string name;
  // When, after the boot: a process that began later is another one of the same number.
  absl::Duration allocated = absl::ZeroDuration();
};

// The first page of the text; mm/page_owner.c, print_page_owner: "Page allocated via order O, mask
// 0xM(FLAGS), pid P, tgid T (NAME), ts N ns", and on the next line "PFN 0xF type ...", in decimal
// before Linux 6.5. Absent for any other text, and for that of a kernel before 6.0, which does not
// tell the process.
absl::optional<PageOwner> ParsePageOwner(absl::string_view text);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PAGE_OWNER_TEXT_H_
