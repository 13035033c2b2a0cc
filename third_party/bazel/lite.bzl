"""lite: the same libraries, with messages of protobuf's lite runtime.

Generated code of the full runtime enters its descriptors in a table of the process, and a second copy
of one file there ends the process. A shared library that is loaded into programs of others must not
do that: they may well use google/rpc/status.proto, or dmaheap/v1, themselves. Lite messages have no
descriptors.
"""

LiteInfo = provider(fields = ["value"])

def _lite_flag_impl(ctx):
    return LiteInfo(value = ctx.build_setting_value)

lite_flag = rule(
    implementation = _lite_flag_impl,
    build_setting = config.bool(flag = True),
)

def _to_lite(settings, attr):
    return {"//third_party/bazel:lite_protos": True}

_lite = transition(
    implementation = _to_lite,
    inputs = [],
    outputs = ["//third_party/bazel:lite_protos"],
)

def _lite_shared_library_impl(ctx):
    source = ctx.attr.binary[0][DefaultInfo].files.to_list()[0]

    # A copy: tests get the file without the folder of its other configuration.
    ctx.actions.run_shell(
        inputs = [source],
        outputs = [ctx.outputs.out],
        command = "cp \"$1\" \"$2\"",
        arguments = [source.path, ctx.outputs.out.path],
        mnemonic = "CopyLibrary",
        progress_message = "Copying %s" % ctx.label,
    )
    return [DefaultInfo(
        files = depset([ctx.outputs.out]),
        runfiles = ctx.runfiles([ctx.outputs.out]),
    )]

lite_shared_library = rule(
    doc = "The shared library that binary is, built on lite messages all the way down.",
    implementation = _lite_shared_library_impl,
    attrs = {
        "binary": attr.label(cfg = _lite, mandatory = True),
        "out": attr.output(mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
