// The prober's tracer, between a trace that anybody's process names appear in, and questions of a
// broker that may have been taken over. The input is pieces, each ended by a NUL byte: what comes
// out of the trace, and, after '?', '-' or '!', questions.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "absl/strings/strip.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "proto/unique_fd.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/quiet.h"

namespace dmaheap::fuzz {
namespace {

void CheckAnswer(const ProberReply& reply) {
  DEMAND(reply.op == ProberOp::kWatchPage);
  if (reply.error_number != 0) {
    DEMAND(reply.error_number == EINVAL || reply.error_number == ENOENT);
    DEMAND(reply.attempts.empty() && reply.frames.empty());
    return;
  }
  DEMAND(reply.attempts.size() == 1 && reply.frames.size() <= 1);
  DEMAND(reply.attempts[0].error_number >= 0 && reply.attempts[0].error_number < 4096);
  for (const FrameRecord& record : reply.frames) DEMAND(record.frame != 0);
}

void Run(Input input) {
  int ends[2];
  DEMAND(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  PageTracer tracer({.pipe = out.get(), .filter = null.get(), .enable = null.get()});
  uint64_t sequence = 0;
  while (!input.empty()) {
    absl::string_view piece = input.TakeText();
    if (absl::ConsumePrefix(&piece, "?")) {
      CheckAnswer(tracer.Watch(++sequence, piece));
      tracer.Settle();
    } else if (absl::ConsumePrefix(&piece, "-")) {
      const ProberReply reply = tracer.Unwatch(piece);
      DEMAND(reply.error_number == 0 || reply.error_number == EINVAL);
    } else if (absl::ConsumePrefix(&piece, "!")) {
      if (tracer.lingers()) tracer.Rest();
      tracer.TakeLeft(sequence);
      DEMAND(!tracer.lingers());
    } else {
      // What does not fit into the pipe is lost, as what does not fit into the kernel's buffer is.
      if (write(in.get(), piece.data(), piece.size()) < 0) DEMAND(errno == EAGAIN);
      for (const uint64_t released : tracer.TakeReleased()) {
        DEMAND(released > 0 && released <= sequence);
      }
    }
    DEMAND(tracer.fd() == -1 || tracer.fd() == out.get());
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dmaheap::fuzz::BeQuiet();
  dmaheap::fuzz::Run(dmaheap::fuzz::Input(data, size));
  return 0;
}
