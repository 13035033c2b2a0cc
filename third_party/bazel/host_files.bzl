"""host_files: the files of srcs, built in the configuration of tools.

What takes minutes and is the same in every configuration is built once for all of them: its output
has one path, so sanitizers, release and the rest find one entry in the cache.
"""

def _impl(ctx):
    files = depset(ctx.files.srcs)
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files))]

host_files = rule(
    implementation = _impl,
    attrs = {"srcs": attr.label_list(allow_files = True, cfg = "host", mandatory = True)},
)
