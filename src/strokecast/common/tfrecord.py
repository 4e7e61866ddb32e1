"""TFRecord files and the `tf.train.Example` messages in them, read without TensorFlow.

A record is

    length u64 | masked CRC-32C of the length u32 | data [length] | masked CRC-32C of the data u32

little-endian. Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/example/*.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import google_crc32c

from strokecast.common.errors import UserError
from strokecast.common.files import open_binary

MAX_RECORD = 16 << 20  # bytes; the longest of 7,500 real tutorial records has 4,848 bytes
_HEAD = struct.Struct("<QI")
_SUM = struct.Struct("<I")

Feature = list[int] | list[float] | list[bytes]


def masked_crc(data: bytes) -> int:
    """CRC-32C of `data` as TFRecord files store it: rotated by 15 bits, plus a constant."""
    crc = int(google_crc32c.value(data))
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read(path: Path, fix: str = "fetch it again") -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, data) per record, counted from 1. The data is None if its checksum is wrong.

    Args:
        path: of the file.
        fix: last part of the error for a damaged file.

    Raises:
        UserError: with record and byte offset, if the checksum of a length is wrong (the next record
            cannot be found then) or the file ends inside a record; if the file does not exist.
    """
    with open_binary(path) as file:
        number = 0
        while True:
            number += 1
            start = file.tell()
            head = file.read(_HEAD.size)
            if not head:
                return
            location = f"{path}, record {number} at byte {start:,}"
            if len(head) < _HEAD.size:
                raise _truncated(location, fix)
            length, length_sum = _HEAD.unpack(head)
            if masked_crc(head[:8]) != length_sum:
                raise UserError(
                    "wrong checksum of the record's length; the next record cannot be found",
                    location=location,
                    allowed="an uncompressed TFRecord file",
                    fix=fix,
                )
            if length > MAX_RECORD:
                raise UserError(
                    f"a record of {length:,} bytes",
                    location=location,
                    allowed=f"at most {MAX_RECORD:,} bytes",
                )
            body = file.read(length + _SUM.size)
            if len(body) < length + _SUM.size:
                raise _truncated(location, fix)
            data = body[:length]
            yield number, data if masked_crc(data) == _SUM.unpack(body[length:])[0] else None


def parse_example(data: bytes) -> dict[str, Feature]:
    """The features of one serialised `tf.train.Example`. If a name occurs twice, the last one counts.

    Raises:
        ValueError: if `data` is not a `tf.train.Example`.
    """
    from google.protobuf.message import DecodeError

    example = _example_class()()
    try:
        example.ParseFromString(data)
    except (DecodeError, RuntimeError):  # the pure-Python protobuf raises RuntimeError too
        raise ValueError("not a tf.train.Example") from None
    features: dict[str, Feature] = {}
    for entry in example.features.feature:
        kind = entry.value.WhichOneof("kind")
        values = list(getattr(entry.value, kind).value) if kind else []
        features[entry.key.decode("utf-8", "backslashreplace")] = values
    return features


@cache
def _example_class() -> Any:
    """The message class of `tf.train.Example`, in a descriptor pool of its own.

    The map of features is declared as its wire format: a repeated message of key and value.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="strokecast", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, str]) -> Any:
        definition = file.message_type.add(name=name)
        for number, (field_name, kind, label, type_name) in enumerate(fields, start=1):
            definition.field.add(
                name=field_name,
                number=number,
                type=kind,
                label=label,
                type_name=f".strokecast.{type_name}" if type_name else None,
            )
        return definition

    one, many, sub = field.LABEL_OPTIONAL, field.LABEL_REPEATED, field.TYPE_MESSAGE
    message("BytesList", ("value", field.TYPE_BYTES, many, ""))
    message("FloatList", ("value", field.TYPE_FLOAT, many, ""))
    message("Int64List", ("value", field.TYPE_INT64, many, ""))
    feature = message(
        "Feature",
        ("bytes_list", sub, one, "BytesList"),
        ("float_list", sub, one, "FloatList"),
        ("int64_list", sub, one, "Int64List"),
    )
    feature.oneof_decl.add(name="kind")
    for feature_field in feature.field:
        feature_field.oneof_index = 0
    message("Entry", ("key", field.TYPE_BYTES, one, ""), ("value", sub, one, "Feature"))
    message("Features", ("feature", sub, many, "Entry"))
    message("Example", ("features", sub, one, "Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("strokecast.Example"))


def _truncated(location: str, fix: str) -> UserError:
    return UserError("the file ends inside this record", location=location, fix=fix)
