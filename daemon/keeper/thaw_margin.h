// How long before the end of a box the thaw is written, so that one which comes late is within it.
//
// A keeper gets its turn a little late, more on a busy machine and far more in an emulated one:
// what was seen of that decides. Pure arithmetic on times.

#ifndef DAEMON_KEEPER_THAW_MARGIN_H_
#define DAEMON_KEEPER_THAW_MARGIN_H_

#include <array>
#include <cstddef>

#include "absl/time/time.h"

namespace dmaheap {

class ThawMargin {
 public:
  // A thaw was written so long after it was due; those before its time are none.
  void Add(absl::Duration late);

  // For a box of that length: as long as the latest of the last thaws was late and kAfterTheWord,
  // never less than kThawMargin, but at most half of a box: the other half is what there is a
  // barrier for. A fifth of a box is enough to begin with.
  absl::Duration For(absl::Duration box) const;

  // A cgroup goes on a little after the word to do so.
  static constexpr absl::Duration kAfterTheWord = absl::Microseconds(500);

 private:
  // The next is later than the latest of the last N once in N + 1 times, if the machine stays as it
  // is: of that many, 1 in 257.
  static constexpr size_t kRemembered = 256;

  std::array<absl::Duration, kRemembered> late_ = {};
  size_t next_ = 0;
};

}  // namespace dmaheap

#endif  // DAEMON_KEEPER_THAW_MARGIN_H_
