#include "client/testing/fake_daemon.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/grpc_status.h"
#include "proto/rpc_status.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr char kToken[] = "0123456789abcdef0123456789abcdef";
constexpr int64_t kPageSize = 4096;

void Require(bool condition, const char* what) {
  if (condition) return;
  perror(what);
  abort();
}

v1::Heap TestHeap() {
  v1::Heap heap;
  heap.set_name("heaps/reserved");
  heap.set_kind(v1::SIMULATED_CMA);
  heap.set_contiguity(v1::SIMULATED);
  heap.add_aliases("linux,cma");
  heap.set_size_bytes(64 << 20);
  heap.set_free_bytes(48 << 20);
  heap.set_largest_free_bytes(32 << 20);
  heap.set_live_buffers(2);
  heap.set_live_bytes(16 << 20);
  heap.set_page_size_bytes(kPageSize);
  heap.set_retry_policy("default");
  return heap;
}

v1::Heap SystemHeap() {
  v1::Heap heap;
  heap.set_name("heaps/system");
  heap.set_kind(v1::SYSTEM);
  heap.set_contiguity(v1::SCATTERED);
  heap.set_page_size_bytes(kPageSize);
  return heap;
}

absl::Status NoSuchHeap(const std::string& name) {
  return Error(ErrorReason::HEAP_NOT_FOUND,
               absl::StrCat("there is no heap ", name, "; the heaps are: reserved, system"))
      .With("heap", name)
      .With("heaps", "reserved, system");
}

absl::Status NoHeapNamed() {
  return Error(ErrorReason::INVALID_NAME, "heap: \"\" is not the name of a heap")
      .Field("heap", "\"\" is not the name of a heap");
}

absl::Status NoSuchBuffer(const std::string& name) {
  return Error(ErrorReason::BUFFER_NOT_FOUND, absl::StrCat("there is no buffer ", name))
      .With("buffer", name);
}

absl::Status NoSuchSession() {
  return Error(ErrorReason::SESSION_UNKNOWN, "no session of that id: open the fd channel again");
}

}  // namespace

// ---- what a script may use
// ------------------------------------------------------------------------

void FakeDaemon::Call::MakeBuffers() {
  const int count = request.has_count() ? request.count() : 1;
  v1::Reservation drawn_from;
  drawn_from.set_heap(request.heap());
  drawn_from.set_size_bytes(request.size_bytes());
  drawn_from.set_label(request.label());
  int ready = 0;
  if (daemon.Draws(request)) {
    const auto client = daemon.ClientOf(request.session_id());
    auto drawn =
        daemon.reservations_.Draw(request.reservation(), count, client.value_or(""), ready);
    Require(drawn.ok(), "a draw from a reservation that is there");
    drawn_from = *std::move(drawn);
    response.set_drawn(ready);
  }
  for (int i = 0; i < count; ++i) {
    UniqueFd fd(memfd_create("fake", MFD_CLOEXEC));
    const int64_t size = (drawn_from.size_bytes() + kPageSize - 1) / kPageSize * kPageSize;
    Require(fd.valid() && ftruncate(fd.get(), size) == 0, "memfd");
    struct stat status;
    Require(fstat(fd.get(), &status) == 0, "fstat");
    v1::Buffer* buffer = response.add_buffers();
    buffer->set_name(absl::StrCat("buffers/memfd-", status.st_ino));
    buffer->set_heap(drawn_from.heap());
    buffer->set_size_bytes(size);
    buffer->set_contiguity(v1::SIMULATED);
    buffer->set_label(drawn_from.label());
    if (i < ready) buffer->set_reservation(drawn_from.name());
    buffer->set_state(request.has_hold() ? v1::Buffer::HELD : v1::Buffer::DELIVERED);
    buffer->set_owner_uid(getuid());
    buffer->set_client("clients/1");
    buffer->set_request_id(request.request_id());
    // Two hours and a half ago, so that an AGE is the same whenever a test looks.
    buffer->mutable_create_time()->set_seconds(time(nullptr) - 9000);
    fds.push_back(std::move(fd));
    std::lock_guard<std::mutex> lock(daemon.mutex_);
    daemon.buffers_[buffer->name()] = *buffer;
  }
  std::lock_guard<std::mutex> lock(daemon.mutex_);
  response.set_batch_id(++daemon.last_batch_);
  response.set_attempts(1);
}

