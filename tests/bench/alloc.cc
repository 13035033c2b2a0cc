// ./dev bench alloc: what it costs to get a buffer from the daemon and to give it back, beside what
// it costs at the least.
//
// This one program is also the servers that the daemon is compared with and the crowd of clients,
// each in a process of its own, started again by itself with --role.

#include <unistd.h>

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/dmaheap.h"
#include "tests/bench/alloc_rows.h"
#include "tests/bench/child_process.h"
#include "tests/bench/daemon_under_test.h"
#include "tests/bench/grpc_floor_client.h"
#include "tests/bench/grpc_floor_server.h"
#include "tests/bench/parallel.h"
#include "tests/bench/progress.h"
#include "tests/bench/raw_seqpacket_client.h"
#include "tests/bench/raw_seqpacket_server.h"
#include "tests/bench/resident_memory.h"
#include "tests/bench/run_benchmark.h"
#include "tests/bench/run_folder.h"
#include "tests/bench/runfile.h"
#include "tests/bench/session_crowd.h"
#include "tests/bench/turns.h"

namespace dmaheap::bench {
namespace {

const About kAbout = {
    .name = "alloc",
    .text =
        "Allocate, have the fd in hand, release: on the simulated heap of a real daemon\n"
        "(dmaheapd), beside a bare gRPC call that pushes the fd of a memfd of that size\n"
        "(grpc_floor) and a datagram answered with one (raw_seqpacket). One run: all take\n"
        "turns. x16: 16 clients at once. daemon.rss_*: VmRSS of the broker, before the\n"
        "first client and with 100 connected that have allocated once; the latter needs\n"
        "clients of several users, so without root its value is null.",
    .default_time = absl::Seconds(40)};

constexpr int64_t k4KiB = 4 << 10;
constexpr int64_t k8MiB = 8 << 20;

constexpr int kParallelClients = 16;

// A user may have 32 sessions. No account has these numbers (systemd's range for dynamic users).
constexpr int kCrowds = 4;
constexpr int kSessionsPerCrowd = 25;
constexpr uid_t kFirstCrowdUid = 61301;

// Every measurement is cut into so many parts, spread over the run: what slows the machine for some
// seconds slows all of them.
constexpr int kRounds = 10;
// So much of each contender before anything is counted: connections, caches and pools fill.
constexpr absl::Duration kWarmUp = absl::Milliseconds(300);

constexpr absl::Duration kPatience = absl::Seconds(20);
// For setting up and ending, beside the time to measure.
constexpr absl::Duration kSlack = absl::Seconds(60);

// The servers and the daemon, and a client library object for each of 16 clients; the first of them
// is the one client too.
struct Stage {
  std::unique_ptr<DaemonUnderTest> daemon;
  std::unique_ptr<ChildProcess> floor_server;
  std::unique_ptr<ChildProcess> raw_server;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<GrpcFloorClient>> floor_clients;
  std::unique_ptr<RawSeqpacketClient> raw_client;
};

absl::StatusOr<std::unique_ptr<ChildProcess>> StartRole(std::vector<std::string> words) {
  words.insert(words.begin(), ThisProgram());
  auto child = ChildProcess::Start(std::move(words), "");
  if (!child.ok()) return child;
  if (absl::Status status = (*child)->WaitReady(kPatience); !status.ok()) return status;
  return child;
}

absl::Status MeasureMemory(DaemonUnderTest& daemon, AllocMeasurements& measured) {
  for (const auto& [pid, memory] :
       {std::pair(daemon.broker(), &measured.broker), std::pair(daemon.keeper(), &measured.keeper),
        std::pair(daemon.prober(), &measured.prober)}) {
    const auto resident = ResidentMemoryOf(pid);
    if (!resident.ok()) return resident.status();
    *memory = *resident;
  }
  if (getuid() != 0) {
    Say("not root: daemon.rss_100_sessions_mib is not measured");
    return absl::OkStatus();
  }
  std::vector<std::unique_ptr<ChildProcess>> crowds;
  for (int i = 0; i < kCrowds; ++i) {
    auto crowd = StartRole({"--role=crowd", daemon.socket_dir(), absl::StrCat(kFirstCrowdUid + i),
                            absl::StrCat(kSessionsPerCrowd)});
    if (!crowd.ok()) return crowd.status();
    crowds.push_back(*std::move(crowd));
  }
  const auto crowded = ResidentMemoryOf(daemon.broker());
  if (!crowded.ok()) return crowded.status();
  measured.broker_with_sessions = *crowded;
  return absl::OkStatus();
}

absl::Status SetUp(const RunFolder& folder, Stage& stage) {
  const std::string floor_rpc = folder.Below("floor_rpc.sock");
  const std::string floor_fd = folder.Below("floor_fd.sock");
  const std::string raw = folder.Below("raw.sock");
  auto floor_server = StartRole({"--role=grpc_floor", floor_rpc, floor_fd});
  if (!floor_server.ok()) return floor_server.status();
  stage.floor_server = *std::move(floor_server);
  auto raw_server = StartRole({"--role=raw_seqpacket", raw});
  if (!raw_server.ok()) return raw_server.status();
  stage.raw_server = *std::move(raw_server);
  for (int i = 0; i < kParallelClients; ++i) {
    auto client = Client::Connect({.socket_dir = stage.daemon->socket_dir(), .label = "bench"});
    if (!client.ok()) return client.status();
    stage.clients.push_back(*std::move(client));
    auto floor_client = GrpcFloorClient::Connect(floor_rpc, floor_fd);
    if (!floor_client.ok()) return floor_client.status();
    stage.floor_clients.push_back(*std::move(floor_client));
  }
  auto raw_client = RawSeqpacketClient::Connect(raw);
  if (!raw_client.ok()) return raw_client.status();
  stage.raw_client = *std::move(raw_client);
  return absl::OkStatus();
}

// Allocates, has the fd in hand, releases.
Operation DaemonOperation(Client& client, int64_t size_bytes) {
  return [&client, size_bytes] {
    return client.Allocate({.heap = std::string(kSimulatedHeap), .size_bytes = size_bytes})
        .status();
  };
}

Operation FloorOperation(GrpcFloorClient& client, int64_t size_bytes) {
  return [&client, size_bytes] { return client.Once(size_bytes); };
}

// In the order of AllocContender.
std::vector<Operation> Contenders(const Stage& stage, int64_t size_bytes) {
  std::vector<Operation> contenders(kAllocContenders);
  contenders[kDmaheapd] = DaemonOperation(*stage.clients[0], size_bytes);
  contenders[kGrpcFloor] = FloorOperation(*stage.floor_clients[0], size_bytes);
  contenders[kRawSeqpacket] = [raw = stage.raw_client.get(), size_bytes] {
    return raw->Once(size_bytes);
  };
  return contenders;
}

absl::Status MeasureTimes(const Stage& stage, absl::Duration time, AllocMeasurements& measured) {
  const std::vector<Operation> at_4k = Contenders(stage, k4KiB);
  const std::vector<Operation> at_8m = Contenders(stage, k8MiB);
  struct Crowd {
    std::vector<Operation> operations;
    Throughput* sum;
  };
  std::vector<Crowd> crowds(2);
  crowds[0].sum = &measured.dmaheapd_x16;
  crowds[1].sum = &measured.grpc_floor_x16;
  for (size_t i = 0; i < kParallelClients; ++i) {
    crowds[0].operations.push_back(DaemonOperation(*stage.clients[i], k4KiB));
    crowds[1].operations.push_back(FloorOperation(*stage.floor_clients[i], k4KiB));
  }

  Say("warming up");
  Samples not_counted;
  for (const auto* contenders : {&at_4k, &at_8m}) {
    if (absl::Status status = TakeTurns(*contenders, kWarmUp, not_counted); !status.ok()) {
      return status;
    }
  }
  for (const Crowd& crowd : crowds) {
    if (auto throughput = RunInParallel(crowd.operations, kWarmUp); !throughput.ok()) {
      return throughput.status();
    }
  }

  const absl::Duration part = time / kRounds / 4;
  for (int round = 0; round < kRounds; ++round) {
    Say(absl::StrCat("round ", round + 1, " of ", kRounds));
    if (absl::Status status = TakeTurns(at_4k, part, measured.us_4k); !status.ok()) return status;
    if (absl::Status status = TakeTurns(at_8m, part, measured.us_8m); !status.ok()) return status;
    for (const Crowd& crowd : crowds) {
      const auto throughput = RunInParallel(crowd.operations, part);
      if (!throughput.ok()) return throughput.status();
      *crowd.sum += *throughput;
    }
    // Nobody is always behind the same.
    std::swap(crowds[0], crowds[1]);
  }
  return absl::OkStatus();
}

absl::Status Measure(const Wish& wish, Report& report) {
  const auto folder = RunFolder::Create(wish.time + kSlack);
  if (!folder.ok()) return folder.status();
  AllocMeasurements measured;
  Stage stage;
  Say("starting the daemon");
  auto daemon = DaemonUnderTest::Start(**folder);
  if (!daemon.ok()) return daemon.status();
  stage.daemon = *std::move(daemon);
  if (absl::Status status = MeasureMemory(*stage.daemon, measured); !status.ok()) return status;
  if (absl::Status status = SetUp(**folder, stage); !status.ok()) return status;
  if (absl::Status status = MeasureTimes(stage, wish.time, measured); !status.ok()) return status;
  const auto at_end = ResidentMemoryOf(stage.daemon->broker());
  if (!at_end.ok()) return at_end.status();
  measured.broker_at_end = *at_end;
  stage.clients.clear();
  if (absl::Status status = stage.daemon->Stop(); !status.ok()) return status;
  report.rows = AllocRows(measured);
  report.notes = AllocNotes(measured);
  return absl::OkStatus();
}

absl::Status RunRole(const std::vector<std::string>& words) {
  int uid = 0, sessions = 0;
  if (words[0] == "--role=grpc_floor" && words.size() == 3) {
    return RunGrpcFloorServer(words[1], words[2]);
  }
  if (words[0] == "--role=raw_seqpacket" && words.size() == 2) {
    return RunRawSeqpacketServer(words[1]);
  }
  if (words[0] == "--role=crowd" && words.size() == 4 && absl::SimpleAtoi(words[2], &uid) &&
      absl::SimpleAtoi(words[3], &sessions)) {
    return RunSessionCrowd(words[1], static_cast<uid_t>(uid), sessions);
  }
  return absl::InvalidArgumentError(absl::StrCat("no such role: ", words[0]));
}

int Main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0].rfind("--role=", 0) != 0) {
    return RunBenchmark(kAbout, argc, argv, Measure);
  }
  if (absl::Status status = RunRole(words); !status.ok()) {
    Say(absl::StrCat(words[0], ": ", status.ToString()));
    return kExitFailed;
  }
  return kExitMeasured;
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) { return dmaheap::bench::Main(argc, argv); }
