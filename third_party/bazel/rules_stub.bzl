"""Stand-ins for @rules_cc, @rules_java and @remote_coverage_tools.

Bazel 4's built-in WORKSPACE suffix would download them. Debian's bazel-rules-cc is no substitute:
it is too new for Debian's Bazel, whose toolchain_utils.bzl has no use_cpp_toolchain. Bazel's own
@bazel_tools needs no more of them than the native rules under their names.
"""

_CC = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "objc_import",
    "objc_library",
]

_JAVA = [
    "java_binary",
    "java_import",
    "java_library",
    "java_plugin",
    "java_proto_library",
    "java_runtime",
    "java_test",
    "java_toolchain",
]

def _rules_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    for package, rules in [("cc", _CC), ("java", _JAVA)]:
        ctx.file(package + "/BUILD", "")
        ctx.file(package + "/defs.bzl", "".join(["%s = native.%s\n" % (r, r) for r in rules]))

rules_stub = repository_rule(implementation = _rules_impl)

def _coverage_impl(ctx):
    # Every test depends on this label; only `bazel coverage` would run it.
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("lcov_merger.sh", "#!/bin/sh\nexit 0\n", executable = True)
    ctx.file("BUILD", "\n".join([
        "package(default_visibility = [\"//visibility:public\"])",
        "sh_binary(name = \"coverage_report_generator\", srcs = [\"lcov_merger.sh\"])",
        "",
    ]))

coverage_stub = repository_rule(implementation = _coverage_impl)
