/** Prints λ₁ and the threshold as they are measured: THALWEG_TOKEN=… npx tsx examples/connect.ts http://127.0.0.1:4242 */
import { connect, type HessianEigenvalues } from "thalweg/connect";

const server = connect(process.argv[2] ?? "http://127.0.0.1:4242", { token: process.env["THALWEG_TOKEN"] });

server.samples<HessianEigenvalues>("hessian/eigenvalues").subscribe({
  next: ({ step, value }) =>
    console.log(`step ${step}: λ₁ ${value.top[0]?.value}, threshold ${value.threshold}`),
  error: ({ message }) => {
    console.error(message);
    process.exitCode = 1;
  },
});
