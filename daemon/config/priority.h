// Whose request is next, where several wait for one heap.

#ifndef DAEMON_CONFIG_PRIORITY_H_
#define DAEMON_CONFIG_PRIORITY_H_

namespace dmaheap {

// Compares as it says.
enum class Priority { kLow, kNormal, kHigh };

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_PRIORITY_H_