absl::Status FakeDaemon::Call::Push(int first, int count) {
  for (int index = first; index < first + count;) {
    v1::Buffers frame;
    frame.set_batch_id(response.batch_id());
    frame.set_request_id(request.request_id());
    frame.set_first_index(index);
    frame.set_total(response.buffers_size());
    std::vector<int> sent;
    while (index < first + count && sent.size() < static_cast<size_t>(kMaxFdsPerFrame)) {
      const v1::Buffer& buffer = response.buffers(index);
      const int fd = fds[static_cast<size_t>(index)].get();
      struct stat status;
      Require(fstat(fd, &status) == 0, "fstat");
      v1::BufferEntry* entry = frame.add_entries();
      entry->set_name(buffer.name());
      entry->set_size_bytes(buffer.size_bytes());
      entry->set_inode(status.st_ino);
      sent.push_back(fd);
      ++index;
    }
    const absl::Status status = daemon.SendFrame(*session, std::move(frame), sent);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void FakeDaemon::Call::WaitForCancellation() {
  Require(WaitUntil([this] { return context.IsCancelled(); }), "waiting for a cancellation");
}

absl::Status FakeDaemon::Call::Serve() {
  if (daemon.Draws(request)) {
    const auto found = daemon.reservations_.Get(request.reservation());
    if (!found.ok()) return found.status();
  } else if (request.heap().empty()) {
    return NoHeapNamed();
  } else if (request.heap() != "heaps/reserved" && request.heap() != "heaps/system") {
    return NoSuchHeap(request.heap());
  }
  if (request.validate_only()) return absl::OkStatus();
  MakeBuffers();
  if (!request.has_hold()) return PushAll();
  response.set_batch_id(0);
  response.set_claim_token(kToken);
  std::lock_guard<std::mutex> lock(daemon.mutex_);
  for (size_t i = 0; i < fds.size(); ++i) {
    const std::string& name = response.buffers(static_cast<int>(i)).name();
    daemon.held_[name] = std::move(fds[i]);
    daemon.tokens_[name] = kToken;
  }
  return absl::OkStatus();
}

// ---- the services
// ---------------------------------------------------------------------------------

class FakeDaemon::AllocatorService : public v1::Allocator::Service {
 public:
  explicit AllocatorService(FakeDaemon& daemon) : daemon_(daemon) {}

  grpc::Status AllocateBuffers(grpc::ServerContext* context,
                               const v1::AllocateBuffersRequest* request,
                               v1::AllocateBuffersResponse* response) override {
    Script script = [](Call& call) { return call.Serve(); };
    std::shared_ptr<Session> session;
    {
      std::lock_guard<std::mutex> lock(daemon_.mutex_);
      daemon_.requests_.push_back(*request);
      daemon_.changed_.notify_all();
      if (!request->has_hold() && !request->validate_only()) {
        const auto it = daemon_.sessions_.find(request->session_id());
        if (it == daemon_.sessions_.end()) return ToGrpcStatus(NoSuchSession());
        session = it->second;
      }
      if (!daemon_.next_.empty()) {
        script = std::move(daemon_.next_.front());
        daemon_.next_.erase(daemon_.next_.begin());
      } else if (daemon_.always_) {
        script = daemon_.always_;
      }
    }
    Call call{daemon_, *context, *request, *response, session, {}};
    return ToGrpcStatus(script(call));
  }

  grpc::Status WatchAllocation(grpc::ServerContext* context,
                               const v1::WatchAllocationRequest* request,
                               grpc::ServerWriter<v1::Allocation>* writer) override {
    if (!daemon_.options_.knows_watch) return NoSuchMethod();
    const std::vector<v1::Allocation>* reports = nullptr;
    {
      std::lock_guard<std::mutex> lock(daemon_.mutex_);
      daemon_.watched_.push_back(request->request_id());
      if (!daemon_.watch_failure_.ok()) return ToGrpcStatus(daemon_.watch_failure_);
      reports = &daemon_.reports_[request->request_id()];
      ++daemon_.open_watches_;
    }
    const grpc::Status end = daemon_.Stream(*context, *writer, *reports);
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    --daemon_.open_watches_;
    return end;
  }

  grpc::Status ClaimBuffer(grpc::ServerContext* context, const v1::ClaimBufferRequest* request,
                           v1::ClaimBufferResponse* response) override {
    v1::AllocateBuffersRequest plain;
    plain.set_request_id(request->request_id());
    v1::AllocateBuffersResponse answer;
    Call call{daemon_, *context, plain, answer, daemon_.FindSession(request->session_id()), {}};
    if (call.session == nullptr) return ToGrpcStatus(NoSuchSession());
    {
      std::lock_guard<std::mutex> lock(daemon_.mutex_);
      const auto held = daemon_.held_.find(request->name());
      if (held == daemon_.held_.end() ||
          daemon_.tokens_[request->name()] != request->claim_token()) {
        return ToGrpcStatus(NoSuchBuffer(request->name()));
      }
      call.fds.push_back(std::move(held->second));
      daemon_.held_.erase(held);
      v1::Buffer& buffer = daemon_.buffers_[request->name()];
      buffer.set_state(v1::Buffer::DELIVERED);
      *answer.add_buffers() = buffer;
      answer.set_batch_id(++daemon_.last_batch_);
    }
    const absl::Status pushed = call.PushAll();
    *response->mutable_buffer() = answer.buffers(0);
    response->set_batch_id(answer.batch_id());
    return ToGrpcStatus(pushed);
  }

  grpc::Status ReleaseBuffer(grpc::ServerContext*, const v1::ReleaseBufferRequest* request,
                             google::protobuf::Empty*) override {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (daemon_.buffers_.erase(request->name()) == 0) {
      return ToGrpcStatus(NoSuchBuffer(request->name()));
    }
    daemon_.held_.erase(request->name());
    return grpc::Status::OK;
  }

  grpc::Status GetBuffer(grpc::ServerContext*, const v1::GetBufferRequest* request,
                         v1::Buffer* response) override {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    const auto it = daemon_.buffers_.find(request->name());
    if (it == daemon_.buffers_.end()) return ToGrpcStatus(NoSuchBuffer(request->name()));
    *response = it->second;
    return grpc::Status::OK;
  }

  grpc::Status ListBuffers(grpc::ServerContext*, const v1::ListBuffersRequest* request,
                           v1::ListBuffersResponse* response) override {
    return List(*request, *response);
  }

  grpc::Status ReserveBuffers(grpc::ServerContext*, const v1::ReserveBuffersRequest* request,
                              v1::Reservation* response) override {
    if (!daemon_.options_.knows_reservations) return NoSuchMethod();
    const auto client = daemon_.ClientOf(request->session_id());
    if (!client.ok()) return ToGrpcStatus(client.status());
    return Answer(daemon_.reservations_.Book(*request, *client), *response);
  }

  grpc::Status GetReservation(grpc::ServerContext*, const v1::GetReservationRequest* request,
                              v1::Reservation* response) override {
    if (!daemon_.options_.knows_reservations) return NoSuchMethod();
    return Answer(daemon_.reservations_.Get(request->name()), *response);
  }

  // One a page, so that every reader has to turn pages.
  grpc::Status ListReservations(grpc::ServerContext*, const v1::ListReservationsRequest* request,
                                v1::ListReservationsResponse* response) override {
    if (!daemon_.options_.knows_reservations) return NoSuchMethod();
    const std::vector<v1::Reservation> all = daemon_.reservations_.List();
    const size_t at = request->page_token().size();
    if (at >= all.size()) return grpc::Status::OK;
    *response->add_reservations() = all[at];
    if (at + 1 < all.size()) response->set_next_page_token(std::string(at + 1, 'x'));
    return grpc::Status::OK;
  }

  grpc::Status KeepReservation(grpc::ServerContext*, const v1::KeepReservationRequest* request,
                               v1::Reservation* response) override {
    if (!daemon_.options_.knows_reservations) return NoSuchMethod();
    const auto client = daemon_.ClientOf(request->session_id());
    if (!client.ok()) return ToGrpcStatus(client.status());
    return Answer(daemon_.reservations_.Keep(*request, *client), *response);
  }

  grpc::Status DeleteReservation(grpc::ServerContext*, const v1::DeleteReservationRequest* request,
                                 google::protobuf::Empty*) override {
    if (!daemon_.options_.knows_reservations) return NoSuchMethod();
    return ToGrpcStatus(daemon_.reservations_.Delete(request->name()));
  }

  grpc::Status ListHeaps(grpc::ServerContext*, const v1::ListHeapsRequest* request,
                         v1::ListHeapsResponse* response) override {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    // One heap a page, so that every reader has to turn pages.
    if (request->page_token().empty()) {
      *response->add_heaps() = TestHeap();
      response->set_next_page_token("second");
    } else {
      *response->add_heaps() = SystemHeap();
    }
    return grpc::Status::OK;
  }

  grpc::Status GetHeap(grpc::ServerContext*, const v1::GetHeapRequest* request,
                       v1::Heap* response) override {
    if (request->name() == "heaps/reserved" || request->name() == "heaps/linux,cma") {
      *response = TestHeap();
    } else if (request->name() == "heaps/system") {
      *response = SystemHeap();
    } else {
      return ToGrpcStatus(NoSuchHeap(request->name()));
    }
    return grpc::Status::OK;
  }

  grpc::Status List(const v1::ListBuffersRequest&, v1::ListBuffersResponse& response) {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    for (const auto& [name, buffer] : daemon_.buffers_) *response.add_buffers() = buffer;
    response.set_accounting(v1::WATCH);
    return grpc::Status::OK;
  }

 private:
  // What gRPC answers for a method that a service does not have.
  static grpc::Status NoSuchMethod() { return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""); }
  static grpc::Status Answer(absl::StatusOr<v1::Reservation> result, v1::Reservation& response) {
    if (!result.ok()) return ToGrpcStatus(result.status());
    response = *std::move(result);
    return grpc::Status::OK;
  }

  FakeDaemon& daemon_;
};

class FakeDaemon::AdminService : public v1::Admin::Service {
 public:
  explicit AdminService(FakeDaemon& daemon) : daemon_(daemon) {}

  grpc::Status ListClients(grpc::ServerContext*, const v1::ListClientsRequest*,
                           v1::ListClientsResponse* response) override {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    v1::Client* client = response->add_clients();
    client->set_name("clients/7");
    client->set_uid(1000);
    client->set_gid(1000);
    client->set_debug_pid(4711);
    client->set_label("camera-hal");
    client->set_library_version("0.1.0");
    client->set_wire_version(1);
    client->mutable_connect_time()->set_seconds(time(nullptr) - 9000);
    client->set_live_buffers(6);
    client->set_live_bytes(74649600);
    client->mutable_idle_duration()->set_seconds(3);
    return grpc::Status::OK;
  }

  grpc::Status ListBuffers(grpc::ServerContext*, const v1::ListBuffersRequest* request,
                           v1::ListBuffersResponse* response) override {
    Note("ListBuffers");
    return daemon_.allocator_->List(*request, *response);
  }

  grpc::Status ListReservations(grpc::ServerContext* context,
                                const v1::ListReservationsRequest* request,
                                v1::ListReservationsResponse* response) override {
    Note("ListReservations");
    return daemon_.allocator_->ListReservations(context, request, response);
  }

  grpc::Status ListAllocations(grpc::ServerContext*, const v1::ListAllocationsRequest* request,
                               v1::ListAllocationsResponse* response) override {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    const size_t at = request->page_token().size();
    if (at >= daemon_.allocations_.size()) return grpc::Status::OK;
    *response->add_allocations() = daemon_.allocations_[at];
    if (at + 1 < daemon_.allocations_.size()) {
      response->set_next_page_token(std::string(at + 1, 'x'));
    }
    return grpc::Status::OK;
  }

  grpc::Status WatchAllocations(grpc::ServerContext* context, const v1::WatchAllocationsRequest*,
                                grpc::ServerWriter<v1::Allocation>* writer) override {
    std::vector<v1::Allocation> now;
    {
      std::lock_guard<std::mutex> lock(daemon_.mutex_);
      if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
      now = daemon_.allocations_;
    }
    for (const v1::Allocation& allocation : now) writer->Write(allocation);
    return daemon_.Stream(*context, *writer, daemon_.allocation_changes_);
  }

  grpc::Status GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                             v1::ServerInfo* response) override {
    response->set_version("0.1.0");
    response->set_min_wire_version(1);
    response->set_max_wire_version(1);
    response->set_evidence_level(v1::Diagnosis::L1);
    v1::EvidenceSource* tells = response->add_evidence_sources();
    tells->set_kind(v1::EvidenceSource::FREE_LIST);
    tells->set_level(v1::Diagnosis::L1);
    v1::EvidenceSource* missing = response->add_evidence_sources();
    missing->set_kind(v1::EvidenceSource::TRACE);
    missing->set_level(v1::Diagnosis::L2);
    missing->set_errno_name("ENOTSUP");
    missing->set_remedy("it needs tracefs");
    return grpc::Status::OK;
  }

  grpc::Status ListPinners(grpc::ServerContext*, const v1::ListPinnersRequest*,
                           v1::ListPinnersResponse* response) override {
    Note("ListPinners");
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    v1::Pinner* pinner = response->add_pinners();
    pinner->set_uid(1000);
    pinner->set_process_name("spooler");
    pinner->set_executable("/usr/bin/spooler");
    pinner->set_cgroup("/apps");
    pinner->set_cause(v1::Diagnosis::Pin::PIPE);
    pinner->set_delayed_requests(3);
    pinner->mutable_delay_duration()->set_seconds(2);
    pinner->mutable_last_time()->set_seconds(time(nullptr) - 60);
    return grpc::Status::OK;
  }

  grpc::Status ReloadPolicy(grpc::ServerContext*, const v1::ReloadPolicyRequest*,
                            v1::ReloadPolicyResponse* response) override {
    Note("ReloadPolicy");
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    response->set_policy_path("/etc/dmaheapd/policy.textproto");
    return grpc::Status::OK;
  }

  grpc::Status GetMetrics(grpc::ServerContext*, const v1::GetMetricsRequest*,
                          v1::Metrics* response) override {
    Note("GetMetrics");
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    *response = daemon_.metrics_;
    return grpc::Status::OK;
  }

  // A text that begins with "wrong" is.
  grpc::Status CheckPolicy(grpc::ServerContext*, const v1::CheckPolicyRequest* request,
                           v1::CheckPolicyResponse* response) override {
    Note(absl::StrCat("CheckPolicy ", request->text()));
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    if (!daemon_.query_failure_.ok()) return ToGrpcStatus(daemon_.query_failure_);
    if (request->text().rfind("wrong", 0) != 0) {
      response->set_explanation("Who may do what.\n\n  Rule 0: everybody.\n");
      return grpc::Status::OK;
    }
    v1::PolicyProblem* field = response->add_problems();
    field->set_line(3);
    field->set_column(7);
    field->set_field("access[0].who");
    field->set_problem("is required\x1b[31m");
    v1::PolicyProblem* whole = response->add_problems();
    whole->set_line(9);
    whole->set_column(1);
    whole->set_problem("Expected identifier");
    return grpc::Status::OK;
  }

  grpc::Status SetLogLevel(grpc::ServerContext*, const v1::SetLogLevelRequest* request,
                           v1::SetLogLevelResponse* response) override {
    Note(absl::StrCat("SetLogLevel ", v1::LogLevel_Name(request->level())));
    response->set_previous_level(v1::INFO);
    return grpc::Status::OK;
  }

 private:
  void Note(std::string call) {
    std::lock_guard<std::mutex> lock(daemon_.mutex_);
    daemon_.admin_calls_.push_back(std::move(call));
  }

  FakeDaemon& daemon_;
};

