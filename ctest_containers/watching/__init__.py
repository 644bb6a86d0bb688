"""Watch mode: stays up with the project loaded, and runs tests again whenever a file is saved.

Five kinds of processes take part:

- The *supervisor* has the terminal, watches files and starts server hosts. It never imports code of
  the project, so nothing that is saved makes it out of date.
- *Stages* are processes that have loaded more and more of the project, each a fork of the one
  before: the toolkit and Django; the project's apps, as after `django.setup()`; the test modules.
  Some stop in between, before a file that is likely to change again. A stage runs nothing. It only
  forks, so it has no threads and no connections.
- A *round* is a fork of the last stage that has read nothing of what was saved. In it, the `run`
  command takes its usual path from discovery to exit code; what earlier stages imported is simply
  there. So its outcomes are those of `run`, and there is no second way to run tests.
- Workers are forks of the round, as in any run.
- A *server host* with pristine servers waits for each round, as one is started ahead of a usual
  run. The supervisor starts it while it waits for the next save, and hands it over. A worker only
  gets a server if it is what the round would have started: same image, same fingerprint.

Everything ends with the supervisor, even if it is killed: the kernel kills each fork when its
parent dies, and a host removes its servers when its input ends.
"""
