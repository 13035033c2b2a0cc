// The client's end of the fd channel, against a daemon that sends whatever it likes: the caller
// gets a whole batch or an error, and no fd leaks. The input is datagrams, each behind its length,
// of which the highest bits say how many fds go with it.

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client/internal/fd_session.h"
#include "dmaheap/v1/fd_channel.pb.h"
#include "proto/fd_channel.h"
#include "proto/fd_socket.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seqpacket_pair.h"

namespace dmaheap::fuzz {
namespace {

using client_internal::Arrived;
using client_internal::Deadline;
using client_internal::DialedChannel;
using client_internal::FdSession;

constexpr int64_t kFdBytes = 4096;

struct Memory {
  Memory() : fd(memfd_create("fuzz", MFD_CLOEXEC)) {
    DEMAND(fd.valid() && ftruncate(fd.get(), kFdBytes) == 0);
    struct stat status;
    DEMAND(fstat(fd.get(), &status) == 0);
    inode = status.st_ino;
  }
  UniqueFd fd;
  uint64_t inode = 0;
};

// Inode and size as they are, where the entry says 1 and 1: no input can know them.
std::string WithTruth(absl::string_view bytes, const Memory& memory) {
  v1::ServerMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !message.has_buffers()) {
    return std::string(bytes);
  }
  for (v1::BufferEntry& entry : *message.mutable_buffers()->mutable_entries()) {
    if (entry.inode() != 1 || entry.size_bytes() != 1) continue;
    entry.set_inode(memory.inode);
    entry.set_size_bytes(kFdBytes);
  }
  return message.SerializeAsString();
}

void Run(Input input, const Memory& memory) {
  const Deadline now = Deadline::After(absl::ZeroDuration());
  SeqpacketPair channel;
  const UniqueFd daemon = std::move(channel.one);
  DialedChannel dialed;
  dialed.socket = std::move(channel.other);
  dialed.welcome.set_session_id("s");
  FdSession session(std::move(dialed), [](const v1::GiveBack&) {});
  for (const char* id : {"a", "b", "c"}) DEMAND(session.Expect(id));
  DEMAND(!session.Expect("a"));
  bool abandoned = false;
  while (!input.empty()) {
    const uint16_t length = input.Take<uint16_t>();
    const std::vector<int> fds(length >> 11, memory.fd.get());
    SendDatagram(daemon.get(), WithTruth(input.TakeBytes(length & 0x7ff), memory), fds)
        .IgnoreError();
    session.Drain();
    if (fds.size() == 31 && !std::exchange(abandoned, true)) session.Abandon("c");
  }
  for (int total = 1; total <= 2; ++total) {
    const std::string id = total == 1 ? "a" : "b";
    const auto batch = session.Take(id, 1, total, now);
    if (!batch.ok()) continue;
    DEMAND(batch->size() == static_cast<size_t>(total));
    for (const Arrived& part : *batch) {
      DEMAND(part.fd.valid() && part.entry.inode() == memory.inode);
      DEMAND(part.entry.size_bytes() == kFdBytes);
    }
  }
  if (const auto batch = session.TakeAtEnd("c", now); batch.has_value()) {
    for (const Arrived& part : *batch) DEMAND(part.fd.valid());
  }
  session.GiveUpAbandoned();
  // What the client says meanwhile, the daemon understands.
  while (true) {
    const auto said = ReceiveFromClient(daemon.get());
    if (!said.ok()) {
      DEMAND(!absl::IsInvalidArgument(said.status()));
      break;
    }
    DEMAND(said->has_receipt() || said->has_release());
    if (said->has_receipt()) DEMAND(said->receipt().received() >= 0);
  }
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const dmaheap::fuzz::Memory memory;
  const int before = dmaheap::fuzz::NextFd();
  dmaheap::fuzz::Run(dmaheap::fuzz::Input(data, size), memory);
  DEMAND(dmaheap::fuzz::NextFd() == before);
  return 0;
}
