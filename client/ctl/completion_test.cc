#include "client/ctl/completion.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "client/ctl/arguments.h"
#include "gtest/gtest.h"

namespace dmaheap::ctl {
namespace {

// What a real bash offers for a line whose last word is the one at the cursor.
std::string BashOffers(const std::string& line) {
  char path[] = "/tmp/completion_XXXXXX";
  const int fd = mkstemp(path);
  EXPECT_GE(fd, 0);
  close(fd);
  std::ofstream script(path);
  // Stands for the program that the script asks for heaps and reservations.
  script << "dmaheapctl() { case $2 in\n"
         << "heaps) printf 'heaps/reserved\\nheaps/system\\n' ;;\n"
         << "reservations) printf 'reservations/7\\nreservations/8\\n' ;;\nesac; }\n"
         << CompletionScript("bash", CommandLineWords()) << "COMP_WORDS=(" << line
         << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_dmaheapctl\necho \"${COMPREPLY[*]}\"\n";
  script.close();
  FILE* bash = popen(("bash --norc " + std::string(path) + " 2>&1").c_str(), "r");
  std::string offers;
  for (int c = fgetc(bash); c != EOF; c = fgetc(bash)) offers.push_back(static_cast<char>(c));
  EXPECT_EQ(pclose(bash), 0) << offers;
  unlink(path);
  return offers;
}

TEST(CompletionTest, BashOffersTheVerbsFirst) {
  EXPECT_EQ(BashOffers("dmaheapctl re"), "release reserve reload\n");
  EXPECT_EQ(BashOffers("dmaheapctl --socket-dir /s ho"), "hold\n");
}

TEST(CompletionTest, BashOffersWhatStandsBehindAVerb) {
  EXPECT_EQ(BashOffers("dmaheapctl get ''"),
            "heaps buffers clients allocations reservations diagnoses pinners evidence metrics "
            "--help --all --watch "
            "--help "
            "--version --socket-dir --output --timeout\n");
  EXPECT_EQ(BashOffers("dmaheapctl log-level w"), "warn\n");
  EXPECT_EQ(BashOffers("dmaheapctl policy c"), "check\n");
  EXPECT_EQ(BashOffers("dmaheapctl hold --le"), "--lease\n");
}

TEST(CompletionTest, BashOffersTheDaemonsHeaps) {
  EXPECT_EQ(BashOffers("dmaheapctl alloc s"), "system\n");
}

TEST(CompletionTest, BashOffersTheCallersReservations) {
  EXPECT_EQ(BashOffers("dmaheapctl release reserv"), "reservations/7 reservations/8\n");
  EXPECT_EQ(BashOffers("dmaheapctl alloc --reservation ''"), "reservations/7 reservations/8\n");
  EXPECT_EQ(BashOffers("dmaheapctl describe reserv"), "reservation/\n");
  EXPECT_EQ(BashOffers("dmaheapctl reserve reserved 4k 2 --refill"), "--refill-below\n");
}

TEST(CompletionTest, BashOffersFormatsBehindTheOption) {
  EXPECT_EQ(BashOffers("dmaheapctl get heaps -o ''"), "table wide json name\n");
}

TEST(CompletionTest, BashOffersPrioritiesBehindTheOption) {
  EXPECT_EQ(BashOffers("dmaheapctl alloc reserved 4k --priority ''"), "low normal high\n");
}

TEST(CompletionTest, BashOffersNoWordOfOursToACommand) {
  EXPECT_EQ(BashOffers("dmaheapctl alloc reserved 4k -- ho"), "\n");
}

constexpr char kHeapNames[] =
    "$(dmaheapctl get heaps -o name --timeout 1s 2>/dev/null | cut -d/ -f2-)";
constexpr char kReservationNames[] =
    "$(dmaheapctl get reservations -o name --timeout 1s 2>/dev/null)";

CompletionWords SmallWords() {
  CompletionWords words;
  words.options = {"--help", "--output"};
  words.formats = {"table", "json"};
  words.priorities = {"low", "high"};
  words.verbs = {{"get", "List", {"--all"}, {"heaps"}, false},
                 {"alloc", "It's", {"--priority", "--reservation"}, {}, true},
                 {"release", "Free", {}, {}, false, true},
                 {"policy", "Check", {}, {"check"}, false, false, true}};
  return words;
}

TEST(CompletionTest, TheZshScriptIsThis) {
  EXPECT_EQ(CompletionScript("zsh", SmallWords()),
            std::string("#compdef dmaheapctl\n"
                        "# zsh completion of dmaheapctl: source <(dmaheapctl completion zsh)\n"
                        "_dmaheapctl_words() {\n"
                        "  local previous=$1 verb= word\n"
                        "  shift\n"
                        "  found=\n"
                        "  for word in \"$@\"; do\n"
                        "    case $word in\n"
                        "      --) return ;;\n"
                        "      get|alloc|release|policy) [ -n \"$verb\" ] || verb=$word ;;\n"
                        "    esac\n"
                        "  done\n"
                        "  case $previous in\n"
                        "    -o|--output) found=\"table json\"; return ;;\n"
                        "    --priority) found=\"low high\"; return ;;\n"
                        "    --reservation) found=\"") +
                kReservationNames +
                "\"; return ;;\n"
                "  esac\n"
                "  case $verb in\n"
                "    '') found=\"get alloc release policy\" ;;\n"
                "    get) found=\"heaps --all\" ;;\n"
                "    alloc) found=\"--priority --reservation " +
                kHeapNames +
                "\" ;;\n"
                "    release) found=\"" +
                kReservationNames +
                "\" ;;\n"
                "    policy) found=\"check\" ;;\n"
                "  esac\n"
                "  found=\"$found --help --output\"\n"
                "}\n"
                "_dmaheapctl() {\n"
                "  local found\n"
                "  _dmaheapctl_words \"${words[CURRENT-1]}\" \"${(@)words[2,CURRENT-1]}\"\n"
                "  compadd -- ${=found}\n"
                "  (( ${words[(I)policy]} )) && _files\n"
                "}\n"
                "compdef _dmaheapctl dmaheapctl\n");
}

TEST(CompletionTest, TheFishScriptIsThis) {
  EXPECT_EQ(CompletionScript("fish", SmallWords()),
            std::string("# fish completion of dmaheapctl: dmaheapctl completion fish | source\n"
                        "complete -c dmaheapctl -f\n"
                        "complete -c dmaheapctl -s o -l output -x -a 'table json'\n"
                        "complete -c dmaheapctl -l help\n"
                        "complete -c dmaheapctl -n __fish_use_subcommand -a get -d 'List'\n"
                        "complete -c dmaheapctl -n '__fish_seen_subcommand_from get' -a 'heaps'\n"
                        "complete -c dmaheapctl -n '__fish_seen_subcommand_from get' -l all\n"
                        "complete -c dmaheapctl -n __fish_use_subcommand -a alloc -d 'It\\'s'\n"
                        "complete -c dmaheapctl -n '__fish_seen_subcommand_from alloc' -l priority "
                        "-x -a 'low high'\n"
                        "complete -c dmaheapctl -n '__fish_seen_subcommand_from alloc' "
                        "-l reservation -x -a '") +
                (kReservationNames + 1) +
                "'\n"
                "complete -c dmaheapctl -n '__fish_seen_subcommand_from alloc' -a '" +
                (kHeapNames + 1) +
                "'\n"
                "complete -c dmaheapctl -n __fish_use_subcommand -a release -d 'Free'\n"
                "complete -c dmaheapctl -n '__fish_seen_subcommand_from release' -a '" +
                (kReservationNames + 1) +
                "'\n"
                "complete -c dmaheapctl -n __fish_use_subcommand -a policy -d 'Check'\n"
                "complete -c dmaheapctl -n '__fish_seen_subcommand_from policy' -a 'check'\n"
                "complete -c dmaheapctl -n '__fish_seen_subcommand_from policy' -F\n");
}

TEST(CompletionTest, AnotherShellHasNone) { EXPECT_EQ(CompletionScript("csh", SmallWords()), ""); }

}  // namespace
}  // namespace dmaheap::ctl
