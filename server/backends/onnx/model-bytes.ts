/**
 * A {@link Graph} as the bytes of an ONNX model: protocol buffers, written by hand, because the whole of what we need of the format is
 * here. Field numbers are those of onnx.proto3 (github.com/onnx/onnx, onnx/onnx.proto3).
 */
import type { Graph, GraphConstant, GraphNode, GraphTensor } from "./graph.ts";

/** The first in which ScatterElements adds; IR version 8 came with it. */
const OPSET_VERSION = 16;
const IR_VERSION = 8;

/** TensorProto.DataType. */
export const FLOAT = 1;
export const INT64 = 7;
/** AttributeProto.AttributeType. */
const INT = 2;
const STRING = 3;
const INTS = 7;

export function modelBytes(graph: Graph): Uint8Array {
  return message(
    varintField(1, IR_VERSION),
    textField(2, "thalweg"),
    bytesField(
      7,
      message(
        ...graph.nodes.map((node) => bytesField(1, nodeProto(node))),
        textField(2, "thalweg"),
        ...graph.constants.map((constant) => bytesField(5, tensorProto(constant))),
        ...graph.inputs.map((tensor) => bytesField(11, valueInfo(tensor))),
        ...graph.outputs.map((tensor) => bytesField(12, valueInfo(tensor))),
      ),
    ),
    bytesField(8, message(textField(1, ""), varintField(2, OPSET_VERSION))),
  );
}

function nodeProto({ op, inputs, output, attributes }: GraphNode): Uint8Array {
  return message(
    ...inputs.map((name) => textField(1, name)),
    textField(2, output),
    textField(3, output),
    textField(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      bytesField(
        5,
        typeof value === "number"
          ? message(textField(1, name), varintField(3, value), varintField(20, INT))
          : typeof value === "string"
            ? message(textField(1, name), textField(4, value), varintField(20, STRING))
            : message(
                textField(1, name),
                ...value.map((each) => varintField(8, each)),
                varintField(20, INTS),
              ),
      ),
    ),
  );
}

function tensorProto({ name, shape, values }: GraphConstant): Uint8Array {
  return message(
    ...shape.map((size) => varintField(1, size)),
    varintField(2, values instanceof Float32Array ? FLOAT : INT64),
    textField(8, name),
    // Little-endian, as the format asks for and as every machine that Node runs on has it.
    bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  );
}

function valueInfo({ name, shape }: GraphTensor): Uint8Array {
  const dimensions = shape.map((size) => bytesField(1, varintField(1, size)));
  const tensor = message(varintField(1, FLOAT), bytesField(2, message(...dimensions)));
  return message(textField(1, name), bytesField(2, bytesField(1, tensor)));
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;

function varintField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint((field << 3) | VARINT), ...varint(value)]);
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return message(
    Uint8Array.from([...varint((field << 3) | LENGTH_DELIMITED), ...varint(bytes.length)]),
    bytes,
  );
}

function textField(field: number, text: string): Uint8Array {
  return bytesField(field, new TextEncoder().encode(text));
}

/** Seven bits a byte, the lowest first; negative numbers as the 64-bit two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}
