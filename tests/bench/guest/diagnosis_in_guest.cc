// The part of ./dev bench diagnosis that runs in the virtual machine, as root:
//
//   diagnosis_in_guest REQUESTS FILE
//
// Writes what it measured to FILE (diagnosis_record.h), and what it is at to standard error.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "daemon/diagnosis/prober/area_reader.h"
#include "daemon/diagnosis/prober/mapper_scanner.h"
#include "daemon/diagnosis/prober/page_tracer.h"
#include "daemon/diagnosis/prober/pinner_scanner.h"
#include "daemon/diagnosis/prober/scout_looks.h"
#include "daemon/diagnosis/prober/scouts.h"
#include "daemon/keeper/trace_instance.h"
#include "daemon/limits.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/errno_status.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"
#include "tests/bench/child_process.h"
#include "tests/bench/diagnosis_record.h"
#include "tests/bench/guest/call_counter.h"
#include "tests/bench/process_tree.h"
#include "tests/bench/progress.h"
#include "tests/vm/tools/heap_buffers.h"
#include "tests/vm/tools/pipe_pin.h"

namespace dmaheap::bench {
namespace {

constexpr char kHeap[] = "linux,cma-nofail";
constexpr char kArea[] = "reserved";
constexpr int64_t kSmallBytes = 64 << 10;
constexpr int64_t kLargeBytes = 60 << 20;

// The two daemons take turns, so that what disturbs the machine disturbs both.
constexpr int kTurns = 10;
constexpr int kProcesses = 200;
constexpr int kScans = 20;
constexpr int kFailures = 20;

constexpr absl::Duration kPatience = absl::Seconds(30);
// Longer than any look takes.
constexpr absl::Duration kLongBox = absl::Seconds(10);

// A daemon of its own, with a client.
class Side {
 public:
  static absl::StatusOr<std::unique_ptr<Side>> Start(const std::string& name,
                                                     std::vector<std::string> options) {
    auto side = std::make_unique<Side>();
    side->socket_dir_ = absl::StrCat("/run/", name);
    std::vector<std::string> command = {"/files/dmaheapd",
                                        absl::StrCat("--socket-dir=", side->socket_dir_),
                                        "--user=dmaheapd", "--ready-fd=1"};
    command.insert(command.end(), options.begin(), options.end());
    auto keeper = ChildProcess::Start(std::move(command), absl::StrCat("/tmp/", name, ".log"));
    if (!keeper.ok()) return keeper.status();
    side->keeper_ = *std::move(keeper);
    if (absl::Status status = side->keeper_->WaitReady(kPatience); !status.ok()) return status;
    auto client = Client::Connect({.socket_dir = side->socket_dir_, .label = name});
    if (!client.ok()) return client.status();
    side->client_ = *std::move(client);
    return side;
  }

  pid_t broker() const { return ChildWith(keeper_->pid(), "--role=broker"); }
  pid_t prober() const { return ChildWith(keeper_->pid(), "--role=prober"); }
  Client& client() const { return *client_; }
  const std::string& socket_dir() const { return socket_dir_; }

  absl::Status Succeed(int64_t requests) const {
    for (int64_t i = 0; i < requests; ++i) {
      const auto buffer = client_->Allocate({.heap = kHeap, .size_bytes = kSmallBytes});
      if (!buffer.ok()) return buffer.status();
    }
    return absl::OkStatus();
  }

  absl::Status Stop() {
    client_.reset();
    return keeper_->Stop(kPatience);
  }

