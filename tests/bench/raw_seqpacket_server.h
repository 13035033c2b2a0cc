// The least that any broker can do: a memfd for a datagram, on a thread that does nothing else.

#ifndef TESTS_BENCH_RAW_SEQPACKET_SERVER_H_
#define TESTS_BENCH_RAW_SEQPACKET_SERVER_H_

#include <string>

#include "absl/status/status.h"

namespace dmaheap::bench {

// The life of a child process: serves one connection at path after the other until the parent ends.
// A request is a size (raw_seqpacket_client.h), its answer a datagram with a new memfd of it.
absl::Status RunRawSeqpacketServer(const std::string& path);

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_RAW_SEQPACKET_SERVER_H_
