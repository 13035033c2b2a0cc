#include "daemon/config/text_outline.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "daemon/config/nearest_name.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace dmaheap {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::Tokenizer;

// The schema is four messages deep.
constexpr size_t kMaxDepth = 16;
// What a tab reaches to in the columns of protobuf's tokenizer.
constexpr int kTabWidth = 8;

TextPlace PlaceOf(const Tokenizer::Token& token) { return {token.line + 1, token.column + 1}; }
TextPlace EndOf(const Tokenizer::Token& token) { return {token.line + 1, token.end_column + 1}; }

class CollectLexicalErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    absl::string_view what = message;
    absl::ConsumeSuffix(&what, ".");
    errors.push_back({{line + 1, column + 1}, "", std::string(what)});
  }

  std::vector<TextProblem> errors;
};

// As it was written, in one pair of quotes.
std::string Shown(const Tokenizer::Token& token, bool negative = false) {
  absl::string_view text = token.text;
  if (token.type == Tokenizer::TYPE_STRING && text.size() >= 2) {
    text = text.substr(1, text.size() - 2);
  }
  return Quoted(absl::StrCat(negative ? "-" : "", text));
}

std::vector<std::string> FieldNames(const Descriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->field_count(); ++i) names.push_back(type->field(i)->name());
  return names;
}

std::vector<std::string> ValueNames(const EnumDescriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->value_count(); ++i) {
    // The zero value is there for the wire alone.
    if (type->value(i)->number() != 0) names.push_back(type->value(i)->name());
  }
  return names;
}

std::string Suggestion(absl::string_view name, const std::vector<std::string>& names) {
  const auto nearest = NearestName(name, names);
  return nearest.has_value() ? absl::StrCat("did you mean ", *nearest, "?")
                             : absl::StrCat("there are ", absl::StrJoin(names, ", "));
}

// An integer that may be at most this much above zero, and least below (0 for unsigned).
std::string WrongInteger(const Tokenizer::Token& token, bool negative, uint64_t above,
                         uint64_t below) {
  if (token.type != Tokenizer::TYPE_INTEGER) {
    return absl::StrCat("expected a whole number, found ", Shown(token, negative));
  }
  uint64_t value = 0;
  if (Tokenizer::ParseInteger(token.text, negative ? below : above, &value)) return "";
  return absl::StrCat(Shown(token, negative), " is out of range; from ", below == 0 ? "" : "-",
                      below, " to ", above);
}

bool IsWord(const Tokenizer::Token& token, std::initializer_list<absl::string_view> words) {
  return std::find(words.begin(), words.end(), token.text) != words.end();
}

std::string WrongMessageValue(const FieldDescriptor* field, const Tokenizer::Token& token) {
  if (field->message_type()->full_name() == "google.protobuf.Duration") {
    return absl::StrCat("expected { seconds: ... nanos: ... }, found ", Shown(token));
  }
  return absl::StrCat("expected { ... }, found ", Shown(token));
}

// What is wrong with a value for field; empty if nothing is.
std::string WrongValue(const FieldDescriptor* field, const Tokenizer::Token& token, bool negative) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return WrongInteger(token, negative, std::numeric_limits<int32_t>::max(), uint64_t{1} << 31);
    case FieldDescriptor::CPPTYPE_INT64:
      return WrongInteger(token, negative, std::numeric_limits<int64_t>::max(), uint64_t{1} << 63);
    case FieldDescriptor::CPPTYPE_UINT32:
      return WrongInteger(token, negative, std::numeric_limits<uint32_t>::max(), 0);
    case FieldDescriptor::CPPTYPE_UINT64:
      return WrongInteger(token, negative, std::numeric_limits<uint64_t>::max(), 0);
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT: {
      if (token.type == Tokenizer::TYPE_FLOAT || token.type == Tokenizer::TYPE_INTEGER) return "";
      const std::string word = absl::AsciiStrToLower(token.text);
      if (word == "inf" || word == "infinity" || word == "nan") return "";
      return absl::StrCat("expected a number, found ", Shown(token));
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!negative && IsWord(token, {"true", "True", "t", "1", "false", "False", "f", "0"})) {
        return "";
      }
      return absl::StrCat("expected true or false, found ", Shown(token));
    case FieldDescriptor::CPPTYPE_ENUM: {
      if (token.type == Tokenizer::TYPE_INTEGER) {
        return WrongInteger(token, negative, std::numeric_limits<int32_t>::max(),
                            uint64_t{1} << 31);
      }
      const EnumDescriptor* type = field->enum_type();
      if (token.type == Tokenizer::TYPE_IDENTIFIER &&
          type->FindValueByName(token.text) != nullptr) {
        return "";
      }
      return absl::StrCat("there is no ", type->name(), " ", Shown(token), "; ",
                          Suggestion(token.text, ValueNames(type)));
    }
    case FieldDescriptor::CPPTYPE_STRING:
      if (token.type == Tokenizer::TYPE_STRING && !negative) return "";
      return absl::StrCat("expected a text in quotes, found ", Shown(token));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return WrongMessageValue(field, token);
  }
  return "";
}

