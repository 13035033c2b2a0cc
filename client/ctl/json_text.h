// A message of the API as JSON. A pure function.

#ifndef CLIENT_CTL_JSON_TEXT_H_
#define CLIENT_CTL_JSON_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace dmaheap::ctl {

// The fields of the .proto by their own names, in the mapping of protobuf (64-bit numbers are
// strings), indented, with a newline at the end. kWhole shows fields at zero too, so that a script
// finds each; kKnown leaves them out, for messages of which only a part is known.
enum class JsonFields { kWhole, kKnown };
absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message, JsonFields fields);

// The same with all fields in one line, for messages that come one by one.
absl::StatusOr<std::string> JsonLine(const google::protobuf::Message& message);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_JSON_TEXT_H_
