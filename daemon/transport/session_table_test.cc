#include "daemon/transport/session_table.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/limits.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/fd_channel.h"
#include "proto/fd_socket.h"
#include "proto/rpc_status.h"
#include "proto/testing/fd_leak_check.h"
#include "proto/wire.h"

namespace dmaheap {
namespace {

PeerIdentity Peer(uint32_t uid, const std::string& label = "") {
  PeerIdentity peer;
  peer.principal.uid = uid;
  peer.label = label;
  return peer;
}

class SessionTableTest : public FdLeakCheck {
 protected:
  void SetUp() override {
    FdLeakCheck::SetUp();
    loop_ = EventLoop::Create().value();
    thread_ = std::thread([this] { loop_->Run(); });
    Await([&] {
      table_ = std::make_unique<SessionTable>(
          *loop_, SessionTable::Callbacks{.on_gone = [this](uint64_t id) { gone_.push_back(id); },
                                          .on_release_hint = [this] { ++hints_; }});
    });
  }
  void TearDown() override {
    Await([&] { table_.reset(); });
    loop_->Stop();
    thread_.join();
    loop_.reset();
    FdLeakCheck::TearDown();
  }
  void Await(Task task) {
    std::promise<void> done;
    loop_->Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  // The client's end, which waits at most 5 s for a message.
  UniqueFd Connect(const PeerIdentity& peer = Peer(1000)) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    UniqueFd client(ends[0]);
    const timeval patience = {.tv_sec = 5, .tv_usec = 0};
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    Await([&] { table_->Add(UniqueFd(ends[1]), peer); });
    return client;
  }
  static void Send(const UniqueFd& client, const v1::ClientMessage& message) {
    // A daemon that refuses may have closed already.
    SendToServer(client.get(), message).IgnoreError();
  }
  static v1::ClientMessage Hello(int min = 1, int max = 1) {
    v1::ClientMessage message;
    message.mutable_hello()->set_min_wire_version(min);
    message.mutable_hello()->set_max_wire_version(max);
    return message;
  }
  static v1::ClientMessage Receipt(int64_t batch, int first, int received) {
    v1::ClientMessage message;
    message.mutable_receipt()->set_batch_id(batch);
    message.mutable_receipt()->set_first_index(first);
    message.mutable_receipt()->set_received(received);
    return message;
  }
  // A kind of message that a later version may have: field 15, empty.
  static v1::ClientMessage Unknown() {
    v1::ClientMessage message;
    EXPECT_TRUE(message.ParseFromString(std::string("\x7a\x00", 2)));
    return message;
  }
  v1::Welcome Greet(const UniqueFd& client) {
    Send(client, Hello());
    const auto frame = ReceiveFromServer(client.get());
    EXPECT_TRUE(frame.ok()) << frame.status();
    EXPECT_TRUE(frame.ok() && frame->message.has_welcome());
    return frame.ok() ? frame->message.welcome() : v1::Welcome();
  }
  // The reason of the Refusal that comes, and the end after it.
  static absl::Status RefusalOf(const UniqueFd& client) {
    absl::Status refusal = absl::OkStatus();
    while (true) {
      const auto frame = ReceiveFromServer(client.get());
      // Once, where the daemon closed with something of ours unread.
      if (GetErrno(frame.status()) == ECONNRESET) continue;
      if (!frame.ok()) {
        EXPECT_TRUE(absl::IsOutOfRange(frame.status())) << frame.status();
        return refusal;
      }
      if (frame->message.has_refusal()) {
        refusal = FromRpcStatus(frame->message.refusal().status());
      }
    }
  }
  std::shared_ptr<Session> SessionOf(const v1::Welcome& welcome) {
    std::shared_ptr<Session> session;
    Await([&] {
      const auto found = table_->Find(welcome.session_id(), Peer(1000));
      if (found.ok()) session = *found;
    });
    return session;
  }
  size_t Sessions() {
    size_t count = 0;
    Await([&] { count = table_->sessions().size(); });
    return count;
  }
  std::vector<uint64_t> Gone() {
    std::vector<uint64_t> gone;
    Await([&] { gone = gone_; });
    return gone;
  }
  int Hints() {
    int hints = 0;
    Await([&] { hints = hints_; });
    return hints;
  }
  // Returns when all that the client sent before was taken.
  void Settle(const UniqueFd& client, const v1::Welcome& welcome) {
    const auto session = SessionOf(welcome);
    ASSERT_NE(session, nullptr);
    v1::Buffers frame;
    frame.set_batch_id(1 << 20);
    frame.set_total(1);
    frame.add_entries();
    Await([&] {
      ASSERT_TRUE(session->ReserveSlots(1).ok());
      ASSERT_TRUE(session->Push(frame, {0}).ok());
    });
    ASSERT_TRUE(ReceiveFromServer(client.get()).ok());
    Send(client, Receipt(1 << 20, 0, 1));
    while (true) {
      int unread = 0;
      Await([&] { unread = session->unacknowledged(); });
      if (unread == 0) return;
      std::this_thread::yield();
    }
  }

  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
  std::unique_ptr<SessionTable> table_;
  std::vector<uint64_t> gone_;
  int hints_ = 0;
};

TEST_F(SessionTableTest, HelloIsAnsweredByWelcome) {
  const UniqueFd client = Connect();
  v1::ClientMessage hello = Hello(1, 9);
  hello.mutable_hello()->set_label("camera\n\x1b[31m" + std::string(100, 'x'));
  hello.mutable_hello()->set_library_version("0.1");
  Send(client, hello);

  const auto frame = ReceiveFromServer(client.get());

  ASSERT_TRUE(frame.ok()) << frame.status();
  const v1::Welcome& welcome = frame->message.welcome();
  EXPECT_EQ(welcome.wire_version(), kMaxWireVersion);
  EXPECT_EQ(welcome.session_id().size(), kSecretHexDigits);
  EXPECT_EQ(welcome.client(), "clients/1");
  EXPECT_EQ(welcome.window(), kFdWindow);
  EXPECT_EQ(welcome.server_version(), std::string(kVersion));
  const auto session = SessionOf(welcome);
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->label.substr(0, 12), "camera??[31m");
  EXPECT_EQ(session->label.size(), kMaxClientTextBytes);
  EXPECT_EQ(session->library_version, "0.1");
}

TEST_F(SessionTableTest, OnlyWhoSaidThatItMayBeAskedIsAskedToGiveBack) {
  v1::GiveBack question;
  question.set_heap("heaps/reserved");
  question.set_size_bytes(8192);
  const auto ask = [&](int max_version, bool gives_back, const UniqueFd& client) {
    v1::ClientMessage hello = Hello(1, max_version);
    hello.mutable_hello()->set_gives_back(gives_back);
    Send(client, hello);
    const auto welcome = ReceiveFromServer(client.get());
    EXPECT_TRUE(welcome.ok()) << welcome.status();
    const uint64_t id = SessionOf(welcome->message.welcome())->client_id();
    bool asked = false;
    Await([&] { asked = table_->AskGiveBack(id, question); });
    return asked;
  };
  const UniqueFd willing = Connect(), unwilling = Connect(), old = Connect();

  EXPECT_TRUE(ask(kMaxWireVersion, true, willing));
  EXPECT_FALSE(ask(kMaxWireVersion, false, unwilling));
  EXPECT_FALSE(ask(kGiveBackWireVersion - 1, true, old));

  const auto frame = ReceiveFromServer(willing.get());
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->message.give_back().heap(), "heaps/reserved");
  EXPECT_EQ(frame->message.give_back().size_bytes(), 8192);
}

