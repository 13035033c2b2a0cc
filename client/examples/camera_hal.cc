// An example HAL: six 4K camera frames from the daemon, one of them handed to a second process.
//
//   camera_hal [--pause] [HEAP]
//
// Everything it knows of dmaheapd is in client/dmaheap.h. It says each step on standard output and
// ends with 0 only if every byte was what it had to be.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/dmaheap.h"
#include "proto/errno_status.h"
#include "proto/fd_socket.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// A frame of a 4K camera in NV12: a plane of one byte for each pixel, below it one of half as many
// rows in which two pixels of two rows share their colour.
constexpr int kWidth = 3840;
constexpr int kHeight = 2160;
constexpr int kRows = kHeight * 3 / 2;
constexpr int64_t kFrameBytes = int64_t{kWidth} * kRows;

// A camera pipeline commonly has one frame with the sensor, one with the processor, one on the
// screen, and as many on their way.
constexpr int kFrames = 6;

// The frame that goes to the second process: neither the first nor the last.
constexpr int kHandedFrame = 3;

// The socket of the second process, after the three that every process has.
constexpr int kReceiverSocket = 3;

// Far above what a look at 12 MB takes, on a busy machine and under a sanitizer too.
constexpr timeval kPeerTimeout = {.tv_sec = 30, .tv_usec = 0};

// The longest message between the two: a text of one line.
constexpr size_t kMaxMessageBytes = 256;

constexpr int kExitUsage = 2;

// What the camera "sees": no two rows, no two frames alike.
uint8_t Pixel(int frame, int row, int column) {
  return static_cast<uint8_t>(column + row * 7 + (row >> 5) + frame * 37);
}

void Fill(uint8_t* pixels, int frame) {
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kWidth; ++column) *pixels++ = Pixel(frame, row, column);
  }
}

absl::Status CheckFilled(const uint8_t* pixels, int frame) {
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kWidth; ++column, ++pixels) {
      if (*pixels == Pixel(frame, row, column)) continue;
      return absl::DataLossError(absl::StrCat("frame ", frame, ", row ", row, ", column ", column,
                                              " is ", *pixels, " and not ",
                                              Pixel(frame, row, column)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckZeroed(const uint8_t* bytes, int64_t size_bytes) {
  const uint8_t* end = bytes + size_bytes;
  const uint8_t* found = std::find_if(bytes, end, [](uint8_t byte) { return byte != 0; });
  if (found == end) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("new memory is not zeroed: byte ", found - bytes, " is ", *found));
}

absl::Status CheckCloseOnExec(int fd) {
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0) return ErrnoStatus(errno, "fcntl(F_GETFD)");
  if ((flags & FD_CLOEXEC) == 0) {
    return absl::FailedPreconditionError(absl::StrCat("fd ", fd, " is not O_CLOEXEC"));
  }
  return absl::OkStatus();
}

// Looks at the new frame, writes it and reads it back, as a camera without a sensor would.
absl::Status TakePicture(const Buffer& buffer, int frame) {
  if (absl::Status status = CheckCloseOnExec(buffer.fd()); !status.ok()) return status;
  absl::StatusOr<Mapping> mapping = buffer.Map(CpuAccess::kReadWrite);
  if (!mapping.ok()) return mapping.status();
  uint8_t* bytes = static_cast<uint8_t*>(mapping->data());

  if (absl::Status status = mapping->BeginCpuAccess(CpuAccess::kReadWrite); !status.ok()) {
    return status;
  }
  absl::Status checked = CheckZeroed(bytes, mapping->size_bytes());
  Fill(bytes, frame);
  if (absl::Status status = mapping->EndCpuAccess(CpuAccess::kReadWrite); !status.ok()) {
    return status;
  }

  if (absl::Status status = mapping->BeginCpuAccess(CpuAccess::kRead); !status.ok()) return status;
  checked.Update(CheckFilled(bytes, frame));
  checked.Update(mapping->EndCpuAccess(CpuAccess::kRead));
  return checked;
}

// ---- The second process ----

// Both processes look with the CPU and no device writes, so their caches agree without a sync.
absl::Status CheckForeignFrame(int fd, int frame) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "fstat of the frame");
  if (info.st_size < kFrameBytes) {
    return absl::DataLossError(absl::StrCat("the frame has ", info.st_size, " bytes"));
  }
  void* data = mmap(nullptr, kFrameBytes, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "mmap of the frame");
  absl::Status status = CheckFilled(static_cast<const uint8_t*>(data), frame);
  munmap(data, kFrameBytes);
  return status;
}

