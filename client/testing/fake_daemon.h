// A scripted daemon in the process of a test: real gRPC on a Unix socket, a real fd channel, memfds
// for buffers, and none of the daemon's judgement.
//
// Start() serves on sockets in a folder of its own under /tmp until destroyed. What a test does not
// script is served plainly. Kill() breaks all connections, as the death of the daemon does;
// Restart() comes back at the same place and remembers the buffers. Thread-safe. It ends the
// process with a message where the machine fails it: a test can not go on then.

#ifndef CLIENT_TESTING_FAKE_DAEMON_H_
#define CLIENT_TESTING_FAKE_DAEMON_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "client/testing/fake_reservations.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "proto/unique_fd.h"

namespace dmaheap {

struct FakeDaemonOptions {
  int min_wire_version = 1;
  int max_wire_version = 1;
  int window = 32;
  // The first sessions to close in the middle of the handshake.
  int handshakes_to_break = 0;
  // Never answer a Hello.
  bool silent = false;
  // An older daemon, which has no WatchAllocation.
  bool knows_watch = true;
  // An older daemon, which has no call about reservations, and does not see that a request draws.
  bool knows_reservations = true;
};

class FakeDaemon {
 public:
  // One connection to the fd channel.
  struct Session {
    std::string id;
    std::string client;
    v1::Hello hello;
    UniqueFd socket;
  };

  // One AllocateBuffers or ClaimBuffer call, for a script to serve in steps.
  struct Call {
    FakeDaemon& daemon;
    grpc::ServerContext& context;
    const v1::AllocateBuffersRequest& request;
    v1::AllocateBuffersResponse& response;
    std::shared_ptr<Session> session;
    std::vector<UniqueFd> fds;

    // Makes the buffers and fills the response; for a draw, what is ready first.
    void MakeBuffers();
    // Sends those from first on, count of them, in frames of 16.
    absl::Status Push(int first, int count);
    absl::Status PushAll() { return Push(0, static_cast<int>(fds.size())); }
    // Of this request.
    void Report(v1::Allocation allocation) { daemon.Report(request.request_id(), allocation); }
    // Until the client cancelled, its deadline came, or the daemon is killed.
    void WaitForCancellation();
    // Does all of it.
    absl::Status Serve();
  };
  using Script = std::function<absl::Status(Call&)>;

  static std::unique_ptr<FakeDaemon> Start(FakeDaemonOptions options = {});
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon();

  // The folder of the sockets.
  const std::string& dir() const { return dir_; }

  // Serves the next calls to AllocateBuffers, each script one call; afterwards the standing one, if
  // any; else plainly.
  void ScriptNext(Script script);
  void ScriptAlways(Script script);
  FakeReservations& reservations() { return reservations_; }
  // Changes what the frames say, before they go out.
  void AlterFrames(std::function<void(v1::Buffers&)> alter);
  // Fails all Admin and list calls with this.
  void FailQueries(absl::Status status);
  // Tells who watches the request, now or later, what became of it.
  void Report(const std::string& request_id, v1::Allocation allocation);
  // Refuses all watches of a request with this.
  void FailWatches(absl::Status status);
  // What ListAllocations gives, one a page, and each WatchAllocations first.
  void SetAllocations(std::vector<v1::Allocation> allocations);
  // A change for each WatchAllocations, those that begin later too.
  void ChangeAllocation(v1::Allocation allocation);
  // Ends each WatchAllocations.
  void EndWatches(absl::Status status);

  // What GetMetrics gives.
  void SetMetrics(v1::Metrics metrics);

  // Asks every session that may be asked; how many.
  int AskGiveBack(const v1::GiveBack& question);

  void Kill();
  void Restart();
  // Closes the RPC connections only.
  void BreakRpcConnections();
  // Closes the fd channels only; their sessions become unknown.
  void CloseSessions();
  // Forgets the sessions but leaves their sockets open.
  void ForgetSessions();
  // Forgets the buffers; what was reported, while it is not running.
  void ForgetBuffers();
  void ForgetReports();

  // What clients have said, in order. The Wait forms return once there are so many, or after 10 s.
  std::vector<v1::Receipt> WaitForReceipts(size_t count);
  std::vector<std::string> WaitForReleases(size_t count);
  std::vector<v1::AllocateBuffersRequest> requests() const;
  std::vector<std::string> labels() const;
  int sessions_opened() const;
  // The request_id of each WatchAllocation, in order, and how many have not ended.
  std::vector<std::string> watched() const;
  int open_watches() const;
  std::vector<std::string> admin_calls() const;
  // Waits until a condition of the caller's holds, at most 10 s.
  static bool WaitUntil(const std::function<bool()>& condition);

 private:
  class AllocatorService;
  class AdminService;

  explicit FakeDaemon(FakeDaemonOptions options);

  std::unique_ptr<grpc::Server> Serve(grpc::Service& service, absl::string_view name);
  void Open();
  void Close();
  void Accept();
  void Read(std::shared_ptr<Session> session);
  bool Draws(const v1::AllocateBuffersRequest& request) const {
    return options_.knows_reservations && !request.reservation().empty();
  }
  // clients/{client} of a session; empty for "", SESSION_UNKNOWN for one that is not there.
  absl::StatusOr<std::string> ClientOf(const std::string& session_id) const;
  // Writes what grows in list, until the caller or the test ends it.
  grpc::Status Stream(grpc::ServerContext& context, grpc::ServerWriter<v1::Allocation>& writer,
                      const std::vector<v1::Allocation>& list);
  std::shared_ptr<Session> FindSession(const std::string& id) const;
  absl::Status SendFrame(Session& session, v1::Buffers frame, const std::vector<int>& fds);

  const FakeDaemonOptions options_;
  FakeReservations reservations_;
  std::string dir_;
  std::unique_ptr<AllocatorService> allocator_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<grpc::Server> rpc_server_;
  std::unique_ptr<grpc::Server> admin_server_;
  UniqueFd listener_;
  std::thread acceptor_;
  std::vector<std::thread> readers_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  std::vector<std::shared_ptr<Session>> all_sockets_;
  std::vector<Script> next_;
  Script always_;
  std::function<void(v1::Buffers&)> alter_;
  absl::Status query_failure_;
  absl::Status watch_failure_;
  // By request_id, all that was reported.
  std::map<std::string, std::vector<v1::Allocation>> reports_;
  std::vector<v1::Allocation> allocations_;
  std::vector<v1::Allocation> allocation_changes_;
  absl::optional<absl::Status> end_of_watches_;
  v1::Metrics metrics_;
  std::vector<std::string> watched_;
  int open_watches_ = 0;
  std::vector<v1::Receipt> receipts_;
  std::vector<std::string> releases_;
  std::vector<v1::AllocateBuffersRequest> requests_;
  std::vector<std::string> labels_;
  std::vector<std::string> admin_calls_;
  int sessions_opened_ = 0;
  int handshakes_broken_ = 0;
  int64_t last_batch_ = 0;
  std::map<std::string, v1::Buffer> buffers_;
  // Held buffers: name -> fd, and the token of each.
  std::map<std::string, UniqueFd> held_;
  std::map<std::string, std::string> tokens_;
};

}  // namespace dmaheap

#endif  // CLIENT_TESTING_FAKE_DAEMON_H_