TEST_F(SessionTableTest, NobodyIsAskedWhoIsNotThere) {
  bool asked = true;
  Await([&] { asked = table_->AskGiveBack(4711, v1::GiveBack()); });
  EXPECT_FALSE(asked);
}

TEST_F(SessionTableTest, WithoutAVersionInCommonTheClientLearnsWhichSideIsOld) {
  struct Row {
    int min;
    int max;
    const char* advice;
  };
  for (const Row& row : std::vector<Row>{{kMaxWireVersion + 1, 9, "update the daemon"},
                                         {0, 0, "update the library"},
                                         {0, 5, "update the library"},
                                         {-3, -1, "update the library"},
                                         {1, 0, "update the library"},
                                         {5, 1, "update the daemon"}}) {
    const UniqueFd client = Connect();
    Send(client, Hello(row.min, row.max));
    const absl::Status refusal = RefusalOf(client);
    EXPECT_EQ(GetReason(refusal), ErrorReason::WIRE_VERSION_UNSUPPORTED) << refusal;
    EXPECT_NE(refusal.message().find(row.advice), absl::string_view::npos) << refusal;
    EXPECT_EQ(GetErrorValue(refusal, "library_min_wire_version"), std::to_string(row.min));
  }
  EXPECT_EQ(Sessions(), 0u);
  EXPECT_TRUE(Gone().empty());  // there never was a session
}

