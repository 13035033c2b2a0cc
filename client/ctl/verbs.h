// What dmaheapctl does, once it knows what it is asked.

#ifndef CLIENT_CTL_VERBS_H_
#define CLIENT_CTL_VERBS_H_

#include "client/ctl/arguments.h"
#include "client/ctl/interrupt.h"
#include "client/ctl/streams.h"

namespace dmaheap::ctl {

// Does it and returns the exit code of the process. Errors are told on streams.err. Blocks, bounded
// by the timeout of the arguments but for a command that it runs.
int RunVerb(const Arguments& arguments, Interrupt& interrupt, const Streams& streams);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_VERBS_H_
