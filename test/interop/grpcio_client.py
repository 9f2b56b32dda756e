"""A client that knows our contract only from its descriptors: grpcio, whose core is written in C.

usage: grpcio_client.py ADDRESS DESCRIPTORS METHOD REQUEST LAST [NAME:VALUE ...]

DESCRIPTORS  file with a FileDescriptorSet
METHOD       for example zipnet.v1.EpochService/GetEpoch
REQUEST      as JSON
LAST         name of the field whose presence makes a message of a stream the last one that is read
NAME:VALUE   headers of the call

Prints every message, and in the end {"code", "details"}, as one line of JSON each.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

DEADLINE_S = 30


def load_pool(path):
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    for file in files.file:
        pool.Add(file)
    return pool


def class_of(pool, descriptor):
    newer = getattr(message_factory, "GetMessageClass", None)
    return newer(descriptor) if newer else message_factory.MessageFactory(pool).GetPrototype(descriptor)


def print_json(value):
    print(json.dumps(value), flush=True)


def details_of(pool, error):
    """The details of google.rpc.Status, which grpcio hands over as bytes."""
    status = class_of(pool, pool.FindMessageTypeByName("google.rpc.Status"))()
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            status.ParseFromString(value)
    return json_format.MessageToDict(status, descriptor_pool=pool).get("details", [])


def main(address, descriptors, method, request, last, *headers):
    pool = load_pool(descriptors)
    service, name = method.split("/")
    described = pool.FindServiceByName(service).FindMethodByName(name)
    answer_class = class_of(pool, described.output_type)
    message = json_format.Parse(request, class_of(pool, described.input_type)(), descriptor_pool=pool)
    metadata = [tuple(header.split(":", 1)) for header in headers]
    is_stream = last != ""
    with grpc.insecure_channel(address) as channel:
        kind = channel.unary_stream if is_stream else channel.unary_unary
        call = kind(f"/{method}", lambda sent: sent.SerializeToString(), answer_class.FromString)
        try:
            answers = call(message, metadata=metadata, timeout=None if is_stream else DEADLINE_S)
            for answer in answers if is_stream else [answers]:
                print_json(json_format.MessageToDict(answer, descriptor_pool=pool))
                if is_stream and answer.HasField(last):
                    answers.cancel()
                    break
            print_json({"code": "OK", "details": []})
        except grpc.RpcError as error:
            print_json({"code": error.code().name, "message": error.details(), "details": details_of(pool, error)})


main(*sys.argv[1:])