TEST_F(SessionTableTest, OnlyTheSameUidAndLabelMayUseASessionId) {
  const UniqueFd client = Connect(Peer(1000, "u:r:hal"));
  const std::string id = Greet(client).session_id();
  Await([&] {
    EXPECT_TRUE(table_->Find(id, Peer(1000, "u:r:hal")).ok());
    for (const auto& status :
         {table_->Find(id, Peer(1001, "u:r:hal")).status(), table_->Find(id, Peer(1000)).status(),
          table_->Find("", Peer(1000, "u:r:hal")).status(),
          table_->Find(std::string(kSecretHexDigits, '0'), Peer(1000, "u:r:hal")).status()}) {
      EXPECT_EQ(GetReason(status), ErrorReason::SESSION_UNKNOWN) << status;
    }
  });
}

TEST_F(SessionTableTest, ASessionIdEndsWithItsConnection) {
  UniqueFd client = Connect();
  const v1::Welcome welcome = Greet(client);
  const auto session = SessionOf(welcome);
  client.Reset();
  while (Sessions() > 0) std::this_thread::yield();
  EXPECT_EQ(Gone(), std::vector<uint64_t>{1});
  EXPECT_EQ(SessionOf(welcome), nullptr);
  EXPECT_FALSE(session->alive());
}

TEST_F(SessionTableTest, AClientThatSendsAnFdIsEnded) {
  const UniqueFd client = Connect();
  Greet(client);
  v1::ClientMessage message;
  message.mutable_release()->add_names("buffers/1");
  ASSERT_TRUE(
      SendDatagram(client.get(), message.SerializeAsString(), std::vector<int>(253, client.get()))
          .ok());
  const absl::Status refusal = RefusalOf(client);
  EXPECT_TRUE(absl::IsInvalidArgument(refusal)) << refusal;
  EXPECT_EQ(Gone(), std::vector<uint64_t>{1});
  EXPECT_EQ(Hints(), 0);
}

TEST_F(SessionTableTest, EveryBreachEndsTheSessionWithAReason) {
  const std::vector<v1::ClientMessage> breaches = {
      Hello(),
      Receipt(1, 0, 1),
      Receipt(0, 0, 0),
      Unknown(),
  };
  for (size_t i = 0; i < breaches.size(); ++i) {
    const UniqueFd client = Connect();
    Greet(client);
    Send(client, breaches[i]);
    const absl::Status refusal = RefusalOf(client);
    EXPECT_TRUE(absl::IsInvalidArgument(refusal)) << i << " " << refusal;
    EXPECT_EQ(Gone().size(), i + 1);
  }
}

TEST_F(SessionTableTest, NothingButHelloComesFirst) {
  v1::ClientMessage release;
  release.mutable_release()->add_names("buffers/1");
  for (const v1::ClientMessage& message : {Receipt(1, 0, 1), release, Unknown()}) {
    const UniqueFd client = Connect();
    Send(client, message);
    EXPECT_TRUE(absl::IsInvalidArgument(RefusalOf(client)));
  }
  EXPECT_TRUE(Gone().empty());
  EXPECT_EQ(Hints(), 0);
}