absl::Status ReceiveAndCheck(int socket) {
  absl::StatusOr<Datagram> message = ReceiveDatagram(socket, kMaxMessageBytes, 1);
  if (!message.ok()) return message.status();
  absl::string_view text = message->bytes;
  int frame = 0;
  if (!absl::ConsumePrefix(&text, "frame ") || !absl::SimpleAtoi(text, &frame) ||
      message->fds.size() != 1 || message->fds_truncated) {
    return absl::DataLossError(
        absl::StrCat("got \"", message->bytes, "\" with ", message->fds.size(), " fds"));
  }
  return CheckForeignFrame(message->fds[0].get(), frame);
}

int ReceiverMain() {
  const absl::Status checked = ReceiveAndCheck(kReceiverSocket);
  const std::string answer = checked.ok()
                                 ? absl::StrCat("all ", kFrameBytes, " bytes are right")
                                 : std::string(checked.message().substr(0, kMaxMessageBytes));
  const absl::Status sent = SendDatagram(kReceiverSocket, answer, {});
  return checked.ok() && sent.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

// ---- The camera ----

struct Receiver {
  pid_t pid = -1;
  UniqueFd socket;
};

// posix_spawn, as the library has threads: between fork() and exec() little is allowed then.
absl::StatusOr<Receiver> StartReceiver() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  Receiver receiver;
  receiver.socket = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  if (setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &kPeerTimeout, sizeof(kPeerTimeout)) != 0) {
    return ErrnoStatus(errno, "setsockopt(SO_RCVTIMEO)");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), kReceiverSocket);
  std::string name = "camera_hal";
  std::string receive = "--receive";
  char* words[] = {name.data(), receive.data(), nullptr};
  const int error = posix_spawn(&receiver.pid, "/proc/self/exe", &actions, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "posix_spawn of the second process");
  return receiver;
}

absl::StatusOr<std::string> SendFrame(const Receiver& receiver, const Buffer& buffer, int frame) {
  const int fds[] = {buffer.fd()};
  if (absl::Status status = SendDatagram(receiver.socket.get(), absl::StrCat("frame ", frame), fds);
      !status.ok()) {
    return status;
  }
  absl::StatusOr<Datagram> answer = ReceiveDatagram(receiver.socket.get(), kMaxMessageBytes, 0);
  if (!answer.ok()) return answer.status();
  if (answer->end_of_stream) return absl::DataLossError("the second process gave no answer");
  return answer->bytes;
}

