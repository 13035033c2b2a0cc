#!/usr/bin/python3
"""Calls a method of a gRPC server that it has no .proto of.

usage: stock_client.py SOCKET SERVICE/METHOD JSON

As any stock gRPC tool does it: the server's reflection service tells what the messages look like.
Prints the answer as JSON. A refusal goes to standard error, with every detail that came with it,
and ends in exit code 1.

It needs python3-grpcio and python3-protobuf, no generated code and nothing of dmaheapd.
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# Far above what one call takes on a busy machine.
TIMEOUT_SECONDS = 30

REFLECTION = "grpc.reflection.v1alpha"


def reflection_file():
    """What is needed of grpc/reflection/v1alpha/reflection.proto; it is in no Debian package."""
    file = descriptor_pb2.FileDescriptorProto(
        name="reflection.proto", package=REFLECTION, syntax="proto3")
    field_type = descriptor_pb2.FieldDescriptorProto

    def message(name, **fields):
        made = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            made.field.add(name=field, number=number, type=kind,
                           label=field_type.LABEL_OPTIONAL)
        return made

    def submessage(owner, name, number, of):
        owner.field.add(name=name, number=number, type=field_type.TYPE_MESSAGE,
                        type_name=f".{REFLECTION}.{of}", label=field_type.LABEL_OPTIONAL)

    # Both are members of a oneof in the original, which is the same on the wire.
    message("ServerReflectionRequest", file_by_filename=(3, field_type.TYPE_STRING),
            file_containing_symbol=(4, field_type.TYPE_STRING))
    files = message("FileDescriptorResponse", file_descriptor_proto=(1, field_type.TYPE_BYTES))
    files.field[0].label = field_type.LABEL_REPEATED
    message("ErrorResponse", error_code=(1, field_type.TYPE_INT32),
            error_message=(2, field_type.TYPE_STRING))
    response = message("ServerReflectionResponse")
    submessage(response, "file_descriptor_response", 4, "FileDescriptorResponse")
    submessage(response, "error_response", 7, "ErrorResponse")
    return file


class Server:
    """A gRPC server that describes itself."""

    def __init__(self, socket):
        self.channel = grpc.insecure_channel(f"unix:{socket}")
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.Add(reflection_file())
        # By path, before they go into the pool: a file may be added only after its imports.
        self.files = {}
        self.added = set()

    def message_class(self, name):
        descriptor = self.pool.FindMessageTypeByName(name)
        return message_factory.MessageFactory(self.pool).GetPrototype(descriptor)

    def ask(self, **question):
        """One question to the reflection service; remembers the files that it answers with."""
        response_class = self.message_class(f"{REFLECTION}.ServerReflectionResponse")
        call = self.channel.stream_stream(
            f"/{REFLECTION}.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response_class.FromString)
        request = self.message_class(f"{REFLECTION}.ServerReflectionRequest")(**question)
        for response in call(iter([request]), timeout=TIMEOUT_SECONDS):
            if response.HasField("error_response"):
                raise LookupError(f"{question}: {response.error_response.error_message}")
            files = [descriptor_pb2.FileDescriptorProto.FromString(text)
                     for text in response.file_descriptor_response.file_descriptor_proto]
            self.files.update({file.name: file for file in files})
            return files

    def add(self, path):
        if path in self.added:
            return
        if path not in self.files:
            self.ask(file_by_filename=path)
        for imported in self.files[path].dependency:
            self.add(imported)
        self.pool.Add(self.files[path])
        self.added.add(path)

    def learn(self, symbol):
        for file in self.ask(file_containing_symbol=symbol):
            self.add(file.name)

    def call(self, service, method, json):
        self.learn(service)
        found = self.pool.FindServiceByName(service).FindMethodByName(method)
        if found is None:
            raise LookupError(f"{service} has no method {method}")
        request = json_format.Parse(json, self.message_class(found.input_type.full_name)(),
                                    descriptor_pool=self.pool)
        call = self.channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.message_class(found.output_type.full_name).FromString)
        return call(request, timeout=TIMEOUT_SECONDS)

    def json(self, message, indent=2):
        return json_format.MessageToJson(message, preserving_proto_field_name=True,
                                         descriptor_pool=self.pool, indent=indent)

    def details(self, error):
        """What came beside the text of an error: the details of a google.rpc.Status."""
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                self.learn("google.rpc.Status")
                for detail in self.message_class("google.rpc.Status").FromString(value).details:
                    name = detail.type_url.rpartition("/")[2]
                    self.learn(name)
                    made = self.message_class(name).FromString(detail.value)
                    yield f"{name} {self.json(made, indent=None)}"


def main():
    if len(sys.argv) != 4 or "/" not in sys.argv[2]:
        sys.exit(__doc__)
    server = Server(sys.argv[1])
    service, _, method = sys.argv[2].partition("/")
    try:
        print(server.json(server.call(service, method, sys.argv[3])))
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        for detail in server.details(error):
            print(detail, file=sys.stderr)
        sys.exit(1)
    except (LookupError, json_format.ParseError) as error:
        sys.exit(f"stock_client.py: {error.args[0]}")


if __name__ == "__main__":
    main()