absl::string_view HarmlessValue(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return "\"\"";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "{}";
    default:
      return "0";
  }
}

// Byte offsets of places in a text.
class Offsets {
 public:
  explicit Offsets(absl::string_view text) : text_(text) {
    line_starts_.push_back(0);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  size_t Of(TextPlace place) const {
    const size_t line = static_cast<size_t>(place.line) - 1;
    if (line >= line_starts_.size()) return text_.size();
    size_t offset = line_starts_[line];
    for (int column = 1; column < place.column && offset < text_.size(); ++offset) {
      if (text_[offset] == '\n') break;
      column += text_[offset] == '\t' ? kTabWidth - (column - 1) % kTabWidth : 1;
    }
    return offset;
  }

 private:
  absl::string_view text_;
  std::vector<size_t> line_starts_;
};

}  // namespace

// Walks the tokens with a stack of open messages and lists. What it does not understand is a syntax
// error, which the parser reports: it stops there.
class TextOutline::Scanner {
 public:
  Scanner(absl::string_view text, const Descriptor* type, TextOutline& outline)
      : outline_(outline),
        input_(text.data(), static_cast<int>(text.size())),
        tokenizer_(&input_, &lexical_),
        text_(text) {
    tokenizer_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokenizer_.set_allow_f_after_float(true);
    open_.push_back({.path = "", .type = type});
  }

  void Run() {
    Next();
    while (current().type != Tokenizer::TYPE_END && Step()) {
    }
    // The parser may understand more than Step: the rest is asked for its depth.
    while (current().type != Tokenizer::TYPE_END) Next();
    outline_.can_be_parsed_ = lexical_.errors.empty() && !too_deep_;
    for (TextProblem& error : lexical_.errors) {
      error.path = outline_.PathAt(error.place);
      outline_.problems_.push_back(std::move(error));
    }
    std::stable_sort(outline_.problems_.begin(), outline_.problems_.end(),
                     [](const TextProblem& a, const TextProblem& b) { return a.place < b.place; });
    Mend();
  }

 private:
  struct Open {
    // Of the message, or of the list's elements without their index.
    std::string path = {};
    // Null in what is not known.
    const Descriptor* type = nullptr;
    // Set in a list: its field, and the index of the next element in the message around it.
    bool is_list = false;
    const FieldDescriptor* list_field = nullptr;
    std::string list_name = {};
    // How often each field was there.
    absl::flat_hash_map<std::string, int> seen = {};
    // Where each singular one was first.
    absl::flat_hash_map<std::string, TextPlace> first = {};
  };
  struct Replaced {
    TextPlace begin;
    TextPlace end;
    absl::string_view value;
  };

  const Tokenizer::Token& current() { return tokenizer_.current(); }
  bool Is(absl::string_view text) { return current().text == text; }

  void Next() {
    tokenizer_.Next();
    if (Is("{") || Is("<") || Is("[")) {
      if (++depth_ > kMaxDepth && !too_deep_) TooDeep();
    } else if ((Is("}") || Is(">") || Is("]")) && depth_ > 0) {
      --depth_;
    }
  }

  void TooDeep() {
    too_deep_ = true;
    outline_.problems_.push_back(
        {.place = PlaceOf(current()),
         .path = open_.back().path,
         .what =
             absl::StrCat("more than ", kMaxDepth, " levels of nesting; no policy needs them")});
  }

  bool Step() { return open_.back().is_list ? StepInList() : StepInMessage(); }

  bool StepInMessage() {
    if (Is(",") || Is(";")) return Advance();
    if (Is("}") || Is(">")) return Close();
    const Tokenizer::Token name = current();
    if (name.type != Tokenizer::TYPE_IDENTIFIER) return false;
    Next();
    const FieldDescriptor* field = Look(name);
    if (Is(":")) Next();
    const bool is_list = Is("[");
    const std::string path = NewField(name.text, field, PlaceOf(name), is_list);
    if (is_list)
      return Push({.path = path, .is_list = true, .list_field = field, .list_name = name.text});
    return Value(path, field);
  }

  bool StepInList() {
    if (Is(",")) return Advance();
    if (Is("]")) return Close();
    Open& list = open_.back();
    const FieldDescriptor* field = list.list_field;
    std::string path = list.path;
    if (field != nullptr && field->is_repeated()) {
      absl::StrAppend(&path, "[", open_[open_.size() - 2].seen[list.list_name]++, "]");
      outline_.places_.emplace(path, PlaceOf(current()));
      Within(PlaceOf(current()), path);
    }
    return Value(path, field);
  }

  bool Advance() {
    Next();
    return true;
  }

  bool Close() {
    if (open_.size() == 1) return false;
    open_.pop_back();
    Within(EndOf(current()), open_.back().path);
    return Advance();
  }

