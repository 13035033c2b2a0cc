#include "daemon/keeper/account.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "proto/errno_status.h"

namespace dmaheap {
namespace {

// (uid_t)-1 means "leave it as it is" to setresuid(2).
constexpr uid_t kNoUid = static_cast<uid_t>(-1);

// More than any entry of an account database takes; glibc asks for 1 KiB.
constexpr size_t kEntryBytes = 65536;

// Absent: no such account. lookup is getpwnam_r or getpwuid_r with its key bound.
template <typename Lookup>
absl::StatusOr<absl::optional<Account>> Find(absl::string_view what, Lookup lookup) {
  std::vector<char> text(kEntryBytes);
  passwd entry;
  passwd* found = nullptr;
  const int error = lookup(&entry, text.data(), text.size(), &found);
  if (found != nullptr) {
    return Account{.name = found->pw_name, .uid = found->pw_uid, .gid = found->pw_gid};
  }
  // getpwnam(3): these mean "not found" in one C library or another.
  if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) {
    return absl::optional<Account>();
  }
  return ErrnoStatus(error, absl::StrCat("looking up account \"", absl::CHexEscape(what), "\""));
}

absl::StatusOr<absl::optional<Account>> FindByName(absl::string_view name) {
  const std::string key(name);
  return Find(name, [&](auto... args) { return getpwnam_r(key.c_str(), args...); });
}

absl::StatusOr<absl::optional<Account>> FindByUid(uid_t uid) {
  return Find(absl::StrCat(uid), [&](auto... args) { return getpwuid_r(uid, args...); });
}

// As useradd(8) wants it.
constexpr absl::string_view kRemedy =
    "create it (useradd --system --no-create-home --shell /usr/sbin/nologin dmaheapd), or name "
    "another one with --user";

absl::StatusOr<Account> FindGiven(absl::string_view user) {
  absl::StatusOr<absl::optional<Account>> named = FindByName(user);
  if (!named.ok()) return named.status();
  if (named->has_value()) return **named;
  uid_t uid = 0;
  if (!absl::SimpleAtoi(user, &uid) || uid == kNoUid) {
    return absl::NotFoundError(absl::StrCat("--user \"", absl::CHexEscape(user),
                                            "\" is no account of this machine; ", kRemedy));
  }
  absl::StatusOr<absl::optional<Account>> numbered = FindByUid(uid);
  if (!numbered.ok()) return numbered.status();
  if (numbered->has_value()) return **numbered;
  return Account{.name = absl::StrCat(uid), .uid = uid, .gid = static_cast<gid_t>(uid)};
}

}  // namespace

absl::StatusOr<Account> ResolveAccount(absl::string_view user, uid_t euid) {
  if (!user.empty()) {
    absl::StatusOr<Account> account = FindGiven(user);
    if (!account.ok()) return account;
    account->change = account->uid != euid;
    if (account->change && euid != 0) {
      return absl::PermissionDeniedError(
          absl::StrCat("--user ", account->name, " is uid ", account->uid,
                       ", and only root can change to it; this is uid ", euid,
                       ". Start as root, or without --user"));
    }
    if (!account->change) account->gid = getegid();
    return account;
  }
  if (euid == 0) {
    absl::StatusOr<absl::optional<Account>> account = FindByName(kDefaultAccount);
    if (!account.ok()) return account.status();
    if (!account->has_value()) {
      return absl::FailedPreconditionError(
          absl::StrCat("started as root, but there is no account ", kDefaultAccount,
                       " for the processes that serve clients: ", kRemedy));
    }
    (*account)->change = (*account)->uid != euid;
    return **account;
  }
  absl::StatusOr<absl::optional<Account>> own = FindByUid(euid);
  if (own.ok() && own->has_value()) {
    (*own)->gid = getegid();
    return **own;
  }
  return Account{.name = absl::StrCat(euid), .uid = euid, .gid = getegid()};
}

}  // namespace dmaheap
