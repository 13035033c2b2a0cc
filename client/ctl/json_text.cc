#include "client/ctl/json_text.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace dmaheap::ctl {

namespace {

absl::StatusOr<std::string> Json(const google::protobuf::Message& message, JsonFields fields,
                                 bool whitespace) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = whitespace;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = fields == JsonFields::kWhole;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("can not write ", message.GetTypeName(),
                                            " as JSON: ", std::string(status.message())));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message, JsonFields fields) {
  return Json(message, fields, /*whitespace=*/true);
}

absl::StatusOr<std::string> JsonLine(const google::protobuf::Message& message) {
  absl::StatusOr<std::string> text = Json(message, JsonFields::kWhole, /*whitespace=*/false);
  if (text.ok()) text->push_back('\n');
  return text;
}

}  // namespace dmaheap::ctl
