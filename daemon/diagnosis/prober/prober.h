// The prober: the process with the capabilities to look into other processes and the kernel.
//
// It knows the few questions of prober_wire.h, asked by the broker over a socket pair, and one of
// the keeper's over another (handover/barrier_wire.h); no byte of a client comes here. It writes
// nothing, anywhere, but its answers, its log and the two files of a trace that the keeper opened
// for it (page_tracer.h); its system calls are limited to that (sandbox.h).
// One thread, one question at a time, each within a time box. Where another process could keep it
// waiting, it sends a process of its own (scouts.h).

#ifndef DAEMON_DIAGNOSIS_PROBER_PROBER_H_
#define DAEMON_DIAGNOSIS_PROBER_PROBER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "daemon/diagnosis/prober/dmabuf_lister.h"
#include "daemon/diagnosis/prober/kernel_log.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "daemon/diagnosis/prober/roots.h"
#include "daemon/diagnosis/prober/scouts.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "daemon/options.h"

namespace dmaheap {

// How long one answer may take: as long as a diagnosis, since an allocation that failed waits for
// it.
inline constexpr absl::Duration kProberTimeBox = absl::Milliseconds(50);

// The same for a list of buffers, which no allocation waits for: it is asked for at most once a
// second, and only while buffers are unwatched. Where /proc is all there is, a look that does not
// get through every process proves nothing; on a busy machine 50 of them took longer than 50 ms.
// And for what this prober can see, which is asked at its start: a source for which no time was
// left would pass for one that is missing, for as long as the daemon runs.
inline constexpr absl::Duration kProberListTimeBox = absl::Milliseconds(500);

// The same for who maps and who pins a page: no allocation waits for that either, but the keeper's
// questions do. Measured: 10 to 110 ms in a storm of forks.
inline constexpr absl::Duration kProberMappersTimeBox = absl::Milliseconds(150);

class Prober {
 public:
  // cgroups: those of the command line. trace: borrowed.
  Prober(const ProberRoots& roots, MemfdMark mark, std::vector<std::string> cgroups = {},
         PageTracer::Files trace = {}, Scouts scouts = {})
      : roots_(roots),
        cgroups_(std::move(cgroups)),
        lister_(roots, std::move(mark)),
        pages_(trace),
        log_(roots.kernel_log),
        scouts_(std::move(scouts)) {}

  // The datagrams that answer a request. A request that does not decode gets none; an op that is
  // not known gets error_number ENOTSUP.
  std::vector<std::string> Answer(absl::string_view request);

  // The keeper's question, answered. Empty for one that does not decode.
  std::string AnswerKeeper(absl::string_view request) const;

  // Answers what comes over both sockets (borrowed; keeper -1: there is none) until the other end
  // of the broker's is closed. Errors carry the errno of the socket; EPIPE also where it can have
  // no more scouts, which the next prober can.
  absl::Status Serve(int broker, int keeper);

 private:
  absl::Status ServeBroker(int broker, bool& ended);
  absl::Status ServeKeeper(int keeper) const;
  absl::Status TellReleased(int broker);
  ProberReply WatchPage(uint64_t sequence, absl::string_view question);
  ProberReply ListMembers(absl::string_view place, const TimeBox& box) const;

  const ProberRoots roots_;
  const std::vector<std::string> cgroups_;
  DmabufLister lister_;
  PageTracer pages_;
  KernelLog log_;
  Scouts scouts_;
};

// The role: serves the sockets that the keeper handed over as "broker" and "keeper", inside the
// sandbox. Returns an exit code where it can not begin, else ends the process by itself (SIGTERM
// ends it too).
int RunProber(const Options& options);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PROBER_H_
