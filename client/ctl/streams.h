// Where a verb reads and writes, so that tests can look.

#ifndef CLIENT_CTL_STREAMS_H_
#define CLIENT_CTL_STREAMS_H_

#include <cstddef>
#include <istream>
#include <ostream>

namespace dmaheap::ctl {

struct Streams {
  std::istream& in;
  // Data.
  std::ostream& out;
  // Messages.
  std::ostream& err;
  // Of the terminal behind err; 0: it is none.
  size_t err_columns = 0;
};

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_STREAMS_H_
