// Where each field stands in a text-format file, and what is wrong with the names and values in it.
//
// protobuf's parser stops at the first wrong value and forgets where list elements stood. This
// reads the tokens beside it: it places every field by its path, reports every unknown name,
// doubled field and value of a wrong type, and mends such values so that the parser can go on. Pure
// functions of their arguments; a hostile text costs time linear in its length and no recursion.

#ifndef DAEMON_CONFIG_TEXT_OUTLINE_H_
#define DAEMON_CONFIG_TEXT_OUTLINE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace dmaheap {

// Both from 1; a column is a byte, a tab reaches to the next multiple of 8, as in compilers'
// messages.
struct TextPlace {
  int line = 1;
  int column = 1;

  friend auto operator<=>(const TextPlace& a, const TextPlace& b) = default;
};

struct TextProblem {
  TextPlace place;
  // "access[1].who.uids[0]"; empty for the file itself.
  std::string path;
  std::string what;
  // The message that has the wrong name or value misses a field for that reason alone.
  bool hides_field = false;
};

class TextOutline {
 public:
  // type is the message that the whole text describes.
  static TextOutline Of(absl::string_view text, const google::protobuf::Descriptor* type);

  // Where the field of that path stands, or else the innermost message around it that is there.
  TextPlace Find(absl::string_view path) const;

  // The path of the innermost field around a place.
  std::string PathAt(TextPlace place) const;

  // In the order of the text.
  const std::vector<TextProblem>& problems() const { return problems_; }

  // False where the parser must not have the text: nested deeper than any policy, as the parser
  // recurses, or with lexical errors, as its tokenizer then may see other tokens than were seen
  // here.
  bool can_be_parsed() const { return can_be_parsed_; }

  // The text with a harmless value in the place of each wrong one, on the same lines.
  const std::string& mended_text() const { return mended_text_; }

 private:
  class Scanner;

  absl::flat_hash_map<std::string, TextPlace> places_;
  // From this place on, until the next, one is within that path. Ascending.
  std::vector<std::pair<TextPlace, std::string>> within_;
  std::vector<TextProblem> problems_;
  bool can_be_parsed_ = false;
  std::string mended_text_;
};

// "..." with what cannot be printed escaped, cut after max_bytes: for messages about foreign text.
std::string Quoted(absl::string_view text, size_t max_bytes = 64);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_TEXT_OUTLINE_H_