// ---- life
// -----------------------------------------------------------------------------------------

std::unique_ptr<FakeDaemon> FakeDaemon::Start(FakeDaemonOptions options) {
  return std::unique_ptr<FakeDaemon>(new FakeDaemon(options));
}

FakeDaemon::FakeDaemon(FakeDaemonOptions options)
    : options_(options),
      allocator_(std::make_unique<AllocatorService>(*this)),
      admin_(std::make_unique<AdminService>(*this)) {
  char dir[] = "/tmp/dmaheap-fake.XXXXXX";
  Require(mkdtemp(dir) != nullptr, "mkdtemp");
  dir_ = dir;
  Open();
}

FakeDaemon::~FakeDaemon() {
  Close();
  for (const absl::string_view name : {kRpcSocketName, kAdminSocketName, kFdSocketName}) {
    unlink(absl::StrCat(dir_, "/", name).c_str());
  }
  rmdir(dir_.c_str());
}

std::unique_ptr<grpc::Server> FakeDaemon::Serve(grpc::Service& service, absl::string_view name) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("unix:", dir_, "/", name),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  Require(server != nullptr, "gRPC server");
  return server;
}

void FakeDaemon::Open() {
  rpc_server_ = Serve(*allocator_, kRpcSocketName);
  admin_server_ = Serve(*admin_, kAdminSocketName);

  const std::string path = absl::StrCat(dir_, "/", kFdSocketName);
  unlink(path.c_str());
  listener_ = UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  Require(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0,
          "bind");
  Require(listen(listener_.get(), 64) == 0, "listen");
  acceptor_ = std::thread([this] { Accept(); });
}

