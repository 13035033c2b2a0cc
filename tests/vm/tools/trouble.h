// Something that goes on in a machine while somebody wants contiguous memory, made on purpose and
// labelled with the truth: what an allocator should say of it.
//
// Life cycle: Create of each kind checks what it needs, Begin() makes it so, End() undoes it and
// waits until it is undone. One thread. Runs as root in the guest. Every failure says what was
// missing; a trouble that did not come about is never reported as begun.

#ifndef TESTS_VM_TOOLS_TROUBLE_H_
#define TESTS_VM_TOOLS_TROUBLE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dmaheap {

// The truth, in the words of the daemon's verdicts; kNone: an allocation must succeed all the same.
struct TroubleLabel {
  std::string verdict = kNone;
  // Of a pin: how the pages are held.
  std::string cause = kNone;

  static constexpr char kNone[] = "NONE";
};

class Trouble {
 public:
  virtual ~Trouble() = default;

  virtual TroubleLabel label() const = 0;
  // Returns what was done, as words KEY=VALUE.
  virtual absl::StatusOr<std::string> Begin() = 0;
  // Returns what happened since, in the same way.
  virtual absl::StatusOr<std::string> End() = 0;
};

}  // namespace dmaheap

#endif  // TESTS_VM_TOOLS_TROUBLE_H_
