/** Passports of the streams that the synthetic session speaks, and of the two that no dashboard asks for. */
import type { StreamDescriptor, StreamField } from "../../../../shared/stream.ts";

type Cadence = StreamDescriptor["cadence"];

function field(
  path: string,
  label: string,
  unit: string,
  scale: StreamField["scale"] = "linear",
): StreamField {
  return { path, label, unit, scale };
}

const EVERY_STEP: Cadence = { kind: "step" };

function json(
  name: string,
  title: string,
  on: StreamDescriptor["on"],
  cadence: Cadence,
  fields: StreamField[],
  about = `${title} of the synthetic session.`,
): StreamDescriptor {
  return {
    name,
    title,
    about,
    unit: fields[0]?.unit ?? "1",
    encoding: "json",
    heavy: false,
    on,
    needs: "theta",
    cadence,
    fields,
  };
}

function heavy(name: string, title: string, encoding: "f32" | "bytes", cadence: Cadence): StreamDescriptor {
  return { ...json(name, title, "theta", cadence, []), encoding, heavy: true };
}

export function syntheticChannels(hessianEvery: number, hasMinibatches: boolean): StreamDescriptor[] {
  const scheduled: Cadence = { kind: "scheduled", every: hessianEvery };
  return [
    json("train/loss", "Training loss", "minibatch", EVERY_STEP, [field("", "loss", "loss", "log")]),
    json("train/learning-rate", "Learning rate", "run", EVERY_STEP, [field("", "η", "1")]),
    json("train/gradient-norm", "Gradient norm", "minibatch", EVERY_STEP, [
      field("", "‖g‖₂", "loss·θ⁻¹", "log"),
    ]),
    json("train/update-norm", "Update norm", "theta", EVERY_STEP, [field("", "‖Δθ‖₂", "θ", "log")]),
    json("eval/test-loss", "Test loss", "test", { kind: "scheduled", every: 50 }, [
      field("", "test loss", "loss", "log"),
    ]),
    json("eval/test-accuracy", "Test accuracy", "test", { kind: "scheduled", every: 50 }, [
      field("", "accuracy", "1"),
    ]),
    json("path/loss", "Loss on the path", "probe", EVERY_STEP, [field("", "L(θ_t)", "loss", "log")]),
    json("path/monotonicity", "Monotonicity of the path", "probe", EVERY_STEP, [
      field("excess", "excess", "loss"),
      field("drawUp", "draw-up", "loss"),
      field("upFraction", "up-steps", "1"),
    ]),
    json("path/top-mode", "Zig-zag across the valley", "theta", EVERY_STEP, [
      field("projection", "v₁ᵀ(θ − θ_ref)", "θ"),
    ]),
    json("line/profile", "Loss along the straight line", "probe", scheduled, [
      field("losses", "L((1−α)θ₀ + αθ_t)", "loss"),
      field("drawUp", "draw-up", "loss"),
    ]),
    json("distance/to-init", "Distance from the start", "theta", EVERY_STEP, [
      field("l2", "‖θ_t − θ₀‖₂", "θ"),
      field("pathLength", "path length", "θ"),
      field("relative", "‖θ_t − θ₀‖ / ‖θ₀‖", "1"),
      field("straightness", "distance / length of the path", "1"),
      field("perLayer.*", "distance per parameter", "θ"),
      field("rotation.*", "1 − cos(θ_t, θ₀) per parameter", "1"),
    ]),
    json("hessian/eigenvalues", "Hessian eigenvalues", "probe", scheduled, [
      field("top.*.value", "λ", "loss·θ⁻²"),
      field("bottom.*.value", "λ", "loss·θ⁻²"),
      field("threshold", "threshold", "loss·θ⁻²"),
      field("ratio", "λ₁ / threshold", "1"),
    ]),
    ...(hasMinibatches
      ? [
          json("hessian/batch-sharpness", "Batch sharpness", "minibatch", scheduled, [
            field("value", "batch sharpness", "loss·θ⁻²"),
            field("stdErr", "standard error", "loss·θ⁻²"),
            field("ratio", "batch sharpness / (2/η)", "1"),
          ]),
        ]
      : []),
    json("gradient/top-subspace", "Gradient in the top subspace", "probe", scheduled, [
      field("share", "share", "1"),
      field("control", "random subspace", "1"),
    ]),
    json("sharpness/sam", "Sharpness in the sense of SAM", "probe", scheduled, [
      field("value", "L(θ + ρg/‖g‖) − L(θ)", "loss"),
      field("rho", "ρ", "θ"),
    ]),
    json("hessian/overlap", "Overlap of the top subspace", "probe", scheduled, [
      field("previous.overlap", "with the measurement before", "1"),
      field("references.*.overlap", "with snapshot", "1"),
      field("control", "of random subspaces", "1"),
    ]),
    json("hessian/density", "Density of the eigenvalues", "probe", { kind: "sparse", every: 500 }, [
      field("trace", "trace", "loss·θ⁻²"),
      field("density", "density over λ", "loss⁻¹·θ²", "log"),
    ]),
    json("hessian/per-layer", "Sharpness of each layer", "probe", { kind: "sparse", every: 500 }, [
      field("layers.*.value", "λ₁ of layer", "loss·θ⁻²"),
    ]),
    json("gauss-newton/eigenvalues", "λ₁ of Gauss–Newton", "probe", { kind: "sparse", every: 500 }, [
      field("top.*.value", "λ₁(G)", "loss·θ⁻²"),
    ]),
    json("run/overhead", "Cost of watching", "run", { kind: "interval", everyMs: 1000 }, [
      field("total", "overhead", "1"),
    ]),
    json("run/status", "Status", "run", { kind: "event" }, []),
    heavy("train/weights", "Weights", "f32", { kind: "logged", every: 10, dense: true }),
    heavy("train/state", "Training state", "bytes", { kind: "logged", every: 50 }),
  ];
}