void FakeDaemon::Close() {
  shutdown(listener_.get(), SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  listener_.Reset();
  CloseSessions();
  // Scripts that wait for a cancellation get it here.
  rpc_server_->Shutdown(std::chrono::system_clock::now());
  admin_server_->Shutdown(std::chrono::system_clock::now());
  rpc_server_ = nullptr;
  admin_server_ = nullptr;
  for (std::thread& reader : readers_) reader.join();
  readers_.clear();
}

void FakeDaemon::Kill() { Close(); }

void FakeDaemon::Restart() { Open(); }

void FakeDaemon::BreakRpcConnections() {
  rpc_server_->Shutdown(std::chrono::system_clock::now());
  rpc_server_ = Serve(*allocator_, kRpcSocketName);
}

void FakeDaemon::CloseSessions() {
  reservations_.OnSessionsGone();
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& session : all_sockets_) shutdown(session->socket.get(), SHUT_RDWR);
  sessions_.clear();
  all_sockets_.clear();
}

int FakeDaemon::AskGiveBack(const v1::GiveBack& question) {
  std::lock_guard<std::mutex> lock(mutex_);
  v1::ServerMessage message;
  *message.mutable_give_back() = question;
  int asked = 0;
  for (const auto& session : all_sockets_) {
    if (!session->hello.gives_back()) continue;
    asked += SendToClient(session->socket.get(), message, {}).ok() ? 1 : 0;
  }
  return asked;
}

