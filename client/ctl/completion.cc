#include "client/ctl/completion.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace dmaheap::ctl {
namespace {

// A short wait: a person who presses the tab key stands before it.
constexpr absl::string_view kHeapNames =
    "$(dmaheapctl get heaps -o name --timeout 1s 2>/dev/null | cut -d/ -f2-)";
constexpr absl::string_view kReservationNames =
    "$(dmaheapctl get reservations -o name --timeout 1s 2>/dev/null)";

constexpr absl::string_view kDiagnosisNames =
    "$(dmaheapctl get diagnoses -o name --timeout 1s 2>/dev/null)";

std::string VerbNames(const CompletionWords& words) {
  return absl::StrJoin(words.verbs, " ", [](std::string* out, const CompletionWords::Verb& verb) {
    absl::StrAppend(out, verb.name);
  });
}

std::string WordsBehind(const CompletionWords::Verb& verb) {
  std::vector<std::string> all = verb.values;
  all.insert(all.end(), verb.options.begin(), verb.options.end());
  if (verb.takes_heap) all.emplace_back(kHeapNames);
  if (verb.takes_reservation) all.emplace_back(kReservationNames);
  if (verb.takes_diagnosis) all.emplace_back(kDiagnosisNames);
  return absl::StrJoin(all, " ");
}

// The body that bash and zsh share: $1 is the word before the cursor, "${@:2}" all words up to it.
// Leaves the candidates in $words. Behind "--" stands a command of its own.
std::string Candidates(const CompletionWords& words) {
  std::string script = absl::StrCat(
      "_dmaheapctl_words() {\n"
      "  local previous=$1 verb= word\n"
      "  shift\n"
      "  words=\n"
      "  for word in \"$@\"; do\n"
      "    case $word in\n"
      "      --) return ;;\n"
      "      ",
      absl::StrReplaceAll(VerbNames(words), {{" ", "|"}}),
      ") [ -n \"$verb\" ] || verb=$word ;;\n"
      "    esac\n"
      "  done\n"
      "  case $previous in\n"
      "    -o|--output) words=\"",
      absl::StrJoin(words.formats, " "),
      "\"; return ;;\n"
      "    --priority) words=\"",
      absl::StrJoin(words.priorities, " "),
      "\"; return ;;\n"
      "    --reservation) words=\"",
      kReservationNames,
      "\"; return ;;\n"
      "  esac\n"
      "  case $verb in\n"
      "    '') words=\"",
      VerbNames(words), "\" ;;\n");
  for (const CompletionWords::Verb& verb : words.verbs) {
    absl::StrAppend(&script, "    ", verb.name, ") words=\"", WordsBehind(verb), "\" ;;\n");
  }
  absl::StrAppend(&script, "  esac\n  words=\"$words ", absl::StrJoin(words.options, " "),
                  "\"\n}\n");
  return script;
}

std::string Bash(const CompletionWords& words) {
  return absl::StrCat("# bash completion of dmaheapctl: source <(dmaheapctl completion bash)\n",
                      Candidates(words),
                      "_dmaheapctl() {\n"
                      "  local words\n"
                      "  _dmaheapctl_words \"${COMP_WORDS[COMP_CWORD-1]}\" "
                      "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
                      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                      "}\n"
                      "complete -o default -F _dmaheapctl dmaheapctl\n");
}

// Beside what is found: the verb may be any of the words, as options may stand before it.
std::string ZshFiles(const CompletionWords& words) {
  std::string script;
  for (const CompletionWords::Verb& verb : words.verbs) {
    if (verb.takes_file)
      absl::StrAppend(&script, "  (( ${words[(I)", verb.name, "]} )) && _files\n");
  }
  return script;
}

// In zsh `words` and `CURRENT` are the line being completed, so the line is handed over before a
// variable of that name is made.
std::string Zsh(const CompletionWords& words) {
  return absl::StrCat(
      "#compdef dmaheapctl\n",
      "# zsh completion of dmaheapctl: source <(dmaheapctl completion zsh)\n",
      absl::StrReplaceAll(Candidates(words), {{"words=", "found="}, {"$words", "$found"}}),
      "_dmaheapctl() {\n"
      "  local found\n"
      "  _dmaheapctl_words \"${words[CURRENT-1]}\" \"${(@)words[2,CURRENT-1]}\"\n"
      "  compadd -- ${=found}\n",
      ZshFiles(words),
      "}\n"
      "compdef _dmaheapctl dmaheapctl\n");
}

std::string Fish(const CompletionWords& words) {
  std::string script = absl::StrCat(
      "# fish completion of dmaheapctl: dmaheapctl completion fish | source\n"
      "complete -c dmaheapctl -f\n",
      "complete -c dmaheapctl -s o -l output -x -a '", absl::StrJoin(words.formats, " "), "'\n");
  for (const std::string& option : words.options) {
    if (option == "--output") continue;
    absl::StrAppend(&script, "complete -c dmaheapctl -l ", option.substr(2), "\n");
  }
  for (const CompletionWords::Verb& verb : words.verbs) {
    absl::StrAppend(&script, "complete -c dmaheapctl -n __fish_use_subcommand -a ", verb.name,
                    " -d '", absl::StrReplaceAll(verb.description, {{"'", "\\'"}}), "'\n");
    const std::string behind =
        absl::StrCat("complete -c dmaheapctl -n '__fish_seen_subcommand_from ", verb.name, "' ");
    if (!verb.values.empty()) {
      absl::StrAppend(&script, behind, "-a '", absl::StrJoin(verb.values, " "), "'\n");
    }
    for (const std::string& option : verb.options) {
      if (option == "--help") continue;
      absl::StrAppend(&script, behind, "-l ", option.substr(2));
      if (option == "--priority") {
        absl::StrAppend(&script, " -x -a '", absl::StrJoin(words.priorities, " "), "'");
      }
      if (option == "--reservation") {
        absl::StrAppend(&script, " -x -a '", kReservationNames.substr(1), "'");
      }
      absl::StrAppend(&script, "\n");
    }
    if (verb.takes_file) absl::StrAppend(&script, behind, "-F\n");
    if (verb.takes_heap) {
      absl::StrAppend(&script, behind, "-a '", kHeapNames.substr(1), "'\n");
    }
    if (verb.takes_reservation) {
      absl::StrAppend(&script, behind, "-a '", kReservationNames.substr(1), "'\n");
    }
    if (verb.takes_diagnosis) {
      absl::StrAppend(&script, behind, "-a '", kDiagnosisNames.substr(1), "'\n");
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(absl::string_view shell, const CompletionWords& words) {
  if (shell == "bash") return Bash(words);
  if (shell == "zsh") return Zsh(words);
  if (shell == "fish") return Fish(words);
  return "";
}

}  // namespace dmaheap::ctl
