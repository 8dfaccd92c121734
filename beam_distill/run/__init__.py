"""Running a job: preparing it, the pipeline on its runner, progress, signals."""
