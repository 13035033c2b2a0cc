// Secrets that name things: session ids and claim tokens.

#ifndef DAEMON_CORE_SECRET_H_
#define DAEMON_CORE_SECRET_H_

#include <string>

#include "absl/strings/string_view.h"

namespace dmaheap {

// 128 bits of getrandom(2) as kSecretHexDigits lower-case hexadecimal digits.
std::string NewSecret();

// Takes the same time wherever the two differ.
bool SecretsEqual(absl::string_view a, absl::string_view b);

}  // namespace dmaheap

#endif  // DAEMON_CORE_SECRET_H_
