// Answers lines of JSON on standard input with lines of JSON on standard
// output: a simulation is decided by iam-simulate, {"repeat": n, "simulation"}
// is decided n times and answered with the time that one took.
import { createInterface } from 'node:readline';
import { runSimulation } from '@cloud-copilot/iam-simulate';

const strict = { simulationMode: 'Strict' };

async function decide(simulation) {
  const r = await runSimulation(simulation, strict);
  return r.resultType === 'error' ? { error: JSON.stringify(r.errors) } : { result: r.overallResult };
}

async function answer(question) {
  if (!question.repeat) return decide(question);
  const start = process.hrtime.bigint();
  for (let i = 0; i < question.repeat; i++) await decide(question.simulation);
  const took = process.hrtime.bigint() - start;
  return { ...(await decide(question.simulation)), nanoseconds: Number(took) / question.repeat };
}

for await (const line of createInterface({ input: process.stdin })) {
  let a;
  try {
    a = await answer(JSON.parse(line));
  } catch (e) {
    a = { error: String(e) };
  }
  process.stdout.write(JSON.stringify(a) + '\n');
}