  // Null for a name that the message does not have, which is a problem, and for all names in an
  // unknown message, which are not.
  const FieldDescriptor* Look(const Tokenizer::Token& name) {
    const Descriptor* type = open_.back().type;
    if (type == nullptr) return nullptr;
    const FieldDescriptor* field = type->FindFieldByName(name.text);
    if (field == nullptr) {
      outline_.problems_.push_back(
          {.place = PlaceOf(name),
           .path = Below(name.text.substr(0, 64)),
           .what = absl::StrCat(type->name(), " has no field ", Quoted(name.text), "; ",
                                Suggestion(name.text, FieldNames(type))),
           .hides_field = true});
    }
    return field;
  }

  std::string Below(absl::string_view name) const {
    const std::string& parent = open_.back().path;
    return parent.empty() ? std::string(name) : absl::StrCat(parent, ".", name);
  }

  // Places a field and reports a second one of what may be there once. The elements of a list in
  // brackets get their places as they come.
  std::string NewField(const std::string& name, const FieldDescriptor* field, TextPlace place,
                       bool is_list) {
    Open& open = open_.back();
    if (field == nullptr) {
      Within(place, Below(name.substr(0, 64)));
      return open.path;
    }
    std::string path = Below(name);
    outline_.places_.emplace(path, place);
    if (field->is_repeated()) {
      if (!is_list) {
        absl::StrAppend(&path, "[", open.seen[name]++, "]");
        outline_.places_.emplace(path, place);
      }
    } else if (const auto [it, fresh] = open.first.emplace(name, place); !fresh) {
      outline_.problems_.push_back(
          {.place = place,
           .path = path,
           .what = absl::StrCat("is given twice; keep this or the one in line ", it->second.line)});
    }
    Within(place, path);
    return path;
  }

  bool Value(const std::string& path, const FieldDescriptor* field) {
    if (Is("{") || Is("<")) {
      return Push({.path = path, .type = field == nullptr ? nullptr : field->message_type()});
    }
    const Tokenizer::Token start = current();
    const bool negative = Is("-");
    if (negative) Next();
    const Tokenizer::Token value = current();
    // Neither a value nor part of one: a syntax error.
    if (value.type == Tokenizer::TYPE_SYMBOL || value.type == Tokenizer::TYPE_END) return false;
    Tokenizer::Token end = value;
    Next();
    // Texts beside each other are one.
    while (value.type == Tokenizer::TYPE_STRING && current().type == Tokenizer::TYPE_STRING) {
      end = current();
      Next();
    }
    if (field != nullptr) {
      const std::string wrong = WrongValue(field, value, negative);
      if (!wrong.empty()) {
        outline_.problems_.push_back({.place = PlaceOf(start), .path = path, .what = wrong});
        replaced_.push_back({PlaceOf(start), EndOf(end), HarmlessValue(field)});
      }
    }
    Within(EndOf(end), open_.back().path);
    return true;
  }

  bool Push(Open open) {
    if (too_deep_) return false;
    open_.push_back(std::move(open));
    return Advance();
  }

  void Within(TextPlace place, const std::string& path) {
    outline_.within_.emplace_back(place, path);
  }

  void Mend() {
    const Offsets offsets(text_);
    size_t done = 0;
    for (const auto& [begin, end, value] : replaced_) {
      const size_t from = offsets.Of(begin);
      const size_t to = std::max(offsets.Of(end), from);
      absl::StrAppend(&outline_.mended_text_, text_.substr(done, from - done), value);
      // What follows stays where it was, for the places in what the parser says.
      for (size_t i = from + value.size(); i < to; ++i) {
        outline_.mended_text_.push_back(text_[i] == '\n' ? '\n' : ' ');
      }
      done = to;
    }
    absl::StrAppend(&outline_.mended_text_, text_.substr(done));
  }

  TextOutline& outline_;
  CollectLexicalErrors lexical_;
  google::protobuf::io::ArrayInputStream input_;
  Tokenizer tokenizer_;
  absl::string_view text_;
  std::vector<Open> open_;
  std::vector<Replaced> replaced_;
  size_t depth_ = 0;
  bool too_deep_ = false;
};

TextOutline TextOutline::Of(absl::string_view text, const Descriptor* type) {
  TextOutline outline;
  Scanner(text, type, outline).Run();
  return outline;
}

TextPlace TextOutline::Find(absl::string_view path) const {
  while (true) {
    const auto it = places_.find(path);
    if (it != places_.end()) return it->second;
    const size_t end = path.find_last_of(".[");
    if (end == absl::string_view::npos) return {};
    path = path.substr(0, end);
  }
}

std::string TextOutline::PathAt(TextPlace place) const {
  auto it = std::upper_bound(within_.begin(), within_.end(), place,
                             [](TextPlace a, const auto& entry) { return a < entry.first; });
  return it == within_.begin() ? "" : std::prev(it)->second;
}

std::string Quoted(absl::string_view text, size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  return absl::StrCat("\"", absl::CEscape(text.substr(0, max_bytes)), cut ? "..." : "", "\"");
}

}  // namespace dmaheap
