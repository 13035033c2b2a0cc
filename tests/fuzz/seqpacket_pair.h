// Two ends of the fd channel, neither of which waits.

#ifndef TESTS_FUZZ_SEQPACKET_PAIR_H_
#define TESTS_FUZZ_SEQPACKET_PAIR_H_

#include <fcntl.h>
#include <sys/socket.h>

#include "proto/unique_fd.h"
#include "tests/fuzz/demand.h"

namespace dmaheap::fuzz {

struct SeqpacketPair {
  SeqpacketPair() {
    int ends[2];
    DEMAND(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    one = UniqueFd(ends[0]);
    other = UniqueFd(ends[1]);
  }

  UniqueFd one;
  UniqueFd other;
};

// The number that the next fd will have: the same before and after, or something leaked.
inline int NextFd() {
  const UniqueFd next(open("/dev/null", O_RDONLY | O_CLOEXEC));
  DEMAND(next.valid());
  return next.get();
}

}  // namespace dmaheap::fuzz

#endif  // TESTS_FUZZ_SEQPACKET_PAIR_H_
