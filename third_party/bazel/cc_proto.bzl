"""cc_proto: .proto files -> one cc_library of messages, and of gRPC stubs where asked.

The import path of a file is its path below import_root, and the generated headers are included by
that same path ("dmaheap/v1/allocator.pb.h"), which is also what reflection shows.
"""

load("//third_party/bazel:lite.bzl", "LiteInfo")

def _generate_impl(ctx):
    root = ctx.attr.import_root + "/"
    outs = []
    for src in ctx.files.srcs:
        if not src.path.startswith(root):
            fail("%s is not below %s" % (src.path, root))
        stem = src.path[len(root):-len(".proto")]
        for suffix in [".pb.h", ".pb.cc"] + ([".grpc.pb.h", ".grpc.pb.cc"] if ctx.attr.grpc else []):
            outs.append(ctx.actions.declare_file(stem + suffix))
    out_dir = ctx.bin_dir.path + "/" + ctx.label.package
    args = ctx.actions.args()
    args.add("--proto_path=" + ctx.attr.import_root)
    if [f for f in ctx.files.imports if f.path.startswith("external/npm_protos/")]:
        args.add("--proto_path=external/npm_protos")
    args.add("--proto_path=/usr/include")
    args.add("--cpp_out=" + ("lite:" if ctx.attr._lite[LiteInfo].value else "") + out_dir)
    if ctx.attr.grpc:
        args.add("--plugin=protoc-gen-grpc=" + ctx.file._grpc_plugin.path)
        args.add("--grpc_out=" + out_dir)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = ctx.file._protoc,
        arguments = [args],
        inputs = depset(ctx.files.srcs + ctx.files.imports),
        tools = [ctx.file._grpc_plugin],
        outputs = outs,
        mnemonic = "Protoc",
        progress_message = "Generating C++ from %s" % ctx.label,
    )
    return [
        DefaultInfo(files = depset(outs)),
        OutputGroupInfo(
            hdrs = depset([o for o in outs if o.path.endswith(".h")]),
            srcs = depset([o for o in outs if o.path.endswith(".cc")]),
        ),
    ]

_generate = rule(
    implementation = _generate_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
        "imports": attr.label_list(allow_files = [".proto"]),
        "import_root": attr.string(mandatory = True),
        "grpc": attr.bool(),
        "_lite": attr.label(default = "//third_party/bazel:lite_protos"),
        "_protoc": attr.label(default = "@sys//:protoc", allow_single_file = True),
        "_grpc_plugin": attr.label(default = "@sys//:grpc_cpp_plugin", allow_single_file = True),
    },
)

def cc_proto(name, srcs, import_root, imports = [], deps = [], grpc = False, **kwargs):
    """Messages (and, with grpc = True, service stubs) of srcs.

    Args:
      name: of the cc_library.
      srcs: .proto files.
      import_root: the folder, from the top, against which import paths are meant.
      imports: .proto files that srcs import.
      deps: the cc_proto libraries of those imports.
      grpc: also generate and link gRPC stubs.
      **kwargs: for the cc_library.
    """
    _generate(name = name + "_gen", srcs = srcs, imports = imports, import_root = import_root, grpc = grpc)
    native.filegroup(name = name + "_hdrs", srcs = [name + "_gen"], output_group = "hdrs")
    native.filegroup(name = name + "_srcs", srcs = [name + "_gen"], output_group = "srcs")
    native.cc_library(
        name = name,
        srcs = [name + "_srcs"],
        hdrs = [name + "_hdrs"],
        copts = ["-w"],  # generated code is not held to -Werror
        includes = ["."],
        deps = deps + ["@sys//:grpc" if grpc else "@sys//:protobuf"],
        **kwargs
    )