void FakeDaemon::ForgetSessions() {
  reservations_.OnSessionsGone();
  std::lock_guard<std::mutex> lock(mutex_);
  sessions_.clear();
}

void FakeDaemon::ForgetBuffers() {
  std::lock_guard<std::mutex> lock(mutex_);
  buffers_.clear();
}

void FakeDaemon::ForgetReports() {
  std::lock_guard<std::mutex> lock(mutex_);
  reports_.clear();
}

void FakeDaemon::Accept() {
  for (;;) {
    auto session = std::make_shared<Session>();
    session->socket = UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!session->socket.valid()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    all_sockets_.push_back(session);
    readers_.emplace_back([this, session] { Read(session); });
  }
}

void FakeDaemon::Read(std::shared_ptr<Session> session) {
  for (;;) {
    const absl::StatusOr<v1::ClientMessage> message = ReceiveFromClient(session->socket.get());
    if (!message.ok()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    if (message->has_hello()) {
      if (options_.silent) continue;
      session->hello = message->hello();
      labels_.push_back(session->hello.label());
      if (handshakes_broken_ < options_.handshakes_to_break) {
        ++handshakes_broken_;
        shutdown(session->socket.get(), SHUT_RDWR);
        return;
      }
      v1::ServerMessage answer;
      if (session->hello.max_wire_version() < options_.min_wire_version ||
          session->hello.min_wire_version() > options_.max_wire_version) {
        *answer.mutable_refusal()->mutable_status() =
            ToRpcStatus(Error(ErrorReason::WIRE_VERSION_UNSUPPORTED, "no wire version in common")
                            .With("daemon_min_wire_version", options_.min_wire_version)
                            .With("daemon_max_wire_version", options_.max_wire_version)
                            .With("daemon_version", "9.9.9"));
        SendToClient(session->socket.get(), answer, {}).IgnoreError();
        shutdown(session->socket.get(), SHUT_RDWR);
        return;
      }
      ++sessions_opened_;
      session->id = absl::StrCat("session-", sessions_opened_);
      v1::Welcome* welcome = answer.mutable_welcome();
      welcome->set_wire_version(
          std::min(session->hello.max_wire_version(), options_.max_wire_version));
      welcome->set_session_id(session->id);
      session->client = absl::StrCat("clients/", sessions_opened_);
      welcome->set_client(session->client);
      welcome->set_window(options_.window);
      welcome->set_server_version("0.1.0");
      sessions_[session->id] = session;
      SendToClient(session->socket.get(), answer, {}).IgnoreError();
    } else if (message->has_receipt()) {
      receipts_.push_back(message->receipt());
    } else if (message->has_release()) {
      for (const std::string& name : message->release().names()) {
        releases_.push_back(name);
        buffers_.erase(name);
      }
    }
    changed_.notify_all();
  }
}

grpc::Status FakeDaemon::Stream(grpc::ServerContext& context,
                                grpc::ServerWriter<v1::Allocation>& writer,
                                const std::vector<v1::Allocation>& list) {
  size_t written = 0;
  std::vector<v1::Allocation> news;
  absl::optional<absl::Status> end;
  // A cancellation tells nobody either.
  while (!context.IsCancelled() && !end.has_value()) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      news.assign(list.begin() + static_cast<std::ptrdiff_t>(written), list.end());
      end = end_of_watches_;
    }
    written += news.size();
    for (const v1::Allocation& allocation : news) writer.Write(allocation);
    if (news.empty()) poll(nullptr, 0, 1);
  }
  return ToGrpcStatus(end.value_or(absl::CancelledError("the caller ended the watch")));
}

