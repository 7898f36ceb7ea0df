"""Makes test/goldens/tensorboard/events with TensorBoard's own messages and frames, and reads it back with its reader.

Run: python test/goldens/make_tensorboard.py            makes the golden
     python test/goldens/make_tensorboard.py FOLDER     prints what TensorBoard reads in a folder of events
"""
import sys
from pathlib import Path

from google.protobuf import struct_pb2
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

here = Path(__file__).parent / "tensorboard"
Value = summary_pb2.Summary.Value
DT_FLOAT, DT_STRING, DATA_CLASS_TENSOR = 1, 7, 2


def tensor(dtype, size, **fields):
    result = tensor_pb2.TensorProto(dtype=dtype, **fields)
    result.tensor_shape.dim.add(size=size)
    return result


def shown_by(plugin, content=b""):
    metadata = summary_pb2.SummaryMetadata(data_class=DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    return metadata


def hparams(tag, **fields):
    data = plugin_data_pb2.HParamsPluginData(**fields)
    return Value(tag=tag, metadata=shown_by("hparams", data.SerializeToString()), tensor=tensor(DT_FLOAT, 0))


def events():
    yield 0, dict(file_version="brain.Event:2")
    yield 8, dict(session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
    values = [Value(tag="loss/train", simple_value=0.1), Value(tag="lr", simple_value=float("nan"))]
    yield 8, dict(summary=summary_pb2.Summary(value=values))
    edges = [-1 + (i + 1) / 10 for i in range(30)]
    counts = [1] + 11 * [0] + [2] + 16 * [0] + [1]  # of -1, 0.25, 0.25, 2
    histogram = summary_pb2.HistogramProto(min=-1, max=2, num=4, sum=1.5, sum_squares=5.125, bucket_limit=edges, bucket=counts)
    yield 9, dict(summary=summary_pb2.Summary(value=[Value(tag="gradients", histo=histogram)]))
    note = tensor(DT_STRING, 1, string_val=["**größer**".encode()])
    yield 10, dict(summary=summary_pb2.Summary(value=[Value(tag="note", metadata=shown_by("text"), tensor=note)]))
    image = summary_pb2.Summary.Image(width=3, height=2, colorspace=3, encoded_image_string=b"GIF89a...")
    yield 2**40, dict(summary=summary_pb2.Summary(value=[Value(tag="samples", image=image)]))
    experiment = api_pb2.Experiment()
    experiment.hparam_infos.add(name="engine", type=1)
    experiment.metric_infos.add(name=api_pb2.MetricName(tag="loss/train"))
    yield 0, dict(summary=summary_pb2.Summary(value=[hparams("_hparams_/experiment", experiment=experiment)]))
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=1700000000.5)
    start.hparams["engine"].CopyFrom(struct_pb2.Value(string_value="onnx"))
    yield 0, dict(summary=summary_pb2.Summary(value=[hparams("_hparams_/session_start_info", session_start_info=start)]))


def show(folder):
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0, "scalars": 0, "histograms": 0})
    reader.Reload()
    tags = reader.Tags()
    for tag in tags["scalars"]:
        print("scalar", tag, [(event.step, event.value) for event in reader.Scalars(tag)])
    for tag in tags["histograms"]:
        print("histogram", tag, [(event.step, event.histogram_value.num) for event in reader.Histograms(tag)])
    for tag in tags["images"]:
        print("image", tag, [(event.step, event.width, event.height, event.encoded_image_string) for event in reader.Images(tag)])
    for tag in tags["tensors"]:
        print("tensor", tag, [(event.step, list(event.tensor_proto.string_val)) for event in reader.Tensors(tag)])
    for tag in ("experiment", "session_start_info"):
        metadata = reader.SummaryMetadata(f"_hparams_/{tag}")
        print("hparams", plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content))


if len(sys.argv) > 1:
    show(sys.argv[1])
else:
    with open(here / "events", "wb") as file:
        writer = RecordWriter(file)
        for step, what in events():
            writer.write(event_pb2.Event(wall_time=1700000000.5, step=step, **what).SerializeToString())
        writer.flush()
