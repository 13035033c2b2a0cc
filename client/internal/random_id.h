// Random numbers of the kernel, for ids that nobody else picks. Thread-safe.

#ifndef CLIENT_INTERNAL_RANDOM_ID_H_
#define CLIENT_INTERNAL_RANDOM_ID_H_

#include <cstdint>
#include <string>

namespace dmaheap::client_internal {

// 64 bits.
uint64_t RandomNumber();

// 128 bits as 32 hexadecimal digits.
std::string RandomId();

}  // namespace dmaheap::client_internal

#endif  // CLIENT_INTERNAL_RANDOM_ID_H_
