"""@sys: libraries and code generators that come from the distribution's packages.

Each target is made from what pkg-config says of the package. Headers stand in the compiler's own
search path, so Bazel needs no include of them, but for the few that live in a folder of their own.
"""

# target -> pkg-config modules
_LIBS = {
    "absl_base": ["absl_base", "absl_cleanup"],
    "absl_containers": ["absl_flat_hash_map", "absl_flat_hash_set", "absl_inlined_vector", "absl_span"],
    "absl_functional": ["absl_any_invocable", "absl_function_ref"],
    "absl_random": ["absl_random_random", "absl_random_distributions"],
    "absl_status": ["absl_status", "absl_statusor"],
    "absl_strings": ["absl_strings", "absl_str_format", "absl_cord"],
    "absl_synchronization": ["absl_synchronization"],
    "absl_time": ["absl_time"],
    "benchmark": ["benchmark"],
    "drm": ["libdrm"],
    "gmock": ["gmock", "gtest"],
    "grpc": ["grpc++", "protobuf"],
    "gtest": ["gtest"],
    "gtest_main": ["gmock_main", "gmock", "gtest"],
    "libcap": ["libcap"],
    "libseccomp": ["libseccomp"],
    "libsystemd": ["libsystemd"],
    "nlohmann_json": ["nlohmann_json"],
    "protobuf": ["protobuf"],
    "spdlog": ["spdlog"],
}

# Installed without a .pc file, or header-only: target -> (linkopts, deps)
_EXTRA = {
    "cli11": ([], []),
    "grpc_reflection": (["-lgrpc++_reflection"], ["grpc"]),
}

_TOOLS = ["protoc", "grpc_cpp_plugin"]

# Archives for a shared library that hides gRPC in itself: put before the linker's own folders, they
# are what -lgrpc++ and -lgrpc find. gRPC without TLS is 4 MB smaller. Not here, because Debian
# builds them without -fPIC where they use thread-local variables: protobuf (arena.o), Abseil.
_STATIC_GRPC = {
    "libaddress_sorting.a": "libaddress_sorting.a",
    "libcares.a": "libcares.a",
    "libgpr.a": "libgpr.a",
    "libgrpc++.a": "libgrpc++_unsecure.a",
    "libgrpc.a": "libgrpc_unsecure.a",
    "libupb.a": "libupb.a",
}

def _pkg_config(ctx, exe, args):
    result = ctx.execute([exe] + args)
    if result.return_code != 0:
        fail("pkg-config %s failed: %s\nEvery verb of ./dev installs what third_party/packages.txt lists." %
             (" ".join(args), result.stderr))
    return [word for word in result.stdout.replace("\n", " ").split(" ") if word]

def _last_of_each(flags):
    """Keeps the last occurrence of each flag, which is right for the order of -l."""
    out = []
    seen = {}
    for flag in reversed(flags):
        # --push-state and --pop-state mean a place, not a flag; -latomic needs neither.
        if flag in seen or flag.startswith("-Wl,--push") or flag.startswith("-Wl,--pop"):
            continue
        seen[flag] = True
        out.append(flag)
    return reversed(out)

def _library(name, defines, includes, linkopts, deps):
    lines = ["cc_library(", "    name = %r," % name]
    if defines:
        lines.append("    defines = %r," % defines)
    if includes:
        lines.append("    hdrs = glob(%r)," % [d + "/**/*.h" for d in includes])
        lines.append("    includes = %r," % includes)
    lines.append("    linkopts = %r," % linkopts)
    lines.append("    deps = %r," % [":" + d for d in deps])
    lines.append(")\n")
    return "\n".join(lines)

def _impl(ctx):
    exe = ctx.which("pkg-config")
    if exe == None:
        fail("pkg-config is not installed. Every verb of ./dev installs what third_party/packages.txt lists.")
    body = ["package(default_visibility = [\"//visibility:public\"])\n"]
    for name, modules in _LIBS.items():
        cflags = _pkg_config(ctx, exe, ["--cflags"] + modules)
        includes = []
        for path in [f[2:] for f in cflags if f.startswith("-I")]:
            # As a link inside the repository, so that Bazel's include check knows the folder.
            link = name + "_include_" + path.split("/")[-1]
            ctx.symlink(path, link)
            includes.append(link)
        body.append(_library(
            name,
            [f[2:] for f in cflags if f.startswith("-D")],
            includes,
            _last_of_each(_pkg_config(ctx, exe, ["--libs"] + modules)),
            [],
        ))
    for name, (linkopts, deps) in _EXTRA.items():
        body.append(_library(name, [], [], linkopts, deps))
    for link, archive in _STATIC_GRPC.items():
        # The compiler knows the folder; gRPC's .pc files name another.
        path = ctx.execute(["gcc", "-print-file-name=" + archive]).stdout.strip()
        if not path.startswith("/"):
            fail("%s is not installed. Every verb of ./dev installs what third_party/packages.txt lists." % archive)
        ctx.symlink(path, "static_grpc/" + link)
    body.append("filegroup(name = \"static_grpc\", srcs = glob([\"static_grpc/*.a\"]))\n")

    # What the archives need of each other and of the system; last on the command line.
    body.append(_library("static_grpc_private", [], [], ["-laddress_sorting", "-lcares", "-lupb", "-lz"], []))
    for tool in _TOOLS:
        path = ctx.which(tool)
        if path == None:
            fail("%s is not installed. Every verb of ./dev installs what third_party/packages.txt lists." % tool)
        ctx.symlink(path, tool)
    body.append("exports_files(%r)\n" % _TOOLS)
    ctx.file("BUILD.bazel", "\n".join(body))

system_deps = repository_rule(
    implementation = _impl,
    local = True,  # looked at anew at each server start, never fetched
    environ = ["PKG_CONFIG_PATH", "PATH"],
)
