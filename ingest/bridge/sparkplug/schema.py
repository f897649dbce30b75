"""The protobuf messages of Sparkplug B, from the specification's field table.

The message classes are made from the table when the module is loaded: there is no generated file that could differ from
it, and no compiler is needed. DataSet, Template, properties and metadata are carried as bytes; no signal of ours uses
them.

References
----------
Sparkplug 3.0.0, payload definition; docs/sources.md
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "teshe.sparkplug"
F = descriptor_pb2.FieldDescriptorProto
PAYLOAD = (
    ("timestamp", 1, F.TYPE_UINT64), ("metrics", 2, "Metric"), ("seq", 3, F.TYPE_UINT64), ("uuid", 4, F.TYPE_STRING),
    ("body", 5, F.TYPE_BYTES),
)  # fmt: skip
METRIC = (
    ("name", 1, F.TYPE_STRING), ("alias", 2, F.TYPE_UINT64), ("timestamp", 3, F.TYPE_UINT64),
    ("datatype", 4, F.TYPE_UINT32), ("is_historical", 5, F.TYPE_BOOL), ("is_transient", 6, F.TYPE_BOOL),
    ("is_null", 7, F.TYPE_BOOL), ("metadata", 8, F.TYPE_BYTES), ("properties", 9, F.TYPE_BYTES),
)  # fmt: skip
VALUE = (
    ("int_value", 10, F.TYPE_UINT32), ("long_value", 11, F.TYPE_UINT64), ("float_value", 12, F.TYPE_FLOAT),
    ("double_value", 13, F.TYPE_DOUBLE), ("boolean_value", 14, F.TYPE_BOOL), ("string_value", 15, F.TYPE_STRING),
    ("bytes_value", 16, F.TYPE_BYTES), ("dataset_value", 17, F.TYPE_BYTES), ("template_value", 18, F.TYPE_BYTES),
)  # fmt: skip
"""One of these is set, unless the metric is null."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="teshe/sparkplug.proto", package=PACKAGE, syntax="proto2")
    payload, metric = file.message_type.add(name="Payload"), file.message_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for message, fields, in_value in ((payload, PAYLOAD, False), (metric, METRIC, False), (metric, VALUE, True)):
        for name, number, kind in fields:
            made = message.field.add(name=name, number=number)
            if isinstance(kind, str):
                made.type, made.label, made.type_name = F.TYPE_MESSAGE, F.LABEL_REPEATED, f".{PACKAGE}.{kind}"
            else:
                made.type, made.label = kind, F.LABEL_OPTIONAL
            if in_value:
                made.oneof_index = 0
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file())  # type: ignore[no-untyped-call, unused-ignore]
WirePayload: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.Payload"))