absl::Status HandOver(const Buffer& buffer, int frame) {
  absl::StatusOr<Receiver> receiver = StartReceiver();
  if (!receiver.ok()) return receiver.status();
  absl::StatusOr<std::string> answer = SendFrame(*receiver, buffer, frame);
  if (!answer.ok()) kill(receiver->pid, SIGKILL);
  int how = 0;
  if (waitpid(receiver->pid, &how, 0) < 0) return ErrnoStatus(errno, "waitpid");
  if (!answer.ok()) return answer.status();
  printf("  frame %d to process %d, which says: %s\n", frame, receiver->pid, answer->c_str());
  if (!WIFEXITED(how) || WEXITSTATUS(how) != EXIT_SUCCESS) {
    return absl::DataLossError(absl::StrCat("the second process: ", *answer));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FirstHeap(Client& client) {
  absl::StatusOr<std::vector<HeapInfo>> heaps = client.ListHeaps();
  if (!heaps.ok()) return heaps.status();
  if (heaps->empty()) return absl::NotFoundError("the daemon has no heap for this user");
  return heaps->front().name;
}

absl::Status CheckReceipt(const std::vector<Buffer>& frames) {
  if (frames.size() != kFrames) {
    return absl::DataLossError(absl::StrCat("asked for ", kFrames, " frames, got ", frames.size()));
  }
  for (const Buffer& frame : frames) {
    if (frame.size_bytes() < kFrameBytes) {
      return absl::DataLossError(
          absl::StrCat(frame.name(), " has only ", frame.size_bytes(), " bytes"));
    }
  }
  return absl::OkStatus();
}

void WaitForLine() {
  printf("holding\n");
  int c = 0;
  do c = getchar();
  while (c != EOF && c != '\n');
}

absl::Status Run(std::string heap, bool pause) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect({.label = "camera_hal"});
  if (!client.ok()) return client.status();
  printf("connected to dmaheapd %s\n", (*client)->server_version().c_str());
  if (heap.empty()) {
    absl::StatusOr<std::string> first = FirstHeap(**client);
    if (!first.ok()) return first.status();
    heap = *std::move(first);
  }

  absl::StatusOr<std::vector<Buffer>> frames = (*client)->AllocateMany(
      {.heap = heap, .size_bytes = kFrameBytes, .label = "camera-frame"}, kFrames);
  if (!frames.ok()) return frames.status();
  if (absl::Status status = CheckReceipt(*frames); !status.ok()) return status;
  const Buffer& one = frames->front();
  printf("got %d frames of %dx%d NV12 in one request: %lld bytes each, %s memory of %s\n", kFrames,
         kWidth, kHeight, static_cast<long long>(one.size_bytes()),
         std::string(ContiguityName(one.contiguity())).c_str(), one.heap().c_str());

  for (int i = 0; i < kFrames; ++i) {
    if (absl::Status status = TakePicture((*frames)[i], i); !status.ok()) return status;
    printf("  frame %d: fd %d, %s: came zeroed, close-on-exec; filled and read back\n", i,
           (*frames)[i].fd(), (*frames)[i].name().c_str());
  }
  if (absl::Status status = HandOver((*frames)[kHandedFrame], kHandedFrame); !status.ok()) {
    return status;
  }

  if (pause) WaitForLine();
  frames->clear();
  printf("released %d frames\n", kFrames);
  return absl::OkStatus();
}

int CameraMain(const std::string& heap, bool pause) {
  const absl::Status status = Run(heap, pause);
  if (status.ok()) return EXIT_SUCCESS;
  const std::string reason = ErrorReasonName(status);
  fprintf(stderr, "camera_hal: %s%s%s: %s\n", absl::StatusCodeToString(status.code()).c_str(),
          reason.empty() ? "" : " ", reason.c_str(), std::string(status.message()).c_str());
  return EXIT_FAILURE;
}

int Main(int argc, char** argv) {
  // A line is seen when it is said, also through a pipe.
  setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string heap;
  bool pause = false;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--receive" && argc == 2) return ReceiverMain();
    if (word == "--pause") {
      pause = true;
    } else if (!word.empty() && word[0] != '-' && heap.empty()) {
      heap = std::string(word);
    } else {
      fprintf(stderr,
              "usage: camera_hal [--pause] [HEAP]\n"
              "  --pause  wait for a line on standard input before the frames are released\n"
              "  HEAP     name or alias; default: the first that the daemon lists\n");
      return kExitUsage;
    }
  }
  return CameraMain(heap, pause);
}

}  // namespace
}  // namespace dmaheap

int main(int argc, char** argv) { return dmaheap::Main(argc, argv); }
