// What dmaheapctl does, once it knows what it is asked.

#ifndef CLIENT_CTL_VERBS_H_
#define CLIENT_CTL_VERBS_H_

#include <istream>
#include <ostream>

#include "absl/status/statusor.h"
#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"

namespace dmaheap::ctl {

struct Streams {
  std::istream& in;
  // Data.
  std::ostream& out;
  // Messages.
  std::ostream& err;
};

// Does it and returns the exit code of the process. Errors are told on streams.err. Blocks, bounded
// by the timeout of the arguments but for a command that it runs.
int RunVerb(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);

// The parts, each with the exit code or an error ------------------------------------------------

// verbs_query.cc
absl::StatusOr<int> Get(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Describe(const Arguments& arguments, Interrupt& interrupt,
                             const Streams& streams);
absl::StatusOr<int> Version(const Arguments& arguments, const Streams& streams);

// verbs_buffer.cc
absl::StatusOr<int> Alloc(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Hold(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Claim(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);
absl::StatusOr<int> Release(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams);

// verbs_admin.cc
absl::StatusOr<int> Reload(const Arguments& arguments, Interrupt& interrupt,
                           const Streams& streams);
absl::StatusOr<int> SetLogLevel(const Arguments& arguments, Interrupt& interrupt,
                                const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_H_
