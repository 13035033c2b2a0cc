// A client of the daemon that does what a test tells it, line by line on standard input, and
// answers each command with one line on standard output:
//
//   connect                       ok CLIENT_VERSION | error REASON TEXT
//   alloc HEAP SIZE COUNT         ok NAME... | error REASON TEXT
//   allocid ID HEAP SIZE COUNT    the same, with a request_id
//   wait HEAP SIZE COUNT          the same as alloc, for as long as it takes
//   check NAME                    ok if it is zeroed and O_CLOEXEC
//   touch NAME                    ok: writes every page
//   closefd NAME                  ok: only close(2), as any C program would
//   release NAME                  ok: drops the Buffer, which also tells the daemon
//   send NAME                     ok: passes the fd over the socket that is fd 3
//   hold HEAP SIZE COUNT LEASE_MS ok TOKEN NAME...
//   claim NAME TOKEN              ok NAME
//   storm HEAP SIZE N             ok GRANTED REFUSED: N allocations, all kept
//   reserve HEAP SIZE COUNT LEASE_MS ok RESERVATION
//   draw RESERVATION COUNT        ok READY NAME...: so many of them had been ready
//   booked RESERVATION            ok READY DRAWN REFILLS CLIENT, which is - if nobody keeps it
//   unreserve RESERVATION         ok
//
// Started as root with --uid=N it first becomes that user.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/dmaheap.h"
#include "proto/fd_socket.h"
#include "tests/e2e/agent_main.h"

namespace dmaheap {
namespace {

constexpr int kHandOverSocket = 3;

class Agent {
 public:
  explicit Agent(std::string socket_dir) : socket_dir_(std::move(socket_dir)) {}

  std::string Do(std::istringstream words) {
    std::string verb;
    words >> verb;
    if (verb == "connect") return Connect();
    if (client_ == nullptr) return "error - not connected";
    if (verb == "alloc") return Allocate(words, "");
    if (verb == "wait") return Allocate(words, "", absl::InfiniteDuration());
    if (verb == "allocid") {
      std::string id;
      words >> id;
      return Allocate(words, id);
    }
    if (verb == "hold") return Hold(words);
    if (verb == "claim") return Claim(words);
    if (verb == "storm") return Storm(words);
    if (verb == "reserve") return Reserve(words);
    if (verb == "draw") return Draw(words);
    if (verb == "booked") return Booked(words);
    if (verb == "unreserve") return Unreserve(words);
    std::string name;
    words >> name;
    const auto it = buffers_.find(name);
    if (it == buffers_.end()) return absl::StrCat("error - no buffer ", name);
    if (verb == "check") return Check(it->second);
    if (verb == "touch") return Touch(it->second);
    if (verb == "closefd") {
      close(it->second.TakeFd());
      buffers_.erase(it);
      return "ok";
    }
    if (verb == "release") {
      buffers_.erase(it);
      return "ok";
    }
    if (verb == "send") {
      const absl::Status status = SendDatagram(kHandOverSocket, "fd", {it->second.fd()});
      return status.ok() ? "ok" : absl::StrCat("error - ", status.message());
    }
    return absl::StrCat("error - unknown command ", verb);
  }

 private:
  static std::string Failure(const absl::Status& status) {
    std::string reason(ErrorReasonName(status));
    if (reason.empty()) reason = "-";
    return absl::StrCat("error ", reason, " ",
                        absl::StrReplaceAll(status.message(), {{"\n", " "}}));
  }

  std::string Connect() {
    auto client = Client::Connect({.socket_dir = socket_dir_, .label = "agent"});
    if (!client.ok()) return Failure(client.status());
    client_ = *std::move(client);
    return absl::StrCat("ok ", client_->server_version());
  }

  std::string Keep(std::vector<Buffer> buffers) {
    std::string answer = "ok";
    for (Buffer& buffer : buffers) {
      absl::StrAppend(&answer, " ", buffer.name());
      const std::string name = buffer.name();
      buffers_.emplace(name, std::move(buffer));
    }
    return answer;
  }

  std::string Allocate(std::istringstream& words, const std::string& request_id,
                       absl::Duration deadline = AllocateOptions().deadline) {
    AllocateOptions options;
    options.deadline = deadline;
    int count = 1;
    words >> options.heap >> options.size_bytes >> count;
    options.request_id = request_id;
    auto buffers = client_->AllocateMany(options, count);
    if (!buffers.ok()) return Failure(buffers.status());
    return Keep(*std::move(buffers));
  }