 private:
  std::string socket_dir_;
  std::unique_ptr<ChildProcess> keeper_;
  std::unique_ptr<Client> client_;
};

absl::Status CountCallsOf(Side& with, Side& without, int64_t requests, DiagnosisRecord& record) {
  // Threads and memory that the first requests bring about stay.
  for (const Side* side : {&with, &without}) {
    if (absl::Status status = side->Succeed(requests / 4); !status.ok()) return status;
  }
  const auto with_broker = CallCounter::Start("with", with.broker());
  if (!with_broker.ok()) return with_broker.status();
  const auto with_prober = CallCounter::Start("prober", with.prober());
  if (!with_prober.ok()) return with_prober.status();
  const auto without_broker = CallCounter::Start("without", without.broker());
  if (!without_broker.ok()) return without_broker.status();
  const auto count = [&](Side& side, CallCounter& counter, CallCounts& counts) {
    if (absl::Status status = counter.Skip(); !status.ok()) return status;
    if (absl::Status status = side.Succeed(requests / kTurns); !status.ok()) return status;
    return counter.Take(counts);
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    if (absl::Status status = (*with_prober)->Skip(); !status.ok()) return status;
    if (absl::Status status = count(with, **with_broker, record.with_prober); !status.ok()) {
      return status;
    }
    if (absl::Status status = (*with_prober)->Take(record.prober); !status.ok()) return status;
    if (absl::Status status = count(without, **without_broker, record.without_prober);
        !status.ok()) {
      return status;
    }
    record.allocations += requests / kTurns;
  }
  return absl::OkStatus();
}

// Processes of a small program, as most are.
class Crowd {
 public:
  absl::Status Start() {
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t pid = fork();
      if (pid < 0) return ErrnoStatus(errno, "fork");
      if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("sleep", "sleep", "3600", nullptr);
        _exit(1);
      }
      pids_.push_back(pid);
    }
    return absl::OkStatus();
  }
  ~Crowd() {
    for (const pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> pids_;
};

absl::StatusOr<v1::Metrics> GetMetrics(const Side& side) {
  const auto admin = v1::Admin::NewStub(
      grpc::CreateChannel(absl::StrCat("unix:", side.socket_dir(), "/", kAdminSocketName),
                          grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::Metrics metrics;
  const absl::Status status =
      FromGrpcStatus(admin->GetMetrics(&context, v1::GetMetricsRequest(), &metrics));
  if (!status.ok()) return status;
  return metrics;
}

absl::Status FailSome(const Side& side, DiagnosisRecord& record) {
  for (int i = 0; i < kFailures; ++i) {
    const auto buffer = side.client().Allocate(
        {.heap = kHeap, .size_bytes = kLargeBytes, .retry_policy = "failfast"});
    if (buffer.ok()) return absl::InternalError("a request came to something beside a pin");
  }
  const auto metrics = GetMetrics(side);
  if (!metrics.ok()) return metrics.status();
  for (const v1::MetricFamily& family : metrics->families()) {
    if (family.name() != "dmaheap_diagnosis_duration_seconds") continue;
    for (const v1::Metric& metric : family.metrics()) {
      record.failures += metric.histogram().count();
      record.diagnosing_ms += metric.histogram().sum() * 1000;
    }
  }
  return absl::OkStatus();
}

absl::Status Time(const std::function<ProberReply()>& look, std::vector<double>& ms) {
  const absl::Time start = absl::Now();
  const ProberReply reply = look();
  ms.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  return reply.error_number == 0 ? absl::OkStatus() : ErrnoStatus(reply.error_number, "a look");
}

// As a prober looks, with nothing between: who asks is this thread.
absl::Status Scan(DiagnosisRecord& record) {
  const auto trace = dmaheap::TraceInstance::Open(kTraceFolder);
  if (!trace.ok()) return trace.status();
  auto scouts = dmaheap::Scouts::Start(&dmaheap::LookAsScout);
  if (!scouts.ok()) return scouts.status();
  PageTracer pages(
      {.pipe = (*trace)->pipe(), .filter = (*trace)->filter(), .enable = (*trace)->enable()});
  // The trace is of threads with such a name.
  prctl(PR_SET_NAME, absl::StrCat(kHeapThreadPrefix, "bench").c_str());
  const auto area = HeapBuffers::Open(kArea);
  if (!area.ok()) return area.status();
  if (area->Allocate(kLargeBytes).ok()) return absl::InternalError("nothing is in the way");
  const ProberReply refused = pages.Watch(1, absl::StrCat(gettid(), " 0"));
  if (refused.frames.empty()) return absl::NotFoundError("the trace tells of no page");
  const uint64_t frame = refused.frames[0].frame;
  const ProberRoots roots;
  const auto box = [] { return TimeBox(kLongBox); };
  for (int i = 0; i < kScans; ++i) {
    absl::Status status =
        Time([&] { return ReadFreeRuns(roots, kArea, box()); }, record.free_list_ms);
    if (!status.ok()) return status;
    bool found = false;
    status = Time(
        [&] {
          ProberReply reply =
              FindPinners(roots, absl::StrCat(frame, " ", absl::ToInt64Milliseconds(kLongBox)),
                          pages, *scouts, box());
          found = reply.pinners.size() == 1 && reply.pinners[0].process.pid == getpid();
          return reply;
        },
        record.pinners_ms);
    if (!status.ok()) return status;
    if (!found) return absl::NotFoundError("who pins the page was not found");
    status = Time([&] { return FindMappers(roots, absl::StrCat(frame, " 1"), box()); },
                  record.mappers_ms);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<DiagnosisRecord> Measure(int64_t requests) {
  DiagnosisRecord record;
  auto with = Side::Start("with", {});
  if (!with.ok()) return with.status();
  auto without = Side::Start("without", {"--no-prober"});
  if (!without.ok()) return without.status();
  Say("counting system calls");
  if (absl::Status status = CountCallsOf(**with, **without, requests, record); !status.ok()) {
    return status;
  }
  if (absl::Status status = (*without)->Stop(); !status.ok()) return status;

  const auto pin = MakeVmsplicePin(PipePinDefaults());
  if (const auto begun = pin->Begin(); !begun.ok()) return begun.status();
  Crowd crowd;
  if (absl::Status status = crowd.Start(); !status.ok()) return status;
  record.processes = kProcesses;
  Say("letting requests fail");
  if (absl::Status status = FailSome(**with, record); !status.ok()) return status;
  if (absl::Status status = (*with)->Stop(); !status.ok()) return status;
  Say("looking");
  if (absl::Status status = Scan(record); !status.ok()) return status;
  if (const auto ended = pin->End(); !ended.ok()) return ended.status();
  return record;
}

int Main(int argc, char** argv) {
  int64_t requests = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[1], &requests) || requests < kTurns) {
    Say(absl::StrCat("usage: diagnosis_in_guest REQUESTS FILE, with ", kTurns, " or more"));
    return EXIT_FAILURE;
  }
  const auto record = Measure(requests);
  if (!record.ok()) {
    Say(record.status().ToString());
    return EXIT_FAILURE;
  }
  std::ofstream file(argv[2]);
  file << FormatDiagnosisRecord(*record) << std::flush;
  return file ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) { return dmaheap::bench::Main(argc, argv); }
