// A client that comes and goes as fast as it can, on four threads at once, and checks of every
// answer that it was meant for its own user. Obeys line by line, as agent.cc does:
//
//   connect                       ok: there is nothing that it keeps open
//   storm CONNECTS BUFFER RIGHT   ok SERVED REFUSED SLOWEST_MS | error - TEXT
//
// Of 100 connects 90 only come and go, a part of them with a word; 6 say Hello, 4 make a call. The
// one buffer of its user is BUFFER, the one right RIGHT: HOLD or ALLOCATE. SERVED counts Hellos and
// calls with a right answer, REFUSED those that the daemon did not take on.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "dmaheap/v1/allocator.grpc.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"
#include "tests/e2e/agent_main.h"
#include "tests/e2e/raw_client.h"

namespace dmaheap {
namespace {

constexpr int kThreads = 4;

// What every HTTP/2 client says first (RFC 9113, 3.4), with empty settings.
constexpr absl::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

class Storm {
 public:
  Storm(std::string socket_dir, int connects, std::string buffer, bool may_hold)
      : rpc_path_(absl::StrCat(socket_dir, "/", kRpcSocketName)),
        fd_path_(absl::StrCat(socket_dir, "/", kFdSocketName)),
        connects_(connects),
        buffer_(std::move(buffer)),
        may_hold_(may_hold) {}

  std::string Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { Work(); });
    for (std::thread& thread : threads) thread.join();
    if (!failure_.empty()) return absl::StrCat("error - ", failure_);
    return absl::StrCat("ok ", served_, " ", refused_, " ", slowest_ms_);
  }

 private:
  // The session that a thread said Hello for last.
  struct Session {
    UniqueFd socket;
    std::string id;
  };

  void Work() {
    Session session;
    int n;
    while ((n = next_.fetch_add(1)) < connects_) {
      const auto start = std::chrono::steady_clock::now();
      absl::Status status = absl::OkStatus();
      const bool calls = n % 25 == 12;
      const bool greets = n % 100 % 16 == 8;
      if (calls) {
        status = Call(n / 25, session.id);
      } else if (greets) {
        status = Greet(session);
      } else {
        status = ComeAndGo(n);
      }
      const auto took = std::chrono::steady_clock::now() - start;
      std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_.empty()) return;
      if (absl::IsUnavailable(status)) {
        ++refused_;
      } else if (!status.ok()) {
        failure_ = absl::StrCat("connect ", n, ": ", status.message());
      } else if (calls || greets) {
        ++served_;
        slowest_ms_ = std::max<int64_t>(
            slowest_ms_, std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
      }
    }
  }

  // The daemon takes everybody from its door, if only to send them away.
  static absl::StatusOr<UniqueFd> Connect(const std::string& path, int type) {
    absl::StatusOr<UniqueFd> socket = ConnectSocket(path, type);
    if (!socket.ok()) return absl::InternalError(socket.status().message());
    return socket;
  }

  // Every step returns OK, UNAVAILABLE for a clean refusal, or what was wrong.

  absl::Status ComeAndGo(int n) const {
    // Those that gRPC gets cost ten times as much.
    const bool rpc = n % 3 == 0;
    const auto socket = rpc ? Connect(rpc_path_, SOCK_STREAM) : Connect(fd_path_, SOCK_SEQPACKET);
    if (!socket.ok()) return socket.status();
    if (n % 16 == 1) {
      const std::string word = rpc ? std::string(kPreface) : MakeHello(1, 1).SerializeAsString();
      // The daemon may have closed already.
      [[maybe_unused]] const ssize_t sent =
          send(socket->get(), word.data(), word.size(), MSG_NOSIGNAL);
    }
    return absl::OkStatus();
  }

  absl::Status Greet(Session& session) const {
    session = Session();
    auto socket = Connect(fd_path_, SOCK_SEQPACKET);
    if (!socket.ok()) return socket.status();
    const auto welcome = SayHello(socket->get(), MakeHello(1, 1));
    if (absl::IsOutOfRange(welcome.status()) ||
        GetReason(welcome.status()) == ErrorReason::SESSION_LIMIT) {
      return absl::UnavailableError("no session");
    }
    if (!welcome.ok()) return welcome.status();
    session = {*std::move(socket), welcome->session_id()};
    return absl::OkStatus();
  }

  absl::Status Call(int kind, const std::string& session_id) const {
    auto socket = Connect(rpc_path_, SOCK_STREAM);
    if (!socket.ok()) return socket.status();
    fcntl(socket->get(), F_SETFL, O_NONBLOCK);
    const auto stub =
        v1::Allocator::NewStub(grpc::CreateInsecureChannelFromFd("dmaheapd", socket->Take()));
    switch (kind % 4) {
      case 0:
        return List(*stub, std::chrono::seconds(20));
      case 1:
        // Gone, as often as not, before the daemon looks at it.
        return List(*stub, std::chrono::milliseconds(1));
      case 2:
        return CheckRight(*stub, "");
      default:
        return CheckRight(*stub, session_id);
    }
  }

  // Shows exactly the buffer of this user.
  absl::Status List(v1::Allocator::Stub& stub, std::chrono::milliseconds patience) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    v1::ListBuffersResponse response;
    const absl::Status status =
        FromGrpcStatus(stub.ListBuffers(&context, v1::ListBuffersRequest(), &response));
    if (absl::IsDeadlineExceeded(status) && patience < std::chrono::seconds(1)) {
      return absl::OkStatus();
    }
    if (!status.ok()) return status;
    if (response.buffers_size() != 1 || response.buffers(0).name() != buffer_ ||
        response.buffers(0).owner_uid() != getuid()) {
      return absl::InternalError(absl::StrCat("MIXED UP: the buffers of uid ", getuid(), " are ",
                                              response.ShortDebugString()));
    }
    return absl::OkStatus();
  }

  // Asks whether it might allocate: into a session, or a held buffer if there is none.
  absl::Status CheckRight(v1::Allocator::Stub& stub, const std::string& session_id) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::AllocateBuffersRequest request;
    request.set_heap("heaps/simulated");
    request.set_size_bytes(4096);
    request.set_validate_only(true);
    request.set_session_id(session_id);
    if (session_id.empty()) request.mutable_hold();
    v1::AllocateBuffersResponse response;
    const absl::Status status = FromGrpcStatus(stub.AllocateBuffers(&context, request, &response));
    const bool may = session_id.empty() == may_hold_;
    if (may || absl::IsUnavailable(status)) return status;
    if (GetReason(status) == ErrorReason::ACCESS_DENIED &&
        GetErrorValue(status, "uid") == absl::StrCat(getuid())) {
      return absl::OkStatus();
    }
    return absl::InternalError(
        absl::StrCat("MIXED UP: what uid ", getuid(), " may not was answered ", status.ToString()));
  }

  const std::string rpc_path_;
  const std::string fd_path_;
  const int connects_;
  const std::string buffer_;
  const bool may_hold_;
  std::atomic<int> next_{0};

  std::mutex mutex_;
  int served_ = 0;
  int refused_ = 0;
  int64_t slowest_ms_ = 0;
  std::string failure_;
};

std::string Do(const std::string& socket_dir, std::istringstream words) {
  std::string verb, buffer, right;
  int connects = 0;
  words >> verb;
  if (verb == "connect") return "ok";
  words >> connects >> buffer >> right;
  if (verb != "storm") return absl::StrCat("error - unknown command ", verb);
  return absl::StrReplaceAll(Storm(socket_dir, connects, buffer, right == "HOLD").Run(),
                             {{"\n", " "}});
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return dmaheap::AgentMain(argc, argv, dmaheap::Do); }
