#include "client/ctl/verbs.h"

#include "absl/status/status.h"
#include "client/ctl/completion.h"
#include "client/ctl/error_text.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/verbs_admin.h"
#include "client/ctl/verbs_buffer.h"
#include "client/ctl/verbs_policy.h"
#include "client/ctl/verbs_query.h"
#include "client/ctl/verbs_reservation.h"

namespace dmaheap::ctl {
namespace {

absl::StatusOr<int> Dispatch(const Arguments& arguments, Interrupt& interrupt,
                             const Streams& streams) {
  switch (arguments.verb) {
    case Verb::kGetHeaps:
    case Verb::kGetBuffers:
    case Verb::kGetClients:
    case Verb::kGetAllocations:
    case Verb::kGetReservations:
    case Verb::kGetMetrics:
    case Verb::kGetPinners:
    case Verb::kGetEvidence:
    case Verb::kGetDiagnoses:
      return Get(arguments, interrupt, streams);
    case Verb::kExplain:
      return Explain(arguments, interrupt, streams);
    case Verb::kDescribeHeap:
    case Verb::kDescribeBuffer:
    case Verb::kDescribeAllocation:
    case Verb::kDescribeReservation:
      return Describe(arguments, interrupt, streams);
    case Verb::kAlloc:
      return Alloc(arguments, interrupt, streams);
    case Verb::kHold:
      return Hold(arguments, interrupt, streams);
    case Verb::kClaim:
      return Claim(arguments, interrupt, streams);
    case Verb::kRelease:
      return Release(arguments, interrupt, streams);
    case Verb::kReserve:
      return Reserve(arguments, interrupt, streams);
    case Verb::kReleaseReservation:
      return ReleaseReservation(arguments, interrupt, streams);
    case Verb::kVersion:
      return Version(arguments, streams);
    case Verb::kReload:
      return Reload(arguments, interrupt, streams);
    case Verb::kPolicyCheck:
      return PolicyCheck(arguments, interrupt, streams);
    case Verb::kLogLevel:
      return SetLogLevel(arguments, interrupt, streams);
    case Verb::kCompletion:
      streams.out << CompletionScript(arguments.shell, CommandLineWords());
      return kExitOk;
  }
  return absl::InternalError("a verb that nobody does");
}

}  // namespace

int RunVerb(const Arguments& arguments, Interrupt& interrupt, const Streams& streams) {
  const absl::StatusOr<int> done = Dispatch(arguments, interrupt, streams);
  if (!done.ok()) {
    streams.err << ErrorText(done.status());
    return ExitCodeOf(done.status());
  }
  streams.out.flush();
  if (!streams.out.good()) {
    // A full disk must not pass for success.
    streams.err << "dmaheapctl: can not write to standard output\n";
    return kExitOther;
  }
  return *done;
}

}  // namespace dmaheap::ctl
