// The daemon's sessions, against a client that sends whatever it likes: each ends with the client,
// and nothing is left of it. The input is datagrams, each behind its length; the highest bit of the
// length sends an fd with it.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/loop/event_loop.h"
#include "daemon/transport/session_table.h"
#include "proto/fd_channel.h"
#include "proto/fd_socket.h"
#include "proto/wire.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/seqpacket_pair.h"

namespace dmaheap::fuzz {
namespace {

// What the daemon answers. False at its end.
bool TakeAnswer(int socket, int& welcomes) {
  const auto frame = ReceiveFromServer(socket);
  if (!frame.ok()) return !absl::IsOutOfRange(frame.status()) && frame.status().raw_code() != 0;
  DEMAND(frame->fds.empty());
  if (frame->message.has_welcome()) {
    const v1::Welcome& welcome = frame->message.welcome();
    DEMAND(welcome.wire_version() >= kMinWireVersion && welcome.wire_version() <= kMaxWireVersion);
    DEMAND(welcome.session_id().size() == kSecretHexDigits);
    ++welcomes;
  } else {
    DEMAND(frame->message.has_refusal() && frame->message.refusal().status().code() != 0);
  }
  return true;
}

void Run(Input input) {
  const auto loop = EventLoop::Create().value();
  int gone = 0;
  int hints = 0;
  int welcomes = 0;
  SessionTable table(*loop,
                     {.on_gone = [&](uint64_t) { ++gone; }, .on_release_hint = [&] { ++hints; }});
  SeqpacketPair channel;
  const int client = channel.one.get();
  int sent = 0;
  while (!input.empty()) {
    const uint16_t length = input.Take<uint16_t>();
    const std::vector<int> fds(length >> 15, client);
    if (SendDatagram(client, input.TakeBytes(length & 0x7fff), fds).ok()) ++sent;
  }
  DEMAND(shutdown(client, SHUT_WR) == 0);
  // Until the daemon has closed its end.
  const auto watch = loop->Watch(client, EPOLLIN | EPOLLRDHUP, [&](uint32_t) {
    while (true) {
      const auto frame_there = TakeAnswer(client, welcomes);
      if (!frame_there) break;
      char byte;
      if (recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) return;
    }
    loop->Stop();
  });
  DEMAND(watch.ok());
  loop->Post([&] { table.Add(std::move(channel.other), PeerIdentity()); });
  loop->Run();
  loop->Post([&] { loop->Unwatch(*watch); });
  DEMAND(welcomes <= 1 && gone <= welcomes && hints <= sent);
  DEMAND(table.sessions().empty());
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dmaheap::fuzz::BeQuiet();
  const int before = dmaheap::fuzz::NextFd();
  dmaheap::fuzz::Run(dmaheap::fuzz::Input(data, size));
  DEMAND(dmaheap::fuzz::NextFd() == before);
  return 0;
}
