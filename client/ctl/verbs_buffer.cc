#include "client/ctl/verbs_buffer.h"

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/ctl/daemon_calls.h"
#include "client/ctl/exit_code.h"
#include "client/ctl/progress_display.h"
#include "client/ctl/run_command.h"
#include "client/ctl/show.h"
#include "client/ctl/units_text.h"
#include "client/ctl/views.h"
#include "client/ctl/waiting.h"
#include "client/dmaheap.h"
#include "client/internal/convert.h"
#include "client/internal/random_id.h"

namespace dmaheap::ctl {
namespace {

v1::AllocateBuffersRequest MakeRequest(const Arguments& arguments) {
  v1::AllocateBuffersRequest request;
  request.set_heap(client_internal::ResourceName("heaps", arguments.heap));
  request.set_size_bytes(arguments.size_bytes);
  request.set_count(arguments.count);
  request.set_label(arguments.label);
  request.set_request_id(client_internal::RandomId());
  request.set_priority(client_internal::FromPriority(arguments.priority));
  request.set_retry_policy(arguments.retry_policy);
  request.set_reservation(client_internal::ResourceName("reservations", arguments.reservation));
  return request;
}

absl::StatusOr<int> DryRun(const Arguments& arguments, Interrupt& interrupt,
                           const Streams& streams) {
  v1::AllocateBuffersRequest request = MakeRequest(arguments);
  request.set_validate_only(true);
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const auto answer = daemon.Allocate(request);
  if (!answer.ok()) return answer.status();
  streams.err << "dmaheapctl: dry run: ";
  if (request.reservation().empty()) {
    streams.err << arguments.count << " x " << arguments.size_bytes << " bytes from "
                << Printable(request.heap());
  } else {
    streams.err << "a draw of " << arguments.count << " from " << Printable(request.reservation());
  }
  streams.err << " passed every check; nothing was allocated\n";
  return kExitOk;
}

// An allocation that another thread may cancel, also before it begins.
class CancellableAllocation {
 public:
  absl::StatusOr<std::vector<Buffer>> Run(Client& client, const Arguments& arguments,
                                          ProgressDisplay& display) {
    using Result = absl::StatusOr<std::vector<Buffer>>;
    // Shared: the callback may still be on its way out of set_value when the future is ready.
    const auto promise = std::make_shared<std::promise<Result>>();
    std::future<Result> future = promise->get_future();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (cancelled_) return absl::CancelledError("interrupted; nothing was allocated");
      handle_ = client.AllocateManyAsync(
          {.heap = arguments.heap,
           .size_bytes = arguments.size_bytes,
           .label = arguments.label,
           .deadline = DeadlineOf(arguments),
           .priority = arguments.priority,
           .retry_policy = arguments.retry_policy,
           .on_progress = ProgressOf(arguments, display),
           .reservation = arguments.reservation},
          arguments.count, [promise](Result got) { promise->set_value(std::move(got)); });
    }
    return future.get();
  }

  void Cancel() {
    std::lock_guard<std::mutex> lock(mutex_);
    cancelled_ = true;
    handle_.Cancel();
  }

  bool cancelled() {
    std::lock_guard<std::mutex> lock(mutex_);
    return cancelled_;
  }

 private:
  std::mutex mutex_;
  AllocationHandle handle_;
  bool cancelled_ = false;
};

// The part of the API's message that the library hands on.
v1::AllocateBuffersResponse Describe(const std::vector<Buffer>& buffers) {
  v1::AllocateBuffersResponse got;
  for (const Buffer& buffer : buffers) {
    v1::Buffer& message = *got.add_buffers();
    message.set_name(buffer.name());
    message.set_heap(buffer.heap());
    message.set_size_bytes(buffer.size_bytes());
    // The same numbers (dmaheap.h).
    message.set_contiguity(static_cast<v1::Contiguity>(buffer.contiguity()));
    message.set_label(buffer.label());
    message.set_reservation(buffer.reservation());
    if (buffer.was_ready()) got.set_drawn(got.drawn() + 1);
  }
  return got;
}

// The buffers live as long as the command does; without one, until they are shown.
absl::StatusOr<int> Use(const std::vector<Buffer>& buffers, const Arguments& arguments,
                        Interrupt& interrupt, const Streams& streams) {
  if (arguments.command.empty()) {
    const v1::AllocateBuffersResponse got = Describe(buffers);
    return ShowTable(
        arguments.format, got, JsonFields::kKnown, NamesOf(got.buffers()),
        [&](bool) { return AllocationTable(got); }, streams.out);
  }
  std::vector<int> fds;
  for (const Buffer& buffer : buffers) fds.push_back(buffer.fd());
  std::string error;
  absl::StatusOr<int> exit_code = RunCommand(arguments.command, fds, interrupt, error);
  if (!error.empty()) streams.err << "dmaheapctl: " << Printable(error) << "\n";
  return exit_code;
}

// A draw that was not served from what was ready: nothing failed, but somebody wanted it so.
void TellMisses(const std::vector<Buffer>& buffers, const Arguments& arguments,
                const Streams& streams) {
  const int drawn = Describe(buffers).drawn();
  if (arguments.reservation.empty() || drawn == static_cast<int>(buffers.size())) return;
  const std::string name =
      Printable(client_internal::ResourceName("reservations", arguments.reservation));
  streams.err << "dmaheapctl: " << name << " had " << drawn << " of " << buffers.size()
              << " ready; dmaheapctl describe " << name << " shows how it fares\n";
}

// A token on the command line can be read by every user of the machine while the process runs.
absl::StatusOr<std::string> ReadToken(const Arguments& arguments, const Streams& streams) {
  if (arguments.token != "-") return arguments.token;
  std::string line;
  std::getline(streams.in, line);
  const absl::string_view token = absl::StripAsciiWhitespace(line);
  if (token.empty()) return absl::InvalidArgumentError("there is no token on standard input");
  return std::string(token);
}

}  // namespace