TEST_F(SessionTableTest, RubbishEndsTheSession) {
  const UniqueFd client = Connect();
  Greet(client);
  ASSERT_TRUE(SendDatagram(client.get(), "\xff\xff\xff", {}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(RefusalOf(client)));
}

TEST_F(SessionTableTest, ADatagramThatIsTooLongEndsTheSession) {
  const UniqueFd client = Connect();
  Greet(client);
  ASSERT_TRUE(SendDatagram(client.get(), std::string(kMaxDatagramBytes + 1, '\0'), {}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(RefusalOf(client)));
}

TEST_F(SessionTableTest, AReceiptFreesTheWindow) {
  const UniqueFd client = Connect();
  const v1::Welcome welcome = Greet(client);
  Settle(client, welcome);
  EXPECT_EQ(Sessions(), 1u);
  EXPECT_EQ(Hints(), 0);
}

// A client acknowledges on one socket and asks for more on another: which is read first is chance.
TEST_F(SessionTableTest, ReadsTheReceiptsThatLieThereBeforeItRefusesSlots) {
  const UniqueFd client = Connect();
  const auto session = SessionOf(Greet(client));
  v1::Buffers frame;
  frame.set_total(1);
  frame.add_entries();
  Await([&] {
    ASSERT_TRUE(session->ReserveSlots(kFdWindow).ok());
    for (int i = 0; i < kFdWindow; ++i) {
      frame.set_batch_id(i);
      ASSERT_TRUE(session->Push(frame, {0}).ok());
      ASSERT_TRUE(ReceiveFromServer(client.get()).ok());
    }
    EXPECT_EQ(GetReason(session->ReserveSlots(1)), ErrorReason::FD_CHANNEL_FULL);
    for (int i = 0; i < kFdWindow; ++i) Send(client, Receipt(i, 0, 1));
    // No other task ran since.
    EXPECT_TRUE(session->ReserveSlots(kFdWindow).ok());
  });
}

TEST_F(SessionTableTest, ABreachThatIsFoundWhileSlotsAreReservedEndsTheSession) {
  const UniqueFd client = Connect();
  const auto session = SessionOf(Greet(client));
  Await([&] {
    Send(client, Receipt(1, 0, 1));
    EXPECT_EQ(GetReason(session->ReserveSlots(kFdWindow + 1)), ErrorReason::FD_CHANNEL_FULL);
    EXPECT_TRUE(session->alive());  // whoever reserves is in the middle of something
  });
  EXPECT_TRUE(absl::IsInvalidArgument(RefusalOf(client)));
  EXPECT_EQ(Gone(), std::vector<uint64_t>{1});
}

TEST_F(SessionTableTest, AReceiptThatSaysLessIsAHintThatMemoryEnded) {
  const UniqueFd client = Connect();
  const v1::Welcome welcome = Greet(client);
  const auto session = SessionOf(welcome);
  v1::Buffers frame;
  frame.set_batch_id(1);
  frame.set_total(2);
  frame.add_entries();
  frame.add_entries();
  Await([&] {
    ASSERT_TRUE(session->ReserveSlots(2).ok());
    ASSERT_TRUE(session->Push(frame, {0, 0}).ok());
  });
  ASSERT_TRUE(ReceiveFromServer(client.get()).ok());
  Send(client, Receipt(1, 0, 1));
  Settle(client, welcome);
  EXPECT_EQ(Hints(), 1);
}

TEST_F(SessionTableTest, AReleaseIsAHintAndABurstOfThemIsTakenWhole) {
  const UniqueFd client = Connect();
  const v1::Welcome welcome = Greet(client);
  v1::ClientMessage release;
  release.mutable_release()->add_names("buffers/1");
  for (int i = 0; i < 100; ++i) Send(client, release);  // more than one task takes
  Settle(client, welcome);
  EXPECT_EQ(Hints(), 100);
}

TEST_F(SessionTableTest, AUidHasSoManySessionsAndAnotherOneItsOwn) {
  std::vector<UniqueFd> clients;
  for (size_t i = 0; i < kMaxSessionsPerUid; ++i) {
    clients.push_back(Connect());
    Greet(clients.back());
  }
  const UniqueFd refused = Connect();
  const absl::Status refusal = RefusalOf(refused);
  EXPECT_EQ(GetReason(refusal), ErrorReason::SESSION_LIMIT);
  EXPECT_EQ(GetErrorValue(refusal, "sessions_of_uid"), std::to_string(kMaxSessionsPerUid));

  const UniqueFd other = Connect(Peer(2000));
  Greet(other);

  // One that ends makes room.
  clients.pop_back();
  while (Sessions() > kMaxSessionsPerUid) std::this_thread::yield();
  const UniqueFd again = Connect();
  Greet(again);
}

TEST_F(SessionTableTest, WhoStoodAtTheDoorLongestMakesRoom) {
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i < kMaxHandshakes; ++i) {
    silent.push_back(Connect(Peer(1000 + static_cast<uint32_t>(i))));
  }
  const UniqueFd taken = Connect(Peer(5000));
  EXPECT_EQ(GetReason(RefusalOf(silent.front())), ErrorReason::SESSION_LIMIT);
  Greet(taken);
  Greet(silent.back());
}

TEST_F(SessionTableTest, AUidThatFillsTheDoorKeepsNobodyOut) {
  const UniqueFd patient = Connect(Peer(2000));
  std::vector<UniqueFd> silent;
  for (size_t i = 0; i < kMaxHandshakes; ++i) silent.push_back(Connect(Peer(1000)));
  for (uint32_t uid = 3000; uid < 3010; ++uid) {
    const UniqueFd honest = Connect(Peer(uid));
    Greet(honest);
  }
  EXPECT_EQ(GetReason(RefusalOf(silent.front())), ErrorReason::SESSION_LIMIT);
  Greet(patient);
}

TEST_F(SessionTableTest, WhoHasSaidHelloDoesNotStandAtTheDoor) {
  std::vector<UniqueFd> clients;
  // All in one task: of no Hello is it known yet that it came.
  Await([&] {
    for (uint32_t i = 0; i < 2 * kMaxHandshakes; ++i) {
      int ends[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
      clients.emplace_back(ends[0]);
      Send(clients.back(), Hello());
      table_->Add(UniqueFd(ends[1]), Peer(1000 + i % 4));
    }
  });
  while (Sessions() < clients.size()) std::this_thread::yield();
  for (const UniqueFd& client : clients) {
    const auto frame = ReceiveFromServer(client.get());
    EXPECT_TRUE(frame.ok() && frame->message.has_welcome());
  }
}

TEST_F(SessionTableTest, AllTogetherHaveALimit) {
  std::vector<UniqueFd> clients;
  for (size_t i = 0; i < kMaxSessions; ++i) {
    clients.push_back(Connect(Peer(1000 + static_cast<uint32_t>(i / kMaxSessionsPerUid))));
    Greet(clients.back());
  }
  const UniqueFd refused = Connect(Peer(9000));
  EXPECT_EQ(GetReason(RefusalOf(refused)), ErrorReason::SESSION_LIMIT);
  EXPECT_EQ(Sessions(), kMaxSessions);
}

TEST_F(SessionTableTest, AnEndOfAllTellsEveryClientWhy) {
  const UniqueFd greeted = Connect();
  Greet(greeted);
  const UniqueFd silent = Connect();
  Await([&] { table_->EndAll(Error(ErrorReason::SHUTTING_DOWN, "down")); });
  EXPECT_EQ(GetReason(RefusalOf(greeted)), ErrorReason::SHUTTING_DOWN);
  EXPECT_EQ(GetReason(RefusalOf(silent)), ErrorReason::SHUTTING_DOWN);
  EXPECT_EQ(Gone(), std::vector<uint64_t>{1});
}

TEST_F(SessionTableTest, AClientNumberIsNeverUsedTwice) {
  for (int i = 1; i <= 3; ++i) {
    const UniqueFd client = Connect();
    EXPECT_EQ(Greet(client).client(), "clients/" + std::to_string(i));
  }
}

TEST_F(SessionTableTest, ClientsThatComeAndGoLeaveNothing) {
  for (int i = 0; i < 300; ++i) {
    UniqueFd client = Connect();
    if (i % 3 != 0) Send(client, Hello());
    if (i % 3 == 1) ReceiveFromServer(client.get()).status().IgnoreError();
    client.Reset();
    if (i % 16 == 0) {
      while (Sessions() > 0) std::this_thread::yield();
    }
  }
  while (Sessions() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace dmaheap