std::shared_ptr<FakeDaemon::Session> FakeDaemon::FindSession(const std::string& id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second;
}

absl::StatusOr<std::string> FakeDaemon::ClientOf(const std::string& session_id) const {
  if (session_id.empty()) return std::string();
  const auto session = FindSession(session_id);
  if (session == nullptr) return NoSuchSession();
  return session->client;
}

absl::Status FakeDaemon::SendFrame(Session& session, v1::Buffers frame,
                                   const std::vector<int>& fds) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (alter_) alter_(frame);
  }
  v1::ServerMessage message;
  *message.mutable_buffers() = std::move(frame);
  return SendToClient(session.socket.get(), message, fds);
}

// ---- scripts and records
// --------------------------------------------------------------------------

void FakeDaemon::ScriptNext(Script script) {
  std::lock_guard<std::mutex> lock(mutex_);
  next_.push_back(std::move(script));
}

void FakeDaemon::ScriptAlways(Script script) {
  std::lock_guard<std::mutex> lock(mutex_);
  always_ = std::move(script);
}

void FakeDaemon::AlterFrames(std::function<void(v1::Buffers&)> alter) {
  std::lock_guard<std::mutex> lock(mutex_);
  alter_ = std::move(alter);
}

void FakeDaemon::FailQueries(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  query_failure_ = std::move(status);
}