  std::string Storm(std::istringstream& words) {
    AllocateOptions options;
    int count = 0, granted = 0, refused = 0;
    words >> options.heap >> options.size_bytes >> count;
    for (int i = 0; i < count; ++i) {
      auto buffer = client_->Allocate(options);
      if (buffer.ok()) {
        ++granted;
        const std::string name = buffer->name();
        buffers_.emplace(name, *std::move(buffer));
      } else {
        ++refused;
      }
    }
    return absl::StrCat("ok ", granted, " ", refused);
  }

  std::string Hold(std::istringstream& words) {
    HoldOptions options;
    int64_t lease_ms = 0;
    words >> options.heap >> options.size_bytes >> options.count >> lease_ms;
    options.lease = absl::Milliseconds(lease_ms);
    auto held = client_->Hold(options);
    if (!held.ok()) return Failure(held.status());
    std::string answer = absl::StrCat("ok ", held->claim_token);
    for (const BufferInfo& buffer : held->buffers) absl::StrAppend(&answer, " ", buffer.name);
    return answer;
  }

  std::string Claim(std::istringstream& words) {
    ClaimOptions options;
    words >> options.name >> options.token;
    auto buffer = client_->Claim(options);
    if (!buffer.ok()) return Failure(buffer.status());
    std::vector<Buffer> one;
    one.push_back(*std::move(buffer));
    return Keep(std::move(one));
  }

  std::string Reserve(std::istringstream& words) {
    ReserveOptions options;
    int64_t lease_ms = 0;
    words >> options.heap >> options.size_bytes >> options.count >> lease_ms;
    options.lease = absl::Milliseconds(lease_ms);
    const auto booked = client_->Reserve(options);
    if (!booked.ok()) return Failure(booked.status());
    return absl::StrCat("ok ", booked->name);
  }

  std::string Draw(std::istringstream& words) {
    AllocateOptions options;
    int count = 0;
    words >> options.reservation >> count;
    auto buffers = client_->AllocateMany(options, count);
    if (!buffers.ok()) return Failure(buffers.status());
    const auto ready = std::count_if(buffers->begin(), buffers->end(),
                                     [](const Buffer& buffer) { return buffer.was_ready(); });
    const std::string kept = Keep(*std::move(buffers));
    return absl::StrCat("ok ", ready, kept.substr(2));
  }

  std::string Booked(std::istringstream& words) {
    std::string name;
    words >> name;
    const auto info = client_->GetReservation(name);
    if (!info.ok()) return Failure(info.status());
    return absl::StrCat("ok ", info->ready, " ", info->drawn, " ", info->refills, " ",
                        info->client.empty() ? "-" : info->client);
  }

  std::string Unreserve(std::istringstream& words) {
    std::string name;
    words >> name;
    const absl::Status status = client_->DeleteReservation(name);
    return status.ok() ? "ok" : Failure(status);
  }

  std::string Check(const Buffer& buffer) {
    if ((fcntl(buffer.fd(), F_GETFD) & FD_CLOEXEC) == 0) return "error - not O_CLOEXEC";
    auto mapping = buffer.Map(CpuAccess::kRead);
    if (!mapping.ok()) return Failure(mapping.status());
    const auto* bytes = static_cast<const char*>(mapping->data());
    if (std::any_of(bytes, bytes + mapping->size_bytes(), [](char byte) { return byte != 0; })) {
      return "error - not zeroed";
    }
    return "ok";
  }

  std::string Touch(const Buffer& buffer) {
    auto mapping = buffer.Map();
    if (!mapping.ok()) return Failure(mapping.status());
    auto* bytes = static_cast<char*>(mapping->data());
    std::fill(bytes, bytes + mapping->size_bytes(), 'x');
    return "ok";
  }

  const std::string socket_dir_;
  std::unique_ptr<Client> client_;
  std::map<std::string, Buffer> buffers_;
};

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) {
  std::unique_ptr<dmaheap::Agent> agent;
  return dmaheap::AgentMain(argc, argv,
                            [&](const std::string& socket_dir, std::istringstream words) {
                              if (agent == nullptr) {
                                agent = std::make_unique<dmaheap::Agent>(socket_dir);
                              }
                              return agent->Do(std::move(words));
                            });
}
