// What the keeper hands to a broker: fds, by name, through systemd's socket activation protocol
// (sd_listen_fds(3)).
//
//   rpc, fd, admin   listening sockets
//   heap.NAME        an opened node of /dev/dma_heap
//   drm.NAME         an opened DRM card, for the heap of that name
//   udmabuf          /dev/udmabuf, for simulated heaps
//   prober           the broker's end of the prober's socket
//   sync.N           the folder on which the Nth file system of --sync-filesystem (from 0) is
//                    mounted
//   barrier          the broker's end of the keeper's socket for barriers
//   watch.dmabuf     the watches of an earlier broker (heaps/buffer_watch.h)
//   watch.memfd
//   buffer.KEY       a held buffer of an earlier broker

#ifndef DAEMON_HANDOVER_INHERITANCE_H_
#define DAEMON_HANDOVER_INHERITANCE_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "heaps/buffer.h"
#include "heaps/node_scan.h"
#include "proto/unique_fd.h"

namespace dmaheap {

inline constexpr absl::string_view kDmaBufWatchName = "watch.dmabuf";
inline constexpr absl::string_view kMemfdWatchName = "watch.memfd";
inline constexpr absl::string_view kUdmabufName = "udmabuf";

// Invalid where nothing of that name came.
struct Inheritance {
  UniqueFd rpc_listener;
  UniqueFd fd_listener;
  UniqueFd admin_listener;
  std::vector<HeapNode> heap_nodes;
  std::vector<HeapNode> drm_cards;
  UniqueFd udmabuf;
  // By their place on the command line.
  std::map<size_t, UniqueFd> filesystems;
  UniqueFd prober;
  UniqueFd barrier;
  UniqueFd dma_buf_watch;
  UniqueFd memfd_watch;
  std::map<BufferKey, UniqueFd> held_buffers;
};

// Sorts fds into their places. Closes what has no known name, and the second of a name.
Inheritance SortInheritance(std::vector<std::pair<std::string, UniqueFd>> fds);

// Takes what this process was started with. FAILED_PRECONDITION without the three listening
// sockets: a broker is started by the keeper, not by hand.
absl::StatusOr<Inheritance> TakeInheritance();

}  // namespace dmaheap

#endif  // DAEMON_HANDOVER_INHERITANCE_H_
