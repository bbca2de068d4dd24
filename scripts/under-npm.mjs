// Loaded ahead of programs that `npm start` and the like run: `node --import ./scripts/under-npm.mjs program.ts`.
// npm puts a shell between itself and the program, and that shell passes no signal on. So when the shell is gone, a
// program that would otherwise run on unseen, holding its port, is asked to end.
import "./require-node.mjs";

if (process.env.npm_lifecycle_event) {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, 250);
  watch.unref();
}
