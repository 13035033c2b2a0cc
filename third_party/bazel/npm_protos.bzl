"""Interface definitions that Debian does not package, taken from pinned npm packages.

third_party/fetch_protos (run by ./dev) puts them under ~/.cache/dmaheapd/protos and checks their
sums; the build itself only links them in and never downloads.
"""

# path inside the cache -> import path, which is also the path clients see by reflection
_FILES = [
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "grpc/health/v1/health.proto",
]

def _impl(ctx):
    # ./dev sets DMAHEAPD_CACHE where HOME can not be written.
    cache = ctx.os.environ.get("DMAHEAPD_CACHE", ctx.os.environ.get("HOME", "/root") + "/.cache/dmaheapd")
    root = cache + "/protos"
    for f in _FILES:
        if not ctx.path(root + "/" + f).exists:
            fail("%s/%s is missing. Run third_party/fetch_protos (every verb of ./dev does)." % (root, f))
        ctx.symlink(root + "/" + f, f)
    ctx.file("BUILD.bazel", "exports_files(%r, visibility = [\"//visibility:public\"])\n" % _FILES)

npm_protos = repository_rule(
    implementation = _impl,
    local = True,
    environ = ["DMAHEAPD_CACHE", "HOME"],
)
