/** ONNX bytes read back, by a reader of protocol buffers that knows nothing of the writer: fields by number, nothing skipped. */

interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error("a varint has no end");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    if ((key & 7) === 0) {
      fields.push({ number: key >> 3, value: varint() });
    } else if ((key & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error("a field is longer than its message");
      fields.push({ number: key >> 3, value: bytes.subarray(at, at + length) });
      at += length;
    } else {
      throw new Error(`wire type ${key & 7} is not expected`);
    }
  }
  return fields;
}

/** Field numbers to names, from onnx.proto3 of ONNX 1.11 (the release of opset 16). */
const reader = (bytes: Uint8Array) => {
  const fields = fieldsOf(bytes);
  const all = (number: number) => fields.filter((field) => field.number === number).map(({ value }) => value);
  const messages = (number: number) => all(number) as Uint8Array[];
  return {
    messages,
    message: (number: number) => messages(number)[0] ?? new Uint8Array(),
    integers: (number: number) => (all(number) as bigint[]).map(Number),
    texts: (number: number) => messages(number).map((value) => new TextDecoder().decode(value)),
  };
};

export function decodeModel(bytes: Uint8Array) {
  const model = reader(bytes);
  const opset = reader(model.message(8));
  const graph = reader(model.message(7));
  return {
    irVersion: model.integers(1)[0],
    producer: model.texts(2)[0],
    opset: { domain: opset.texts(1)[0], version: opset.integers(2)[0] },
    graph: {
      name: graph.texts(2)[0],
      nodes: graph.messages(1).map((each) => {
        const node = reader(each);
        return {
          op: node.texts(4)[0],
          inputs: node.texts(1),
          outputs: node.texts(2),
          attributes: Object.fromEntries(
            node.messages(5).map((attribute) => {
              const { texts, integers } = reader(attribute);
              return [texts(1)[0], { type: integers(20)[0], i: integers(3), ints: integers(8) }];
            }),
          ),
        };
      }),
      initializers: graph.messages(5).map((each) => {
        const tensor = reader(each);
        return {
          name: tensor.texts(8)[0],
          dims: tensor.integers(1),
          type: tensor.integers(2)[0],
          raw: [...tensor.message(9)],
        };
      }),
      inputs: graph.messages(11).map(valueInfo),
      outputs: graph.messages(12).map(valueInfo),
    },
  };
}

function valueInfo(bytes: Uint8Array) {
  const info = reader(bytes);
  const tensor = reader(reader(info.message(2)).message(1));
  return {
    name: info.texts(1)[0],
    type: tensor.integers(1)[0],
    dims: reader(tensor.message(2))
      .messages(1)
      .map((dimension) => reader(dimension).integers(1)[0]),
  };
}
