// Runs the engine beside the page, which asks by messages {id, verb, ...} and is answered with
// {id, ...}; a story comes piece by piece, and stops when it is told to.
"use strict";

const REST_EVERY = 15; // milliseconds; a browser makes of every rest four of them
let engine, stopped = 0;

onmessage = async ({ data }) => {
  const { id, verb } = data;
  try {
    if (verb === "open") {
      engine = new Engine(data.wasm, data.weights);
      postMessage({ id, format: engine.format });
    } else if (verb === "ask") {
      const started = performance.now();
      const answer = engine.ask(data.question);
      postMessage({ id, asked: engine.asked, answer, milliseconds: performance.now() - started });
    } else if (verb === "answers") {
      // Of many questions; none where the exam would take none.
      const said = (question) => {
        const answer = engine.ask(question);
        return engine.counts ? answer : "";
      };
      postMessage({ id, answers: data.questions.map(said) });
    } else if (verb === "tell") {
      // The first piece is followed by a rest: a stop that came with the question is heard at once.
      let rested = -REST_EVERY;
      for (const piece of engine.tell(data.prompt, data.how, data.most)) {
        postMessage({ id, piece });
        if (performance.now() - rested < REST_EVERY) continue;
        // Lets a word to stop come in.
        await new Promise((resolve) => setTimeout(resolve));
        if (stopped >= id) break;
        rested = performance.now();
      }
      postMessage({ id, done: true });
    } else if (verb === "stop") {
      stopped = data.upTo;
    }
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