void FakeDaemon::Report(const std::string& request_id, v1::Allocation allocation) {
  allocation.set_request_id(request_id);
  std::lock_guard<std::mutex> lock(mutex_);
  reports_[request_id].push_back(std::move(allocation));
}

void FakeDaemon::FailWatches(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  watch_failure_ = std::move(status);
}

void FakeDaemon::SetAllocations(std::vector<v1::Allocation> allocations) {
  std::lock_guard<std::mutex> lock(mutex_);
  allocations_ = std::move(allocations);
}

void FakeDaemon::ChangeAllocation(v1::Allocation allocation) {
  std::lock_guard<std::mutex> lock(mutex_);
  allocation_changes_.push_back(std::move(allocation));
}

void FakeDaemon::EndWatches(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  end_of_watches_ = std::move(status);
}

void FakeDaemon::SetMetrics(v1::Metrics metrics) {
  std::lock_guard<std::mutex> lock(mutex_);
  metrics_ = std::move(metrics);
}

std::vector<v1::Receipt> FakeDaemon::WaitForReceipts(size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return receipts_.size() >= count; });
  return receipts_;
}

std::vector<std::string> FakeDaemon::WaitForReleases(size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return releases_.size() >= count; });
  return releases_;
}

std::vector<v1::AllocateBuffersRequest> FakeDaemon::requests() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

std::vector<std::string> FakeDaemon::labels() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return labels_;
}

int FakeDaemon::sessions_opened() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return sessions_opened_;
}

std::vector<std::string> FakeDaemon::watched() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return watched_;
}

int FakeDaemon::open_watches() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return open_watches_;
}

std::vector<std::string> FakeDaemon::admin_calls() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return admin_calls_;
}

bool FakeDaemon::WaitUntil(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    // Conditions of the operating system tell nobody when they come true.
    poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace dmaheap