absl::StatusOr<int> Alloc(const Arguments& arguments, Interrupt& interrupt,
                          const Streams& streams) {
  if (arguments.dry_run) return DryRun(arguments, interrupt, streams);
  const auto client =
      Client::Connect({.socket_dir = arguments.socket_dir, .timeout = arguments.timeout});
  if (!client.ok()) return client.status();
  absl::StatusOr<std::vector<Buffer>> buffers = absl::CancelledError("");
  bool interrupted = false;
  {
    ProgressDisplay display(streams.err, streams.err_columns);
    CancellableAllocation allocation;
    const Interrupt::Scope scope(interrupt,
                                 Interrupt::CancelOnce([&allocation] { allocation.Cancel(); }));
    buffers = allocation.Run(**client, arguments, display);
    interrupted = allocation.cancelled();
  }
  if (!buffers.ok()) return buffers.status();
  // They were quicker than the cancellation, but nobody wants them any more.
  if (interrupted) return absl::CancelledError("interrupted; the buffers were released");
  TellMisses(*buffers, arguments, streams);
  return Use(*buffers, arguments, interrupt, streams);
}

absl::StatusOr<int> Hold(const Arguments& arguments, Interrupt& interrupt, const Streams& streams) {
  v1::AllocateBuffersRequest request = MakeRequest(arguments);
  v1::HoldOptions& hold = *request.mutable_hold();
  if (arguments.lease > absl::ZeroDuration()) {
    *hold.mutable_lease() = client_internal::FromDuration(arguments.lease);
  }
  DaemonCalls daemon(arguments.socket_dir, DeadlineOf(arguments), interrupt);
  absl::StatusOr<v1::AllocateBuffersResponse> held = absl::CancelledError("");
  {
    ProgressDisplay display(streams.err, streams.err_columns);
    held = daemon.Allocate(request, ProgressOf(arguments, display));
  }
  if (!held.ok()) return held.status();
  std::string names;
  for (const v1::Buffer& buffer : held->buffers()) {
    absl::StrAppend(&names, buffer.name(), " ", held->claim_token(), "\n");
  }
  return ShowTable(
      arguments.format, *held, JsonFields::kWhole, names,
      [&](bool wide) { return HeldTable(*held, wide, absl::Now()); }, streams.out);
}

absl::StatusOr<int> Claim(const Arguments& arguments, Interrupt& interrupt,
                          const Streams& streams) {
  const absl::StatusOr<std::string> token = ReadToken(arguments, streams);
  if (!token.ok()) return token.status();
  const auto client =
      Client::Connect({.socket_dir = arguments.socket_dir, .timeout = arguments.timeout});
  if (!client.ok()) return client.status();
  absl::StatusOr<Buffer> buffer =
      (*client)->Claim({.name = client_internal::ResourceName("buffers", arguments.buffer),
                        .token = *token,
                        .deadline = arguments.timeout});
  if (!buffer.ok()) return buffer.status();
  std::vector<Buffer> buffers;
  buffers.push_back(*std::move(buffer));
  return Use(buffers, arguments, interrupt, streams);
}

absl::StatusOr<int> Release(const Arguments& arguments, Interrupt& interrupt,
                            const Streams& streams) {
  const absl::StatusOr<std::string> token = ReadToken(arguments, streams);
  if (!token.ok()) return token.status();
  DaemonCalls daemon(arguments.socket_dir, arguments.timeout, interrupt);
  const absl::Status released = daemon.Release(arguments.buffer, *token);
  if (!released.ok()) return released;
  streams.err << "dmaheapctl: released "
              << Printable(client_internal::ResourceName("buffers", arguments.buffer)) << "\n";
  return kExitOk;
}

}  // namespace dmaheap::ctl
