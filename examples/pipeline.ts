/** Thalweg without its server: training as an observable, geometry as operators. Run: npx tsx examples/pipeline.ts [steps] */
import { connect, merge } from "rxjs";
import { distanceToInit, hessianEigenvalues, pathMonotonicity, train } from "thalweg";

const run = await train({ preset: "edge", steps: Number(process.argv[2] ?? 100) });

run.steps$
  .pipe(
    connect((steps$) =>
      merge(
        steps$.pipe(distanceToInit(run.initial)),
        steps$.pipe(pathMonotonicity(run.objective, { every: 10 })),
        steps$.pipe(hessianEigenvalues(run.objective, { every: 25, top: 3, bottom: 1 })),
      ),
    ),
  )
  .subscribe(({ channel, step, value }) => console.log(step, channel, JSON.stringify(value).slice(0, 100)));
