// Numbers that both ends of the wire must agree on, each with its reason.

#ifndef PROTO_WIRE_H_
#define PROTO_WIRE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace dmaheap {

// Wire versions of the fd channel that this tree speaks (fd_channel.proto says the rule).
inline constexpr int kMinWireVersion = 1;
inline constexpr int kMaxWireVersion = 2;
// The first with GiveBack.
inline constexpr int kGiveBackWireVersion = 2;

// The version of daemon and library.
inline constexpr absl::string_view kVersion = "0.1.0";

// Un-acknowledged fds of one session, and so the most buffers of one request. Twice a frame: a
// camera asks for 4 to 16 buffers of one stream, and a second stream's may be on their way.
inline constexpr int kFdWindow = 32;

// Fds in one datagram. The kernel takes 253 (SCM_MAX_FD); a smaller frame keeps the part that is
// lost small when a receiver runs out of fds midway.
inline constexpr int kMaxFdsPerFrame = 16;

// One message on the fd channel. A frame of 16 entries with the longest names takes 2 KiB; a
// Refusal with its details 2 KiB.
inline constexpr size_t kMaxDatagramBytes = 8192;

// Name of a buffer: the kernel's DMA_BUF_NAME_LEN is 32 with the terminator (linux/dma-buf.h).
inline constexpr size_t kMaxLabelBytes = 31;

// Free text of a client: its own label, a request_id. Room for a UUID and a prefix.
inline constexpr size_t kMaxClientTextBytes = 64;

// Hexadecimal digits of a session id and of a claim token: 128 bits from getrandom(2).
inline constexpr size_t kSecretHexDigits = 32;

// A policy file: a rule takes about 100 bytes, so this is room for 10,000 of them.
inline constexpr size_t kMaxPolicyBytes = 1 << 20;

// Error domain of google.rpc.ErrorInfo.
inline constexpr absl::string_view kErrorDomain = "dmaheap.v1";

// File names of the sockets below the socket folder.
inline constexpr absl::string_view kDefaultSocketDir = "/run/dmaheapd";
inline constexpr absl::string_view kRpcSocketName = "rpc.sock";
inline constexpr absl::string_view kFdSocketName = "fd.sock";
inline constexpr absl::string_view kAdminSocketName = "admin.sock";

}  // namespace dmaheap

#endif  // PROTO_WIRE_H_
